"""The correspondence of weights: what each is called, and how it is laid out, on either side."""

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
    """One weight of ours and the one that has the same numbers, with both shapes.

    `alike` means that only the order of layers told which of several it is.
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
    """Of each weight the key in PyTorch and the path in Keras."""
    for place in places(network):
        names, shapes = place.names, place.shapes
        yield Row(names["torch"], shapes["torch"], names["keras"], shapes["keras"])


def with_reference(found: Match) -> Iterator[Row]:
    """Of each weight the key in PyTorch and the one in the model of somebody else, with shapes in
    PyTorch's layout; one without a counterpart has none."""
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
