"""The weight graph of any PyTorch model, from the calls of its functions: in inference, and in
training.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cnngen.foreign.trace_torch import Call, Run, Traced, trace
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
PRODUCTS = {"mul", "multiply", "__mul__", "__rmul__"}


def read_torch(model: Any, *inputs: Shape) -> WeightGraph:
    """All layers that hold weights, by the names of their modules.

    Layers that only training reaches are marked.
    """
    keys = [key for key in model.state_dict() if not key.endswith(COUNTER)]
    inference = _followed(trace(model, inputs, training=False), keys)
    graph = _followed(trace(model, inputs, training=True), keys)
    layers = {
        name: replace(layer, training=name not in inference.layers)
        for name, layer in graph.layers.items()
    }
    used = {weight.key for layer in layers.values() for weight in layer.weights.values()}
    return replace(graph, layers=layers, unused=tuple(key for key in keys if key not in used))


def _followed(run: Run, keys: list[str]) -> WeightGraph:
    """What flows from weights to weights in a run, which must have come to its end."""
    if run.error:
        raise run.error
    for obstacle in run.obstacles:
        raise RuntimeError(f"{obstacle.what}, in {obstacle.place}")
    held = {run.held[key]: key for key in keys if key in run.held}
    watch = _Watch(held, {key: traced.sizes for traced, key in held.items()})
    watch.flows.update(dict.fromkeys(run.inputs, FROM_INPUT))
    for call in run.calls:
        watch.see(call)
    return watch.recorder.graph()


@dataclass(slots=True)
class _Watch:
    """What each tensor holds: the flow into it, or weights of the model."""

    keys: dict[Traced, str]
    shapes: Mapping[str, Dimensions]
    recorder: Recorder = field(default_factory=Recorder)
    flows: dict[Traced, Flow] = field(default_factory=dict[Traced, Flow])

    def see(self, call: Call) -> None:
        """Follow one call of a function from its arguments to its results."""
        given = call.reads
        flows = [self.flows[x] for x in given if x in self.flows]
        held = [x for x in given if x in self.keys]
        if not flows:
            if len({self.keys[x] for x in held}) == 1:  # a weight in another shape or scale
                for tensor in call.gives:
                    self.keys.setdefault(tensor, self.keys[held[0]])
            return
        joins = call.name in JOINS and _axis(call) % len(given[0].sizes) == 1
        flow = concatenate(flows) if joins else merge(flows)
        if held:
            layer = self._layer(call, held)
            last = call.name in CHANNELS_LAST or (
                layer.kind == "affine" and held[0].sizes[-1:] > (1,)
            )
            axes = slice(1, 3) if last else slice(2, 4)
            sizes = [x.sizes[axes] for x in call.gives if len(x.sizes) == 4]
            layer = replace(layer, gives=sizes[0] if len(sizes) == 1 else ())
            flow = self.recorder.pass_through(layer, flow)
        self.flows.update(dict.fromkeys(call.gives, flow))

    def _layer(self, call: Call, held: list[Traced]) -> WeightedLayer:
        kind, names = FUNCTIONS.get(call.name, (call.name, ()))
        named = {**dict(zip(names, call.args, strict=False)), **call.named}
        if call.name in PRODUCTS and (scale := self._scale(held)):
            return WeightedLayer(scale.key, "affine", {"weight": scale})
        weights = {
            name: _weight(call.name, self.keys[value], value.sizes)
            for name, value in named.items()
            if isinstance(value, Traced) and value in self.keys
        }
        for tensor in held if not weights else ():  # of a function that nobody has described
            key = self.keys[tensor]
            weights[key.rpartition(".")[2]] = Weight(key, tensor.sizes)
        first = next(iter(weights.values())).key
        groups = named.get("groups", 1) if kind.endswith("conv") else 1
        return WeightedLayer(first.rpartition(".")[0] or first, kind, weights, groups)

    def _scale(self, held: list[Traced]) -> Weight | None:
        """A weight that has a number for each channel, in whatever shape the model keeps it."""
        key = self.keys[held[0]]
        shape = self.shapes[key]
        if len(held) > 1 or sum(size > 1 for size in shape) != 1:
            return None
        return Weight(key, (max(shape),), form(Spread(shape)))


def _weight(function: str, key: str, shape: Dimensions) -> Weight:
    """A weight that a function is given; the filters of a `conv1d` are those of maps of one row."""
    if function == "conv1d" and len(shape) == 3:
        return Weight(key, (*shape[:2], 1, shape[2]), ONE_ROW)
    return Weight(key, shape)


def _axis(call: Call) -> int:
    """The axis along which tensors are concatenated."""
    return call.args[1] if len(call.args) > 1 else call.named.get("dim", call.named.get("axis", 0))
