"""The weight graph of what was read of a file: as that of a network, of other nodes."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from cnngen.foreign.graph import Graph, Node
from cnngen.ops.base import Image, Shape, Vector
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
from cnngen.weights.layout import Array


def read_graph(graph: Graph) -> WeightGraph:
    """All layers that hold weights, by the names of their nodes; keys are those of the file, and of
    constants that stand in the place of weights.
    """
    recorder = Recorder()
    shapes: dict[str, Shape] = {**graph.inputs, **{n: x.shape for n, x in graph.nodes.items()}}
    flows: dict[str, Flow] = dict.fromkeys(graph.inputs, FROM_INPUT)
    for node in graph.nodes.values():
        read = node.inputs if node.op.joins else node.inputs[:1]  # of others, only the size
        inputs = [flows[x] for x in read]
        flow = concatenate(inputs) if node.op.concatenates else merge(inputs)
        holder = graph.nodes[node.shares] if node.shares else node
        for weighted in _weighted(holder, shapes[holder.inputs[0]]):
            flow = recorder.pass_through(replace(weighted, gives=_gives(node.shape)), flow)
        flows[node.name] = flow
    return recorder.graph()


def constants(graph: Graph) -> dict[str, Array]:
    """The numbers that stand in the place of weights, by their keys."""
    return {
        _constant(node, name): np.array(values, "float32")
        for node in graph.nodes.values()
        for name, values in node.constants.items()
    }


def _weighted(node: Node, x: Shape) -> Iterator[WeightedLayer]:
    """No layer or one; two for a separable convolution."""
    parts: dict[str, dict[str, Weight]] = {}
    for name, shape in node.op.weights(x).items():
        key = node.weights.get(name) or (_constant(node, name) if name in node.constants else "")
        if key:
            part, _, weight = name.rpartition(".")
            parts.setdefault(part, {})[weight] = Weight(key, shape)
    for part, weights in parts.items():
        name = f"{node.name}.{part}" if part else node.name
        kind, groups = node.op.counterpart(part, x)
        yield WeightedLayer(name, kind, weights, groups, node.training, _maps(x))


def _constant(node: Node, name: str) -> str:
    return f"{node.name}#{name}"


def _maps(x: Shape) -> Dimensions:
    """The shape that a vector was flattened from, if it was one image."""
    match x:
        case Vector(parts=(Image(channels, height, width),)):
            return channels, height, width
        case _:
            return ()


def _gives(shape: Shape) -> Dimensions:
    return shape.dimensions[1:] if isinstance(shape, Image) else ()
