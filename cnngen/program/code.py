"""Code: the lines of a body in the making, with indentation; lines that are too long are broken
when it is printed.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cnngen.program.layout import layout


@dataclass(slots=True)
class Code:
    """Statements in order; those inside a loop or a condition are indented below it."""

    lines: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    depth: int = 0

    def add(self, statement: str) -> None:
        self.lines.append((self.depth, statement))

    @contextmanager
    def inside(self, header: str) -> Generator[None]:
        """A block of statements below `header` (`for ...:`)."""
        self.add(header)
        self.depth += 1
        yield
        self.depth -= 1

    def mark(self) -> int:
        return len(self.lines)

    def since(self, mark: int) -> str:
        """What was added since the mark."""
        return "\n".join(line for _, line in self.lines[mark:])

    def mentions(self, name: str, mark: int = 0) -> bool:
        """Whether a name stands in what was added since the mark."""
        return re.search(rf"\b{name}\b", self.since(mark)) is not None

    def rewrite(self, mark: int, statement: str) -> None:
        """Give the line at the mark its text, where only what follows tells it."""
        self.lines[mark] = (self.lines[mark][0], statement)

    def back_to(self, mark: int) -> None:
        """Forget what was added since the mark."""
        del self.lines[mark:]

    def text(self, indent: int) -> str:
        """The lines, laid out at an indentation in spaces."""
        return "\n".join(
            line if statement else ""
            for depth, statement in self.lines
            for line in (layout(statement, indent + 4 * depth) if statement else [""])
        )
