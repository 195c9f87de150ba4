"""Fields: the elements of the network's input on which an element of a tensor depends, along one
axis.

Borders are left out: a field may reach beyond the input.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import gcd, lcm
from typing import assert_never

from cnngen.ops.movement import POINTWISE, Enlarge, Fixed, Movement, Scatter, Slide, Stretch

Extent = tuple[int, int]  # the first and the last element; the last may come first: none
NONE: Extent = (1, 0)
MOST_PHASES = 4096


@dataclass(frozen=True, slots=True)
class Field:
    """The fields of all elements of a tensor: a pattern that repeats.

    `extents` has those of the first elements. Those of the next elements, as many, are the same but
    `advance` further along the input, and so on.
    """

    extents: tuple[Extent, ...]
    advance: int

    def at(self, i: int) -> Extent:
        turns, phase = divmod(i, len(self.extents))
        low, high = self.extents[phase]
        shift = turns * self.advance
        return (low + shift, high + shift) if low <= high else NONE

    @property
    def size(self) -> int:
        """The largest number of elements of the input on which one element depends."""
        return max(high - low + 1 for low, high in self.extents)

    @property
    def stride(self) -> Fraction:
        """The distance between the fields of neighbours."""
        return Fraction(self.advance, len(self.extents))


PIXEL = Field(((0, 0),), 1)


def moved(movement: Movement, x: Field) -> Field | None:
    """The field of an op's output, from that of its input; None where it is the whole input."""
    if movement == POINTWISE:
        return x
    match movement:
        case Slide(step=step):
            phases = len(x.extents) // gcd(len(x.extents), step)
            advance = x.advance * step * phases // len(x.extents)
        case Enlarge(factor=factor, aligned=length) if length:  # repeats map by map
            turns = len(x.extents) // gcd(len(x.extents), length)
            phases = length * factor * turns
            advance = x.advance * length * turns // len(x.extents)
        case Stretch():
            steps, outputs = _pace(movement)
            turns = len(x.extents) // gcd(len(x.extents), steps)
            phases, advance = outputs * turns, x.advance * steps * turns // len(x.extents)
        case Enlarge(factor=factor) | Scatter(step=factor):
            phases, advance = len(x.extents) * factor, x.advance
        case Fixed():
            return None
        case _:
            assert_never(movement)
    if phases > MOST_PHASES:
        return None
    extents = [_hull([x.at(j) for j in _read(movement, i, len(x.extents))]) for i in range(phases)]
    return Field(tuple(extents), advance)


def joined(one: Field, two: Field) -> Field | None:
    """The field of what depends on both; None where the two have different strides."""
    if one.stride != two.stride:
        return None
    phases = lcm(len(one.extents), len(two.extents))
    advance = one.advance * phases // len(one.extents)
    return Field(tuple(_hull([one.at(i), two.at(i)]) for i in range(phases)), advance)


def _pace(movement: Stretch) -> tuple[int, int]:
    """After how many elements of the input, and of the output, the same places come again."""
    before, after = movement.before, movement.after
    if movement.aligned and min(before, after) > 1:
        before, after = before - 1, after - 1
    common = gcd(before, after)
    return before // common, after // common


def _read(movement: Slide | Enlarge | Stretch | Scatter, i: int, phases: int) -> Iterator[int]:
    """The elements that output `i` reads; of many, only those at both ends, which decide."""
    match movement:
        case Slide(window, step, spread, before):
            start = i * step - before
            yield from (start + t * spread for t in range(min(window, phases)))
            yield from (start + t * spread for t in range(max(window - phases, 0), window))
        case Enlarge(factor, linear, aligned):
            if not linear:
                yield i // factor
                return
            if aligned:
                turn, at = divmod(i, aligned * factor)
                place = Fraction(at * (aligned - 1), max(aligned * factor - 1, 1)) + turn * aligned
                yield place.__floor__()
                yield place.__ceil__()
                return
            place = Fraction(2 * i + 1 - factor, 2 * factor)  # in elements of the input
            yield place.__floor__()
            yield place.__ceil__()
        case Stretch(linear=linear, aligned=aligned):
            place = Fraction(*_pace(movement)) * i
            if not linear:
                yield place.__floor__()
                return
            place += 0 if aligned else Fraction(*_pace(movement)) / 2 - Fraction(1, 2)
            yield place.__floor__()
            yield place.__ceil__()
        case Scatter(window, step, before, spread):
            first = -((spread * (window - 1) - i - before) // step)
            last = (i + before) // step
            few = phases * spread
            at_both_ends = chain(
                range(first, min(last, first + few) + 1), range(max(first, last - few), last + 1)
            )
            yield from (t for t in at_both_ends if (i + before - t * step) % spread == 0)
        case _:
            assert_never(movement)


def _hull(extents: list[Extent]) -> Extent:
    found = [extent for extent in extents if extent[0] <= extent[1]]
    if not found:
        return NONE
    return min(low for low, _ in found), max(high for _, high in found)
