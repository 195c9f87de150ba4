"""Our networks as graphs of models that others wrote: so recovery has examples whose spec is known."""

from collections.abc import Mapping
from dataclasses import replace

from cnngen.foreign.graph import Graph, Module, Node, Place
from cnngen.semantics.network import Layer, Network, known_shape


def foreign_graph(network: Network, *, flat: bool = False) -> Graph:
    """What a reader would make of the network: with the modules that PyTorch has, or as `flat` as
    Keras and ONNX have it. Identities leave no trace.
    """
    nodes = {path: _node(path, layer, flat) for path, layer in network.layers.items()}
    same: dict[str, str] = {}
    for name, node in nodes.items():
        if node.op.is_identity:
            same[name] = same.get(node.inputs[0], node.inputs[0])
    outputs = {name: network.stages[stage].path for name, stage in network.outputs.items()}
    return Graph(
        network.resolution.spec.name.text,
        "a network of ours",
        dict(network.inputs),
        _without(nodes, same),
        {name: same.get(path, path) for name, path in outputs.items()},
    )


def _node(path: str, layer: Layer, flat: bool) -> Node:
    label = "" if flat or layer.op.joins else path.rpartition(".")[2]
    return Node(
        path,
        layer.op,
        tuple(x.path for x in layer.inputs),
        known_shape(layer.output),
        Place(() if flat else _modules(path, layer)),
        label,
        weights={name: f"{path}.{name}" for name in layer.weights},
        shares=layer.shares if layer.op.weights(*(x.shape for x in layer.inputs)) else "",
        training=layer.training,
    )


def _modules(path: str, layer: Layer) -> tuple[Module, ...]:
    """Each body around a layer: a block by its name, others as PyTorch's containers."""
    kinds = {scope.path: scope.block.name.text for scope in layer.scope.chain() if scope.block}
    parts = path.split(".")
    around = [".".join(parts[:i]) for i in range(1, len(parts))]
    return tuple(Module(outer, kinds.get(outer, "Sequential")) for outer in around)


def _without(nodes: Mapping[str, Node], same: Mapping[str, str]) -> dict[str, Node]:
    return {
        name: replace(node, inputs=tuple(same.get(read, read) for read in node.inputs))
        for name, node in nodes.items()
        if name not in same
    }
