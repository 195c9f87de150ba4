"""Diagnostics as text for people: with the lines that they are about, underlined, or in one line
each.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from cnngen.diagnostics.codes import Severity
from cnngen.diagnostics.excerpt import Excerpt, cut
from cnngen.diagnostics.model import Diagnostic, Label
from cnngen.diagnostics.terminal import one_line, safe
from cnngen.source import Source, Span

SCREEN = 100  # columns

Painter = Callable[[str, str], str]  # text, style

_STYLES = {
    "error": "1;31",
    "warning": "1;33",
    "note": "1;36",
    "secondary": "1;34",
    "gutter": "1;34",
    "strong": "1",
}


def render_text(diagnostics: Sequence[Diagnostic], *, color: bool = False, limit: int = 20) -> str:
    """Each diagnostic with its lines; at most `limit` errors, and as many warnings and notes."""
    shown, more = _limited(diagnostics, limit)
    paint = _colored if color else _plain
    blocks = ["\n".join(_block(diagnostic, paint)) for diagnostic in shown]
    text = "\n\n".join([*blocks, *more])
    return f"{text}\n" if text else ""


def render_concise(
    diagnostics: Sequence[Diagnostic], *, color: bool = False, limit: int = 20
) -> str:
    """`path:line:column: severity[code] message: primary label`, a line for each."""
    shown, more = _limited(diagnostics, limit)
    paint = _colored if color else _plain
    lines = [f"{place(d.primary.span)}: {_title(d, paint)} {headline(d)}" for d in shown]
    return "".join(f"{line}\n" for line in [*lines, *more])


def headline(diagnostic: Diagnostic) -> str:
    """The message and the primary label in one line."""
    parts = (diagnostic.message, diagnostic.primary.text)
    return ": ".join(one_line(part) for part in parts if part)


def full_message(diagnostic: Diagnostic) -> str:
    """The headline, then notes and help, without the lines that it is about."""
    notes = [f"note: {note}" for note in diagnostic.notes]
    help = [f"help: {diagnostic.help}"] if diagnostic.help else []
    lines = "\n".join([headline(diagnostic), *notes, *help]).splitlines()
    return "\n".join(map(safe, lines))


def describe_fix(diagnostic: Diagnostic) -> str:
    """What a fix does."""
    texts = [edit.text for edit in diagnostic.fix]
    if len(texts) > 1:
        return f"changes {len(texts)} places"
    if not texts[0]:
        return "removes it"
    written = texts[0].strip("\n")
    if "\n" in written:
        return f"writes {len(written.splitlines())} lines"
    return f"writes `{one_line(written)}`" if written.strip() else "writes spaces"


def place(span: Span) -> str:
    """`path:line:column`."""
    return one_line(f"{span.source.path}:{span.line}:{span.column}")


def _limited(diagnostics: Sequence[Diagnostic], limit: int) -> tuple[list[Diagnostic], list[str]]:
    """The diagnostics that are shown, and a line about the rest; warnings never take the room of
    errors.
    """
    seen: Counter[bool] = Counter()
    shown: list[Diagnostic] = []
    for diagnostic in diagnostics:
        is_error = diagnostic.severity is Severity.ERROR
        seen[is_error] += 1
        if seen[is_error] <= limit:
            shown.append(diagnostic)
    hidden = len(diagnostics) - len(shown)
    return shown, [f"... and {hidden} more"] if hidden else []


def _plain(text: str, style: str) -> str:
    return text


def _colored(text: str, style: str) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style and text else text


def _title(diagnostic: Diagnostic, paint: Painter) -> str:
    severity = diagnostic.severity.value
    return paint(f"{severity}[{diagnostic.code}]", severity)


@dataclass(frozen=True, slots=True)
class _Mark:
    """What a label underlines: the characters `start` to `end` (exclusive, from 0) of a line."""

    line: int
    start: int
    end: int
    text: str
    style: str

    @property
    def primary(self) -> bool:
        return self.style != "secondary"


def _mark(label: Label, style: str) -> _Mark:
    """The mark of a span; of one with several lines, the first line is shown and underlined to its
    end.
    """
    source = label.span.source
    line, column = source.position(label.span.start)
    last_line, last_column = source.position(label.span.end)
    text = source.line(line)
    start = min(column - 1, len(text))  # a span may begin at the line's end
    end = last_column - 1 if last_line == line else len(text.rstrip())
    return _Mark(line, start, max(start, min(end, len(text))), one_line(label.text), style)


def _block(diagnostic: Diagnostic, paint: Painter) -> Iterator[str]:
    """All lines of one diagnostic."""
    primary = diagnostic.primary
    severity = diagnostic.severity.value
    sections: dict[Source, list[_Mark]] = {primary.span.source: [_mark(primary, severity)]}
    places = {primary.span.source: primary.span}
    for label in diagnostic.secondary:
        sections.setdefault(label.span.source, []).append(_mark(label, "secondary"))
        places.setdefault(label.span.source, label.span)
    margin = " " * max(len(str(mark.line)) for marks in sections.values() for mark in marks)
    gap = f"{margin} {paint('|', 'gutter')}"

    yield _title(diagnostic, paint) + paint(f": {one_line(diagnostic.message)}", "strong")
    for source, marks in sections.items():
        if marks[0].primary:
            arrow = "-->"
        else:
            yield gap
            arrow = ":::"
        yield f"{margin}{paint(arrow, 'gutter')} {place(places[source])}"
        if source.text or any(mark.text for mark in marks):
            yield gap
            yield from _section(source, marks, margin, paint)
    remarks = [("note", note) for note in diagnostic.notes]
    remarks += [("help", diagnostic.help)] if diagnostic.help else []
    if diagnostic.fix:
        remarks.append(("fix", f"`cnngen check --fix` {describe_fix(diagnostic)}"))
    if remarks:
        yield gap
    for word, text in remarks:
        yield from _remark(word, text, margin, paint)


def _section(source: Source, marks: list[_Mark], margin: str, paint: Painter) -> Iterator[str]:
    """The marked lines of one file; `...` stands for two or more lines between them."""
    width = len(margin)
    room = SCREEN - width - len(" | ")

    def row(number: str, text: str) -> str:
        return f"{paint(f'{number:>{width}} |', 'gutter')} {text}".rstrip()

    def numbered(number: int, excerpt: Excerpt) -> str:
        return row(str(number), excerpt.text)

    previous = None
    for number, group in groupby(sorted(marks, key=lambda mark: mark.line), lambda mark: mark.line):
        if previous is not None and number - previous == 2:
            yield numbered(number - 1, cut(source.line(number - 1), 0, 0, room))
        elif previous is not None and number - previous > 2:
            yield "..."
        here = list(group)
        excerpt = cut(source.line(number), *_focus(here, room), room)
        yield numbered(number, excerpt)
        for underline in _underlines(here, excerpt, paint):
            yield row("", underline)
        previous = number


def _focus(marks: list[_Mark], room: int) -> tuple[int, int]:
    """The part of a line that must be visible: all marks if they are near each other, or the main
    one.
    """
    start, end = min(mark.start for mark in marks), max(mark.end for mark in marks)
    if end - start <= room // 2:
        return start, end
    main = next((mark for mark in marks if mark.primary), marks[0])
    return main.start, main.end


@dataclass(frozen=True, slots=True)
class _Placed:
    """A mark in columns of the screen."""

    start: int
    end: int
    mark: _Mark


def _underlines(marks: list[_Mark], excerpt: Excerpt, paint: Painter) -> Iterator[str]:
    """`^^^ label`, and below it the other labels, hanging on bars, the rightmost first."""
    placed: list[_Placed] = []
    for mark in marks:
        start = excerpt.column(mark.start)
        placed.append(_Placed(start, max(excerpt.column(mark.end), start + 1), mark))
    placed.sort(key=lambda p: (-p.start, not p.mark.primary))

    cells: dict[int, tuple[str, str]] = {}
    for p in sorted(placed, key=lambda p: p.mark.primary):  # the primary one on top
        character = "^" if p.mark.primary else "-"
        cells |= dict.fromkeys(range(p.start, p.end), (character, p.mark.style))
    inline = max(placed, key=lambda p: p.end)  # of several that end there, the one that begins last
    yield f"{_draw(cells, paint)} {paint(inline.mark.text, inline.mark.style)}"

    hanging = [p for p in placed if p is not inline and p.mark.text]
    if hanging:
        yield _draw(_bars(hanging), paint)
    for p in hanging:
        bars = _draw(_bars(q for q in hanging if q.start < p.start), paint, p.start)
        yield bars + paint(p.mark.text, p.mark.style)


def _bars(placed: Iterable[_Placed]) -> dict[int, tuple[str, str]]:
    return {p.start: ("|", p.mark.style) for p in placed}


def _draw(cells: dict[int, tuple[str, str]], paint: Painter, width: int = 0) -> str:
    """A row of the screen from its characters and their styles, by column."""
    row = [cells.get(column, (" ", "")) for column in range(max([width, *(c + 1 for c in cells)]))]
    runs = groupby(row, key=lambda cell: cell[1])
    return "".join(paint("".join(character for character, _ in run), style) for style, run in runs)


def _remark(word: str, text: str, margin: str, paint: Painter) -> Iterator[str]:
    """`= word: text`, with further lines of the text below its first."""
    lead = f"{margin} {paint('=', 'gutter')} {paint(f'{word}:', 'strong')} "
    for line in text.splitlines():
        yield f"{lead}{safe(line)}".rstrip()
        lead = " " * len(f"{margin} = {word}: ")
