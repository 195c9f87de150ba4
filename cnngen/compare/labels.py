"""Labels: names beside their bubbles, none on top of another; the same for the same bubbles."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import hypot

from cnngen.draw.metrics import width

SIZE = 10.5  # of the letters
HEIGHT = 13.0
GAP = 3.0
CLOSE = 8.0  # to a bubble, for a name that needs no line
RING = 9.0
RINGS = 40
DIRECTIONS = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1))


@dataclass(frozen=True, slots=True)
class Bubble:
    x: float
    y: float
    radius: float
    name: str


@dataclass(frozen=True, slots=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def within(self, other: "Box") -> bool:
        across = other.left <= self.left and self.right <= other.right
        return across and other.top <= self.top and self.bottom <= other.bottom

    def distance(self, x: float, y: float) -> float:
        across, down = self.nearest(x, y)
        return hypot(across - x, down - y)

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """Where a line from a point to the box ends."""
        return min(max(x, self.left), self.right), min(max(y, self.top), self.bottom)

    def lies_between(self, x: float, y: float, other: "Box") -> bool:
        """Whether the line from a point to another box runs through this one."""
        to_x, to_y = other.nearest(x, y)
        first, last = 0.0, 1.0  # the part of the line that may lie inside
        for at, step, low, high in (
            (x, to_x - x, self.left, self.right),
            (y, to_y - y, self.top, self.bottom),
        ):
            if step == 0:
                if not low < at < high:
                    return False
                continue
            enters, leaves = sorted(((low - at) / step, (high - at) / step))
            first, last = max(first, enters), min(last, leaves)
        return first < last


def place_labels(bubbles: Sequence[Bubble], room: Box) -> list[Box]:
    """A box for each name: the nearest that is free, outside of other bubbles if possible."""
    placed: dict[int, Box] = {}
    order = sorted(range(len(bubbles)), key=lambda i: (bubbles[i].radius, bubbles[i].name, i))
    for i in order:
        free = [
            box
            for box in _candidates(bubbles[i])
            if box.within(room) and not any(box.meets(other) for other in placed.values())
        ]
        costs = [(_cost(box, rank, bubbles, i, placed), box) for rank, box in enumerate(free)]
        # No place is free where there are more names than room: then they do lie on each other.
        best = min(costs, key=lambda each: each[0], default=(0, next(_candidates(bubbles[i]))))
        placed[i] = best[1]
    return [placed[i] for i in range(len(bubbles))]


def _candidates(bubble: Bubble) -> Iterator[Box]:
    """Boxes all around a bubble, the nearest first."""
    wide = width(bubble.name, SIZE)
    for ring in range(RINGS):
        away = bubble.radius + GAP + ring * RING
        for across, down in DIRECTIONS:
            reach = away * (0.71 if across and down else 1)
            x = bubble.x + across * (reach + wide / 2)
            y = bubble.y + down * (reach + HEIGHT / 2)
            yield Box(x - wide / 2, y - HEIGHT / 2, x + wide / 2, y + HEIGHT / 2)


def _around(bubble: Bubble) -> Box:
    """The center of a bubble, with the room that keeps a line apart from it."""
    return Box(bubble.x - GAP, bubble.y - GAP, bubble.x + GAP, bubble.y + GAP)


def needs_leader(bubble: Bubble, label: Box, bubbles: Sequence[Bubble]) -> bool:
    """Whether a name could be taken for another bubble's, so that it needs a line to its own."""
    others = [_away(label, other) for other in bubbles if other is not bubble]
    return _away(label, bubble) > CLOSE or min(others, default=CLOSE) < CLOSE


def _away(label: Box, bubble: Bubble) -> float:
    """The distance from the edge of a bubble to a name outside of it."""
    return label.distance(bubble.x, bubble.y) - bubble.radius


def _cost(
    box: Box, rank: int, bubbles: Sequence[Bubble], own: int, placed: Mapping[int, Box]
) -> float:
    """The distance, and what the box covers: the center of a bubble counts more than its rest, or
    than a line between a name and its bubble; and what its own line crosses.
    """
    x, y = bubbles[own].x, bubbles[own].y
    cost = _away(box, bubbles[own]) + 0.01 * rank
    for i, bubble in enumerate(bubbles):
        distance = box.distance(bubble.x, bubble.y)
        if distance < GAP:
            cost += 100
        if i != own and distance < bubble.radius:
            cost += 40
        if i != own and _around(bubble).lies_between(x, y, box):
            cost += 60
    for i, other in placed.items():
        crosses = other.lies_between(x, y, box)
        cost += 60 * (crosses + box.lies_between(bubbles[i].x, bubbles[i].y, other))
    return cost
