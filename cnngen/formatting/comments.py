"""Comments of a spec: YAML's events do not have them, so they are looked for between its values."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from cnngen.source import Source
from cnngen.syntax.yaml_nodes import Broken, Mapping, Node, Scalar, Sequence

COMMENT = re.compile(r"#[^\n]*")
HEADER_COMMENT = re.compile(r"[|>][-+0-9]*[ \t]+(#[^\n]*)")
DOCUMENT_START = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)
FIRST = re.compile(r"\S")
UNTIL_DASH = re.compile(r"[^#-]*(?:#[^\n]*[^#-]*)*")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment from its `#` on; `alone` on its line, or behind something."""

    text: str
    start: int
    alone: bool


@dataclass(frozen=True)
class CommentedText:
    """A text with its lines, and the comments between its values."""

    source: Source
    root: Mapping

    @property
    def text(self) -> str:
        return self.source.text

    def line(self, offset: int) -> int:
        """The number of a line, from 0."""
        return bisect_right(self.source.line_starts, offset) - 1

    def column(self, offset: int) -> int:
        return offset - self.source.line_starts[self.line(offset)]

    def begins_line(self, offset: int) -> bool:
        return self._firsts[self.line(offset)] == offset

    def below_blank(self, offset: int) -> bool:
        """Whether the line above is blank; for what begins its line."""
        line = self.line(offset)
        return line > 0 and self._firsts[line] == offset and self._firsts[line - 1] is None

    def is_flow(self, node: Node) -> bool:
        """Whether a collection is in brackets or braces."""
        return self.text[node.span.start : node.span.start + 1] in ("[", "{")

    def dash(self, offset: int) -> int:
        """Where the next item of a list begins."""
        found = UNTIL_DASH.match(self.text, offset)
        return found.end() if found else offset

    @cached_property
    def head(self) -> str:
        """What precedes the document: directives, comments and `---`."""
        found = DOCUMENT_START.search(self.text, 0, self.root.span.start)
        return self.text[: found.end()] if found else ""

    @cached_property
    def comments(self) -> list[Comment]:
        """All comments, in their order; what is no value between two values is a comment."""
        found: list[Comment] = []
        reached = 0
        for scalar in scalars(self.root):
            found += self._between(reached, scalar.span.start)
            header = not scalar.plain and HEADER_COMMENT.match(self.text, scalar.span.start)
            if header:
                found.append(Comment(header[1].rstrip(), header.start(1), alone=False))
            reached = scalar.span.end
        return [*found, *self._between(reached, len(self.text))]

    def _between(self, start: int, end: int) -> Iterator[Comment]:
        for match in COMMENT.finditer(self.text, start, end):
            yield Comment(match[0].rstrip(), match.start(), self.begins_line(match.start()))

    @cached_property
    def _firsts(self) -> list[int | None]:
        """The offset of the first character of each line; None for a blank line."""
        starts = self.source.line_starts
        ends = (*starts[1:], len(self.text))
        found = (
            re.compile(r"\S").search(self.text, *line) for line in zip(starts, ends, strict=True)
        )
        return [match.start() if match else None for match in found]


def scalars(node: Node) -> Iterator[Scalar]:
    """The single values below a node that are not empty, in the order of the text."""
    match node:
        case Scalar():
            if node.span.start < node.span.end:
                yield node
        case Sequence(items):
            for item in items:
                yield from scalars(item)
        case Mapping(entries):
            for key, value in entries:
                yield from scalars(key)
                yield from scalars(value)
        case Broken():
            pass
