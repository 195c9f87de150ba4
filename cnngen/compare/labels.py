"""Labels: names beside their bubbles, none upon another; the same for the same bubbles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import hypot

from cnngen.draw.metrics import width

SIZE = 10.5  # of the letters
HEIGHT = 13.0
GAP = 3.0
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
        return hypot(max(self.left - x, 0, x - self.right), max(self.top - y, 0, y - self.bottom))


def place_labels(bubbles: Sequence[Bubble], room: Box) -> list[Box]:
    """A box for the name of each: the nearest that is free, best outside of other bubbles."""
    placed: dict[int, Box] = {}
    order = sorted(range(len(bubbles)), key=lambda i: (bubbles[i].radius, bubbles[i].name, i))
    for i in order:
        free = [
            box
            for box in _candidates(bubbles[i])
            if box.within(room) and not any(box.meets(other) for other in placed.values())
        ]
        costs = [(_cost(box, rank, bubbles, i), box) for rank, box in enumerate(free)]
        # No place is free where there are more names than room: then they do lie on each other.
        best = min(costs, key=lambda each: each[0], default=(0, next(_candidates(bubbles[i]))))
        placed[i] = best[1]
    return [placed[i] for i in range(len(bubbles))]


def _candidates(bubble: Bubble) -> Iterator[Box]:
    """All around it, the nearest first."""
    wide = width(bubble.name, SIZE)
    for ring in range(RINGS):
        away = bubble.radius + GAP + ring * RING
        for across, down in DIRECTIONS:
            reach = away * (0.71 if across and down else 1)
            x = bubble.x + across * (reach + wide / 2)
            y = bubble.y + down * (reach + HEIGHT / 2)
            yield Box(x - wide / 2, y - HEIGHT / 2, x + wide / 2, y + HEIGHT / 2)


def _cost(box: Box, rank: int, bubbles: Sequence[Bubble], own: int) -> float:
    """Distance, and what it covers: a center more than the rest of a bubble."""
    away = box.distance(bubbles[own].x, bubbles[own].y) - bubbles[own].radius
    cost = away + 0.01 * rank
    for i, bubble in enumerate(bubbles):
        distance = box.distance(bubble.x, bubble.y)
        if distance < GAP:
            cost += 100
        if i != own and distance < bubble.radius:
            cost += 25
    return cost
