"""Diagnostics as a SARIF 2.1.0 log, which code hosts and editors show beside the lines of a spec.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from cnngen import __version__
from cnngen.diagnostics.codes import CODES
from cnngen.diagnostics.explain import explain, summary_of
from cnngen.diagnostics.model import Diagnostic, Edit, Label
from cnngen.diagnostics.terminal import as_json
from cnngen.diagnostics.text import describe_fix, full_message
from cnngen.source import Span

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"  # what GitHub calls the folder to which paths are relative


def render_sarif(diagnostics: Sequence[Diagnostic], *, color: bool = False, limit: int = 20) -> str:
    """A SARIF 2.1.0 log with one run; paths are relative to the working folder where possible."""
    indices = {code: i for i, code in enumerate(CODES)}
    driver = {"name": "cnngen", "version": __version__, "rules": [_rule(code) for code in CODES]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"uri": _file_uri(Path.cwd()).rstrip("/") + "/"}},
        "results": [_result(diagnostic, indices[diagnostic.code]) for diagnostic in diagnostics],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return as_json(log)


@cache
def _rule(code: str) -> dict[str, Any]:
    page = explain(code) or ""
    return {
        "id": code,
        "shortDescription": {"text": CODES[code].summary},
        "fullDescription": {"text": summary_of(page)},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": CODES[code].severity.value},
    }


def _result(diagnostic: Diagnostic, index: int) -> dict[str, Any]:
    result = {
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": diagnostic.severity.value,  # SARIF has the same three words
        "message": {"text": full_message(diagnostic)},
        "locations": [_location(diagnostic.primary.span)],
    }
    if diagnostic.secondary:
        result["relatedLocations"] = [
            _related(label, number) for number, label in enumerate(diagnostic.secondary)
        ]
    if diagnostic.fix:
        result["fixes"] = [_fix(diagnostic)]
    return result


def _location(span: Span) -> dict[str, Any]:
    artifact = _artifact(span.source.path)
    return {"physicalLocation": {"artifactLocation": artifact, "region": _region(span)}}


def _related(label: Label, number: int) -> dict[str, Any]:
    """The place of a label; its number makes it differ from every other one."""
    message = {"message": {"text": label.text}} if label.text else {}
    return {"id": number} | _location(label.span) | message


def _region(span: Span) -> dict[str, int]:
    line, column, end_line, end_column = span.corners
    return {
        "startLine": line,
        "startColumn": column,
        "endLine": end_line,
        "endColumn": end_column,
    }


def _fix(diagnostic: Diagnostic) -> dict[str, Any]:
    """All edits are of one file."""
    change = {
        "artifactLocation": _artifact(diagnostic.fix[0].span.source.path),
        "replacements": [_replacement(edit) for edit in diagnostic.fix],
    }
    return {"description": {"text": describe_fix(diagnostic)}, "artifactChanges": [change]}


def _replacement(edit: Edit) -> dict[str, Any]:
    inserted = {"insertedContent": {"text": edit.text}} if edit.text else {}
    return {"deletedRegion": _region(edit.span)} | inserted


def _artifact(path: str) -> dict[str, str]:
    """Where a file is: below the working folder, or else at an absolute place."""
    pure, here = PurePath(os.path.abspath(path)), Path.cwd()
    if pure.is_relative_to(here):
        return {"uri": _encoded(pure.relative_to(here)), "uriBaseId": ROOT}
    return {"uri": _file_uri(pure)}


def _file_uri(path: PurePath) -> str:
    return f"file:///{_encoded(path).lstrip('/')}"


def _encoded(path: PurePath) -> str:
    """A percent-encoded path; a name need not be UTF-8."""
    return quote(path.as_posix(), errors="surrogatepass")
