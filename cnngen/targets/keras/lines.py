"""Statements as lines."""

from collections.abc import Iterator, Sequence

from cnngen.python.nodes import Statement
from cnngen.python.printer import printed


def lines(statements: Sequence[Statement], indent: int = 0) -> Iterator[str]:
    """The lines of statements, laid out at an indentation in spaces."""
    yield from printed(statements, indent).lines
