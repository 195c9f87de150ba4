"""The weight graph of any PyTorch model.

The model runs once in inference and once in training, on tensors without values, while all calls of
PyTorch's functions are watched. So its `forward` may be any Python, and nothing is computed.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from cnngen.ops.base import Shape
from cnngen.ops.keras_layout import Spread
from cnngen.weights.graph import (
    FROM_INPUT,
    Dimensions,
    Flow,
    Recorder,
    Weight,
    WeightedLayer,
    WeightGraph,
    concatenate,
    merge,
)
from cnngen.weights.layout import ONE_ROW, form

COUNTER = "num_batches_tracked"  # a buffer of batch norm that is no weight
JOINS = {"cat", "concat", "concatenate", "stack"}  # of maps along their channels, or beside these
CONVOLUTION = ("input", "weight", "bias", "stride", "padding")
NORM = ("input", "", "weight", "bias")
FUNCTIONS: dict[str, tuple[str, tuple[str, ...]]] = {  # kind and arguments
    "conv1d": ("conv", (*CONVOLUTION, "dilation", "groups")),
    "conv2d": ("conv", (*CONVOLUTION, "dilation", "groups")),
    "conv_transpose2d": ("transposed_conv", (*CONVOLUTION, "output_padding", "groups")),
    "linear": ("linear", ("input", "weight", "bias")),
    "batch_norm": ("batch_norm", ("input", "running_mean", "running_var", "weight", "bias")),
    "layer_norm": ("layer_norm", NORM),
    "group_norm": ("group_norm", NORM),
    "instance_norm": ("group_norm", ("input", "running_mean", "running_var", "weight", "bias")),
    "prelu": ("prelu", ("input", "weight")),
}
CHANNELS_LAST = {"linear", "layer_norm"}  # of maps, too
PRODUCTS = {"mul", "multiply", "__mul__", "__rmul__", "mul_"}


def read_torch(model: Any, *inputs: Shape) -> WeightGraph:
    """All layers that hold weights, by the names of their modules.

    Layers that only training reaches are marked.
    """
    keys = [key for key in model.state_dict() if not key.endswith(COUNTER)]
    with _modes_kept(model):
        inference = _trace(model.eval(), inputs, keys)
        graph = _trace(model.train(), inputs, keys)
    layers = {
        name: replace(layer, training=name not in inference.layers)
        for name, layer in graph.layers.items()
    }
    used = {weight.key for layer in layers.values() for weight in layer.weights.values()}
    return replace(graph, layers=layers, unused=tuple(key for key in keys if key not in used))


@contextmanager
def _modes_kept(model: Any) -> Generator[None]:
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _trace(model: Any, inputs: Sequence[Shape], keys: list[str]) -> WeightGraph:
    import torch
    from torch.overrides import TorchFunctionMode

    tensors = dict([*model.named_parameters(), *model.named_buffers()])
    weights = {name: torch.empty_like(value, device="meta") for name, value in tensors.items()}
    dtype = next((value.dtype for value in tensors.values() if value.is_floating_point()), None)
    sizes = [(2, *shape.dimensions) for shape in inputs]  # batch norm refuses to train on one
    given = [torch.empty(size, dtype=dtype, device="meta") for size in sizes]
    held = {id(weights[key]): key for key in keys if key in weights}
    watch = _Watch(held, {key: tuple(weight.shape) for key, weight in weights.items()})
    for x in given:
        watch.give(x, FROM_INPUT)

    class Mode(TorchFunctionMode):
        def __torch_function__(
            self,
            func: Callable[..., Any],
            types: Any,
            args: tuple[Any, ...] = (),
            kwargs: dict[str, Any] | None = None,
        ) -> Any:
            result = func(*args, **(kwargs or {}))
            watch.see(getattr(func, "__name__", ""), args, kwargs or {}, result)
            return result

    with torch.no_grad(), torch.device("meta"), Mode():
        torch.func.functional_call(model, weights, (*given,))
    return watch.recorder.graph()


@dataclass(slots=True)
class _Watch:
    """What each tensor holds: the flow into it, or weights of the model."""

    keys: dict[int, str]
    shapes: Mapping[str, Dimensions]
    recorder: Recorder = field(default_factory=Recorder)
    flows: dict[int, Flow] = field(default_factory=dict[int, Flow])
    alive: list[Any] = field(default_factory=list[Any])  # so that no identity is used twice

    def give(self, tensor: Any, flow: Flow) -> None:
        self.flows[id(tensor)] = flow
        self.alive.append(tensor)

    def see(
        self, function: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any
    ) -> None:
        """Follow one call of a function from its arguments to its results."""
        given = list(tensors((args, kwargs)))
        flows = [self.flows[id(x)] for x in given if id(x) in self.flows]
        held = [x for x in given if id(x) in self.keys]
        if not flows:
            if len({self.keys[id(x)] for x in held}) == 1:  # a weight in another shape or scale
                self._alias(held[0], result)
            return
        joins = function in JOINS and _axis(args, kwargs) % given[0].ndim == 1
        flow = concatenate(flows) if joins else merge(flows)
        if held:
            layer = self._layer(function, args, kwargs, held)
            last = function in CHANNELS_LAST or (layer.kind == "affine" and held[0].shape[-1] > 1)
            axes = slice(1, 3) if last else slice(2, 4)
            sizes = [tuple(x.shape[axes]) for x in tensors(result) if x.ndim == 4]
            layer = replace(layer, gives=sizes[0] if len(sizes) == 1 else ())
            flow = self.recorder.pass_through(layer, flow)
        for tensor in tensors(result):
            self.give(tensor, flow)

    def _alias(self, weight: Any, result: Any) -> None:
        for tensor in tensors(result):
            self.keys.setdefault(id(tensor), self.keys[id(weight)])
            self.alive.append(tensor)

    def _layer(
        self, function: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], held: list[Any]
    ) -> WeightedLayer:
        kind, names = FUNCTIONS.get(function, (function, ()))
        named = {**dict(zip(names, args, strict=False)), **kwargs}
        if function in PRODUCTS and (scale := self._scale(held)):
            return WeightedLayer(scale.key, "affine", {"weight": scale})
        weights = {
            name: _weight(function, self.keys[id(value)], tuple(value.shape))
            for name, value in named.items()
            if id(value) in self.keys
        }
        for tensor in held if not weights else ():  # of a function that nobody has described
            key = self.keys[id(tensor)]
            weights[key.rpartition(".")[2]] = Weight(key, tuple(tensor.shape))
        first = next(iter(weights.values())).key
        groups = named.get("groups", 1) if kind.endswith("conv") else 1
        return WeightedLayer(first.rpartition(".")[0] or first, kind, weights, groups)

    def _scale(self, held: list[Any]) -> Weight | None:
        """A weight that has a number for each channel, in whatever shape the model keeps it."""
        key = self.keys[id(held[0])]
        shape = self.shapes[key]
        if len(held) > 1 or sum(size > 1 for size in shape) != 1:
            return None
        return Weight(key, (max(shape),), form(Spread(shape)))


def _weight(function: str, key: str, shape: Dimensions) -> Weight:
    """A weight that a function is given; the filters of a `conv1d` are those of maps of one row."""
    if function == "conv1d" and len(shape) == 3:
        return Weight(key, (*shape[:2], 1, shape[2]), ONE_ROW)
    return Weight(key, shape)


def _axis(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int:
    """The axis along which tensors are concatenated."""
    return args[1] if len(args) > 1 else kwargs.get("dim", kwargs.get("axis", 0))


def tensors(given: Any) -> Iterator[Any]:
    """All tensors in nested arguments or results, in their order."""
    import torch

    if isinstance(given, torch.Tensor):
        yield given
    elif isinstance(given, Mapping):
        for value in given.values():  # pyright: ignore[reportUnknownVariableType]
            yield from tensors(value)
    elif isinstance(given, list | tuple):
        for value in given:  # pyright: ignore[reportUnknownVariableType]
            yield from tensors(value)
