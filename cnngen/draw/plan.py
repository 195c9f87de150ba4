"""Plan: which uses of blocks have a box in a picture, and which of these are opened."""

from collections.abc import Sequence
from dataclasses import dataclass

from cnngen.semantics.network import Scope


@dataclass(frozen=True, slots=True)
class Plan:
    """Which uses of blocks are opened: those less than `depth` deep, and those in `expand`, which
    has names of blocks and paths of uses.

    Blocks that are `plain` have no box of their own. Nothing shares a box with the layers before it
    whose paths are among `outputs`, which the spec names.
    """

    depth: int = 0
    expand: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()

    def opens(self, use: Scope, level: int) -> bool:
        """Also what is around a use that is opened."""
        return (
            level < self.depth
            or use.name in self.expand
            or any(f"{path}.".startswith(f"{use.path}.") for path in self.expand)
        )

    def box(self, scopes: Sequence[Scope]) -> Scope | None:
        """The outermost use of a block that gets a box."""
        return next((use for use in scopes if use.name not in self.plain), None)
