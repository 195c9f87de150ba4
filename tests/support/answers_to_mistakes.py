"""What `cnngen check` says about a spec with a mistake, and whether it points at the mistake."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cnngen.check import check
from cnngen.diagnostics.codes import Severity
from cnngen.diagnostics.model import Diagnostic
from support.mistakes_of_people import Mistake


@dataclass(frozen=True, slots=True)
class Answer:
    """The errors, and where the first one points: at the line of the mistake, with a label at it,
    or elsewhere.
    """

    errors: tuple[Diagnostic, ...]
    place: Literal["line", "label", "elsewhere"]

    @property
    def good(self) -> bool:
        return len(self.errors) == 1 and self.place != "elsewhere"


@dataclass(frozen=True, slots=True)
class Answers:
    """What is said about a spec with several mistakes: the mistakes at which an error or a label
    points, those at which none does, and the errors that point at none: mere consequences.
    """

    said: tuple[Mistake, ...]
    unsaid: tuple[Mistake, ...]
    consequences: tuple[Diagnostic, ...]
    errors: tuple[Diagnostic, ...]


def answer(mistake: Mistake, folder: Path) -> Answer:
    """Check a changed spec in a folder that has the zoo; its file is restored afterwards."""
    errors = _errors(mistake.text, mistake.file, folder)
    return Answer(errors, _place(errors, mistake, folder / mistake.file))


def answers(text: str, mistakes: Sequence[Mistake], folder: Path) -> Answers:
    """Check a spec with several mistakes. Mistakes that alone are no error, or whose error points
    elsewhere, do not count, and the errors of a mistake alone are no consequences.
    """
    alone = {mistake: answer(mistake, folder) for mistake in mistakes}
    counted = [mistake for mistake, found in alone.items() if found.place != "elsewhere"]
    known = {_what(each) for found in alone.values() for each in found.errors}
    path = folder / mistakes[0].file
    errors = _errors(text, path.name, folder)
    pointed = [{*_lines(each, path)} for each in errors]
    said = tuple(m for m in counted if any(m.line in lines for lines in pointed))
    lines = {m.line for m in mistakes}
    others = (e for e, at in zip(errors, pointed, strict=True) if not at & lines)
    consequences = (each for each in others if _what(each) not in known)
    return Answers(said, tuple(m for m in counted if m not in said), tuple(consequences), errors)


def _errors(text: str, name: str, folder: Path) -> tuple[Diagnostic, ...]:
    path = folder / name
    before = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    try:
        said = check(path).diagnostics
    finally:
        path.write_text(before, encoding="utf-8")
    return tuple(each for each in said if each.severity is Severity.ERROR)


def _what(error: Diagnostic) -> tuple[str, str, int]:
    return error.code, error.message, error.primary.span.line


def _lines(error: Diagnostic, path: Path) -> list[int]:
    """The lines of a file that an error points at; 0 for those of others."""
    spans = [error.primary.span, *(label.span for label in error.secondary)]
    return [span.line if span.source.path == str(path) else 0 for span in spans]


def _place(
    errors: tuple[Diagnostic, ...], mistake: Mistake, path: Path
) -> Literal["line", "label", "elsewhere"]:
    if not errors:
        return "elsewhere"
    lines = _lines(errors[0], path)
    # What a line lacks, YAML may see at the end of it or at the next one.
    if lines[0] == mistake.line:
        return "line"
    return "label" if mistake.line in lines[1:] else "elsewhere"
