"""Repair: text that stops YAML, changed in a copy so that the rest of the file can be read.

Where a line cannot be understood, the block or the stage around it is left out.
"""

import re
from collections.abc import Iterator
from itertools import accumulate

from cnngen.diagnostics.model import Diagnostic
from cnngen.diagnostics.suggest import suggest
from cnngen.source import Repair, Source
from cnngen.syntax.builder import LOST
from cnngen.syntax.fixes import USUAL_INDENTATION
from cnngen.syntax.flow import CLOSING
from cnngen.syntax.forms import FORMS
from cnngen.syntax.yaml_errors import Mishap

PAIR = re.compile(r"\w+:[ ]+\w+")
KEY = re.compile(r"([ ]*)[\w\"']+[ ]*:")

SPEC = ("params", "defaults", "blocks", "model", "outputs", "results", "paper")
NAMING = ("params", "defaults", "blocks", "model", "outputs")
PARTS = ("about", "params", "body", "do", "else", "between", "join", "name", "from")

Repairs = tuple[Repair, ...]


def repairs(
    source: Source, mishap: Mishap, diagnostic: Diagnostic | None
) -> Iterator[tuple[Repairs, int]]:
    """The changes of a source that may let YAML read on, the likeliest first; each with the offset
    that YAML must then reach.
    """
    shift = mishap.span(0, 0).start
    own, at = source.original or source, source.back(mishap.at + shift)
    line_end = at + len(own.text[at:].partition("\n")[0])
    if diagnostic and diagnostic.fix and mishap.character != "\t":
        edits = [Repair(e.span.start, e.span.end, e.text) for e in diagnostic.fix]
        yield tuple(p for r in edits for p in _parts(_text(source, r), r)), line_end
    certain = (*_quoted(mishap), *_closed(mishap))
    moved = [
        Repair(source.back(r.start + shift), source.back(r.end + shift), r.text) for r in certain
    ]
    yield tuple(moved), max([0, *(repair.end for repair in moved)])
    left_out = [*_left_out(own, at)]
    blocks = len({way[0].start for way in left_out}) > 1
    for way in _reindented(own, at):
        yield way, left_out[0][0].end if blocks else line_end  # a block shows that it was not that
    if mishap.character == "\t":
        for way in _untabbed(own, at):
            yield way, line_end
    for way in left_out:
        yield way, way[0].end


def _text(source: Source, repair: Repair) -> str:
    return (source.original or source).text[repair.start : repair.end]


def _parts(old: str, repair: Repair) -> Repairs:
    """A repair, cut down to the text that it adds, so that places in the text that stays remain
    true.
    """
    if not old or old not in repair.text:
        return (repair,)
    before, _, after = repair.text.partition(old)
    return (
        Repair(repair.start, repair.start, before),
        Repair(repair.end, repair.end, after),
    )


def _quoted(mishap: Mishap) -> Repairs:
    """A pair of words on the line of its key, in braces."""
    last = mishap.neighbour
    if mishap.character != ":" or last is None or "\n" in last.text:
        return ()
    start = last.start - mishap.span(0, 0).start
    if not PAIR.fullmatch(mishap.text[start : mishap.line_end]):
        return ()
    return Repair(start, start, "{"), Repair(mishap.line_end, mishap.line_end, "}")


def _closed(mishap: Mishap) -> Repairs:
    """A bracket that is not closed on its line, closed at the end of it."""
    opening = mishap.opening
    if opening is None or mishap.text[opening : opening + 1] not in ("{", "["):
        return ()
    line, end = mishap.text.rfind("\n", 0, opening) + 1, mishap.text.find("\n", opening)
    whole = mishap.text[line : end if end >= 0 else None]
    written = re.split(r"\s#", whole, maxsplit=1)[0].rstrip()
    depths = accumulate((c in "[{(") - (c in ")}]") for c in written)
    last = [*depths][-1]
    if last != 1 or written.endswith((",", ":", "{", "[", "(")):
        return ()
    at = line + len(written)
    return (Repair(at, at, CLOSING[mishap.text[opening]]),)


