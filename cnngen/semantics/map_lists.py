"""Lists of maps: what the iterations of a loop gave, what a block is handed as `tensors`, and what
is made of these: `encoder[::-1]`, `[stem, deep]`, `encoder[1:] + [bottom]`.

A stage, or a named step of a block, that is one loop has two meanings: the map that its last
iteration gives and, where a list is read, the list of what all iterations gave.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from cnngen.diagnostics.model import Report
from cnngen.expressions.expression import (
    ABSENT,
    Binary,
    Expression,
    Index,
    InputChannels,
    ListOf,
    Name,
    Slice,
    walk,
)
from cnngen.semantics.definitions import Definitions, check_expression
from cnngen.source import Span
from cnngen.syntax.parse_value import item_of
from cnngen.syntax.tree import Body, Each, Identifier, ListName, Repeat

T = TypeVar("T")


def lone_loop(body: Body) -> Repeat | Each | None:
    """The loop that takes the place of a body."""
    match body:
        case (Repeat() | Each() as loop,) if not loop.name:
            return loop
        case _:
            return None


def loops_of(body: Body) -> dict[str, Repeat | Each]:
    """The loops of a block that have names."""
    return {s.name.text: s for s in body if isinstance(s, Repeat | Each) and s.name}


def are_maps(expression: Expression, names: Definitions) -> bool:
    """Whether a list is one of maps rather than of values."""
    match expression:
        case Name(name):
            return bool(name) and name not in names.values and name in names.maps
        case Index(of) | Slice(of):
            return are_maps(of, names)
        case Binary("+", left, right):
            return are_maps(left, names) or are_maps(right, names)
        case ListOf(items):
            return any(are_maps(item, names) for item in items)
        case _:
            return False


def names_in(maps: Expression) -> Iterator[Identifier]:
    """The names by which a list of maps reads them."""
    match maps:
        case Name(name, Span() as span):
            yield ListName(name, span, None, span)
        case Slice(of):
            yield from names_in(of)
        case Binary("+", left, right):
            yield from names_in(left)
            yield from names_in(right)
        case ListOf(items):
            for item in items:
                match item:
                    case Name(name, Span() as span):
                        yield Identifier(name, span)
                    case Index():
                        found = item_of(item)
                        yield from (found,) if found else ()
                    case _:
                        pass
        case _:
            pass


def items_of(
    maps: Expression,
    one: Callable[[Identifier], T],
    several: Callable[[str], Sequence[T]],
    number: Callable[[Expression], int],
) -> list[T]:
    """The items of a list of maps, from what is known of `one` name and of the lists of names."""
    match maps:
        case Name(name):
            return [*several(name)]
        case Slice(of, start, stop, step):
            bounds = (None if each == ABSENT else number(each) for each in (start, stop, step))
            return items_of(of, one, several, number)[slice(*bounds)]
        case Binary("+", left, right):
            parts = (items_of(part, one, several, number) for part in (left, right))
            return [item for part in parts for item in part]
        case _:
            return [one(name) for name in names_in(maps)]


# --- Mistakes

LIST = "a list of maps is the name of a loop, a part of it, or names in brackets: `[stem, deep]`"


def check_maps(maps: Expression, names: Definitions, report: Report) -> None:
    """Report what is no list of maps."""
    match maps:
        case Name(name="") | Name(span=None):
            pass
        case Name(name, Span() as span):
            if name in names.values or name in names.maps - names.lists:
                _report_no_list(name, span, names, report)
        case Slice(of, start, stop):
            check_maps(of, names, report)
            for bound in (start, stop):
                check_position(bound, names, report)
        case Binary("+", left, right):
            check_maps(left, names, report)
            check_maps(right, names, report)
        case ListOf(items):
            for item in items:
                _check_item(item, names, report)
        case Index(span=Span() as span):
            report.add(
                "wrong-type",
                f"`{span.text}` is one map, and a list of them is needed",
                span,
                help=f"write `[{span.text}]`",
            )
        case _:
            if maps.span:
                report.add("wrong-type", "this is no list of maps", maps.span, help=LIST)


def _check_item(item: Expression, names: Definitions, report: Report) -> None:
    found = item_of(item)
    if found is not None:
        if found.text in names.values or found.text in names.maps - names.lists:
            _report_no_list(found.text, found.span, names, report)
        check_index(found, names, report)
        return
    match item:
        case Name(name, Span() as span) if name:
            if name in names.values:
                message = f"`{name}` is a value, and this is a list of maps"
                report.add("wrong-type", message, span, help=LIST)
        case Name():
            pass
        case _:
            if item.span:
                report.add("wrong-type", "this is no map", item.span, help=LIST)


def _report_no_list(name: str, span: Span, names: Definitions, report: Report) -> None:
    what, help = "a value", LIST
    if name not in names.values:
        what = "one map"
        help = f"write `[{name}]`; a stage, or a step with a name, that is one loop is a list"
        if name == "input":
            help = "write `[input]`, or let a block be given a list: `params: {input: tensors}`"
    report.add("wrong-type", f"`{name}` is {what}, and a list of maps is needed", span, help=help)


def check_index(item: ListName, names: Definitions, report: Report) -> None:
    """Report an index that a `forward` cannot know."""
    if item.index is not None:
        check_position(item.index, names, report)


def check_position(position: Expression, names: Definitions, report: Report) -> None:
    check_expression(position, names, report)
    loops = [loop for loop in names.loops if isinstance(loop, Each)]
    variables = {name.text for loop in loops for name, _ in loop.lists}
    for part, _ in walk(position):
        if isinstance(part, Name) and part.name in variables and part.span:
            report.add(
                "nested-reference",
                f"`{part.name}` differs between iterations, and a position in a list does not",
                part.span,
                help="walk through the list beside it: `each: {map: encoder, width: widths}`",
            )
        elif isinstance(part, InputChannels) and part.span:
            report.add(
                "wrong-type",
                "a position in a list of maps does not depend on channels",
                part.span,
                help="write a number, or an expression of parameters",
            )
