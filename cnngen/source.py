"""Sources and spans: a text, and a place in it."""

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Repair:
    """A text that replaces the characters `start` to `end` of a source in a repaired copy."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, eq=False)
class Source:
    """A text, and the path that diagnostics print for it.

    A copy in which repairs replace what stops YAML keeps its `original`: only the author's own text
    is ever shown.
    """

    path: str
    text: str = field(repr=False)
    original: "Source | None" = field(default=None, repr=False)
    repairs: tuple[Repair, ...] = field(default=(), repr=False)  # in their order

    def repaired(self, repairs: tuple[Repair, ...]) -> "Source":
        """A copy with all of these repairs, which do not overlap."""
        text, end, parts = self.text, 0, list[str]()
        for repair in repairs:
            parts += text[end : repair.start], repair.text
            end = repair.end
        return Source(self.path, "".join([*parts, text[end:]]), self, repairs)

    def back(self, offset: int) -> int:
        """The offset in the original of an offset in this text."""
        shift = 0
        for repair in self.repairs:
            begin = repair.start + shift
            if offset < begin:
                break
            if offset < begin + len(repair.text):
                return min(repair.start + offset - begin, repair.end)
            shift += len(repair.text) - (repair.end - repair.start)
        return offset - shift

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """Offset of the first character of each line."""
        return (0, *(i + 1 for i, character in enumerate(self.text) if character == "\n"))

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its end."""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else None].removesuffix("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """The characters `start` to `end` (exclusive) of a source."""

    source: Source
    start: int
    end: int

    @property
    def original(self) -> "Span":
        """The same place in the author's own text."""
        source = self.source.original
        if source is None:
            return self
        return Span(source, self.source.back(self.start), self.source.back(self.end))

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """First line and column, last line and column (exclusive)."""
        return *self.source.position(self.start), *self.source.position(self.end)

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def to(self, other: "Span") -> "Span":
        """From the start of this span to the end of the other."""
        return Span(self.source, self.start, max(self.end, other.end))
