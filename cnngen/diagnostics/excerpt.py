"""Excerpts: the part of a line that fits on the screen, and in which column each character is."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate

from cnngen.diagnostics.terminal import columns, safe

CUT = "..."


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The part of a line from its character `first` on; `starts` has the column of each."""

    text: str
    first: int
    starts: tuple[int, ...]

    def column(self, character: int) -> int:
        """The column of a character of the line; those that were cut off are where the cut is
        marked.
        """
        at = character - self.first
        return 0 if at < 0 else self.starts[min(at, len(self.starts) - 1)]


def cut(line: str, start: int, end: int, room: int) -> Excerpt:
    """The line, or as much of it around the characters `start` to `end` as fits into `room`
    columns.
    """
    base = max(0, start - room)  # a line may be as long as the file: look only at what can matter
    near = line[base : start + 2 * room]
    edges = [0, *accumulate(map(columns, near))]
    first, last = 0, len(near)
    if near != line or edges[-1] > room:
        inner = room - 2 * len(CUT)
        begin, until = edges[start - base], edges[min(end - base, last)]
        left = begin - max(0, inner - (until - begin)) // 2
        first = bisect_left(edges, max(0, min(left, edges[-1] - inner)))
        last = bisect_right(edges, edges[first] + inner) - 1
    before = CUT if base + first else ""
    after = CUT if base + last < len(line) else ""
    shift = len(before) - edges[first]
    return Excerpt(
        before + safe(near[first:last]) + after,
        base + first,
        tuple(edge + shift for edge in edges[first : last + 1]),
    )
