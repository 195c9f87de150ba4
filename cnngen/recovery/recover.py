"""The passes of recovery in their order: from a graph to a spec as plain data."""

from collections import Counter, defaultdict
from typing import Any

from cnngen.foreign.graph import Graph
from cnngen.ops.base import OPS, Image, Shape
from cnngen.recovery.fit import EITHER, fit
from cnngen.recovery.fold import fold
from cnngen.recovery.regions import simplified
from cnngen.recovery.stages import find_stages
from cnngen.recovery.tree import Tree

LEAST = 3  # uses of an op for which a default is worth a line


def recover(graph: Graph) -> dict[str, Any]:
    """A spec that computes what the graph does, as mappings, lists, texts and numbers."""
    graph = simplified(graph)
    modular = any(node.place.modules for node in graph.nodes.values())
    tree = fold(find_stages(graph), mine=not modular)
    made = fit(tree, graph)
    head: dict[str, Any] = {"cnngen": 1, "name": graph.title}
    head["about"] = f"Imported from {graph.origin}."
    _name_classes(graph, tree, made, head)
    if [*graph.inputs] == ["input"]:
        head["input"] = _input(graph.inputs["input"])
    else:
        head["inputs"] = {name: _input(shape) for name, shape in graph.inputs.items()}
    if defaults := _factored(made):
        head["defaults"] = defaults
    if made["blocks"]:
        head["blocks"] = made["blocks"]
    head["model"] = made["model"]
    if len(graph.outputs) > 1:
        head["outputs"] = dict(tree.outputs)
    return head


def _name_classes(graph: Graph, tree: Tree, made: dict[str, Any], head: dict[str, Any]) -> None:
    """The outputs of a last `linear` are a parameter, as whoever trains a model changes them."""
    main = next(iter(graph.outputs.values()))
    stage = made["model"][tree.outputs[next(iter(graph.outputs))]]
    last = stage[-1] if isinstance(stage, list) else stage
    if graph.nodes[main].op.name == "linear" and isinstance(last, dict) and "linear" in last:
        head["params"] = {"classes": last["linear"]["out"]}
        last["linear"]["out"] = "classes"


def _input(shape: Shape) -> dict[str, int]:
    if isinstance(shape, Image):
        return {"channels": shape.channels, "height": shape.height, "width": shape.width}
    return {"features": shape.features}


def _factored(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What most calls of an op say becomes its default, and is left out of them."""
    calls: dict[str, list[dict[str, Any]]] = defaultdict(list)
    holders: list[tuple[Any, Any, str]] = []

    def visit(data: Any, holder: Any = None, key: Any = None) -> None:
        if isinstance(data, dict):
            for name, value in [*data.items()]:
                if name in OPS and not OPS[name].joins and isinstance(value, dict):
                    calls[name].append(value)
                elif name != "params":
                    visit(value, data, name)
        elif isinstance(data, list):
            for i, value in enumerate(data):
                visit(value, data, i)
        elif isinstance(data, str) and data in OPS and key not in ("join", "name", "from"):
            if holder is not None and not OPS[data].joins:
                holders.append((holder, key, data))

    visit(made)
    found: dict[str, dict[str, Any]] = {}
    for op in OPS:
        bare = [each for each in holders if each[2] == op]
        count = len(calls[op]) + len(bare)
        if count < LEAST:
            continue
        for name, attribute in OPS[op].attributes.items():
            if attribute.required and name == "out":
                continue
            given = [each.get(name, None) for each in calls[op]] + [None] * len(bare)
            said = Counter(repr(x) for x in given if x is not None and x != EITHER and not _varies(x))
            if not said:
                continue
            text, times = said.most_common(1)[0]
            value = next(x for x in given if x is not None and repr(x) == text)
            if value == EITHER:
                continue
            unsaid = sum(x is None for x in given)
            free = sum(x == EITHER for x in given) if value == "half" else 0
            if times <= unsaid or 2 * (times + free) < count or times < LEAST:
                continue
            if attribute.required is False or unsaid == 0:
                found.setdefault(op, {})[name] = value
    for op, defaults in found.items():
        for arguments in calls[op]:
            for name, value in defaults.items():
                if name in arguments and repr(arguments[name]) == repr(value):
                    del arguments[name]
                elif arguments.get(name) == EITHER and value == "half":
                    del arguments[name]
                elif name not in arguments:
                    arguments[name] = _plain_default(op, name)
        for holder, key, _ in holders:
            if holder[key] == op:
                holder[key] = {op: {n: _plain_default(op, n) for n in defaults}}
    for op, arguments in ((op, each) for op in calls for each in calls[op]):
        if arguments.get("padding") == EITHER:
            if "padding" in found.get(op, {}):
                arguments["padding"] = 0
            else:
                del arguments["padding"]
    _bare(made)
    return found


def _plain_default(op: str, name: str) -> Any:
    return OPS[op].attributes[name].default


def _varies(value: Any) -> bool:
    return isinstance(value, str) and value not in ("half", "same", "bilinear", "nearest", "reflect", "zeros")


def _bare(data: Any) -> None:
    """A call that has nothing left to say is a word."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in [*items]:
        if isinstance(value, dict) and len(value) == 1:
            (name, inner), = value.items()
            if name in OPS and inner == {}:
                data[key] = name
                continue
        _bare(value)
