"""Turns: what the iterations of a loop make of channels, one after the other or side by side."""

from collections.abc import Mapping
from functools import reduce
from types import MappingProxyType

from cnngen.expressions.algebra import add, equal, free_names, multiply, simplify, substitute
from cnngen.expressions.expression import (
    Apply,
    Binary,
    Conditional,
    Constant,
    Expression,
    Field,
    Index,
    InputChannels,
    ListOf,
    Name,
)
from cnngen.expressions.polynomial import polynomial
from cnngen.ops.base import Op
from cnngen.syntax.tree import Each, Repeat

MOST = 30  # iterations that are written out
Lists = Mapping[str, Expression]
NOTHING: Lists = MappingProxyType({})


def times(step: Repeat | Each) -> Expression:
    """How often a loop runs."""
    return step.times if isinstance(step, Repeat) else Apply("len", (step.lists[0][1],))


def unrolled(
    step: Repeat | Each, turn: Expression, running: Name, channels: Expression
) -> Expression | None:
    """What a loop makes of `channels`, iteration by iteration, where its head lists them and they
    are few; `turn` is what one makes of `running`.
    """
    for variables in turns(step):
        channels = simplify(substitute(turn, variables | {running.name: channels}, None))
    return channels if turns(step) else None


def turns(step: Repeat | Each) -> list[dict[str, Expression]]:
    """The variables in each iteration of a loop; an empty list where parameters decide how many
    there are, or there are many.
    """
    match step:
        case Repeat(times=Constant(int() as times)) if 0 < times <= MOST:
            return [{}] * times
        case Each():
            lists = [values.items for _, values in step.lists if isinstance(values, ListOf)]
            if len(lists) < len(step.lists) or len(lists[0]) > MOST:
                return []
            names = [name.text for name, _ in step.lists]
            return [dict(zip(names, turn, strict=True)) for turn in zip(*lists, strict=True)]
        case _:
            return []


# --- Side by side


def side_by_side(
    op: type[Op],
    step: Repeat | Each,
    turn: Expression,
    times: Expression,
    channels: Mapping[str, Expression] = NOTHING,
) -> Expression | None:
    """The channels of a join of what all iterations give, each of them `turn`; None where there is
    no closed form. `channels` are those of maps through which the loop walks, as lists, by the
    symbols for those of one.
    """
    values = step.lists if isinstance(step, Each) else ()
    lists = {**{name.text: column for name, column in values}, **channels}
    if not lists.keys() & free_names(turn):
        return simplify(multiply(times, turn)) if op.concatenates else turn
    written = () if channels else _written_out(step, turn)
    if op.concatenates:
        return reduce(add, written) if written else _sum(turn, times, lists)
    if op.gates:
        return _largest(turn, written, lists)
    first = {name: _item(column) for name, column in lists.items()}
    return agreed(simplify(substitute(turn, first, None)))


def agreed(channels: Expression) -> Expression:
    """Channels that depend on whether two positions differ, where that makes no difference: at the
    one, `xs[i] if i != j else xs[j]` is what it is at the other.
    """
    match channels:
        case Conditional(test, then, otherwise) if (pair := _unequal(test)) is not None:
            for one, other in (pair, pair[::-1]):
                if isinstance(one, Name) and equal(
                    substitute(then, {one.name: other}, None), otherwise
                ):
                    return then
        case _:
            pass
    return channels


def _unequal(test: Expression) -> tuple[Expression, Expression] | None:
    """The two of which a condition says that they differ."""
    match test:
        case Binary("!=", left, right):
            return left, right
        case Binary("or", Binary("<" | ">" as one, left, right), Binary("<" | ">" as other, a, b)):
            same = (left, right) == (a, b) and one != other
            turned = (left, right) == (b, a) and one == other
            return (left, right) if same or turned else None
        case _:
            return None


def apart(
    step: Repeat | Each,
    turn: Expression,
    times: Expression,
    channels: Mapping[str, Expression] = NOTHING,
) -> Expression | None:
    """The list of the channels of all iterations, each of which gives `turn`; None where it takes
    a loop to make it. `channels` are as in `side_by_side`.
    """
    values = step.lists if isinstance(step, Each) else ()
    lists = {**{name.text: column for name, column in values}, **channels}
    if not lists.keys() & free_names(turn):
        return Binary("*", ListOf((turn,)), times)
    if (column := _column(turn, lists)) is not None:
        return column
    written = () if channels else _written_out(step, turn)
    return ListOf(written) if written else None


def so_far(op: type[Op], variable: Name, turn: Expression) -> Expression:
    """The channels of the iterations up to one that gives `turn`, from those before it."""
    if op.concatenates:
        return add(variable, turn)
    return Apply("max", (variable, turn)) if op.gates else turn


def _written_out(step: Repeat | Each, turn: Expression) -> tuple[Expression, ...]:
    """What each iteration gives, where the head of the loop lists them and they are few."""
    return tuple(simplify(substitute(turn, variables, None)) for variables in turns(step))


def _sum(turn: Expression, times: Expression, lists: Lists) -> Expression | None:
    terms = polynomial(turn, expand=True)
    total: Expression = Constant(0)
    for term in terms.values() if terms is not None else ():
        variable = [factor for factor in term.factors if lists.keys() & free_names(factor)]
        others = [factor for factor in term.factors if factor not in variable]
        if not variable:
            whole: Expression | None = times
        else:
            column = _column(variable[0], lists) if len(variable) == 1 else None
            whole = column and Apply("sum", (column,))
        if whole is None:
            return None
        for factor in (*reversed(others), Constant(term.coefficient)):
            whole = multiply(factor, whole)
        total = add(total, whole)
    return None if terms is None else total


def _largest(turn: Expression, written: tuple[Expression, ...], lists: Lists) -> Expression | None:
    if written:
        first, *others = written
        return simplify(Apply("max", written)) if others else first
    column = _column(turn, lists)
    return column and Apply("max", (column,))


def _item(values: Expression) -> Expression:
    """The first element of a list."""
    match values:
        case Apply("range", (_,)):
            return Constant(0)
        case Apply("range", (start, _)):
            return start
        case _:
            return Index(values, Constant(0))


def _counts(positions: Expression, values: Expression) -> bool:
    """Whether these are all positions of a list; a block's input is as long as its channels."""
    given = substitute(positions, {"input": InputChannels()}, None)
    return given == Apply("range", (Apply("len", (values,)),))


def _column(value: Expression, lists: Lists) -> Expression | None:
    """The list of what an expression is in all iterations, where it is a variable or a field of
    one.
    """
    match value:
        case Name(name):
            return lists.get(name)
        case Field(Name(name), field) if name in lists:
            return Field(lists[name], field)
        case Index(values, Name(name)) if name in lists and _counts(lists[name], values):
            return values
        case _:
            return None
