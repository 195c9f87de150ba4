"""The members of a model -> its stages.

A module directly in the model is a stage, and so is an op that has a name there. Of a model without
modules, what lies between tensors that need names is one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cnngen.foreign.graph import Graph
from cnngen.recovery.names import spelled
from cnngen.recovery.regions import regions
from cnngen.recovery.structure import is_closed, structure, titled
from cnngen.recovery.tree import (
    Again,
    Apply,
    Body,
    Group,
    Item,
    Loop,
    Maybe,
    Merge,
    Pass,
    Stage,
    Tree,
    Use,
    nodes,
)

HEAD = {"global_avg_pool", "global_max_pool", "adaptive_avg_pool", "flatten", "linear"}


def find_stages(graph: Graph) -> Tree:
    """The stages of a model, in the order in which it computes them."""
    given = {name: name for name in graph.inputs}
    outputs = sorted({*graph.outputs.values()}, key=[*graph.nodes].index)
    modular = any(node.place.modules for node in graph.nodes.values())
    body, names, taken = structure(regions(graph), given, outputs, model=True, apart=modular)
    groups = [(item,) for item in body] if modular else [*_whole(body)]
    stages: list[Stage] = []
    ends = {*graph.outputs.values()}  # what else only training has is read, so it is not marked
    last = next(iter(given)) if len(given) == 1 else ""
    words = {node: word for word, node in graph.outputs.items() if len(graph.outputs) > 1}
    for group in groups:
        first, end = group[0], group[-1]
        training = _given(end) in ends and all(node.training for node in nodes(group))
        title = words.get(_given(end), "") if training else ""
        name = end.name or taken.add(title or _title(group, modular), frozenset({"0"}))
        several = not stages and len(given) > 1
        reads = "" if first.reads == last and last else first.reads
        reads = reads or (next(iter(given)) if several else "")
        steps = _bare((replace(first, reads=""), *group[1:])) if first.reads else group
        steps = _inlined((*steps[:-1], replace(steps[-1], name="")))
        stages.append(Stage(name, steps, reads, training))
        names.setdefault(_given(end), name)
        last = last if training else name
    return Tree(tuple(stages), {word: names[key] for word, key in graph.outputs.items()})


def _given(item: Item) -> str:
    """The node whose result a step gives."""
    match item:
        case Apply(node=node) | Again(node=node) | Merge(node=node):
            return node.name
        case Use(body=body) | Group(body=body):
            return _given(body[-1])
        case Loop() | Maybe() | Pass():
            return ""


def _bare(body: Body) -> Body:
    """A body of which a `Pass` that reads nothing else than the input is no part."""
    return tuple(item for item in body if not (isinstance(item, Pass) and not item.reads)) or body


def _inlined(body: Body) -> Body:
    """What a container holds is the stage itself."""
    match body:
        case (Group(body=inner),):
            return inner
        case _:
            return body


def _whole(body: Body) -> Iterator[Body]:
    """Stages of a model without modules: each ends where a name is given; the head is the last."""
    start = 0
    again = {item.target for item in body if isinstance(item, Again)}
    for i, item in enumerate(body):
        shared = isinstance(item, Again) or item.name in again
        if i > start and (item.reads or shared or not is_closed((item,), inner=True)):
            yield body[start:i]
            start = i
        if i + 1 < len(body) and (item.name or not is_closed((item,), inner=True)):
            yield body[start : i + 1]
            start = i + 1
    rest = body[start:]
    training = all(node.training for node in nodes(rest))
    split = len(rest) if training else _head(rest)
    yield from (part for part in (rest[:split], rest[split:]) if part)


def _head(body: Sequence[Item]) -> int:
    """Where the classifier begins: behind the last step that works on maps."""
    found = len(body)
    for i in reversed(range(len(body))):
        match body[i]:
            case Apply(node=node) if node.op.name in HEAD:
                found = i
            case Apply(node=node) if node.op.name in {"dropout", "relu", "softmax", "reshape"}:
                pass
            case _:
                break
    return found


def _title(group: Body, modular: bool) -> str:
    if modular:
        (item,) = group
        match item:
            case Apply(node=node):
                return titled(node, "stage")
            case Again(target=target):
                return target
            case Use(label=label, kind=kind):
                return spelled("" if label.isdecimal() else label or kind, "stage") or "features"
            case Group(label=label):
                return spelled("" if label.isdecimal() else label, "stage") or "features"
            case Merge(node=node):
                return node.op.name
            case Pass() | Loop() | Maybe():
                return "features"
    first = group[0]
    is_head = isinstance(first, Apply) and first.node.op.name in HEAD
    return "head" if is_head else "features"
