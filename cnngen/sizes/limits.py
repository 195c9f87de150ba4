"""Limits: a condition on the lengths that reach a layer along one axis, and the inputs for which it
holds.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, assert_never

from cnngen.sizes.track import Track

Kind = Literal["small", "uneven", "equal", "gate", "several", "weights", "single"]


@dataclass(frozen=True)
class Limit:
    """A condition of the layer at `path`, of one of these kinds:

    * small: the input is at least as long as the shortest that reaches the layer's output, the
      first track.
    * uneven: the layer, which takes multiples of `at`, has an output (first track) for whatever it
      is given (second track).
    * equal: all tracks are as long as the first.
    * gate: all are as long as the first, the largest of them, or of length 1.
    * several: the first track is longer than 1, or that of the other axis is.
    * weights, single: the first track has the length `at`; for `weights`, because that was built
      in.
    """

    path: str
    op: str
    kind: Kind
    axis: int
    tracks: tuple[Track, ...]
    training: bool
    at: int = 0

    @cached_property
    def held(self) -> tuple[bool, ...]:
        """Whether it holds, for each of the inputs 1, 2, 3..."""
        first, *others = (track.lengths for track in self.tracks)
        match self.kind:
            case "small":
                return tuple(length > self.tracks[0].short for length in range(1, len(first) + 1))
            case "uneven":
                return tuple(
                    n is not None or m is None for n, m in zip(first, *others, strict=True)
                )
            case "equal":
                return tuple(
                    n is not None and all(m == n for m in rest)
                    for n, *rest in zip(first, *others, strict=True)
                )
            case "gate":
                return tuple(
                    n is not None and all(m in (n, 1) for m in rest)
                    for n, *rest in zip(first, *others, strict=True)
                )
            case "several":
                return tuple(n is not None for n in first)
            case "weights" | "single":
                return tuple(n == self.at for n in first)
            case _:
                assert_never(self.kind)

    def gates(self, length: int) -> tuple[bool, ...] | None:
        """Which tracks are gates at this input: of length 1, where the first is longer. None where
        all are 1.
        """
        full = self.tracks[0].at(length)
        return None if full == 1 else tuple(track.at(length) == 1 for track in self.tracks[1:])

    def settled(self, period: int) -> bool:
        """Whether it is certain that `held` repeats from now on, with this period."""
        first, *others = self.tracks
        tail = first.lengths[-period:]
        match self.kind:
            case "small" | "uneven":
                return True
            case "several":
                return _beyond(first, 1)
            case "weights" | "single":
                return _beyond(first, self.at)
            case "equal":
                return all(_apart(tail, other.lengths[-period:], first, other) for other in others)
            case "gate":
                return all(
                    _apart(tail, other.lengths[-period:], first, other) and _beyond(other, 1)
                    for other in others
                )
            case _:
                assert_never(self.kind)


def _beyond(track: Track, length: int) -> bool:
    """Whether a track is constant, or longer from now on: it never shrinks."""
    last = next((n for n in reversed(track.lengths) if n is not None), 0)
    return not track.growth or last > length


def _apart(
    one: tuple[int | None, ...], two: tuple[int | None, ...], first: Track, second: Track
) -> bool:
    """Whether two tracks grow at the same rate, or the faster one is ahead for a whole period."""
    if first.rate == second.rate:
        return True
    if first.rate < second.rate:
        one, two = two, one
    return all(n is None or m is None or n > m for n, m in zip(one, two, strict=True))
