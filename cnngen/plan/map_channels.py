"""Channels of lists of maps, as expressions that are lists: `widths[::-1]`, `[width] * depth`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cnngen.expressions.algebra import equal, multiply, simplify
from cnngen.expressions.expression import (
    ABSENT,
    Apply,
    Binary,
    Constant,
    Expression,
    Index,
    ListOf,
    Name,
    Slice,
    children,
    with_children,
)
from cnngen.semantics.map_lists import names_in
from cnngen.syntax.tree import Identifier


@dataclass(frozen=True, slots=True)
class MapChannels:
    """The channels of the maps of a list: `listed` of all, and `each` where these agree."""

    listed: Expression
    each: Expression | None = None

    def at(self, index: Expression) -> Expression:
        return self.each or item(self.listed, index)


def alike(each: Expression, count: Expression) -> MapChannels:
    """So many times the same."""
    return MapChannels(Binary("*", ListOf((each,)), count), each)


def channels_of_list(
    maps: Expression,
    one: Callable[[Identifier], Expression | None],
    several: Callable[[str], MapChannels | None],
) -> MapChannels | None:
    """Those of a list that a spec makes of others; None where some are not known."""
    match maps:
        case Name(name):
            return several(name)
        case Slice(of, start, stop, step):
            whole = channels_of_list(of, one, several)
            if whole is None:
                return None
            part = simplify(Slice(whole.listed, start, stop, step), count=False)
            return MapChannels(part, whole.each)
        case Binary("+", left, right):
            parts = [channels_of_list(part, one, several) for part in (left, right)]
            first, second = parts
            if first is None or second is None:
                return None
            same = first.each and second.each and equal(first.each, second.each)
            listed = _joined(first.listed, second.listed)
            return MapChannels(listed, first.each if same else None)
        case _:
            found = [one(name) for name in names_in(maps)]
            known = tuple(channels for channels in found if channels is not None)
            if len(known) < len(found):
                return None
            same = bool(known) and all(equal(other, known[0]) for other in known)
            return MapChannels(ListOf(known), known[0] if same else None)


def _joined(first: Expression, second: Expression) -> Expression:
    match first, second:
        case ListOf(a), ListOf(b):
            return ListOf((*a, *b))
        case _:
            return Binary("+", first, second)


def item(listed: Expression, index: Expression) -> Expression:
    """One of a list."""
    match listed, simplify(index):
        case Binary("*", ListOf((each,)), _), _:
            return each
        case Binary("+", ListOf((first, *_)), _), Constant(0):
            return first
        case Binary("+", _, ListOf((*_, last))), Constant(-1):
            return last
        case _:
            return simplify(Index(listed, index), count=False)


def length(listed: Expression) -> Expression:
    """How many there are, at least 0 of them, for a `range`."""
    match listed:
        case ListOf(items):
            return Constant(len(items))
        case Binary("*", ListOf((_,)), count):
            return count
        case Binary("+", left, right):
            return simplify(Binary("+", length(left), length(right)))
        case Slice(of, start, stop, step) if start == ABSENT and stop == ABSENT:
            return length(of)
        case Slice(of, start, stop, step) if step == ABSENT and (start, stop) in (
            (Constant(1), ABSENT),
            (ABSENT, Constant(-1)),
        ):
            return simplify(Binary("-", length(of), Constant(1)))
        case _:
            return Apply("len", (listed,))


def total(listed: Expression) -> Expression:
    """The sum of all."""
    match listed:
        case ListOf(items):
            return _sum(items)
        case Binary("*", ListOf((each,)), count):
            return multiply(count, each)
        case Binary("+", left, right):
            return simplify(Binary("+", total(left), total(right)))
        case Slice(of, start, stop) if start == ABSENT and stop == ABSENT:
            return total(of)
        case _:
            return Apply("sum", (listed,))


def _sum(items: Sequence[Expression]) -> Expression:
    found: Expression = Constant(0)
    for each in items:
        found = Binary("+", found, each)
    return simplify(found)


def with_totals(expression: Expression) -> Expression:
    """An expression in which sums and items of such lists are as short as they can be."""
    parts = [with_totals(part) for part in children(expression)]
    match with_children(expression, parts):
        case Apply("sum", (listed,)):
            return total(listed)
        case Index(listed, index):
            return item(listed, index)
        case whole:
            return whole
