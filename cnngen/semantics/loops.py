"""Loops: the values of their variables in each iteration."""

from collections.abc import Sequence

from cnngen.diagnostics.model import Label
from cnngen.expressions.evaluate import UNDETERMINED, Values
from cnngen.expressions.expression import Value
from cnngen.semantics.attributes import show
from cnngen.semantics.elaboration import Elaboration, value_in
from cnngen.semantics.network import Scope
from cnngen.syntax.tree import Each, Repeat

Iterations = Sequence[Values]
NOTHING: Values = {}


def iterations(step: Repeat | Each, scope: Scope, elaboration: Elaboration) -> Iterations | None:
    """The values of the loop's variables, iteration by iteration; None after a mistake."""
    if isinstance(step, Repeat):
        times = _times(step, scope, elaboration)
        return None if times is None else [NOTHING] * times
    return _rows(step, scope, elaboration)


def _times(step: Repeat, scope: Scope, elaboration: Elaboration) -> int | None:
    times = value_in(scope, step.times, step, elaboration)
    at = step.times.span or step.span
    if times is UNDETERMINED:
        return None
    if not isinstance(times, int) or isinstance(times, bool):
        code, must = "wrong-type", "a whole number"
        help = "write `//` or `int(...)`" if isinstance(times, float) else None
    elif times < 0:
        code, must, help = "out-of-range", "at least 0", "write, say, `max(0, ...)`"
    elif times > elaboration.limit:
        return elaboration.refuse_size(at)
    else:
        return times
    message = f"`repeat` must be {must}, not {show(times)}"
    elaboration.report.add(code, message, at, notes=scope.trail(), help=help)
    return None


def _rows(step: Each, scope: Scope, elaboration: Elaboration) -> Iterations | None:
    """The lists of an `each` advance together."""
    columns: list[tuple[Value, ...]] = []
    for variable, expression in step.lists:
        values = value_in(scope, expression, step, elaboration)
        if isinstance(values, tuple):
            columns.append(values)
        elif values is not UNDETERMINED:
            elaboration.report.add(
                "wrong-type",
                f"`{variable.text}` must run through a list, not {show(values)}",
                expression.span or variable.span,
                notes=scope.trail(),
                help="write `range(...)` for the numbers from 0, or `[...]`",
            )
    if len(columns) < len(step.lists):
        return None
    lengths = [len(values) for values in columns]
    if len(set(lengths)) > 1:
        _report_lengths(step, lengths, scope, elaboration)
        return None
    names = [variable.text for variable, _ in step.lists]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _report_lengths(step: Each, lengths: list[int], scope: Scope, elaboration: Elaboration) -> None:
    """The first list that differs from the first one is marked, the others are labelled."""
    labels = [
        Label(expression.span or variable.span, f"{length} element{'s' if length != 1 else ''}")
        for (variable, expression), length in zip(step.lists, lengths, strict=True)
    ]
    wrong = next(i for i, length in enumerate(lengths) if length != lengths[0])
    primary = labels.pop(wrong)
    elaboration.report.add(
        "unequal-lists",
        "the lists of `each` have different lengths",
        primary.span,
        primary.text,
        secondary=labels,
        notes=scope.trail(),
        help="give them equal lengths: they advance together",
    )
