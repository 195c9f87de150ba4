"""Detail: which uses of blocks have a box in a picture, what it is called, and which are opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from cnngen.semantics.network import Scope


class Variant(NamedTuple):
    """How a use of a block is built. Uses of one `way` are equal in all that is shown of them but
    for the shapes at arrows; `panel` numbers the figure that shows them, where there are several.
    """

    way: int
    panel: int


@dataclass(frozen=True, slots=True)
class Detail:
    """Which uses of blocks are opened: those less than `depth` deep, and those in `expand`, which
    has names of blocks and paths of uses.

    Blocks that are `plain` have no box of their own. Nothing shares a box with the layers before it
    whose paths are among `outputs`, which the spec names. `variants` are those of uses, by their
    keys (`key_of`).
    """

    depth: int = 0
    expand: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()
    variants: Mapping[str, Variant] = field(default_factory=dict[str, Variant])

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

    def title(self, use: Scope) -> str:
        """`Bottleneck`, or `Bottleneck (2)` where several figures show what is inside."""
        variant = self.variants.get(key_of(use))
        return f"{use.name} ({variant.panel})" if variant and variant.panel else use.name

    def unnumbered(self) -> "Detail":
        """The detail of a page where every box opens, so that no figure has to be found."""
        variants = {key: variant._replace(panel=0) for key, variant in self.variants.items()}
        return replace(self, variants=variants)

    def way(self, use: Scope) -> int:
        variant = self.variants.get(key_of(use))
        return variant.way if variant else 0


def key_of(use: Scope) -> str:
    """What tells a use of a block from all others."""
    return f"{use.path}:{use.name}"
