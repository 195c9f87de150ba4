"""Detail: which uses of blocks have a box in a picture, with which title, and which are opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from cnngen.semantics.network import Scope


class Variant(NamedTuple):
    """How a use of a block is built. Uses with the same `way` look the same but for the shapes at
    arrows. `panel` is the number of the figure that shows what is inside, if there are several.
    """

    way: int
    panel: int


@dataclass(frozen=True, slots=True)
class Detail:
    """The uses of blocks that are opened: those nested less than `depth` deep, and those in
    `expand`, which has names of blocks and paths of uses.

    Blocks that are `plain` have no box of their own. `outputs` are the paths of outputs that the
    spec names: no layer behind one of them shares its box. `variants` has how each use is built, by
    its key (`key_of`).
    """

    depth: int = 0
    expand: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()
    variants: Mapping[str, Variant] = field(default_factory=dict[str, Variant])

    def opens(self, use: Scope, level: int) -> bool:
        """Whether a use is opened; what is around a use in `expand` is opened as well."""
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
        """The same for a page on which every box can be opened, so that titles need no numbers of
        figures.
        """
        variants = {key: variant._replace(panel=0) for key, variant in self.variants.items()}
        return replace(self, variants=variants)

    def way(self, use: Scope) -> int:
        variant = self.variants.get(key_of(use))
        return variant.way if variant else 0


def key_of(use: Scope) -> str:
    """A key that only this use of a block has."""
    return f"{use.path}:{use.name}"
