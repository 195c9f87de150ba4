"""Diagnostics for programs: JSON, annotations of GitHub Actions, SARIF; and all formats by name."""

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Protocol
from urllib.parse import quote

from cnngen.diagnostics.codes import CODES
from cnngen.diagnostics.model import Diagnostic, Label
from cnngen.diagnostics.terminal import one_line, safe
from cnngen.diagnostics.text import headline, render_concise, render_text
from cnngen.source import Span

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_GITHUB_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


class Renderer(Protocol):
    """`color` and `limit` are for people: the formats for programs list everything."""

    def __call__(
        self, diagnostics: Sequence[Diagnostic], *, color: bool = False, limit: int = 20
    ) -> str: ...


def render_json(diagnostics: Sequence[Diagnostic], *, color: bool = False, limit: int = 20) -> str:
    """A list of objects; lines and columns count from 1, a range ends before its `end`."""
    return _dump(
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
            }
            for d in diagnostics
        ]
    )


def render_github(
    diagnostics: Sequence[Diagnostic], *, color: bool = False, limit: int = 20
) -> str:
    """Workflow commands, which GitHub shows beside the lines of a pull request."""
    return "".join(f"{_annotation(diagnostic)}\n" for diagnostic in diagnostics)


def render_sarif(diagnostics: Sequence[Diagnostic], *, color: bool = False, limit: int = 20) -> str:
    """A SARIF 2.1.0 log with one run."""
    driver = {"name": "cnngen", "rules": [_rule(code) for code in CODES]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic) for diagnostic in diagnostics],
    }
    return _dump({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


RENDERERS: dict[str, Renderer] = {
    "text": render_text,
    "concise": render_concise,
    "json": render_json,
    "github": render_github,
    "sarif": render_sarif,
}


def _dump(value: Any) -> str:
    """JSON in ASCII, so that what a spec contains cannot reach a terminal as it is."""
    return json.dumps(value, indent=2) + "\n"


def _corners(span: Span) -> tuple[int, int, int, int]:
    """First line and column, last line and column (exclusive)."""
    return *span.source.position(span.start), *span.source.position(span.end)


def _range(span: Span) -> dict[str, dict[str, int]]:
    line, column, end_line, end_column = _corners(span)
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


def _full_message(diagnostic: Diagnostic) -> str:
    """What an annotation says: the headline, then notes and help."""
    notes = [f"note: {note}" for note in diagnostic.notes]
    help = [f"help: {diagnostic.help}"] if diagnostic.help else []
    lines = "\n".join([headline(diagnostic), *notes, *help]).splitlines()
    return "\n".join(map(safe, lines))


def _annotation(diagnostic: Diagnostic) -> str:
    line, column, end_line, end_column = _corners(diagnostic.primary.span)
    properties = {
        "title": f"cnngen ({diagnostic.code})",
        "file": one_line(diagnostic.primary.span.source.path),
        "line": line,
        "endLine": end_line,
    }
    if line == end_line:  # GitHub drops an annotation that has columns on several lines
        properties |= {"col": column, "endColumn": end_column}
    listed = ",".join(f"{name}={_escape(str(value), ':,')}" for name, value in properties.items())
    level = _GITHUB_LEVELS[diagnostic.severity.value]
    return f"::{level} {listed}::{_escape(_full_message(diagnostic))}"


def _escape(text: str, separators: str = "") -> str:
    """Percent-encode what would end a workflow command or one of its properties."""
    for character in "%\r\n" + separators:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _rule(code: str) -> dict[str, Any]:
    return {
        "id": code,
        "shortDescription": {"text": CODES[code].summary},
        "defaultConfiguration": {"level": CODES[code].severity.value},
    }


def _result(diagnostic: Diagnostic) -> dict[str, Any]:
    result = {
        "ruleId": diagnostic.code,
        "ruleIndex": list(CODES).index(diagnostic.code),
        "level": diagnostic.severity.value,  # SARIF has the same three words
        "message": {"text": _full_message(diagnostic)},
        "locations": [_location(diagnostic.primary.span)],
    }
    if diagnostic.secondary:
        result["relatedLocations"] = [
            _location(label.span) | ({"message": {"text": label.text}} if label.text else {})
            for label in diagnostic.secondary
        ]
    return result


def _location(span: Span) -> dict[str, Any]:
    line, column, end_line, end_column = _corners(span)
    region = {
        "startLine": line,
        "startColumn": column,
        "endLine": end_line,
        "endColumn": end_column,
    }
    artifact = {"uri": _uri(span.source.path)}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def _uri(path: str) -> str:
    """A percent-encoded reference, relative where the path is; a name need not be UTF-8."""
    pure = PurePath(path)
    encoded = quote(pure.as_posix(), errors="surrogatepass")
    return f"file:///{encoded.lstrip('/')}" if pure.is_absolute() else encoded
