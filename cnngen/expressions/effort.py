"""Effort: a bound on what a check may cost, whatever a spec says.

Layers have a limit of their own. What is bounded here is all that gives no layers: loops around
nothing, blocks in blocks in blocks, long lists.
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
    """What may still be spent, in elements of lists."""

    left: int = 500_000

    def spend(self, cost: int, at: Span | None) -> None:
        self.left -= cost
        if self.left < 0:
            raise Exhausted(at)

    def earn(self) -> None:
        """There is a layer to show for it."""
        self.left += PER_LAYER
