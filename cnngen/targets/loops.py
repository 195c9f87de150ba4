"""Loops: their headers, the same in every target that prints Python."""

from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from itertools import chain, count

from cnngen.expressions.expression import Apply, Expression
from cnngen.python import nodes
from cnngen.python.construct import call
from cnngen.syntax.tree import Each, Repeat


def free_index(taken: Container[str]) -> str:
    """A name for a counter that nothing else has."""
    names = chain(("i", "j", "k"), (f"i{number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def loop_header(
    step: Repeat | Each,
    index: nodes.Name | None,
    variables: Sequence[str],
    node: Callable[[Expression], nodes.Node],
) -> tuple[nodes.Node, nodes.Node]:
    """What a loop assigns, and what it runs through: `index` counts, if anybody asks it, and
    `variables` are those of an `each`. `node` makes nodes of expressions.
    """
    if isinstance(step, Repeat):
        return index or nodes.Name("_"), call("range", node(step.times))
    names, values = [*map(nodes.Name, variables)], [values for _, values in step.lists]
    if index is None and (counter := _counter(values)) is not None:
        index = names.pop(counter)
        values.pop(counter)
    lists = [_iterable(node(each)) for each in values]
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
