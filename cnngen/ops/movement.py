"""Movements: which elements of its input an op reads, along one axis."""

from dataclasses import dataclass
from typing import assert_never


@dataclass(frozen=True, slots=True)
class Slide:
    """Output `i` reads `window` elements that lie `spread` apart, from `i * step - before` on."""

    window: int = 1
    step: int = 1
    spread: int = 1
    before: int = 0


@dataclass(frozen=True, slots=True)
class Enlarge:
    """Output `i` reads element `i // factor`, or if `linear` the two elements around its place.

    Where the first and the last element stay in place, `aligned` is how many there are.
    """

    factor: int
    linear: bool = False
    aligned: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """`before` elements become `after`, of which each reads the one at its place, or if `linear`
    the two around it. Where they are `aligned`, the first and the last element stay in place.
    """

    before: int
    after: int
    linear: bool = False
    aligned: bool = False


@dataclass(frozen=True, slots=True)
class Scatter:
    """Element `t` goes to `window` outputs that lie `spread` apart, from `t * step - before` on."""

    window: int
    step: int
    before: int
    spread: int = 1


@dataclass(frozen=True, slots=True)
class Fixed:
    """The output has the same length whatever the input's."""


Movement = Slide | Enlarge | Stretch | Scatter | Fixed
Movements = tuple[Movement, Movement]  # along the height and the width
POINTWISE = Slide()


def growth(movement: Movement) -> tuple[int, int]:
    """By how much the output grows (second) with so many more elements of the input (first)."""
    match movement:
        case Slide(step=step):
            return step, 1
        case Enlarge(factor=factor):
            return 1, factor
        case Scatter(step=step):
            return 1, step
        case Fixed() | Stretch():
            return 1, 0
        case _:
            assert_never(movement)
