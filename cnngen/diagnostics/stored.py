"""Stored diagnostics: as text that goes into a cache, and back, if the text is unchanged."""

import json
from collections.abc import Sequence
from typing import Any

from cnngen.diagnostics.codes import CODES
from cnngen.diagnostics.model import Diagnostic, Edit, Label
from cnngen.source import Source, Span


def stored(diagnostics: Sequence[Diagnostic], sources: Sequence[Source]) -> str | None:
    """Diagnostics of these sources as text; None where one points somewhere else."""
    places = {source.path: i for i, source in enumerate(sources)}

    def span(span: Span) -> list[int]:
        return [places[span.source.path], span.start, span.end]

    try:
        return json.dumps(
            [
                [source.path for source in sources],
                [
                    {
                        "code": d.code,
                        "message": d.message,
                        "labels": [[*span(x.span), x.text] for x in (d.primary, *d.secondary)],
                        "notes": d.notes,
                        "help": d.help,
                        "fix": [[*span(edit.span), edit.text] for edit in d.fix],
                    }
                    for d in diagnostics
                ],
            ]
        )
    except KeyError:
        return None


def restored(text: str, contents: Sequence[bytes]) -> list[Diagnostic] | None:
    """The diagnostics, of sources that hold this; None where the text is not what was stored."""
    try:
        paths, found = json.loads(text)
        pairs = zip(paths, contents, strict=True)
        sources = [Source(_text(path), content.decode("utf-8-sig")) for path, content in pairs]
        return [_diagnostic(each, sources) for each in found]
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def _diagnostic(stored: dict[str, Any], sources: Sequence[Source]) -> Diagnostic:
    primary, *secondary = [Label(*_spanned(label, sources)) for label in stored["labels"]]
    return Diagnostic(
        code=_code(stored["code"]),
        message=_text(stored["message"]),
        primary=primary,
        secondary=tuple(secondary),
        notes=tuple(map(_text, stored["notes"])),
        help=None if stored["help"] is None else _text(stored["help"]),
        fix=tuple(Edit(*_spanned(edit, sources)) for edit in stored["fix"]),
    )


def _spanned(stored: Sequence[Any], sources: Sequence[Source]) -> tuple[Span, str]:
    place, start, end, text = stored
    source = sources[_number(place, len(sources) - 1)]
    end = _number(end, len(source.text))
    return Span(source, _number(start, end), end), _text(text)


def _number(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(value)
    return value


def _code(value: Any) -> str:
    if value not in CODES:
        raise ValueError(value)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
