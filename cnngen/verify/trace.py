"""Traces: what a model computes, step by step in the order of execution.

Steps are calls of PyTorch's functions, wherever they are made, or calls of Keras' layers. A
fingerprint of each result is kept, which tells whether two models have computed the same values.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from cnngen.foreign.trace_torch import Entered, tensors, watched
from cnngen.frameworks import framework, keras_on_tensorflow
from cnngen.weights.layout import Array
from cnngen.weights.read_keras import calls

# Settings of Keras' layers that do not change what they compute.
ASIDE = ("name", "trainable", "dtype", "_initializer", "_regularizer", "_constraint", "_lora_rank")

IN_PLACE = re.compile(r"(?:, )?inplace=True")  # which changes nothing of what is computed


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The shape of one image's values and, over all images, their norm and their projection on a
    random direction, relative to the norm.

    Where positions have no order that both frameworks share, as behind a `flatten`, the values of
    each image are sorted first.
    """

    shape: tuple[int, ...]
    norm: float
    share: float

    @classmethod
    def of(cls, values: Array, *, channels_last: bool) -> "Fingerprint":
        if values.ndim == 4 and channels_last:
            values = values.transpose(0, 3, 1, 2)
        if values.ndim != 4 or values.shape[2:] == (1, 1):
            values = np.sort(values.reshape(len(values), -1), axis=1)
        norm = float(np.linalg.norm(values))
        direction = np.random.default_rng(values.size).standard_normal(values.size)
        share = float(values.ravel() @ direction) / max(norm, 1e-30)
        return cls(values.shape[1:], norm, share)

    def equals(self, other: "Fingerprint", allowed: float) -> bool:
        largest = max(self.norm, other.norm, 1e-30)
        return (
            self.shape == other.shape
            and abs(self.norm - other.norm) <= allowed * largest
            and abs(self.share - other.share) <= allowed
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One call: the layer that makes it, how the framework describes that, the steps whose results
    it reads, and its result.
    """

    layer: str
    configuration: str
    reads: tuple[int, ...]
    gives: Fingerprint

    def __str__(self) -> str:
        return f"`{self.layer}`, {self.configuration}" if self.layer else self.configuration


Traced = tuple[Any, int]  # a value, and the step that gave it


@dataclass(frozen=True, slots=True)
class Trace:
    """All steps, of which the first is the input, and those whose results are outputs."""

    steps: Sequence[Step]
    outputs: frozenset[int]


def trace_torch(model: Any, *inputs: Array) -> Trace:
    """Run a PyTorch model in evaluation, on inputs in its precision and layout."""
    torch = framework("torch")
    steps: list[Step] = []
    known: dict[int, int] = {}
    alive: list[Any] = []  # so that no identity is used twice

    def note(layer: str, configuration: str, reads: tuple[int, ...], result: Any) -> None:
        known[id(result)] = len(steps)
        alive.append(result)
        fingerprint = Fingerprint.of(result.detach().double().numpy(), channels_last=False)
        steps.append(Step(layer, configuration, reads, fingerprint))

    def watch(
        function: Any, args: tuple[Any, ...], named: dict[str, Any], inside: Sequence[Entered]
    ) -> Any:
        given = [known[id(x)] for x in tensors((args, named)) if id(x) in known]
        result = function(*args, **named)
        for tensor in tensors(result) if given else ():
            if tensor.is_floating_point() and tensor.ndim > 1:
                layer, said = _spelled(inside, function, args, named)
                note(layer, said, tuple(given), tensor)
        return result

    given = [torch.from_numpy(x) for x in inputs]
    for tensor in given:
        note("", "the input", (), tensor)
    with torch.no_grad(), watched(model.eval(), watch):
        y = model(*given)
    return Trace(steps, frozenset(known[id(x)] for x in tensors(y) if id(x) in known))


def _spelled(
    inside: Sequence[Entered],
    function: Any,
    args: Sequence[Any],
    named: Mapping[str, Any],
) -> tuple[str, str]:
    """Where a function is called, and how the innermost module describes itself; where that module
    has others in it, the function with its arguments.
    """
    layer, module = (inside[-1].path, inside[-1].module) if inside else ("", None)
    if module is not None and layer and not [*module.children()]:
        return layer, IN_PLACE.sub("", str(module))
    given = [str(x) for x in args if _plain(x)]
    given += [f"{k}={v}" for k, v in named.items() if _plain(v) and k != "inplace"]
    return layer, f"{getattr(function, '__name__', function)}({', '.join(given)})"


def _plain(argument: Any) -> bool:
    """Whether an argument is shown."""
    return isinstance(argument, bool | int | float | str | tuple | list)


def trace_keras(model: Any, *inputs: Array) -> Trace:
    """Run a Keras model whose graph is known, in inference."""
    steps: list[Step] = []
    given: list[Traced] = []
    for i, x in enumerate(inputs):
        fingerprint = Fingerprint.of(np.asarray(x, "float64"), channels_last=True)
        steps.append(Step("", "the input", (), fingerprint))
        given.append((keras_on_tensorflow().ops.convert_to_tensor(x), i))
    return Trace(steps, frozenset(i for _, i in _run_keras(model, given, steps)))


def _run_keras(model: Any, given: Sequence[Traced], steps: list[Step]) -> list[Traced]:
    """Run a Keras model, and the models in it; adds the steps, and gives the outputs."""
    known = {id(x): traced for x, traced in zip(model.inputs, given, strict=True)}
    for node in calls(model.outputs, set(known)):
        operation = node.operation
        read = [known[id(x)] for x in node.input_tensors if id(x) in known]
        if getattr(operation, "inputs", None) and getattr(operation, "layers", None):
            results = _run_keras(operation, read, steps)
        else:
            args, named = node.arguments.fill_in({key: value for key, (value, _) in known.items()})
            results: list[Traced] = []
            for value in keras_on_tensorflow().tree.flatten(operation(*args, **named)):
                fingerprint = Fingerprint.of(np.asarray(value, "float64"), channels_last=True)
                results.append((value, len(steps)))
                reads = tuple(i for _, i in read)
                steps.append(Step(operation.name, _configuration(operation), reads, fingerprint))
        known |= {id(x): each for x, each in zip(node.output_tensors, results, strict=True)}
    return [known[id(x)] for x in model.outputs]


def _configuration(operation: Any) -> str:
    """A layer of Keras with its arguments, or a function."""
    layer = hasattr(operation, "weights")
    given = cast("dict[str, Any]", operation.get_config() if layer else vars(operation))
    shown = [
        f"{key}={value!r}"
        for key, value in given.items()
        if not key.startswith("_") and not key.endswith(ASIDE) and _plain(value)
    ]
    return f"{type(operation).__name__}({', '.join(shown)})"
