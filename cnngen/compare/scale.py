"""Scales: from numbers to places along an axis, with ticks where people expect them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

DECADE = 10
TICKS = 8


@dataclass(frozen=True, slots=True)
class Scale:
    """`low` stands at `start` and `high` at `end`, in points."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        low, high, at = (self._on_axis(each) for each in (self.low, self.high, value))
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        step = _step((self.high - self.low) / TICKS)
        found = _decades(self.low, self.high) if self.logarithmic else _multiples(step, self)
        return [tick for tick in found if self.low <= tick <= self.high]

    def _on_axis(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value


def scale(
    values: Sequence[float], start: float, end: float, margin: float, spread: float | None = None
) -> Scale:
    """Room for these values, and for `margin` points beside the outermost ones; for `spread` around
    values that are all the same, or as much as one of them.
    """
    low, high = min(values), max(values)
    share = margin / (abs(end - start) - 2 * margin)
    if low > 0 and high > DECADE * low:
        more = (high / low) ** share
        return Scale(low / more, high * more, start, end, logarithmic=True)
    more = (high - low or spread or abs(high) or DECADE) * (share if high > low else 1)
    return Scale(low - more, high + more, start, end)


def _step(least: float) -> float:
    """1, 2 or 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))


def _multiples(step: float, scale: Scale) -> list[float]:
    first = math.ceil(scale.low / step)
    return [round(i * step, 12) for i in range(first, math.floor(scale.high / step) + 1)]


def _decades(low: float, high: float) -> list[float]:
    digits = (1, 2, 5) if high < 10**3.5 * low else (1,)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [digit * 10.0**power for power in range(first, last + 1) for digit in digits]
