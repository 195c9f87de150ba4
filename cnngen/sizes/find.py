"""Find: the heights and widths for which a network works, from its tracks and limits."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import lcm

from cnngen.semantics.network import Network
from cnngen.sizes.follow import Course, follow
from cnngen.sizes.limits import Kind, Limit
from cnngen.sizes.sets import Lengths, lengths_of
from cnngen.sizes.together import common_size

LEAST = 256
MOST = 8192
MOST_LIMITS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Sizes:
    """The heights and widths that work.

    `because` are the limits that exclude any. At the layers `tied`, height and width depend on each
    other: then each set holds only while the other side keeps the size that it has.
    """

    height: Lengths
    width: Lengths
    because: tuple[Limit, ...]
    tied: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exploration:
    """A network whose course is known for all sizes of the images that are `moving`, or for those
    up to `course.upto`.
    """

    network: Network
    moving: tuple[str, ...]
    course: Course
    period: int
    settled: bool

    def built(self) -> Sizes:
        """What a built network takes in inference."""
        return self._sizes([limit for limit in self.course.limits if not limit.training])

    def trained(self) -> Sizes:
        """What a built network takes in training, where it has all its heads."""
        return self._sizes(self.course.limits)

    def compiled(self) -> Sizes:
        """The inputs (`--input`) for which the spec compiles; weights then follow the size."""
        return self._sizes([limit for limit in self.course.limits if limit.kind != "weights"])

    def _sizes(self, limits: Sequence[Limit]) -> Sizes:
        own = next(iter(self.network.images[name] for name in self.moving))
        axes = [[limit for limit in limits if limit.axis == axis] for axis in (0, 1)]
        held = [_all_held(of_axis, self.course.upto) for of_axis in axes]
        tied: list[str] = []
        for one, other in _pairs("gate", limits):
            if len(_patterns(one, held[0]) | _patterns(other, held[1])) > 1:
                tied.append(one.path)
                held[0] = _fitting(one, other, own.width, held[0])
                held[1] = _fitting(other, one, own.height, held[1])
        for one, other in _pairs("several", limits):
            single = _single(one, held[0]), _single(other, held[1])
            if not (any(single[0]) and any(single[1])):
                continue
            if always := [axis for axis in (0, 1) if single[axis] == held[axis]]:
                axis = 1 - always[0]
                held[axis] = _without(single[axis], held[axis])
            else:
                tied.append(one.path)
                at_own = single[0][own.height - 1], single[1][own.width - 1]
                held = [
                    _without(single[axis], held[axis]) if at_own[1 - axis] else held[axis]
                    for axis in (0, 1)
                ]
        height, width = (lengths_of(each, self.period, self.settled) for each in held)
        because = (*_because(axes[0]), *_because(axes[1]))
        return Sizes(height, width, because, tuple(tied))


def explore(network: Network, moving: Collection[str] | None = None) -> Exploration:
    """Follow a network for ever larger images, until what holds must repeat: those of these inputs,
    or of all that are of one size.
    """
    if moving is None:
        moving = network.images if common_size(network.inputs) else ()
    upto = LEAST
    while True:
        course = follow(network, upto, moving)
        tracks = [track for limit in course.limits for track in limit.tracks]
        tracks += course.tracks()
        period = lcm(*(track.period for track in tracks))
        settled = (
            2 * period <= upto
            and all(track.repeats(period) for track in tracks)
            and all(limit.settled(period) for limit in course.limits)
        )
        if settled or upto >= MOST:
            return Exploration(network, tuple(moving), course, period, settled)
        upto *= 2


def _all_held(limits: Sequence[Limit], upto: int) -> list[bool]:
    columns = zip(*(limit.held for limit in limits), strict=True)
    return [all(column) for column in columns] if limits else [True] * upto


def _pairs(kind: Kind, limits: Sequence[Limit]) -> list[tuple[Limit, Limit]]:
    """The limits of each layer along both axes, of a kind."""
    found = [limit for limit in limits if limit.kind == kind]
    return [
        (one, other) for one, other in zip(found, found[1:], strict=False) if one.path == other.path
    ]


def _patterns(limit: Limit, held: Sequence[bool]) -> set[tuple[bool, ...] | None]:
    """For each length that works, which branches are gates; without lengths at which all branches
    are 1 long.
    """
    found = {limit.gates(length) for length, works in enumerate(held, 1) if works}
    return found - {None}


def _fitting(limit: Limit, other: Limit, own: int, held: Sequence[bool]) -> list[bool]:
    """The lengths at which the same branches are gates as along the other axis."""
    given = other.gates(own) if own <= len(held) else None
    return [
        works and (given is None or limit.gates(length) in (None, given))
        for length, works in enumerate(held, 1)
    ]


def _single(limit: Limit, held: Sequence[bool]) -> list[bool]:
    """The lengths that work, and with which the first track has the length 1."""
    lengths = limit.tracks[0].lengths
    return [works and n == 1 for works, n in zip(held, lengths, strict=True)]


def _without(excluded: Sequence[bool], held: Sequence[bool]) -> list[bool]:
    return [works and not out for works, out in zip(held, excluded, strict=True)]


def _because(limits: Sequence[Limit]) -> tuple[Limit, ...]:
    """The limits to be named: those that exclude most, as long as each excludes what those before
    it do not.
    """
    excluded: set[int] = set()
    found: list[Limit] = []
    without = [(limit, {i for i, held in enumerate(limit.held) if not held}) for limit in limits]
    for limit, lengths in sorted(without, key=lambda pair: -len(pair[1])):
        if not lengths <= excluded:
            excluded |= lengths
            found.append(limit)
    return tuple(found[:MOST_LIMITS_SHOWN])
