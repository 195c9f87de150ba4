"""Loops: their headers, the same in every target that prints Python."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count
from types import MappingProxyType

from cnngen.expressions.expression import Apply, Expression
from cnngen.python import nodes
from cnngen.python.construct import call
from cnngen.syntax.tree import Each, Repeat

NO_MAPS: Mapping[str, nodes.Node | None] = MappingProxyType({})


def free_index(taken: Container[str]) -> str:
    """A name for a counter that nothing else has."""
    names = chain(("i", "j", "k"), (f"i{number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def loop_header(
    step: Repeat | Each,
    index: nodes.Name | None,
    variables: Sequence[str],
    node: Callable[[Expression], nodes.Node],
    maps: Mapping[str, nodes.Node | None] = NO_MAPS,
) -> tuple[nodes.Node, nodes.Node]:
    """What a loop assigns, and what it runs through: `index` counts, if anybody asks it, and
    `variables` are those of an `each`. `node` makes nodes of expressions, but for those of the
    variables that are `maps`: without a node, nothing runs through these.
    """
    if isinstance(step, Repeat):
        return index or nodes.Name("_"), call("range", node(step.times))
    pairs = [
        (nodes.Name(called), values, maps.get(name.text))
        for called, (name, values) in zip(variables, step.lists, strict=True)
        if name.text not in maps or maps[name.text] is not None
    ]
    names, values = [name for name, _, _ in pairs], [values for _, values, _ in pairs]
    made = [given for _, _, given in pairs]
    if index is None and (counter := _counter(values)) is not None:
        index = names.pop(counter)
        values.pop(counter)
        made.pop(counter)
    lists = [given or _iterable(node(each)) for each, given in zip(values, made, strict=True)]
    target, iterable = names[0], lists[0]
    if len(names) > 1:
        target = nodes.Display("bare" if index is None else "(", tuple(names))
        iterable = call("zip", *lists, strict=nodes.Number("True"))
    if index is None:
        return target, iterable
    return nodes.Display("bare", (index, target)), call("enumerate", iterable)


def _counter(lists: Sequence[Expression]) -> int | None:
    """Which of the lists are the positions of another one: `range(len(xs))` beside `xs`."""
    for i, values in enumerate(lists):
        match values:
            case Apply("range", (Apply("len", (counted,)),)) if counted in lists:
                return i
            case _:
                pass
    return None


def _iterable(values: nodes.Node) -> nodes.Node:
    """A list to run through; a range stays a range, and a column a generator."""
    match values:
        case nodes.Call(nodes.Name("tuple"), (nodes.Call() as inner,)):
            return inner
        case nodes.Call(nodes.Name("tuple"), (nodes.Comprehension() as inner,)):
            return replace(inner, kind="(")
        case _:
            return values
