"""Loops: their headers, the same in every target that prints Python."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count
from types import MappingProxyType

from cnngen.expressions.expression import (
    ABSENT,
    Apply,
    Constant,
    Expression,
    Field,
    ListOf,
    Slice,
)
from cnngen.python import nodes
from cnngen.python.construct import call
from cnngen.syntax.tree import Each, Repeat

NO_MAPS: Mapping[str, nodes.Node | None] = MappingProxyType({})
BACKWARDS = Constant(-1)
UNREAD = "_"  # how the name of a variable begins that nobody reads


def free_index(taken: Container[str]) -> str:
    """A name for a counter that nothing else has."""
    names = chain(("i", "j", "k"), (f"i{number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def position(step: Repeat | Each) -> str | None:
    """The variable of a loop that has the positions of its iterations, from 0: that of `range(n)`,
    best of `range(len(xs))` beside `xs`.
    """
    lists = step.lists if isinstance(step, Each) else ()
    best = _counter([values for _, values in lists])
    if best is not None:
        return lists[best][0].text
    counting = (name.text for name, values in lists if _counts(values))
    return next(counting, None)


def _counts(values: Expression) -> bool:
    match values:
        case Apply("range", (_,)):
            return True
        case _:
            return False


def loop_header(
    step: Repeat | Each,
    index: nodes.Name | None,
    variables: Sequence[str],
    node: Callable[[Expression], nodes.Node],
    maps: Mapping[str, nodes.Node | None] = NO_MAPS,
) -> tuple[nodes.Node, nodes.Node]:
    """What a loop assigns, and what it runs through: `index` counts, if anybody asks it, and
    `variables` are those of an `each`, of which one may be the index. `node` makes nodes of
    expressions, but for those of the variables that are `maps`: without a node, nothing runs
    through these.
    """
    if isinstance(step, Repeat):
        return index or nodes.Name(UNREAD), call("range", node(step.times))
    pairs = [
        (nodes.Name(called), values, maps.get(name.text))
        for called, (name, values) in zip(variables, step.lists, strict=True)
        if name.text not in maps or maps[name.text] is not None
    ]
    names, values = [name for name, _, _ in pairs], [values for _, values, _ in pairs]
    made = [given for _, _, given in pairs]
    index = None if index in names else index
    if index is None and (i := _counter(values)) is not None:
        counter = names.pop(i)
        values.pop(i)
        made.pop(i)
        index = None if counter.text.startswith(UNREAD) else counter
    lists = [given or _iterable(node(each)) for each, given in zip(values, made, strict=True)]
    target, iterable = names[0], lists[0]
    if len(names) > 1:
        target = nodes.Display("bare" if index is None else "(", tuple(names))
        iterable = call("zip", *lists, strict=nodes.Number("True"))
    if index is None:
        return target, iterable
    return counted(index, target, iterable)


def counted(
    index: nodes.Node, target: nodes.Node, iterable: nodes.Node
) -> tuple[nodes.Node, nodes.Node]:
    """What a loop assigns, and what it runs through, if it counts its iterations, too."""
    if isinstance(iterable, nodes.Comprehension):
        iterable = replace(iterable, kind="")  # the parentheses are those of the call
    if isinstance(target, nodes.Display):
        target = replace(target, kind="(")
    return nodes.Display("bare", (index, target)), call("enumerate", iterable)


def uncounted(
    target: nodes.Node, iterable: nodes.Node, used: Container[str]
) -> tuple[nodes.Node, nodes.Node]:
    """The same without a counter that is not among the names in use."""
    match target, iterable:
        case (
            nodes.Display("bare", (nodes.Name(index), rest)),
            nodes.Call(nodes.Name("enumerate"), (each,)),
        ) if index not in used and not isinstance(each, nodes.Keyword):
            if isinstance(each, nodes.Comprehension):
                each = replace(each, kind="(")
            return rest, each
        case _:
            return target, iterable


def unwalked(
    target: nodes.Node, iterable: nodes.Node, unread: Container[str]
) -> tuple[nodes.Node, nodes.Node]:
    """The same without the lists beside others whose variables are among those that are unread."""
    match target, iterable:
        case nodes.Display("bare", (index, rest)), nodes.Call(nodes.Name("enumerate"), (each,)):
            if isinstance(each, nodes.Keyword):
                return target, iterable
            rest, each = unwalked(rest, each, unread)
            return counted(index, rest, each)
        case (
            nodes.Display(_, variables),
            nodes.Call(nodes.Name("zip"), (*lists, nodes.Keyword() as strict)),
        ):
            pairs = zip(variables, lists, strict=True)
            kept = [(name, each) for name, each in pairs if not _is_among(name, unread)]
            match kept:
                case []:
                    return target, iterable
                case [(name, nodes.Call() | nodes.Name() | nodes.Subscript() as each)]:
                    return name, each
                case _:
                    names, left = zip(*kept, strict=True)
                    whole = replace(iterable, arguments=(*left, strict))
                    return replace(target, items=names), whole
        case _:
            return target, iterable


def _is_among(name: nodes.Node, names: Container[str]) -> bool:
    return isinstance(name, nodes.Name) and name.text in names


def _counter(lists: Sequence[Expression]) -> int | None:
    """Which of the lists are the positions of another one: `range(len(xs))` beside `xs`."""
    for i, values in enumerate(lists):
        match values:
            case Apply("range", (length,)) if any(length in _lengths(other) for other in lists):
                return i
            case _:
                pass
    return None


def _lengths(values: Expression) -> Iterator[Expression]:
    """What says how many elements a list has: also the table of a column, and the list that is
    turned around.
    """
    yield Apply("len", (values,))
    match values:
        case Slice(of, start, stop, step) if (start, stop, step) == (ABSENT, ABSENT, BACKWARDS):
            yield from _lengths(of)
        case Field(of):
            yield from _lengths(of)
        case ListOf(items):
            yield Constant(len(items))
        case _:
            pass


def _iterable(values: nodes.Node) -> nodes.Node:
    """A list to run through; a range stays a range, and a column a generator."""
    match values:
        case nodes.Call(nodes.Name("tuple"), (nodes.Call() as inner,)):
            return inner
        case nodes.Call(nodes.Name("tuple"), (nodes.Comprehension() as inner,)):
            return replace(inner, kind="(")
        case _:
            return values
