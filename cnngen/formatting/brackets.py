"""The content of braces and brackets: on one line or, of a list, on several."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cnngen.formatting.pieces import Collection, Note, Piece
from cnngen.formatting.scalar import as_key, one_line
from cnngen.syntax.yaml_nodes import Scalar

WIDTH = 100  # columns of a line


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a list, without brackets and without a comma at its end."""

    text: str
    above: tuple[Note, ...] = ()
    behind: str = ""


def flat(piece: Piece) -> str | None:
    """A piece on one line; None where a comment in it or a text of several lines prevents that."""
    if isinstance(piece, Scalar):
        return one_line(piece, flow=True)
    texts = _texts(piece)
    if texts is None or piece.has_comments:
        return None
    inside = "".join(_gaps(piece, texts))
    return inside if piece.bare else f"{{{inside}}}" if piece.is_mapping else f"[{inside}]"


def rows(piece: Collection, column: int) -> list[Row] | None:
    """The lines of a list whose items begin at a column; None where they do not fit there.

    Lines of several items stay as the author wrote them. A list of single values is continued on
    the next line where one is full; a list with other items, or comments, is not laid out in this
    way.
    """
    single = all(isinstance(item.value, Scalar) for item in piece.items)
    texts = _texts(piece)
    if texts is None or (piece.has_comments and not single):
        return None
    if not texts:
        return [Row("")]
    breaks = [i for i, item in enumerate(piece.items) if i and item.breaks]
    if len(breaks) == len(texts) - 1 and not piece.has_comments:
        breaks = []  # one on each line, as tools write them
    found: list[Row] = []
    gaps = _gaps(piece, texts)
    for start, end in pairwise([0, *breaks, len(texts)]):
        line = [texts[start], *gaps[start + 1 : end]]
        lines = list(_filled(line, WIDTH - column - 1)) if single else ["".join(line)]
        if any(column + len(line) >= WIDTH for line in lines):
            return None
        new = [Row(line) for line in lines]
        new[0] = Row(new[0].text, piece.items[start].above)
        new[-1] = Row(new[-1].text, new[-1].above, piece.items[end - 1].behind)
        found += new
    return found


def _texts(piece: Collection) -> list[str] | None:
    """The items of a piece, each on one line, or None where one of them cannot be."""
    texts: list[str] = []
    for item in piece.items:
        text = flat(item.value)
        if text is None:
            return None
        if item.key:
            key = as_key(item.key, flow=True)
            text = f"{key}: {text}" if text or piece.bare else key
        texts.append(text)
    return texts


def _gaps(piece: Collection, texts: Sequence[str]) -> list[str]:
    """Each item with the comma and the space before it; two spaces, as the author put them,
    separate groups.
    """
    following = piece.items[1:]
    groups = not piece.is_mapping and not all(item.wide for item in following)
    gaps = [",  " if groups and item.wide else ", " for item in following]
    return [*texts[:1], *(gap + text for gap, text in zip(gaps, texts[1:], strict=True))]


def _filled(items: Sequence[str], room: int) -> Iterator[str]:
    """Lines of as many items as fit."""
    line = items[0]
    for item in items[1:]:
        if len(line) + len(item) > room:
            yield line
            line = item.lstrip(", ")
        else:
            line += item
    yield line
