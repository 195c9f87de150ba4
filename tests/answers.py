"""Support for tests: what `cnngen check` says of a spec with a mistake, and whether it helps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mistakes import Mistake

from cnngen.analysis import DEFAULTS, analyse_file
from cnngen.diagnostics.codes import Severity
from cnngen.diagnostics.model import Diagnostic, Report
from cnngen.remedy import advised


@dataclass(frozen=True, slots=True)
class Answer:
    """The errors, and where the first one points: at the line of the mistake, with a label at it,
    or elsewhere."""

    errors: tuple[Diagnostic, ...]
    place: Literal["line", "label", "elsewhere"]

    @property
    def good(self) -> bool:
        return len(self.errors) == 1 and self.place != "elsewhere"


def answer(mistake: Mistake, folder: Path) -> Answer:
    """Check the spec in a folder that has those of the zoo; what is there is put back."""
    path = folder / mistake.file
    before = path.read_text(encoding="utf-8")
    path.write_text(mistake.text, encoding="utf-8")
    try:
        report = Report()
        network, found = analyse_file(path, report), list(report)
        said = found if network else advised(path, DEFAULTS, found)
    finally:
        path.write_text(before, encoding="utf-8")
    errors = tuple(each for each in said if each.severity is Severity.ERROR)
    return Answer(errors, _place(errors, mistake, path))


def _place(
    errors: tuple[Diagnostic, ...], mistake: Mistake, path: Path
) -> Literal["line", "label", "elsewhere"]:
    if not errors:
        return "elsewhere"
    first = errors[0]
    spans = [first.primary.span, *(label.span for label in first.secondary)]
    lines = [span.line if span.source.path == str(path) else 0 for span in spans]
    # What a line lacks, YAML may see at the end of it or at the next one.
    if lines[0] == mistake.line:
        return "line"
    return "label" if mistake.line in lines[1:] else "elsewhere"
