"""The correspondence of weights: the name and the shape of each on either side."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from cnngen.report.table import Table
from cnngen.semantics.network import Network
from cnngen.weights.graph import Dimensions, spell
from cnngen.weights.match import Match
from cnngen.weights.places import places


@dataclass(frozen=True, slots=True)
class Row:
    """A weight of ours and the one with the same numbers, with both shapes.

    `alike` means that several weights would fit, and only the order of their layers decided.
    """

    ours: str
    shape: Dimensions
    theirs: str
    their_shape: Dimensions
    alike: bool = False

    def as_dict(self) -> dict[str, Any]:
        """What `cnngen weights map --format json` prints."""
        return asdict(self)


def between_targets(network: Network) -> Iterator[Row]:
    """The key in PyTorch and the path in Keras of each weight."""
    for place in places(network):
        names, shapes = place.names, place.shapes
        yield Row(names["torch"], shapes["torch"], names["keras"], shapes["keras"])


def with_reference(found: Match) -> Iterator[Row]:
    """The key in PyTorch of each weight and the name that the reference model has for it, with
    shapes in PyTorch's layout; a weight without a counterpart has no such name.
    """
    for pair in (*found.pairs, *found.unlike):
        theirs = pair.theirs.weights
        for name in {**pair.ours.weights, **theirs}:
            us, them = pair.ours.weights.get(name), theirs.get(name)
            yield Row(
                us.key if us else "",
                us.shape if us else (),
                them.key if them else "",
                them.shape if them else (),
                pair in found.by_order,
            )


def correspondence_table(rows: Iterable[Row], theirs: str) -> Table:
    rows = list(rows)
    cells = [
        (row.ours, _spelled(row.shape, row.ours), row.theirs, _spelled(row.their_shape, row.theirs))
        for row in rows
    ]
    head = ("ours", "shape", theirs, "shape")
    if any(row.alike for row in rows):
        marks = ("order" if row.alike else "structure" for row in rows)
        return Table(
            (*head, "found by"), [(*row, mark) for row, mark in zip(cells, marks, strict=True)]
        )
    return Table(head, cells)


def _spelled(shape: Dimensions, name: str) -> str:
    return spell(shape) if name else ""
