"""Repair: text that stops YAML, changed in a copy so that the rest of the file can be read.

Of a line that cannot be understood, the block or the stage around it is left out.
"""

import re
from collections.abc import Iterator
from itertools import accumulate

from cnngen.diagnostics.model import Diagnostic
from cnngen.source import Repair, Source
from cnngen.syntax.flow import CLOSING, quote
from cnngen.syntax.read import LOST
from cnngen.syntax.yaml_errors import Mishap

TEXT = re.compile(r"[ -]*(about|title|authors|source|protocol|dataset|url)[ ]*:[ ]*")
CALL = re.compile(r"\w+:[ ]+\{.*\}|\w+:[ ]+\w+")
KEY = re.compile(r"([ ]*)[\w\"']+[ ]*:")

Repairs = tuple[Repair, ...]


def repairs(source: Source, mishap: Mishap, diagnostic: Diagnostic | None) -> Iterator[Repairs]:
    """What may be changed in the text of a source so that YAML reads on, the best first."""
    if diagnostic and diagnostic.fix:
        yield tuple(
            part
            for edit in diagnostic.fix
            for part in _parts(edit.span.text, Repair(edit.span.start, edit.span.end, edit.text))
        )
    shift = mishap.span(0, 0).start
    moved = (
        Repair(source.back(r.start + shift), source.back(r.end + shift), r.text)
        for r in (*_quoted(mishap), *_closed(mishap))
    )
    yield tuple(moved)
    yield from _left_out(source.original or source, source.back(mishap.at + shift))


def _parts(old: str, repair: Repair) -> Repairs:
    """A repair as what it writes around the text that stays, so that this keeps its places."""
    before, found, after = repair.text.partition(old)
    if not (old and found):
        return (repair,)
    return (
        Repair(repair.start, repair.start, before),
        Repair(repair.end, repair.end, after),
    )


def _quoted(mishap: Mishap) -> Repairs:
    """A text with a `:` in it, in quotes, or a call without braces in them."""
    last = mishap.neighbour
    if mishap.character != ":" or last is None or "\n" in last.text:
        return ()
    start = last.start - mishap.span(0, 0).start
    line = mishap.text.rfind("\n", 0, start) + 1
    text = mishap.text[start : mishap.line_end]
    if TEXT.fullmatch(mishap.text[line:start]):
        return _parts(text, Repair(start, mishap.line_end, quote(text)))
    if CALL.fullmatch(text):
        return Repair(start, start, "{"), Repair(mishap.line_end, mishap.line_end, "}")
    return ()


def _closed(mishap: Mishap) -> Repairs:
    """A bracket that is not closed on its line, closed at the end of it."""
    opening = mishap.opening
    if opening is None or mishap.text[opening : opening + 1] not in ("{", "["):
        return ()
    line, end = mishap.text.rfind("\n", 0, opening) + 1, mishap.text.find("\n", opening)
    written = re.split(r"\s#", mishap.text[line : end if end >= 0 else None], maxsplit=1)[0].rstrip()
    depths = accumulate((c in "[{(") - (c in ")}]") for c in written)
    last = [*depths][-1]
    if last != 1 or written.endswith((",", ":", "{", "[", "(")):
        return ()
    at = line + len(written)
    return (Repair(at, at, CLOSING[mishap.text[opening]]),)


def _left_out(source: Source, at: int) -> Iterator[Repairs]:
    """The value of a key that has the mishap in or just before it, and that stands in a part of the
    spec; or else the part.
    """
    lines = source.line_starts
    here = source.position(at)[0] - 1
    outermost = next((i for i in range(here, -1, -1) if _depth(source, i) == 0), None)
    if outermost is None:
        return
    depths = [_depth(source, i) for i in range(outermost + 1, len(lines))]
    inner = next((depth for depth in depths if depth is not None), 0)
    for depth, first in ((inner, here), (inner, here - 1), (0, here), (0, here - 1)):
        key = next((i for i in range(first, -1, -1) if _depth(source, i) == depth), None)
        found = KEY.match(source.line(key + 1)) if key is not None else None
        if key is None or not found:
            continue
        deeper = (i for i in range(key + 1, len(lines)) if _ends(source, i, depth or 0))
        end = next(deeper, None)
        stop = lines[end] - 1 if end is not None else len(source.text)
        yield (Repair(lines[key] + found.end(), max(stop, lines[key] + found.end()), f" {LOST}"),)


def _depth(source: Source, line: int) -> int | None:
    """The indentation of a line, counted from 0; None where it says nothing."""
    text = source.line(line + 1)
    stripped = text.lstrip(" \t")
    return None if not stripped or stripped.startswith("#") else len(text) - len(stripped)


def _ends(source: Source, line: int, depth: int) -> bool:
    found = _depth(source, line)
    return found is not None and found <= depth
