"""Colour refinement (Weisfeiler and Leman): layers have the same colour as long as nothing around
them, however far away, distinguishes them.

Two graphs are coloured together. While each colour occurs equally often in both, layers of equal
colour may belong together; a colour that does not shows where the graphs differ.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from copy import copy

from cnngen.weights.graph import WeightGraph

Colours = dict[str, int]
Neighbours = dict[str, list[tuple[str, int]]]  # each with the part of the flow in which it stands
PAIRED = -1  # the colour of two layers that were just paired


class Coloured:
    """Two graphs with colours, which are refined in place."""

    def __init__(
        self, graphs: tuple[WeightGraph, WeightGraph], marks: Mapping[tuple[int, str], Hashable]
    ) -> None:
        """`marks` has what distinguishes each layer (of graph 0 or 1, by name) by itself."""
        self.around = tuple((_before(graph), _after(graph)) for graph in graphs)
        ours, theirs = ({n: marks[i, n] for n in graphs[i].layers} for i in (0, 1))
        self.colours = _numbered(ours, theirs)

    def refine(self) -> bool:
        """Refine until nothing changes; false, and no further, once the graphs differ."""
        while self._balanced():
            before = self._count()
            self.colours = _numbered(self._seen(0), self._seen(1))
            if self._count() == before:
                return self._balanced()
        return False

    def _seen(self, side: int) -> dict[str, Hashable]:
        """The colour of each layer, with those of the layers before and after it."""
        colours = self.colours[side]
        before, after = self.around[side]
        return {
            name: (
                colour,
                tuple(sorted((colours[other], part) for other, part in before[name])),
                tuple(sorted((colours[other], part) for other, part in after[name])),
            )
            for name, colour in colours.items()
        }

    def _balanced(self) -> bool:
        return Counter(self.colours[0].values()) == Counter(self.colours[1].values())

    def _count(self) -> int:
        return len({*self.colours[0].values(), *self.colours[1].values()})

    def classes(self) -> Iterator[tuple[list[str], list[str]]]:
        """The layers of both sides for each colour, in their order."""
        found: dict[int, tuple[list[str], list[str]]] = {}
        for side, colours in enumerate(self.colours):
            for name, colour in colours.items():
                found.setdefault(colour, ([], []))[side].append(name)
        yield from found.values()

    def paired(self, ours: str, theirs: str) -> "Coloured":
        """A copy in which these two layers alone have a colour of their own."""
        other = copy(self)
        other.colours = ({**self.colours[0], ours: PAIRED}, {**self.colours[1], theirs: PAIRED})
        return other


def _numbered(
    ours: Mapping[str, Hashable], theirs: Mapping[str, Hashable]
) -> tuple[Colours, Colours]:
    """The same number for all that is equal, on both sides."""
    numbers: dict[Hashable, int] = {}
    return (
        {name: numbers.setdefault(mark, len(numbers)) for name, mark in ours.items()},
        {name: numbers.setdefault(mark, len(numbers)) for name, mark in theirs.items()},
    )


def _before(graph: WeightGraph) -> Neighbours:
    return {
        name: [(other, i) for i, part in enumerate(flow) for other in part]
        for name, flow in graph.reads.items()
    }


def _after(graph: WeightGraph) -> Neighbours:
    found: Neighbours = {name: [] for name in graph.layers}
    for name, before in _before(graph).items():
        for other, part in before:
            found[other].append((name, part))
    return found
