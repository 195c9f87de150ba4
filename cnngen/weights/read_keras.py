"""The weight graph of any Keras model whose layers are a known graph: functional or sequential."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cnngen.ops.keras_layout import AS_IS, FILTERS, MATRIX, EachChannel, Layout, Spread
from cnngen.ops.normalization import NORM_IN_KERAS
from cnngen.weights.graph import (
    FROM_INPUT,
    Flow,
    Recorder,
    Weight,
    WeightedLayer,
    WeightGraph,
    concatenate,
    merge,
)
from cnngen.weights.keras_layers import is_counter
from cnngen.weights.layout import Form, form

JOINS = {"Concatenate", "Concat"}
NORMS = {variable: (weight, AS_IS) for weight, variable in NORM_IN_KERAS.items()}


class UnknownGraphError(ValueError):
    """A Keras model does not say how its layers are connected."""


def read_keras(model: Any) -> WeightGraph:
    """All layers that hold weights, by their names; keys are the paths of variables."""
    if not getattr(model, "outputs", None) or not getattr(model, "inputs", None):
        raise UnknownGraphError(f"`{model.name}` is neither a functional nor a sequential model")
    recorder = Recorder()
    _walk(model, [FROM_INPUT] * len(model.inputs), recorder)
    used = {w.key for layer in recorder.layers.values() for w in layer.weights.values()}
    unused = tuple(w.path for w in model.weights if w.path not in used and not is_counter(w.path))
    return replace(recorder.graph(), unused=unused, channels_last=True)


def _walk(model: Any, inputs: list[Flow], recorder: Recorder) -> list[Flow]:
    """Follow the flow into a model to its outputs."""
    flows = {id(x): flow for x, flow in zip(model.inputs, inputs, strict=True)}
    nodes = calls(model.outputs, set(flows))
    cropped = {
        id(x)
        for node in nodes
        if type(node.operation).__name__ == "Cropping2D"
        for x in node.input_tensors
    }
    for node in nodes:
        given = [flows[id(x)] for x in node.input_tensors]
        operation = node.operation
        if getattr(operation, "inputs", None) and getattr(operation, "layers", None):
            results = _walk(operation, given, recorder)  # a model as a layer
        else:
            results = [_pass(node, given, recorder, cropped)] * len(node.output_tensors)
        flows |= {id(x): flow for x, flow in zip(node.output_tensors, results, strict=True)}
    return [flows[id(x)] for x in model.outputs]


def calls(outputs: Iterable[Any], known: set[int]) -> list[Any]:
    """The calls of layers that lead to these tensors, each after those before it."""
    order: dict[int, Any] = {}
    waiting = [(_call(x), False) for x in reversed([*outputs]) if id(x) not in known]
    while waiting:
        call, entered = waiting.pop()
        if id(call) in order:
            continue
        if entered:
            order[id(call)] = call
            continue
        waiting.append((call, True))
        waiting += [(_call(x), False) for x in reversed(call.input_tensors) if id(x) not in known]
    return [*order.values()]


def _call(tensor: Any) -> Any:
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def _pass(call: Any, flows: list[Flow], recorder: Recorder, cropped: set[int]) -> Flow:
    """The flow out of a layer that holds weights, or of an operation that does not.

    What is cropped has no size to compare: the padding of a transposed convolution is such a crop.
    """
    operation, channels = call.operation, len(call.output_tensors[0].shape) - 1
    flows = [flow for flow in flows if flow]  # others have sizes in them, and nothing else
    if not flows or type(operation).__name__ == "OnesLike":
        return ()
    joins = type(operation).__name__ in JOINS and operation.axis in (-1, channels)
    flow = concatenate(flows) if joins else merge(flows)
    shape = call.output_tensors[0].shape
    sized = len(shape) == 4 and None not in shape[1:3]
    gives = tuple(shape[1:3]) if sized and id(call.output_tensors[0]) not in cropped else ()
    for layer in _weighted(operation) if getattr(operation, "weights", None) else ():
        flow = recorder.pass_through(replace(layer, gives=gives), flow)
    return flow


@dataclass(frozen=True, slots=True)
class _Part:
    """A Keras layer as one of ours, or half of one: each variable with its name here and its
    layout.
    """

    kind: str
    variables: Mapping[str, tuple[str, Layout]]
    groups: Callable[[Any], int] = field(default=lambda _: 1)
    suffix: str = ""


def _weighted(layer: Any) -> list[WeightedLayer]:
    found: list[WeightedLayer] = []
    for part in _parts(layer):
        weights: dict[str, Weight] = {}
        for variable in layer.weights:
            if variable.name in part.variables:
                name, layout = part.variables[variable.name]
                shape = _torch_shape(variable, form(layout))
                weights[name] = Weight(variable.path, shape, form(layout))
        found.append(
            WeightedLayer(layer.name + part.suffix, part.kind, weights, part.groups(layer))
        )
    return found


def _parts(layer: Any) -> tuple[_Part, ...]:
    bias = {"bias": ("bias", AS_IS)}
    match type(layer).__name__:
        case "Conv2D" | "StandardizedConv2D":
            return (_Part("conv", {"kernel": ("weight", FILTERS)} | bias, lambda x: x.groups),)
        case "Conv2DTranspose":
            return (_Part("transposed_conv", {"kernel": ("weight", FILTERS)} | bias),)
        case "DepthwiseConv2D":
            return (_Part("conv", _each(layer, "kernel") | bias, _channels),)
        case "SeparableConv2D":
            whole = {"pointwise_kernel": ("weight", FILTERS)} | bias
            each = _Part("conv", _each(layer, "depthwise_kernel"), _channels, ".depthwise")
            return each, _Part("conv", whole, suffix=".pointwise")
        case "Dense":
            return (_Part("linear", {"kernel": ("weight", MATRIX)} | bias),)
        case "BatchNormalization":
            return (_Part("batch_norm", NORMS),)
        case "LayerNormalization":
            return (_Part("layer_norm", NORMS),)
        case "GroupNormalization":
            return (_Part("group_norm", NORMS),)
        case "PReLU":
            return (_Part("prelu", {"alpha": ("weight", Spread(()))}),)
        case "Normalization":
            return (_Part("standardize", {name: (name, AS_IS) for name in ("mean", "variance")}),)
        case "LayerScale":
            return (_Part("affine", {v.name: ("weight", AS_IS) for v in layer.weights}),)
        case name:  # nobody has described it, so nothing will match it
            return (_Part(name, {v.name: (v.name, AS_IS) for v in layer.weights}),)


def _each(layer: Any, kernel: str) -> dict[str, tuple[str, Layout]]:
    """The filters of a depthwise convolution."""
    return {kernel: ("weight", EachChannel(layer.depth_multiplier))}


def _channels(layer: Any) -> int:
    """Into how many groups a depthwise convolution divides its input."""
    return next(v.shape[-2] for v in layer.weights if "kernel" in v.name)


def _torch_shape(variable: Any, form: Form) -> tuple[int, ...]:
    """The shape in PyTorch's layout, found without moving a number."""
    return form.to_torch(np.broadcast_to(np.zeros(()), tuple(variable.shape))).shape
