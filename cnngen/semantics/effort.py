"""Effort: a bound on what a check may cost, whatever a spec says."""

from dataclasses import dataclass

from cnngen.source import Span

STEP = 20  # what a step of the network costs, in elements of lists


class Exhausted(Exception):
    """Ends the check; `span` is where the effort ran out."""

    def __init__(self, span: Span | None) -> None:
        super().__init__()
        self.span = span


@dataclass(slots=True)
class Effort:
    """What may still be spent."""

    left: int

    def spend(self, cost: int, at: Span | None) -> None:
        self.left -= cost
        if self.left < 0:
            raise Exhausted(at)
