"""Lines: pieces to the lines of a spec, with brackets or without, indented, and with blank lines.

Brackets that do not fit on a line are replaced by lines below their key, the outermost first. A
list of single values is continued on the next line instead.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from cnngen.formatting.brackets import WIDTH, flat, rows
from cnngen.formatting.pieces import Collection, Item, Note
from cnngen.formatting.scalar import as_key, is_literal, one_line, several_lines
from cnngen.syntax.yaml_nodes import Scalar

STEP = 2
SECTIONS = ("params", "input", "inputs", "defaults", "blocks", "model", "outputs")


@dataclass(frozen=True, slots=True)
class Line:
    """A line, the comment behind it, and whether a blank line stands above it.

    `margin` is its indentation, with a dash if one begins it; `whole` where it is a whole item.
    """

    margin: str
    text: str
    comment: str = ""
    blank: bool = False
    whole: bool = False

    @property
    def code(self) -> str:
        return self.margin + self.text if self.text else self.margin.rstrip()


class Level(Enum):
    """Where a block stands, for the blank lines between its items."""

    TOP = auto()
    BLOCKS = auto()
    INNER = auto()


def lay_out(root: Collection) -> str:
    """The text of a spec."""
    printed: list[str] = []
    for run in _runs(_block(root, 0, Level.TOP)):
        column = _comment_column(run)
        for line in run:
            code = f"{line.code}  ".ljust(column)
            printed += [""] * line.blank
            printed.append(code + line.comment if line.comment else line.code)
    return "\n".join(printed) + "\n"


def _runs(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Neighbouring lines of one block whose comments are aligned; each is a whole item."""
    run: list[Line] = []
    for line in lines:
        goes_on = (
            bool(run)
            and all(each.whole and each.comment for each in (run[-1], line))
            and len(run[-1].margin) == len(line.margin)
            and not line.blank
        )
        if run and not goes_on:
            yield run
            run = []
        run.append(line)
    yield run


def _comment_column(run: Sequence[Line]) -> int:
    """The column of the comments of a run; 0 where they cannot be aligned, as one would not fit."""
    column = max(len(line.code) for line in run) + 2
    for line in run:
        if len(line.code) + 2 + len(line.comment) <= WIDTH < column + len(line.comment):
            return 0
    return column


def _block(block: Collection, column: int, level: Level = Level.INNER) -> list[Line]:
    """A mapping or a list, one item below the other."""
    lines: list[Line] = []
    height = 0
    for item in block.items:
        first, *rest = _item(item, column, level)
        new = [*_notes(item.above, column), replace(first, blank=item.blank), *rest]
        apart = _is_apart(level, item, max(height, len(rest) + 1))
        if not lines or (apart and not any(line.blank for line in new[: len(item.above) + 1])):
            new[0] = replace(new[0], blank=bool(lines))
        lines += new
        height = len(rest) + 1
    return [*lines, *_notes(block.below, column)]


def _is_apart(level: Level, item: Item, height: int) -> bool:
    """Whether a blank line separates an item from the one above; the taller of the two has `height`
    lines.
    """
    match level:
        case Level.TOP:
            return item.key is not None and item.key.text in SECTIONS
        case Level.BLOCKS:
            return height > 1
        case Level.INNER:
            return False


def _notes(notes: Iterable[Note], column: int) -> list[Line]:
    return [Line(" " * column, note.text, blank=note.blank) for note in notes]


def _item(item: Item, column: int, level: Level) -> list[Line]:
    """An item of a block, less the comments above it."""
    value = item.value
    if isinstance(value, Scalar):
        return _single(item, value, column)
    if value.bare:  # which, out of its brackets, is an entry like others
        entry = replace(value.items[0], behind=item.behind)
        item, value = replace(item, behind=""), replace(value, items=(entry,))
    elif value.flow and (lines := _bracketed(item, value, column)):
        return lines
    is_blocks = level is Level.TOP and item.key is not None and item.key.text == "blocks"
    below = _block(value, column + STEP, Level.BLOCKS if is_blocks else Level.INNER)
    if item.key is None:
        return _behind_dash(item, below, column)
    return [_beginning(item, column, "", item.behind), *below]


def _beginning(item: Item, column: int, text: str, comment: str = "") -> Line:
    """The line with the key or the dash of an item."""
    if item.key is None:
        return Line(f"{' ' * column}- ", text, comment)
    key = as_key(item.key, flow=False)
    return Line(" " * column, f"{key}: {text}" if text else f"{key}:", comment)


def _behind_dash(item: Item, block: Sequence[Line], column: int) -> list[Line]:
    """A block as an item of a list: comments above its first line go above the dash."""
    start = next(i for i, line in enumerate(block) if not line.text.startswith("#"))
    notes = [Line(" " * column, item.behind)] if item.behind else []
    notes += [replace(line, margin=" " * column) for line in block[:start]]
    margin = f"{' ' * column}- {block[start].margin[column + STEP :]}"
    return [*notes, replace(block[start], margin=margin), *block[start + 1 :]]


def _single(item: Item, value: Scalar, column: int) -> list[Line]:
    """An item with a single value: on one line if it fits, else on the lines of its author."""
    text = one_line(value, flow=False)
    line = replace(_beginning(item, column, text or "", item.behind), whole=True)
    fits = text is not None and len(line.code) <= WIDTH
    if fits or (text is not None and "\n" not in value.span.text and not item.below_key):
        return [line]
    texts = several_lines(value)
    literal = is_literal(value.span.text)
    if item.below_key and not literal:
        texts.insert(0, "")
    lines = [
        _beginning(item, column, texts[0]),
        *(Line(" " * (column + STEP), text) for text in texts[1:]),
    ]
    at = 0 if literal else -1
    lines[at] = replace(lines[at], comment=item.behind)
    return lines


def _bracketed(item: Item, value: Collection, column: int) -> list[Line] | None:
    """An item with braces or brackets; None where they do not fit."""
    if value.is_mapping:
        text = flat(value)
        line = _beginning(item, column, text or "", item.behind)
        return [replace(line, whole=True)] if text and len(line.code) <= WIDTH else None
    inner = len(_beginning(item, column, "[").code)
    found = rows(value, inner)
    if found is None:
        return None
    closes_apart = bool(value.below or found[-1].behind)
    lines: list[Line] = []
    for i, row in enumerate(found):
        lines += _notes(row.above, inner)
        last = i == len(found) - 1
        text = row.text + ("," if not last else "" if closes_apart else "]")
        line = Line(" " * inner, text) if i else _beginning(item, column, f"[{text}")
        lines.append(replace(line, comment=row.behind))
    if closes_apart:
        lines += [*_notes(value.below, inner), Line(" " * (inner - 1), "]")]
    return [*lines[:-1], replace(lines[-1], comment=item.behind, whole=len(lines) == 1)]
