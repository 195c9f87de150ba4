"""Nodes with their names, and the modules around them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cnngen.foreign.both_modes import Both
from cnngen.foreign.graph import Graph, Node, Obstacle, Place
from cnngen.foreign.lowering import Made
from cnngen.foreign.trace_torch import Call, Entered, place_of
from cnngen.ops.base import OPS, Op, Shape


@dataclass(frozen=True, slots=True)
class Origin:
    """What a graph says about its model."""

    title: str
    origin: str
    inputs: Mapping[str, Shape]


def graph_of(both: Both, said: Origin) -> tuple[Graph, list[Obstacle]]:
    """The graph of what leads to the outputs and depends on no obstacle, and these obstacles."""
    live = needed(both.outputs.values())
    always = needed(node for name, node in both.outputs.items() if name not in both.heads)
    nodes = [node for node in both.nodes if node in live and not node.is_input]
    obstacles = [node.obstacle for node in nodes if node.obstacle]
    whole = _whole(nodes)
    labels = _labels([node for node in nodes if node.op])
    names: dict[Made, str] = {}
    taken: Counter[str] = Counter(said.inputs.keys())
    made: dict[str, Node] = {}
    held: dict[tuple[str, ...], str] = {}
    owners: dict[str, str] = {}
    for node in nodes:
        if node not in whole or node.op is None or node.call is None:
            continue
        inputs = tuple(names.get(x, x.word) for x in node.inputs)
        place, label = _placed(node.call, labels)
        name = names[node] = _unique(_name(node, label), taken)
        keys = (*node.weights.values(),)
        shares = held.get(keys, "") if keys else ""
        if not shares and (twice := [key for key in keys if key in owners]):
            obstacles.append(_shared(twice[0], owners[twice[0]], node.call.place))
        held.setdefault(keys, name)
        owners.update(dict.fromkeys(keys, name))
        made[name] = Node(
            name,
            _reading(node.op, inputs),
            inputs,
            node.shape,
            place,
            label,
            node.weights,
            shares=shares,
            training=node not in always,
        )
    outputs = {n: names.get(x, x.word) for n, x in both.outputs.items() if x in whole or x.is_input}
    graph = Graph(said.title, said.origin, said.inputs, made, outputs)
    return graph, [*dict.fromkeys(obstacles)]


def _shared(key: str, owner: str, place: Place) -> Obstacle:
    return Obstacle(
        f"the weight `{key}`, which is also that of `{owner}`",
        place,
        "layers share all of their weights, as a module does that is used twice, or none",
    )


def needed(outputs: Iterable[Made]) -> set[Made]:
    """The nodes on which others depend."""
    waiting, found = [*outputs], set[Made]()
    while waiting:
        if (node := waiting.pop()) not in found:
            found.add(node)
            waiting += node.inputs
    return found


def _whole(nodes: Sequence[Made]) -> set[Made]:
    """The nodes that depend on none that no op says."""
    found = set[Made]()
    for node in nodes:
        if node.op and all(x in found or x.is_input for x in node.inputs):
            found.add(node)
    return found


def _labels(nodes: Sequence[Made]) -> set[tuple[str, int]]:
    """The runs of modules that are one op."""
    count: Counter[tuple[str, int]] = Counter()
    for node in nodes:
        inside = node.call.inside if node.call else ()
        count.update({(each.path, each.time) for each in inside if each.path})
    lasts = {node.call.inside[-1] for node in nodes if node.call and node.call.inside}
    return {(each.path, each.time) for each in lasts if count[each.path, each.time] == 1}


def _placed(call: Call, labels: set[tuple[str, int]]) -> tuple[Place, str]:
    """Where an op stands, and its label, if it is all that a module does."""
    inside = call.inside
    if inside and _key(inside[-1]) in labels:
        return place_of(inside[:-1], call.line), inside[-1].path.rpartition(".")[2]
    return call.place, ""


def _key(entered: Entered) -> tuple[str, int]:
    return entered.path, entered.time


def _name(node: Made, label: str) -> str:
    path = node.call.inside[-1].path if node.call and node.call.inside else ""
    return path if label else ".".join(x for x in (path, node.word) if x)


def _unique(name: str, taken: Counter[str]) -> str:
    taken[name] += 1
    if taken[name] == 1:
        return name
    return _unique(f"{name}_{taken[name]}", taken)


def _reading(op: Op, inputs: Sequence[str]) -> Op:
    """An op whose attributes name what it reads besides its first input."""
    if not op.tensors:
        return op
    named = dict(zip(op.tensors, inputs[1:], strict=True))
    return OPS[op.name]({**op.values, **named})
