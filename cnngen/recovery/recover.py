"""The passes of recovery in their order: from a graph to a spec as plain data."""

from dataclasses import replace
from typing import Any, cast

from cnngen.diagnostics.terminal import one_line
from cnngen.foreign.graph import Graph
from cnngen.ops.base import Image, Shape
from cnngen.recovery.defaults import factor
from cnngen.recovery.fit import fit
from cnngen.recovery.fold import fold
from cnngen.recovery.named_modules import named_modules
from cnngen.recovery.names import Names, spelled
from cnngen.recovery.regions import simplified
from cnngen.recovery.stages import find_stages
from cnngen.recovery.tree import Tree

LONGEST_ORIGIN = 300


def recover(graph: Graph) -> dict[str, Any]:
    """A spec that computes what the graph does, as mappings, lists, texts and numbers."""
    graph = named_modules(_named(simplified(graph)))
    modular = any(node.place.modules for node in graph.nodes.values())
    tree = fold(find_stages(graph), mine=not modular)
    made = fit(tree, graph)
    head: dict[str, Any] = {"cnngen": 1, "name": graph.title}
    head["about"] = f"Imported from {one_line(graph.origin)[:LONGEST_ORIGIN]}."
    _name_classes(graph, tree, made, head)
    if len(graph.inputs) == 1:
        head["input"] = _input(graph.inputs["input"])
    else:
        head["inputs"] = {name: _input(shape) for name, shape in graph.inputs.items()}
    if defaults := factor(made):
        head["defaults"] = defaults
    if made["blocks"]:
        head["blocks"] = made["blocks"]
    head["model"] = made["model"]
    if len(graph.outputs) > 1:
        head["outputs"] = dict(tree.outputs)
    return head


def _named(graph: Graph) -> Graph:
    """The graph with names of the network, its inputs and outputs that a spec may have."""
    taken, inputs = Names(), dict[str, str]()
    for name in graph.inputs:
        new = taken.add(spelled(name, "input") or "image")
        inputs[name] = "input" if len(graph.inputs) == 1 else new
    nodes = {
        name: replace(node, inputs=tuple(inputs.get(read, read) for read in node.inputs))
        for name, node in graph.nodes.items()
    }
    words = Names()
    return replace(
        graph,
        title=spelled(graph.title, "spec") or "Network",
        inputs={inputs[name]: shape for name, shape in graph.inputs.items()},
        nodes=nodes,
        outputs={
            words.add(spelled(word, "output") or "output"): inputs.get(name, name)
            for word, name in graph.outputs.items()
        },
    )


def _name_classes(graph: Graph, tree: Tree, made: dict[str, Any], head: dict[str, Any]) -> None:
    """The outputs of a last `linear` are a parameter, as whoever trains a model changes them."""
    word, main = next(iter(graph.outputs.items()))
    stage = made["model"][tree.outputs[word]]
    last: Any = cast("list[Any]", stage)[-1] if isinstance(stage, list) else stage
    if graph.nodes[main].op.name == "linear" and isinstance(last, dict) and "linear" in last:
        head["params"] = {"classes": last["linear"]["out"]}
        last["linear"]["out"] = "classes"


def _input(shape: Shape) -> dict[str, int]:
    if isinstance(shape, Image):
        return {"channels": shape.channels, "height": shape.height, "width": shape.width}
    return {"features": shape.features}
