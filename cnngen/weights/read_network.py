"""The weight graph of a network, from its spec alone."""

from collections.abc import Iterator
from dataclasses import replace

from cnngen.ops.base import Image, Vector
from cnngen.semantics.network import Layer, Network
from cnngen.targets.torch.names import weight_key
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
from cnngen.weights.layout import weight_shapes


def read_network(network: Network) -> WeightGraph:
    """All layers that hold weights, by their paths; keys are those of PyTorch's `state_dict`."""
    recorder = Recorder()
    flows: dict[str, Flow] = dict.fromkeys(network.inputs, FROM_INPUT)
    for layer in network.layers.values():
        read = layer.inputs if layer.op.joins else layer.inputs[:1]  # of others, only the size
        inputs = [flows[x.path] for x in read]
        flow = concatenate(inputs) if layer.op.concatenates else merge(inputs)
        for weighted in _weighted(network.layers[layer.shares] if layer.shares else layer):
            flow = recorder.pass_through(replace(weighted, gives=_gives(layer)), flow)
        flows[layer.path] = flow
    return recorder.graph()


def _weighted(layer: Layer) -> Iterator[WeightedLayer]:
    """No layer or one; two for a separable convolution."""
    parts: dict[str, dict[str, Weight]] = {}
    for name, shape in weight_shapes(layer).items():
        part, _, weight = name.rpartition(".")
        parts.setdefault(part, {})[weight] = Weight(weight_key(layer, name), shape)
    for part, weights in parts.items():
        path = f"{layer.path}.{part}" if part else layer.path
        kind, groups = layer.op.counterpart(part, layer.inputs[0].shape)
        yield WeightedLayer(path, kind, weights, groups, layer.training, _maps(layer))


def _maps(layer: Layer) -> Dimensions:
    """The shape that a vector was flattened from, if it was one image."""
    match layer.inputs[0].shape:
        case Vector(parts=(Image(channels, height, width),)):
            return channels, height, width
        case _:
            return ()


def _gives(layer: Layer) -> Dimensions:
    match layer.output:
        case Image(_, height, width):
            return height, width
        case _:
            return ()