def _reindented(source: Source, at: int) -> Iterator[Repairs]:
    """A line at the mishap, or just above it, between two that agree on where it should stand."""
    here = source.position(at)[0]
    for number in filter(None, (_beside(source, here, -1), here)):
        line = source.line(number)
        above, below = (_beside(source, number, step) for step in (-1, 1))
        if above is None or below is None or _opens(line) or _opens(source.line(above)):
            continue
        depths = {_content(source.line(above)), _content(source.line(below))}
        target = max(depths) - (_content(line) - _depth(line))
        if len(depths) == 1 and target >= 0 and " " * target != line[: _depth(line)]:
            start = source.line_starts[number - 1]
            yield (Repair(start, start + _depth(line), " " * target),)


def _untabbed(source: Source, at: int) -> Iterator[Repairs]:
    """The name of a stage, a block or the like behind tabs, with as many spaces as others have: it
    would be missed elsewhere. Lines that may be deeper than that are left alone.
    """
    here = source.position(at)[0]
    line, start = source.line(here), source.line_starts[here - 1]
    key = KEY.match(line.lstrip())
    if key is None or key[0].strip(" :") in (*PARTS, *FORMS):
        return
    above, below = (_beside(source, here, step) for step in (-1, 1))
    upper, lower = (source.line(n) if n else "" for n in (above, below))
    depth = _depth(line.expandtabs(USUAL_INDENTATION))
    wanted = (depth + USUAL_INDENTATION,) if _opens(line) else (0, depth)
    inside = _opens(upper) and _depth(upper) > 0
    if _part(source, here) in NAMING and not inside and _depth(lower) in wanted:
        yield (Repair(start, start + _depth(line), " " * depth),)


def _part(source: Source, here: int) -> str | None:
    """The key of the spec below which a line stands."""
    lines = (source.line(n) for n in range(here, 0, -1))
    found = next((key for line in lines if (key := KEY.match(line)) and not key[1]), None)
    return suggest(found[0].strip(" :\"'"), SPEC) if found else None


def _opens(line: str) -> bool:
    return re.split(r"\s#", line, maxsplit=1)[0].rstrip().endswith(":")


def _is_item(line: str) -> bool:
    return line.lstrip().startswith("- ")


def _left_out(source: Source, at: int) -> Iterator[Repairs]:
    """The value of the key at the mishap, left out, if that key is in a block or a stage; or else
    all of the block or the stage.
    """
    here = source.position(at)[0]
    numbers = range(1, len(source.line_starts) + 1)
    keys = {n: found for n in numbers if (found := KEY.match(source.line(n)))}
    every = {n: len(found[1]) for n, found in keys.items()}
    part = max((n for n in every if n <= here and every[n] == 0), default=0)
    in_model = part and suggest(keys[part][0].strip(" :"), SPEC) == "model"
    depths = {  # without the parts of blocks, which may be a level too high
        n: depth
        for n, depth in every.items()
        if in_model or depth == 0 or keys[n][0].strip(" :") not in PARTS
    }
    if not part or not suggest(keys[part][0].strip(" :\"'"), SPEC):
        return  # a line that stands too far left makes all others seem to be in another part
    inner = next((depths[n] for n in depths if n > part and depths[n] > 0), 0)
    if keys[part][0].startswith(("params", "results", "paper")):
        inner = 0  # what is left out there would seem to be missing
    for depth, last in ((inner, here), (inner, here - 1), (0, here), (0, here - 1)):
        key = max((n for n in depths if n <= last and depths[n] == depth), default=None)
        if key is None or (depth and key < part):
            continue
        end = next((n for n in depths if n > key and depths[n] <= depth), None)
        start = source.line_starts[key - 1] + keys[key].end()
        stop = source.line_starts[end - 1] - 1 if end else len(source.text)
        yield (Repair(start, max(start, stop), f" {LOST}"),)


def _beside(source: Source, number: int, step: int) -> int | None:
    """The nearest line in one direction that is neither empty nor a comment."""
    number += step
    while 1 <= number <= len(source.line_starts):
        if (text := source.line(number).strip()) and not text.startswith("#"):
            return number
        number += step
    return None


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _content(line: str) -> int:
    """The column at which the keys of a line begin: behind the dash, in a list item."""
    return _depth(line) + (2 if _is_item(line) else 0)
