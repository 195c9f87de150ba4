"""Sets of lengths: single ranges first, then a pattern that repeats forever."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

MOST_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Lengths:
    """A set: `ranges` (ends included) up to `start`, and from there on all lengths whose remainder
    modulo `period` is among `residues`.

    Without residues there is nothing behind the ranges. Beyond `tried` nothing is known; None where
    all is.
    """

    ranges: tuple[tuple[int, int], ...]
    start: int
    period: int
    residues: tuple[int, ...]
    tried: int | None = None

    def __contains__(self, length: int) -> bool:
        if length >= self.start:
            return length % self.period in self.residues
        return any(low <= length <= high for low, high in self.ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges or self.residues)

    def below(self, length: int) -> int | None:
        """The largest length of the set that is less than this one."""
        near = range(length - 1, max(self.start, length - 1 - self.period) - 1, -1)
        for n in near:
            if n in self:
                return n
        ends = [min(high, length - 1) for low, high in self.ranges if low < length]
        return max(ends, default=None)

    def above(self, length: int) -> int | None:
        """The smallest length of the set that is greater than this one."""
        starts = [max(low, length + 1) for low, high in self.ranges if high > length]
        if starts:
            return min(starts)
        first = max(self.start, length + 1)
        return next((n for n in range(first, first + self.period) if n in self), None)

    def smallest(self) -> int | None:
        return self.above(0)


def lengths_of(held: Sequence[bool], period: int, settled: bool) -> Lengths:
    """The set of the lengths 1, 2, 3... for which `held` is true; if `settled`, the last `period`
    of them repeats forever.
    """
    upto = len(held)
    if not settled:
        return Lengths(_ranges(held), upto + 1, 1, (), upto)
    tail = [held[n - 1] for n in range(upto - period + 1, upto + 1)]
    period = _shortest(tail)
    inside = {n % period for n in range(upto - period + 1, upto + 1) if held[n - 1]}
    start = upto + 1 - period
    while start > 1 and held[start - 2] == ((start - 1) % period in inside):
        start -= 1
    while inside and not held[start - 1]:
        start += 1
    return Lengths(_ranges(held[: start - 1]), start, period, tuple(sorted(inside)))


def _shortest(tail: Sequence[bool]) -> int:
    """The shortest period of a pattern that repeats."""
    for period in range(1, len(tail)):
        if len(tail) % period == 0 and all(held == tail[i % period] for i, held in enumerate(tail)):
            return period
    return len(tail)


def _ranges(held: Sequence[bool]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for inside, group in groupby(enumerate(held, 1), key=lambda pair: pair[1]):
        lengths = [n for n, _ in group]
        if inside:
            found.append((lengths[0], lengths[-1]))
    return tuple(found)


def in_words(height: Lengths, width: Lengths) -> str:
    """`any size from 32 x 32`; both axes are alike, or each is said."""
    if height == width:
        return _words(height, both=True)
    return f"height {_words(height)}; width {_words(width)}"


def _words(lengths: Lengths, both: bool = False) -> str:
    parts = [_range(low, high, both) for low, high in lengths.ranges[:MOST_SHOWN]]
    if len(lengths.ranges) > MOST_SHOWN:
        parts.append("...")
    if lengths.residues:
        parts.append(_pattern(lengths, both))
    elif parts and lengths.tried is None:
        parts[0] = f"only {parts[0]}"
    text = ", ".join(parts) or "none"
    return text if lengths.tried is None else f"{text} (larger than {lengths.tried} not tried)"


def _range(low: int, high: int, both: bool) -> str:
    return _size(low, both) if low == high else f"{low} to {high}"


def _pattern(lengths: Lengths, both: bool) -> str:
    period, residues = lengths.period, lengths.residues
    start = _size(lengths.start, both)
    if period == 1:
        return f"any size from {start}" if both else f"any from {start}"
    runs = _ranges([r in residues for r in range(period)])
    shown = [str(low - 1) if low == high else f"{low - 1} to {high - 1}" for low, high in runs]
    if shown == ["0"]:
        return f"multiples of {period} from {start}"
    if len(shown) > MOST_SHOWN:
        shown[MOST_SHOWN - 1 :] = ["..."]
    return f"multiples of {period} plus {' or '.join(shown)}, from {start}"


def _size(length: int, both: bool) -> str:
    return f"{length} x {length}" if both else str(length)
