"""Fixes of a spec's YAML: edits of its text that leave the rest as it is."""

import re

from cnngen.diagnostics.model import Edit
from cnngen.source import Source, Span

USUAL_INDENTATION = 2


def expand_tabs(source: Source) -> tuple[Edit, ...]:
    """Spaces for each tab that indents, as many as the file indents with elsewhere."""
    steps = re.findall(r"^( +)[^\s#]", source.text, re.MULTILINE)
    width = min(map(len, steps), default=USUAL_INDENTATION)
    indented = re.finditer(r"^[ ]*\t[ \t]*", source.text, re.MULTILINE)
    return tuple(
        Edit(Span(source, found.start(), found.end()), found[0].replace("\t", " " * width))
        for found in indented
    )
