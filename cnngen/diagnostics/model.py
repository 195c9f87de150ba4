"""Diagnostics: what the compiler has to say about a spec, and where."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cnngen.diagnostics.codes import CODES, Severity
from cnngen.source import Span


@dataclass(frozen=True, slots=True)
class Label:
    """A span and what it has to do with the diagnostic."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """A text that replaces that of a span."""

    span: Span
    text: str


Remedy = tuple[Edit, ...]
Remedies = tuple[tuple[Remedy, ...], ...]  # ways to mend a mistake, each in forms, the best first


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake: a message that can stand alone, and the places that show it.

    `primary` is the smallest span that is wrong; `secondary` labels the places of facts that it
    conflicts with. `notes` are the circumstances (in which block, used where), and `help` says what
    to do, as text that can be pasted.

    `fix` does it: edits of one file that belong together and do not overlap; it exists only where
    there is nothing to choose. `remedies` are edits that may help where there is a choice. They are
    never shown: those that work, when tried, become the `help`.
    """

    code: str
    message: str
    primary: Label
    secondary: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    fix: tuple[Edit, ...] = ()
    remedies: Remedies = ()

    @property
    def severity(self) -> Severity:
        return CODES[self.code].severity


@dataclass(slots=True)
class Report:
    """Collects the diagnostics of a run; of several of one code at one place it keeps the first."""

    found: dict[tuple[str, str, int, int], Diagnostic] = field(
        default_factory=dict[tuple[str, str, int, int], Diagnostic]
    )

    def add(
        self,
        code: str,
        message: str,
        at: Span,
        label: str = "",
        *,
        secondary: Iterable[Label] = (),
        notes: Iterable[str] = (),
        help: str | None = None,
        fix: Iterable[Edit] = (),
        remedies: Remedies = (),
    ) -> None:
        at = at.original
        if not self.has(code, at):
            labels = (Label(label.span.original, label.text) for label in secondary)
            ways = (tuple(_original(remedy) for remedy in forms) for forms in remedies)
            self.found[_key(code, at)] = Diagnostic(
                *(code, message, Label(at, label)),
                *(tuple(labels), tuple(notes), help, _original(fix), tuple(ways)),
            )

    def replace(self, diagnostic: Diagnostic, others: Iterable[Diagnostic]) -> None:
        """Put a diagnostic in the place of the one that stands there, and of others."""
        for other in others:
            del self.found[_key(other.code, other.primary.span)]
        self.found[_key(diagnostic.code, diagnostic.primary.span)] = diagnostic

    def drop(self, diagnostic: Diagnostic) -> None:
        """Leave out a diagnostic that only follows from another."""
        del self.found[_key(diagnostic.code, diagnostic.primary.span)]

    def has(self, code: str, at: Span) -> bool:
        """Whether there is a diagnostic of this code at this place, so that another would not be
        kept.
        """
        return _key(code, at.original) in self.found

    def __iter__(self) -> Iterator[Diagnostic]:
        """In the order of the file."""
        return iter(
            sorted(
                self.found.values(),
                key=lambda d: (d.primary.span.source.path, d.primary.span.start),
            )
        )

    @property
    def failed(self) -> bool:
        """Whether any of them is an error."""
        return any(d.severity is Severity.ERROR for d in self.found.values())


def _original(edits: Iterable[Edit]) -> Remedy:
    return tuple(Edit(edit.span.original, edit.text) for edit in edits)


def _key(code: str, at: Span) -> tuple[str, str, int, int]:
    return code, at.source.path, at.start, at.end
