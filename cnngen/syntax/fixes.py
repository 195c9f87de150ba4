"""Fixes of a spec's YAML: edits that leave the rest of the text as it is."""

import re

from cnngen.diagnostics.model import Edit
from cnngen.source import Source, Span

USUAL_INDENTATION = 2
OWN_LINE = re.compile(r"[ \t]*\r?(\n|\Z)")  # nothing else stands on it


def expand_tabs(source: Source) -> tuple[Edit, ...]:
    """Spaces for each tab that indents, as many as the file indents with elsewhere."""
    steps = re.findall(r"^( +)[^\s#]", source.text, re.MULTILINE)
    width = min(map(len, steps), default=USUAL_INDENTATION)
    indented = re.finditer(r"^[ ]*\t[ \t]*", source.text, re.MULTILINE)
    return tuple(
        Edit(Span(source, found.start(), found.end()), found[0].replace("\t", " " * width))
        for found in indented
    )


def remove_entry(key: Span, end: int) -> tuple[Edit, ...]:
    """The removal of an entry of a mapping, with its line or a comma.

    None where a comment would go with it, or a quote would stay.
    """
    text = key.source.text
    line = text.rfind("\n", 0, key.start) + 1
    before = text[line : key.start]
    if not before.strip(" "):
        after, start = OWN_LINE.match(text, end), line
    elif comma := re.search(r",[ ]*\Z", before):
        after, start = re.compile(r" *(?=[,}])").match(text, end), line + comma.start()
    else:
        after, start = re.compile(r" *(?:, *|(?=\}))").match(text, end), key.start
    return (Edit(Span(key.source, start, after.end()), ""),) if after else ()
