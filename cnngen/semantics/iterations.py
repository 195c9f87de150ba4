"""Iterations: the values and the maps of a loop's variables, each time round."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cnngen.diagnostics.model import Label
from cnngen.expressions.evaluate import UNDETERMINED, MaybeValue, Values
from cnngen.expressions.expression import Value
from cnngen.semantics.attributes import show
from cnngen.semantics.elaboration import Elaboration, Place, value_of
from cnngen.semantics.network import Scope, Tensor
from cnngen.semantics.reading import maps_of
from cnngen.syntax.tree import Each, Repeat

NO_VARIABLES: tuple[Values, Mapping[str, Tensor]] = ({}, {})

Iterations = Sequence[tuple[Values, Mapping[str, Tensor]]]
"""The values and the tensors of a loop's variables, iteration by iteration."""


def inside(place: Place, turn: tuple[Values, Mapping[str, Tensor]]) -> Place:
    """The place in one iteration of a loop."""
    values, maps = turn
    scope = place.scope.inside(values) if values else place.scope
    return replace(place, scope=scope, tensors={**place.tensors, **maps} if maps else place.tensors)


def iterations(step: Repeat | Each, place: Place, elaboration: Elaboration) -> Iterations | None:
    """The values of the loop's variables, iteration by iteration; None after a mistake."""
    if isinstance(step, Repeat):
        times = _times(step, place.scope, elaboration)
        return None if times is None else [NO_VARIABLES] * times
    return _rows(step, place, elaboration)


def _times(step: Repeat, scope: Scope, elaboration: Elaboration) -> int | None:
    times = value_of(scope, step.times, step.span, elaboration)
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


def _rows(step: Each, place: Place, elaboration: Elaboration) -> Iterations | None:
    """The values of all variables in each iteration; the lists of an `each` advance together."""
    scope = place.scope
    columns: list[tuple[Value | Tensor, ...]] = []
    walked = elaboration.resolution.map_lists(step)
    for variable, expression in step.lists:
        if variable.text in walked:
            maps = maps_of(expression, place, elaboration)
            columns += [maps] if maps is not None else []
            continue
        values = value_of(scope, expression, step.span, elaboration)
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
    rounds: list[tuple[Values, Mapping[str, Tensor]]] = []
    for row in zip(*columns, strict=True):
        own: dict[str, MaybeValue] = {}
        read: dict[str, Tensor] = {}
        for name, item in zip(names, row, strict=True):
            if isinstance(item, Tensor):
                read[name] = item
            else:
                own[name] = item
        rounds.append((own, read))
    return rounds


def _report_lengths(step: Each, lengths: list[int], scope: Scope, elaboration: Elaboration) -> None:
    """Mark the first list whose length differs from that of the first one, and label the others."""
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
