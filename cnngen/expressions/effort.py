"""Effort: a bound on the work of a check, whatever the spec.

The number of layers has a limit of its own. Bounded here is work that makes no layers: empty loops,
blocks nested in blocks, long lists.
"""

from dataclasses import dataclass

from cnngen.source import Span

# What things cost, in elements of lists. A layer pays for more than itself: for its values, and for
# the blocks and loops around it.
STEP = 20
OPERATION = 10
PER_LAYER = 200


class Exhausted(Exception):
    """Ends the check; `span` is where the effort ran out."""

    def __init__(self, span: Span | None) -> None:
        super().__init__()
        self.span = span


@dataclass(slots=True)
class Effort:
    """The work that is left, in elements of lists."""

    left: int = 500_000

    def spend(self, cost: int, at: Span | None) -> None:
        self.left -= cost
        if self.left < 0:
            raise Exhausted(at)

    def earn(self) -> None:
        """A layer was made, which allows for more work."""
        self.left += PER_LAYER
