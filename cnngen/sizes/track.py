"""Tracks: the length of a tensor along one axis, for every length of the input.

Every op obeys `f(n + a) = f(n) + b` for all `n` that it takes (`growth`). It takes all lengths from
its shortest one on, or, where it divides maps, the same ones of every `a`. What is composed of ops
does so, too: a track is known for all lengths once it is known for some.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from cnngen.ops.base import Image, Op
from cnngen.ops.movement import POINTWISE, Movement, growth
from cnngen.sizes.axis import Lengths, Rulers


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """`lengths` are those for inputs of 1, 2, 3...; where the input is `period` longer, the tensor
    is `growth` longer.
    """

    lengths: Lengths
    period: int
    growth: int

    @property
    def rate(self) -> Fraction:
        return Fraction(self.growth, self.period)

    @property
    def short(self) -> int:
        """How many lengths come before the first that reaches this tensor."""
        first = (i for i, n in enumerate(self.lengths) if n is not None)
        return next(first, len(self.lengths))

    def repeats(self, period: int) -> bool:
        """Whether the last `period` lengths show for good which inputs reach this tensor: all of
        them do, or some do, and just those did in the period before. An input that is a period
        longer than one that reaches the tensor does so as well.
        """
        last, before = self.lengths[-period:], self.lengths[-2 * period : -period]
        missing = [n is None for n in last]
        if all(missing):
            return False
        return not any(missing) or missing == [n is None for n in before]

    def at(self, length: int) -> int | None:
        return self.lengths[length - 1]


def straight(upto: int) -> Track:
    """The track of the input itself."""
    return Track(tuple(range(1, upto + 1)), 1, 1)


class Tracks:
    """Makes tracks; what is made from equal parts in the same way is one object."""

    def __init__(self) -> None:
        self.rulers = Rulers()
        self.made: dict[tuple[object, ...], Track] = {}

    def through(self, op: Op, x: Image, axis: int, movement: Movement, track: Track) -> Track:
        """The track of an op's output, from that of its input."""
        if movement == POINTWISE and not op.sizing:
            return track
        key = (track, type(op), axis, *(op.values[name] for name in op.sizing))
        if key not in self.made:
            lengths = self.rulers.measure(op, x, axis, track.lengths)
            made = Track(lengths, *_grown(track, *growth(movement)))
            self.made[key] = track if lengths == track.lengths else made
        return self.made[key]

    def largest(self, tracks: tuple[Track, ...]) -> Track:
        """The largest of several tracks, for each input; one of them, if that is always the
        largest.
        """
        key = ("largest", *tracks)
        if key not in self.made:
            columns = zip(*(track.lengths for track in tracks), strict=True)
            lengths = tuple([None if None in column else max(column) for column in columns])
            rate = max(track.rate for track in tracks)
            period = lcm(*(track.period for track in tracks))
            same = (t for t in tracks if t.lengths == lengths and t.rate == rate)
            made = Track(lengths, period, int(rate * period))
            self.made[key] = next(same, made)
        return self.made[key]

    def constant(self, length: int, upto: int) -> Track:
        key = ("constant", length, upto)
        if key not in self.made:
            self.made[key] = Track((length,) * upto, 1, 0)
        return self.made[key]


def _grown(track: Track, step: int, growth: int) -> tuple[int, int]:
    """The period and the growth of a composition."""
    times = step // gcd(track.growth, step)
    return track.period * times, track.growth * times // step * growth
