"""The two models of a network: its sources, written to a folder and imported; equal weights."""

import importlib.util
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Self, cast

import numpy as np

from cnngen.frameworks import framework, keras_on_tensorflow
from cnngen.frameworks import keras_precision as precision
from cnngen.ops.base import Image, Shape
from cnngen.semantics.network import INPUT, Network
from cnngen.targets.keras.functions import input_shapes, model_function_name
from cnngen.targets.torch.names import model_class_name
from cnngen.verify.random_weights import randomize
from cnngen.verify.tolerance import Precision
from cnngen.weights.layout import Array, keras_order
from cnngen.weights.transfer import load_keras, torch_state

Values = dict[str, Array]
Inputs = dict[str, Array]  # by name, in the layouts of PyTorch
LEAST = 16  # values of a channel in a batch, at least: with few, batch norm makes a step chaotic


class SourceError(Exception):
    """A source cannot be imported, or its model does not run."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The class and the function that the sources of a network define."""

    network: Network
    torch: Callable[..., Any]
    keras: Callable[..., Any]

    @property
    def heads(self) -> dict[str, bool]:
        """The argument of the Keras function that adds the layers for training only."""
        return {"training_heads": True} if self.network.training_stages() else {}


def import_sources(network: Network, texts: Mapping[str, str], folder: Path) -> Sources:
    """Both sources, imported from files in the folder."""
    spec = network.resolution.spec
    names = {"torch": model_class_name(spec), "keras": model_function_name(spec)}
    made = {
        target: getattr(_import(target, text, folder / f"{spec.stem}_{target}.py"), names[target])
        for target, text in texts.items()
    }
    return Sources(network, made.get("torch", _absent), made.get("keras", _absent))


def _absent(**_: Any) -> Any:
    raise SourceError("there is no such source")


def _import(target: str, text: str, path: Path) -> ModuleType:
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    with running(f"the {target} source"):
        spec.loader.exec_module(module)
    return module


@contextmanager
def running(what: str) -> Generator[None]:
    """Whatever is raised inside is reported as a fault of what runs there."""
    try:
        yield
    except Exception as error:
        text = (str(error).strip().splitlines() or [""])[0]
        raise SourceError(f"{what} fails: {type(error).__name__}: {text}") from error


@dataclass(frozen=True, slots=True)
class Drawn:
    """Weights under the names of PyTorch, and inputs: numbers of float32, in any precision."""

    state: Values
    inputs: Inputs


def draw(sources: Sources, seed: int, batch: int = 0) -> Drawn:
    """The weights and inputs for both models, drawn once for all precisions."""
    network = sources.network
    inputs = draw_inputs(network.inputs, batch or batch_size(network), "float32", seed)
    with running("the torch source"):
        model = sources.torch()
        randomize(model, seed, *for_torch(inputs))
    return Drawn(torch_state(model), inputs)


class Models:
    """Both models with equal weights, in one precision.

    No computation depends on an earlier one: weights are reset before each.
    """

    def __init__(self, sources: Sources, drawn: Drawn, word: Precision) -> None:
        self.sources, self.network = sources, sources.network
        self.word: Precision = word
        self.inputs = {name: x.astype(word) for name, x in drawn.inputs.items()}
        self.state: Values = {key: value.astype(word) for key, value in drawn.state.items()}
        with running("the torch source"):
            self.torch: Any = sources.torch().to(getattr(framework("torch"), word))
        self._keras: dict[bool, Any] = {}

    def torch_model(self) -> Any:
        torch = framework("torch")
        tensors = {key: torch.from_numpy(value) for key, value in self.state.items()}
        self.torch.load_state_dict(tensors, strict=False)  # counters of batches are no weights
        return self.torch

    def keras_model(self, *, heads: bool) -> Any:
        """The Keras model; `heads` are those that only training has."""
        heads = heads and bool(self.sources.heads)  # otherwise it is the same model
        shapes = input_shapes(self.network)
        with precision(self.word), running("the keras source"):
            if heads not in self._keras:
                arguments = self.sources.heads if heads else {}
                self._keras[heads] = self.sources.keras(**shapes, **arguments)
            load_keras(self.network, self._keras[heads], self.state)
        return self._keras[heads]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Free what Keras keeps of its models."""
        self._keras.clear()
        keras_on_tensorflow().backend.clear_session()


def draw_inputs(shapes: Mapping[str, Shape], batch: int, word: Precision, seed: int = 0) -> Inputs:
    """Random images and vectors."""
    draw = np.random.default_rng(seed)
    return {
        name: draw.standard_normal((batch, *shape.dimensions)).astype(word)
        for name, shape in shapes.items()
    }


def for_torch(inputs: Inputs) -> list[Any]:
    """What the PyTorch model is called with."""
    torch = framework("torch")
    return [torch.from_numpy(x) for x in inputs.values()]


def for_keras(inputs: Inputs) -> Any:
    """What the Keras model is called with: the only input, or several by name."""
    given = {name: channels_last(x) if x.ndim == 4 else x for name, x in inputs.items()}
    return given.get(INPUT, given)


def batch_size(network: Network) -> int:
    """As many images as batch norm needs for its statistics; two where there is no batch norm."""
    norms = [layer for layer in network.layers.values() if layer.op.buffers]
    inputs = [layer.inputs[0].shape for layer in norms]
    sizes = [x.height * x.width if isinstance(x, Image) else 1 for x in inputs]
    return max(2, -(-LEAST // min(sizes, default=LEAST)))


def drop_nothing(torch_model: Any, keras_model: Any) -> None:
    """Set all dropout rates to zero, since the frameworks draw different masks."""
    nn, layers = framework("torch").nn, keras_on_tensorflow().layers
    for module in torch_model.modules():
        if isinstance(module, nn.Dropout | nn.Dropout2d | nn.AlphaDropout):
            module.p = 0.0
        elif type(module).__name__ == "DropPath":
            module.rate = 0.0
    waiting = [*keras_model.layers]
    while waiting:
        layer = waiting.pop()
        waiting += getattr(layer, "layers", ())  # the heads are a model in the model
        if isinstance(layer, layers.Dropout | layers.AlphaDropout):
            layer.rate = 0.0


def named_outputs(network: Network, given: Any) -> dict[str, Any]:
    """The outputs of a model of either framework, by name."""
    if hasattr(given, "_asdict"):
        return {name: value for name, value in given._asdict().items() if value is not None}
    if isinstance(given, dict):
        return {str(name): value for name, value in cast("dict[Any, Any]", given).items()}
    training = network.training_stages()
    (name,) = (name for name, stage in network.outputs.items() if stage not in training)
    return {name: given}


def from_torch(network: Network, given: Any) -> Values:
    """The outputs of the PyTorch model in the layouts of Keras."""
    return {
        name: in_keras_layout(network.stages[network.outputs[name]].shape, value.detach().numpy())
        for name, value in named_outputs(network, given).items()
    }


def from_keras(network: Network, given: Any) -> Values:
    return {name: np.asarray(value) for name, value in named_outputs(network, given).items()}


def in_keras_layout(shape: Any, y: Array) -> Array:
    """A tensor of PyTorch, for an output of this shape, in the layout of Keras."""
    if isinstance(shape, Image):
        return channels_last(y)
    return y[:, keras_order(shape)]


def channels_last(x: Array) -> Array:
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))
