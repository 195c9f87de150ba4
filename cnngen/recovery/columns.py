"""Numbers in a column: what a step is told at each place where its body is used, as one expression.

A column has a value for each row; a row is one use of a block, or one iteration of a loop. A column
of one value is a constant. What is left is a parameter, or an expression over another column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Column = tuple[Any, ...]
Measure = Literal["channels", "other"]  # only channels are multiples of each other

CHANNELS = {"out", "start", "stop", "before", "after", "channels", "groups", "features"}
MOST_TIMES = 64


@dataclass(eq=False, slots=True)
class Hole:
    """A value that is still to be found: `hint` proposes the name of a parameter for it, and
    `detail` a longer one.
    """

    column: Column
    hint: str
    detail: str = ""
    measure: Measure = "other"
    text: Any = None

    @property
    def constant(self) -> bool:
        return all(same(value, self.column[0]) for value in self.column)


@dataclass(slots=True)
class Found:
    """The parameters that a body needs, with their columns."""

    parameters: dict[str, Column] = field(default_factory=dict[str, Column])


def same(a: object, b: object) -> bool:
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def solve(
    holes: Sequence[Hole], features: Mapping[str, Column], taken: set[str]
) -> dict[str, Column]:
    """Fill all holes with constants and expressions; gives the parameters in those.

    `features` are expressions whose columns are known.
    """
    parameters: dict[str, Column] = {}
    open_: list[Hole] = []
    for hole in holes:
        if hole.constant:
            hole.text = hole.column[0]
        else:
            open_.append(hole)
    known: dict[str, tuple[Column, Measure]] = {
        name: (column, "channels") for name, column in features.items()
    }
    first = [*{hole.column: hole for hole in reversed(open_)}.values()][::-1]
    first.sort(key=lambda hole: sum(hole.column) if hole.measure == "channels" else 0)
    bases: list[Hole] = []
    for hole in first:
        if expressed(hole, known) is None:
            bases.append(hole)
            known[f"<{len(bases)}>"] = hole.column, hole.measure
    bases.sort(key=open_.index)
    known = {name: each for name, each in known.items() if not name.startswith("<")}
    for hole in bases:
        name = _name(hole, bases, taken | parameters.keys())
        parameters[name] = hole.column
        known[name] = hole.column, hole.measure
    for hole in open_:
        hole.text = expressed(hole, known)
    return parameters


def expressed(hole: Hole, known: Mapping[str, tuple[Column, Measure]]) -> str | None:
    """The simplest expression over one of the known columns that has the values of this one."""
    for text, (column, _) in known.items():
        if all(map(same, column, hole.column)):
            return text
    if hole.measure != "channels":
        return None
    for text, (column, measure) in known.items():
        if measure == "channels" and (found := _multiple(text, column, hole.column)):
            return found
    return None


def _multiple(text: str, column: Column, wanted: Column) -> str | None:
    if not all(isinstance(x, int) and x > 0 for x in (*column, *wanted)) or len({*column}) < 2:
        return None
    times = wanted[0] // column[0]
    if 1 < times <= MOST_TIMES and all(x * times == y for x, y in zip(column, wanted, strict=True)):
        return f"{times} * {text}"
    parts = column[0] // wanted[0]
    if 1 < parts <= MOST_TIMES and all(
        x // parts == y for x, y in zip(column, wanted, strict=True)
    ):
        return f"{text} // {parts}"
    return None


def _name(hole: Hole, others: Sequence[Hole], taken: set[str]) -> str:
    """The hint, if no other hole has it, or else what tells them apart."""
    alone = sum(other.hint == hole.hint for other in others) == 1
    stem = hole.hint if alone or not hole.detail else hole.detail
    name, count = stem, 1
    while name in taken:
        count += 1
        name = f"{stem}{count}" if stem[-1:].isalpha() else f"{stem}_{count}"
    return name
