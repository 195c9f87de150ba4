"""Rendered: the text of a generated file, and which of its lines were made from which step."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cnngen.python.nodes import Origin
from cnngen.python.printer import Printed

Lines = tuple[int, int]  # the first and the last, counted from 1


@dataclass(frozen=True, slots=True)
class Rendered:
    """`places` are the lines of each step and block, and of the spec itself, which is the model."""

    text: str
    places: Mapping[Origin, Sequence[Lines]]


def placed(text: str, parts: Iterable[Printed]) -> Rendered:
    """A page with the lines of its parts, as they were printed. The page is a template, which may
    be the user's: what it does not print as it was given has no places.
    """
    places: dict[Origin, list[Lines]] = {}
    for part in parts:
        above, found, _ = text.partition(part.text)
        if not found:
            continue
        before = above.count("\n")
        for origin, lines in part.places.items():
            moved = [(first + before, last + before) for first, last in lines]
            places.setdefault(origin, []).extend(moved)
    return Rendered(text, places)
