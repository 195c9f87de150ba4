"""Views of maps: which part of channels, heights and widths lies along each axis of a tensor.

Files of graphs spell an op of ours as several that only move numbers: what reshapes channels to two
axes, swaps these and makes one of them again is a `channel_shuffle`. Followed factor by factor, as
einops writes them, such a tensor stays the one that it was made of, until something computes with
it and asks what has become of the axes.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import permutations
from math import prod
from typing import Literal, NamedTuple

from cnngen.ops.base import Shape

Letter = Literal["n", "c", "h", "w"]


class Factor(NamedTuple):
    """Numbers along a part of an axis: `size` of them, each `stride` behind the one before."""

    letter: Letter
    stride: int
    size: int


Axis = tuple[Factor, ...]  # the outermost first
Axes = tuple[Axis, ...]


class ViewError(Exception):
    """A tensor cannot be seen so."""


def whole(letter: Letter, size: int) -> Axis:
    """An axis of its own; the samples are one, even if there is only one of them."""
    return (Factor(letter, 1, size),) if size > 1 or letter == "n" else ()


def standard(batch: int, shape: Shape) -> Axes:
    """Samples, channels, heights and widths, each along an axis of its own."""
    letters: tuple[Letter, ...] = ("c", "h", "w")
    pairs = zip(letters, shape.dimensions, strict=False)
    return (whole("n", batch), *(whole(letter, size) for letter, size in pairs))


def flattened(batch: int, shape: Shape) -> Axes:
    """Samples, and all else along one axis, channel by channel."""
    first, *rest = standard(batch, shape)
    return (first, joined(rest))


def length(axis: Axis) -> int:
    return prod(factor.size for factor in axis)


def dimensions(axes: Axes) -> tuple[int, ...]:
    return tuple(map(length, axes))


def joined(axes: Iterable[Axis]) -> Axis:
    """One axis of several that follow each other."""
    result: list[Factor] = []
    for factor in (factor for axis in axes for factor in axis):
        if factor.size == 1 and factor.letter != "n":
            continue
        last = result[-1] if result else None
        if last and last.letter == factor.letter and last.stride == factor.stride * factor.size:
            result[-1] = Factor(last.letter, factor.stride, last.size * factor.size)
        else:
            result.append(factor)
    return tuple(result)


def transposed(axes: Axes, order: Sequence[int]) -> Axes:
    if sorted(order) != list(range(len(axes))):
        raise ViewError(f"{list(order)} is no order of {len(axes)} axes")
    return tuple(axes[i] for i in order)


def reshaped(axes: Axes, sizes: Sequence[int]) -> Axes:
    """The same numbers in the same order, along axes of other sizes."""
    rest = deque(joined(axes))
    if prod(sizes) != prod(dimensions(axes)) or 0 in sizes:
        raise ViewError(f"{_spell(dimensions(axes))} cannot become {_spell(sizes)}")
    return tuple(joined([_take(rest, size)]) for size in sizes)


def _take(rest: deque[Factor], size: int) -> Axis:
    taken: list[Factor] = []
    if rest and rest[0].letter == "n" and rest[0].size == 1:
        taken.append(rest.popleft())
    while size > 1:
        factor = rest.popleft()
        if size % factor.size == 0:
            size //= factor.size
            taken.append(factor)
        elif factor.size % size == 0:
            inner = factor.size // size
            taken.append(Factor(factor.letter, factor.stride * inner, size))
            rest.appendleft(Factor(factor.letter, factor.stride, inner))
            size = 1
        else:
            raise ViewError(f"an axis of {factor.size} cannot be divided by {size}")
    return tuple(taken)


def order_of(batch: int, tensors: Iterable[tuple[Shape, Axes]]) -> tuple[int, ...] | None:
    """The order of standard axes that all of these tensors have, if there is one.

    Shapes of 1 x 1 are of several orders, so it takes the others to know.
    """
    tensors = list(tensors)
    (rank, *others) = {len(axes) for _, axes in tensors}
    if others or rank not in (2, 4):
        return None
    for order in permutations(range(1, rank)):
        order = (0, *order)
        if all(
            len(shape.dimensions) == rank - 1 and axes == transposed(standard(batch, shape), order)
            for shape, axes in tensors
        ):
            return order
    return None


def groups_of(axis: Axis, channels: int) -> int | None:
    """How many groups of channels there are, if they lie along an axis."""
    match axis:
        case (Factor("c", stride, size),) if stride * size == channels:
            return size
        case _:
            return None


def _spell(sizes: Iterable[int]) -> str:
    return " x ".join(map(str, sizes))
