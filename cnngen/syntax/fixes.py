"""Fixes of a spec's YAML: edits of its text that leave the rest as it is."""

import re

from cnngen.diagnostics.model import Edit
from cnngen.source import Source, Span
from cnngen.syntax.yaml_nodes import Node, Scalar

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


def remove_duplicate(
    entries: list[tuple[Scalar, Node]], key: Scalar, value: Node, flow: bool
) -> tuple[Edit, ...]:
    """The removal of an entry that says what the first one of its key says already."""
    first = next(value for other, value in entries if other.text == key.text)
    source, text = key.span.source, key.span.source.text
    is_same = value.span.text == first.span.text != "" and type(value) is type(first)
    if not is_same:
        return ()
    start, end = key.span.start, value.span.end
    if flow:
        comma = re.search(r",\s*\Z", text[max(0, start - 200) : start])
        return (Edit(Span(source, start - len(comma[0]), end), ""),) if comma else ()
    before = text[text.rfind("\n", 0, start) + 1 : start]
    rest = re.compile(r"[ \t]*\r?(\n|\Z)").match(text, end)
    if before.strip(" ") or rest is None:  # a comment stays
        return ()
    return (Edit(Span(source, start - len(before), rest.end()), ""),)
