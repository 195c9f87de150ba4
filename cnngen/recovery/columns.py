"""Numbers in a column: what a step is told at each place where its body is used, as one expression.

A column has a value for each row; a row is one use of a block, or one iteration of a loop, and has
none where the step is absent. A column of one value is a constant. What is left is a parameter, or
an expression over another column.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

from cnngen.recovery.names import numbered, spelled

Column = tuple[Any, ...]
Measure = Literal["channels", "other", "test"]  # only channels are multiples of each other
Known = dict[str, tuple[Column, Measure]]

CHANNELS = {"out", "start", "stop", "before", "after", "channels", "groups", "features"}
MOST_TIMES = 64
LEAST_CHANNELS = 8  # from which on equal numbers are no accident
INPUT_CHANNELS = "input.channels"
MISSING: Any = object()  # the value of a step where it is absent


@dataclass(frozen=True, slots=True)
class Record:
    """A row with one field, `value`: so a parameter can be a list of sizes, or of lists."""

    value: Any


@dataclass(eq=False, slots=True)
class Hole:
    """A value that is still to be found: `hint` proposes the name of a parameter for it, and
    `detail` a longer one. That of a `test` is a condition, true in some rows.
    """

    column: Column
    hint: str
    detail: str = ""
    measure: Measure = "other"
    text: Any = None

    @property
    def values(self) -> list[Any]:
        return [value for value in self.column if value is not MISSING]

    @property
    def constant(self) -> bool:
        values = self.values
        return all(_same(value, values[0]) for value in values)


def _same(a: object, b: object) -> bool:
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def filled(column: Column) -> Column:
    """The column with the usual value where there is none."""
    common = Counter(value for value in column if value is not MISSING).most_common(1)[0][0]
    return tuple(common if value is MISSING else value for value in column)


def solve(
    holes: Sequence[Hole], features: Mapping[str, Column], taken: set[str], out: Column = ()
) -> dict[str, Column]:
    """Fill all holes with constants and expressions; gives the parameters in those.

    `features` are expressions whose columns are known; `out` are the channels that a block gives.
    """
    for hole in holes:
        if hole.constant:
            hole.text = hole.values[0]
    _find_channels(holes, features)
    known: Known = {name: (column, "channels") for name, column in features.items()}
    open_ = [hole for hole in holes if not hole.constant]
    numbers = [hole for hole in open_ if hole.measure != "test"]
    parameters: dict[str, Column] = {}
    bases = _bases(numbers, known)
    for hole in bases:
        if hole.hint == "out" and out and not _equal(out, hole.column):
            hole.hint = "width"
    for hole in bases:
        name = _name(hole, bases, taken | parameters.keys())
        parameters[name] = filled(hole.column)
        known[name] = parameters[name], hole.measure
    for hole in numbers:
        hole.text = expressed(hole, known)
    for hole in open_:
        if hole.measure == "test":
            hole.text = _condition(hole.column, known, out)
            if hole.text is None:
                hole.text = name = _name(hole, (hole,), taken | parameters.keys())
                parameters[name] = hole.column
                known[name] = hole.column, "test"
    return parameters


def _find_channels(holes: Sequence[Hole], features: Mapping[str, Column]) -> None:
    """What has the numbers of channels, counts channels, too, as the width of a `reshape` may."""
    channels = {hole.column for hole in holes if hole.measure == "channels"} | {*features.values()}
    for hole in holes:
        if hole.measure == "other" and hole.column in channels and _are_large(hole.column):
            hole.measure = "channels"


def _are_large(column: Column) -> bool:
    return all(isinstance(x, int) and x >= LEAST_CHANNELS for x in column)


def _bases(holes: Sequence[Hole], known: Known) -> list[Hole]:
    """The holes of which all others are expressions; the smallest numbers of channels come first,
    so that others are multiples of them, and of the rest those without gaps.
    """
    first = [*{hole.column: hole for hole in reversed(holes)}.values()][::-1]
    first.sort(key=lambda hole: sum(filled(hole.column)) if hole.measure == "channels" else 0)
    first.sort(key=lambda hole: len(hole.column) - len(hole.values))
    bases: list[Hole] = []
    tried = dict(known)
    for hole in first:
        if expressed(hole, tried) is None:
            bases.append(hole)
            tried[f"<{len(bases)}>"] = filled(hole.column), hole.measure
    return sorted(bases, key=holes.index)


def expressed(hole: Hole, known: Known) -> str | None:
    """The simplest expression over one of the known columns that has the values of this one."""
    for text, (column, measure) in known.items():
        if measure != "test" and _equal(column, hole.column):
            return text
    if hole.measure != "channels":
        return None
    for text, (column, measure) in known.items():
        if measure == "channels" and (found := _multiple(text, column, hole.column)):
            return found
    return None


def _equal(column: Column, wanted: Column) -> bool:
    return all(y is MISSING or _same(x, y) for x, y in zip(column, wanted, strict=True))


def _multiple(text: str, column: Column, wanted: Column) -> str | None:
    rows = [(x, y) for x, y in zip(column, wanted, strict=True) if y is not MISSING]
    if not all(isinstance(x, int) and x > 0 for row in rows for x in row):
        return None
    if len({x for x, _ in rows}) < 2:
        return None
    a, b = rows[0]
    times, parts = b // a, a // b
    if 1 < times <= MOST_TIMES and all(x * times == y for x, y in rows):
        return f"{times} * {text}"
    if 1 < parts <= MOST_TIMES and all(x // parts == y for x, y in rows):
        return f"{text} // {parts}"
    return None


def _condition(wanted: Column, known: Known, out: Column) -> str | None:
    """A condition on the known columns that holds where it should."""
    atoms = [*_atoms(known, out)]
    for text, negated, column in atoms:
        if _equal(column, wanted):
            return text
        if _equal(tuple(not x for x in column), wanted):
            return negated
    for (a, not_a, x), (b, not_b, y) in combinations(atoms, 2):
        for left, first in ((a, x), (not_a, tuple(not v for v in x))):
            for right, second in ((b, y), (not_b, tuple(not v for v in y))):
                if _equal(tuple(v and w for v, w in zip(first, second, strict=True)), wanted):
                    return f"{left} and {right}"
                if _equal(tuple(v or w for v, w in zip(first, second, strict=True)), wanted):
                    return f"{left} or {right}"
    return None


def _atoms(known: Known, out: Column) -> Iterator[tuple[str, str, tuple[bool, ...]]]:
    """What usually decides, each with its opposite: whether a number is 1, and whether a block
    gives as many channels as it is given.
    """
    for text, (column, measure) in known.items():
        if measure == "other" and all(type(x) is int for x in column):  # and no bool
            yield f"{text} == 1", f"{text} != 1", tuple(x == 1 for x in column)
    given = known.get(INPUT_CHANNELS)
    text = expressed(Hole(out, "", measure="channels"), known) if out else None
    if given and text and text != INPUT_CHANNELS:
        same = tuple(x == y for x, y in zip(given[0], out, strict=True))
        yield f"{INPUT_CHANNELS} == {text}", f"{INPUT_CHANNELS} != {text}", same


def _name(hole: Hole, others: Sequence[Hole], taken: set[str]) -> str:
    """The hint, if no other hole has it, or else what tells them apart."""
    like = [other for other in others if other.hint == hole.hint]
    branch, _, position = hole.detail.rpartition("_")
    if len(like) == 1 or not hole.detail:
        stem = hole.hint
    elif position.isdecimal() and sum(_is_in(other, branch) for other in like) == 1:
        stem = branch
    else:
        stem = hole.detail
    stem = spelled(stem, "parameter")
    if stem in taken and hole.hint not in stem:
        stem = spelled(f"{stem}_{hole.hint}", "parameter")
    count = 1
    while (name := numbered(stem, count)) in taken:
        count += 1
    return name


def _is_in(hole: Hole, branch: str) -> bool:
    return hole.detail == branch or hole.detail.startswith(f"{branch}_")
