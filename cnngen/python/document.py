"""Documents, which say where a text may be broken -> lines of at most a width."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias, assert_never

WIDTH = 100  # columns of a line


@dataclass(frozen=True, slots=True)
class Line:
    """A line break where the enclosing group is broken, else the text `flat`."""

    flat: str


@dataclass(frozen=True, slots=True)
class IfBroken:
    """Text that shows only where the enclosing group is broken."""

    text: str


@dataclass(frozen=True, slots=True)
class Indent:
    """A part whose new lines stand one level deeper."""

    content: "Doc"


@dataclass(frozen=True, slots=True)
class Group:
    """A part printed on one line, or broken at all of its own lines (`broken`: in any case).

    A `loose` group decides for itself even where everything around it is flat.
    """

    content: "Doc"
    broken: bool = False
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Either:
    """A part printed `bare` if it fits with only its loose groups broken, else in parentheses.

    A `choosy` one stays bare where not even parentheses make it fit.
    """

    bare: "Doc"
    inside: "Doc"
    choosy: bool

    @property
    def wrapped(self) -> "Doc":
        return ("(", Indent((SOFT, self.inside)), SOFT, ")")


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """Nothing to print: it stands before and behind what was made from an origin."""

    origin: object


Doc: TypeAlias = "str | Line | IfBroken | Indent | Group | Either | Mark | tuple[Doc, ...]"
SOFT, SPACE = Line(""), Line(" ")


def group(content: Doc, broken: bool = False, loose: bool = False) -> Group:
    """Make a group that breaks where a group in it does; only a loose one keeps that to itself."""
    return Group(content, broken or _has_broken(content), loose)


def _has_broken(doc: Doc) -> bool:
    match doc:
        case Group(_, broken, loose):
            return broken and not loose
        case Indent(content):
            return _has_broken(content)
        case tuple():
            return any(map(_has_broken, doc))
        case str() | Line() | IfBroken() | Either() | Mark():
            return False


def bracket(left: str, content: Doc, right: str, loose: bool = False) -> Doc:
    """Put brackets around a content that moves to lines of its own if it does not fit."""
    return (left, group((Indent((SOFT, content)), SOFT), loose=loose), right)


def parenthesize_broken(content: Doc) -> Group:
    """Add parentheses if the content does not fit."""
    return group((IfBroken("("), Indent((SOFT, content)), SOFT, IfBroken(")")))


def separate(items: Sequence[Doc], trailing: bool, magic: bool = False) -> Doc:
    """Put commas between items, and `trailing` after the last where the enclosing group is broken.

    A `magic` comma after the last breaks that group.
    """
    docs = [(item, ",", SPACE) for item in items[:-1]]
    last = IfBroken(",") if magic or trailing else ""
    return (*docs, items[-1], last, group("", broken=True) if magic else "")


_Frame: TypeAlias = tuple[Doc, int, bool]
"""What is left to print: a document, its indentation, and whether it is flat."""


def _ignore(_: Mark, __: int) -> None:
    pass


def render(
    doc: Doc, indent: int, width: int, note: Callable[[Mark, int], None] = _ignore
) -> list[str]:
    """Print a document, breaking a group only where it does not fit; `note` is told the line (from
    1) of each mark.
    """
    lines, line = list[str](), " " * indent
    todo: list[_Frame] = [(doc, indent, False)]
    while todo:
        doc, level, flat = todo.pop()
        match doc:
            case str():
                line += doc
            case tuple():
                todo.extend((part, level, flat) for part in reversed(doc))
            case Line(text) if flat:
                line += text
            case Line():
                lines.append(line)
                line = " " * level
            case IfBroken(text):
                line += "" if flat else text
            case Indent(content):
                todo.append((content, level + 4, flat))
            case Group(content, broken, loose):
                if not flat or loose:
                    flat = not broken and _fits((content, level, True), todo, len(line), width)
                todo.append((content, level, flat and not broken))
            case Either():
                bare, wrapped = (doc.bare, level, True), (doc.wrapped, level, False)
                stays = flat or _fits(bare, todo, len(line), width)
                if not stays and doc.choosy:
                    stays = not _fits(wrapped, todo, len(line), width, _Measure.ALL_LINES)
                todo.append(bare if stays else wrapped)
            case Mark():
                note(doc, len(lines) + 1)
            case _:
                assert_never(doc)
    return [*lines, line]


class _Measure(Enum):
    """How far a text must fit: to the first line break, on all lines, or on none."""

    FIRST_LINE = auto()
    ALL_LINES = auto()
    NO_LINE = auto()


def _fits(
    frame: _Frame,
    rest: Sequence[_Frame],
    column: int,
    width: int,
    measure: _Measure = _Measure.FIRST_LINE,
) -> bool:
    """Tell whether a frame fits, with what follows it up to the next line break."""
    todo = [(*frame, measure)]
    following = len(rest)
    while todo or following:
        if not todo:
            following -= 1
            todo.append((*rest[following], _Measure.FIRST_LINE))
        doc, level, flat, measure = todo.pop()
        match doc:
            case str():
                column += len(doc)
            case tuple():
                todo.extend((part, level, flat, measure) for part in reversed(doc))
            case Line(text) if flat:
                column += len(text)
            case Line():
                if measure is _Measure.FIRST_LINE:
                    return True
                column = level
            case IfBroken(text):
                column += 0 if flat else len(text)
            case Indent(content):
                todo.append((content, level + 4, flat, measure))
            case Group(content, loose=True) if flat:
                todo.append((content, level, False, _Measure.NO_LINE))
            case Group(content, broken):
                todo.append((content, level, flat and not broken, measure))
            case Either() if flat or doc.choosy:
                todo.append((doc.bare, level, flat, measure))
            case Either():
                todo.append((doc.wrapped, level, flat, measure))
            case Mark():
                pass
            case _:
                assert_never(doc)
        if column > width and measure is not _Measure.NO_LINE:
            return False
    return True
