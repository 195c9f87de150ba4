"""Reading by name: the map, or the list of maps, that a name stands for in a body."""

from cnngen.diagnostics.model import Report
from cnngen.expressions.evaluate import UNDETERMINED, MaybeValue, Undetermined
from cnngen.expressions.expression import Expression, Index
from cnngen.ops.base import UNKNOWN
from cnngen.semantics.attributes import show
from cnngen.semantics.elaboration import (
    NOTHING,
    Elaboration,
    Given,
    Maps,
    Place,
    value_of,
)
from cnngen.semantics.map_lists import items_of, names_in
from cnngen.semantics.network import Scope, Tensor
from cnngen.source import Span
from cnngen.syntax.tree import Branch, Identifier, ListName


def follow(name: Identifier, place: Place, elaboration: Elaboration) -> Given:
    """What `from` reads: a list, too, if a step gives one."""
    whole = not isinstance(name, ListName) or name.index is None
    if whole and name.text not in place.tensors and name.text in place.lists:
        return place.lists[name.text] or NOTHING
    return read_map(name, place, elaboration)


def read_map(name: Identifier, place: Place, elaboration: Elaboration) -> Tensor:
    """The tensor of this name; one of unknown shape where there is none."""
    if isinstance(name, ListName):
        return _item(name, place, elaboration)
    text = elaboration.resolution.meant.get(name, name.text) if name.text else ""
    return place.tensors.get(text, NOTHING) if text else NOTHING


def maps_of(maps: Expression, place: Place, elaboration: Elaboration) -> Maps | None:
    """The tensors of a list; None after a mistake."""
    if isinstance(maps, Index):  # one map, which was reported
        return None

    def number(expression: Expression) -> int:
        value = value_of(place.scope, expression, elaboration.resolution.spec.span, elaboration)
        if isinstance(value, bool) or not isinstance(value, int):
            if value is not UNDETERMINED and expression.span:
                _report_position(value, expression.span, place.scope, elaboration.report)
            raise Undetermined
        return value

    def several(name: str) -> Maps:
        found = place.lists.get(name)
        if found is None:
            raise Undetermined
        return found

    try:
        return tuple(
            items_of(maps, lambda name: read_map(name, place, elaboration), several, number)
        )
    except Undetermined:
        return None


def _report_position(value: MaybeValue, at: Span, scope: Scope, report: Report) -> None:
    report.add(
        "wrong-type",
        f"a position is a whole number, not {show(value)}",
        at,
        notes=scope.trail(),
        help="write `//` or `int(...)`" if isinstance(value, float) else None,
    )


def _item(name: ListName, place: Place, elaboration: Elaboration) -> Tensor:
    """A map of a list."""
    maps, scope = place.lists.get(name.text), place.scope
    if maps is None or name.index is None:
        return NOTHING
    index = value_of(scope, name.index, name.span, elaboration)
    if index is UNDETERMINED:
        return NOTHING
    if isinstance(index, bool) or not isinstance(index, int):
        _report_position(index, name.index.span or name.span, scope, elaboration.report)
        return NOTHING
    if -len(maps) <= index < len(maps):
        return maps[index]
    count = len(maps)
    last = f"`{name.text}[0]` to `{name.text}[{count - 1}]`" if count > 1 else f"`{name.text}[0]`"
    elaboration.report.add(
        "bad-value",
        f"there is no `{name.text}[{index}]`: `{name.text}` has {count or 'no'}"
        f" map{'s' if count != 1 else ''}",
        name.index.span or name.span,
        notes=scope.trail(),
        help=f"these are {last}; `{name.text}[-1]` is the last" if count else None,
    )
    return NOTHING


def branches_of(
    maps: Expression, place: Place, elaboration: Elaboration
) -> dict[Branch, Tensor] | None:
    """The maps of a list as branches, which messages name by where they are read."""
    found = maps_of(maps, place, elaboration)
    if found is None or any(x.shape is UNKNOWN for x in found):
        return None
    read = [*names_in(maps)]
    at = read[0].span if read else Span(maps.span.source, 0, 0) if maps.span else None
    if at is None:
        return None
    if len(read) == len(found) and not any(
        isinstance(name, ListName) and name.index is None for name in read
    ):
        names = read
    else:
        names = [Identifier(str(i), at) for i in range(len(found))]
    return {Branch(name, ()): x for name, x in zip(names, found, strict=True)}
