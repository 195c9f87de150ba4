"""Axes of a tensor that shows another one in another shape or order, without computing anything.

Each axis of the tensor shown is a row of factors. So what `view`, `permute`, `flatten`, `unsqueeze`
and their like make of a tensor is known exactly, however many of them follow each other, and what
it is in the end can be read off: channels that were shuffled, pixels that were channels, or nothing
new at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Literal

from cnngen.ops.base import Image, Shape

Axis = Literal["batch", "channels", "height", "width"]  # the features of a vector are channels


@dataclass(frozen=True, slots=True)
class Factor:
    """A part of an axis: so many indices, which are `stride` apart there."""

    axis: Axis
    size: int
    stride: int = 1


Row = tuple[Factor, ...]
Axes = tuple[Row, ...]


def axes_of(shape: Shape, batch: int) -> Axes:
    """Those of a tensor as it is."""
    axes = [Factor("batch", batch), Factor("channels", shape.dimensions[0])]
    if isinstance(shape, Image):
        axes += [Factor("height", shape.height), Factor("width", shape.width)]
    return tuple(row([axis]) for axis in axes)


def row(factors: Iterable[Factor]) -> Row:
    """Factors in their normal form: none of one index, and no two that are one."""
    found: list[Factor] = []
    for factor in factors:
        last = found[-1] if found else None
        if factor.size == 1:
            continue
        if last and last.axis == factor.axis and last.stride == factor.size * factor.stride:
            found[-1] = Factor(factor.axis, last.size * factor.size, factor.stride)
        else:
            found.append(factor)
    return tuple(found)


def length(factors: Row) -> int:
    return prod(factor.size for factor in factors)


def in_a_row(axes: Axes) -> Row:
    """All of them as one axis."""
    return row(chain.from_iterable(axes))


def regrouped(axes: Axes, sizes: Sequence[int]) -> Axes | None:
    """The same numbers in the same order with other axes; None where an axis would hold parts of
    several, which do not divide.
    """
    waiting = list(in_a_row(axes))[::-1]
    found: list[Row] = []
    for size in sizes:
        taken: list[Factor] = []
        while size > 1:
            if not waiting:
                return None
            factor = waiting.pop()
            if size % factor.size == 0:
                taken.append(factor)
                size //= factor.size
            elif factor.size % size == 0:
                rest = factor.size // size
                taken.append(Factor(factor.axis, size, factor.stride * rest))
                waiting.append(Factor(factor.axis, rest, factor.stride))
                size = 1
            else:
                return None
        found.append(row(taken))
    return None if waiting else tuple(found)


def in_order(axes: Axes, own: Axes) -> bool:
    """Whether the numbers are in the order of a tensor with axes of its own."""
    return in_a_row(axes) == in_a_row(own)


def whole(axes: Axes, own: Axes) -> bool:
    """Whether each axis of the tensor is there once, and in its own order; where it is among the
    others, and in how many parts, does not matter.
    """
    found: dict[Axis, list[Factor]] = {}
    for factor in chain.from_iterable(axes):
        found.setdefault(factor.axis, []).append(factor)
    expected = {r[0].axis: r for r in own if r}
    return {axis: row(factors) for axis, factors in found.items()} == expected
