"""Where Keras keeps the weights of an op, and in which layout; docs/semantics.md has a table.

Layouts are said here, and carried out where there are numbers: in `cnngen/weights/layout.py`.
"""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Transposed:
    """PyTorch's axes in the order of Keras; without any, all stay."""

    axes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EachChannel:
    """Filters of each channel by itself, `multiplier` of them."""

    multiplier: int


@dataclass(frozen=True, slots=True)
class Spread:
    """One number per channel, in a shape that has axes of size 1 for the positions."""

    shape: tuple[int, ...]


Layout = Transposed | EachChannel | Spread
AS_IS = Transposed()
MATRIX = Transposed((1, 0))
FILTERS = Transposed((2, 3, 1, 0))


class Axes(NamedTuple):
    """Where the features of a flattened input stand in a weight, in the order of each framework."""

    torch: int
    keras: int


PER_FEATURE = Axes(0, 0)
COLUMNS = Axes(1, 0)


@dataclass(frozen=True, slots=True)
class InKeras:
    """The variable of Keras that holds a weight."""

    variable: str
    layout: Layout = AS_IS
    features: Axes | None = None
