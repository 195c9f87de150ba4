"""Diagnostics for programs: JSON and annotations of GitHub Actions; and all formats by name."""

from collections.abc import Sequence
from typing import Any, Protocol

from cnngen.diagnostics.model import Diagnostic, Label
from cnngen.diagnostics.sarif import render_sarif
from cnngen.diagnostics.terminal import as_json, printable
from cnngen.diagnostics.text import full_message, render_concise, render_text
from cnngen.source import Span

_GITHUB_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


class Renderer(Protocol):
    """`color` and `limit` are for people; formats for programs list everything, without colours."""

    def __call__(
        self, diagnostics: Sequence[Diagnostic], *, color: bool = False, limit: int = 20
    ) -> str: ...


def render_json(diagnostics: Sequence[Diagnostic], *, color: bool = False, limit: int = 20) -> str:
    """A list of objects; lines and columns count from 1, a range ends before its `end`."""
    return as_json(
        [
            {
                "code": d.code,
                "severity": d.severity.value,
                "message": d.message,
                "file": d.primary.span.source.path,
                "range": _range(d.primary.span),
                "labels": [_label(d.primary, True), *(_label(s, False) for s in d.secondary)],
                "notes": list(d.notes),
                "help": d.help,
                "fix": [
                    {"file": e.span.source.path, "range": _range(e.span), "text": e.text}
                    for e in d.fix
                ],
            }
            for d in diagnostics
        ]
    )


def render_github(
    diagnostics: Sequence[Diagnostic], *, color: bool = False, limit: int = 20
) -> str:
    """Workflow commands, which GitHub shows beside the lines of a pull request."""
    return "".join(f"{_annotation(diagnostic)}\n" for diagnostic in diagnostics)


RENDERERS: dict[str, Renderer] = {
    "text": render_text,
    "concise": render_concise,
    "json": render_json,
    "github": render_github,
    "sarif": render_sarif,
}


def _range(span: Span) -> dict[str, dict[str, int]]:
    line, column, end_line, end_column = span.corners
    return {
        "start": {"line": line, "column": column},
        "end": {"line": end_line, "column": end_column},
    }


def _label(label: Label, primary: bool) -> dict[str, Any]:
    return {
        "file": label.span.source.path,
        "range": _range(label.span),
        "text": label.text,
        "primary": primary,
    }


def _annotation(diagnostic: Diagnostic) -> str:
    line, column, end_line, end_column = diagnostic.primary.span.corners
    properties = {
        "title": f"cnngen ({diagnostic.code})",
        "file": diagnostic.primary.span.source.path,
        "line": line,
        "endLine": end_line,
    }
    if line == end_line:  # GitHub drops an annotation that has columns on several lines
        properties |= {"col": column, "endColumn": end_column}
    listed = ",".join(f"{name}={_escape(str(value), ':,')}" for name, value in properties.items())
    level = _GITHUB_LEVELS[diagnostic.severity.value]
    return f"::{level} {listed}::{_escape(full_message(diagnostic))}"


def _escape(text: str, separators: str = "") -> str:
    """Percent-encode what would end a workflow command or one of its properties."""
    for character in "%\r\n" + separators:
        text = text.replace(character, f"%{ord(character):02X}")
    return printable(text)
