"""Uses: each use of each block in a network, and the ways in which these are built."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cnngen.draw.boxes import figure
from cnngen.draw.detail import Detail, Variant, key_of
from cnngen.draw.figure import Figure, merged
from cnngen.ops.base import Image
from cnngen.semantics.network import Layer, Network, Scope, Tensor

SHORT = 2  # boxes in a row that say more than the name of a block
MOST_WAYS = 4  # of a block, with a figure each; of more, those that differ in channels share one


@dataclass(slots=True)
class Use:
    """One use of a block, and its layers."""

    scope: Scope
    layers: list[Layer] = field(default_factory=list[Layer])

    @property
    def size(self) -> tuple[int, int] | None:
        """The height and width of what it gives."""
        output = self.layers[-1].output
        return (output.height, output.width) if isinstance(output, Image) else None

    @property
    def reads(self) -> list[Tensor]:
        """What its layers read from outside of it, as often as they do."""
        own = {layer.path for layer in self.layers}
        return [x for layer in self.layers for x in layer.inputs if x.path not in own]

    def inside(self, detail: Detail) -> Figure:
        return figure(self.scope.name, self.layers, detail, self.scope)


Uses = Mapping[str, Sequence[Use]]  # by the names of blocks


def uses_of(network: Network) -> Uses:
    """The uses of each block, in the order of the network."""
    uses: dict[tuple[str, int], Use] = {}
    around: dict[Scope, list[Use]] = {}
    for layer in network.layers.values():
        if layer.scope not in around:
            around[layer.scope] = [
                uses.setdefault((scope.path, above), Use(scope))
                for above, scope in enumerate(layer.scope.chain())
                if scope.block
            ]
        for use in around[layer.scope]:
            use.layers.append(layer)
    found: dict[str, list[Use]] = {}
    for use in uses.values():
        found.setdefault(use.scope.name, []).append(use)
    return found


def closed_detail(network: Network, uses: Uses | None = None) -> Detail:
    """The detail of a picture in which no block is opened."""
    uses = uses or uses_of(network)
    detail = Detail(plain=plain_of(network, uses), outputs=_outputs(network))
    variants: dict[str, Variant] = {}
    for block in network.resolution.order:  # what a block uses comes before it
        if block.name.text not in detail.plain:
            own = uses.get(block.name.text, ())
            variants |= _variants(own, replace(detail, variants=variants))
    return replace(detail, variants=variants)


def _outputs(network: Network) -> frozenset[str]:
    if not network.resolution.spec.outputs:
        return frozenset()
    return frozenset(network.stages[stage].path for stage in network.outputs.values())


def plain_of(network: Network, uses: Uses) -> frozenset[str]:
    """The blocks that need no box of their own: a convolution with its norm, a single use of
    another block, or a few boxes in a row.
    """
    plain: frozenset[str] = frozenset()
    for block in network.resolution.order:  # what a block uses comes before it
        own = uses.get(block.name.text, ())
        most = 1 if any(map(_repeats, own, own[1:])) else SHORT
        insides = (alike[0].inside(Detail(plain=plain)) for alike in _alike(own))
        if all(len(inside.boxes) <= most and inside.is_row() for inside in insides):
            plain |= {block.name.text}
    return plain


def _repeats(one: Use, other: Use) -> bool:
    """Whether two uses of a block are drawn as one box that is repeated."""
    here, there = one.scope.parent, other.scope.parent
    together = here and there and here.path == there.path
    return bool(together) and one.size == other.size


def panels(uses: Iterable[Use], detail: Detail) -> list[Figure]:
    """A figure for each way in which uses of a block are built, true of all uses built so."""
    found: dict[str, list[Use]] = {}
    for use in uses:
        found.setdefault(detail.title(use.scope), []).append(use)
    count = sum(map(len, found.values()))
    shown: list[Figure] = []
    for title, same in found.items():
        inside = merged([alike[0].inside(detail) for alike in _alike(same)])
        note = f"{len(same)} of {count} uses" if len(found) > 1 else f"{count} uses"
        shown.append(replace(inside, title=title, note=note if count > 1 else ""))
    return shown


def _variants(uses: Sequence[Use], detail: Detail) -> dict[str, Variant]:
    """How each use of a block is built. Where there are many ways, those that differ only in
    channels share a figure.
    """
    insides = [(alike, alike[0].inside(detail)) for alike in _alike(uses)]
    ways = _numbered(inside.look() for _, inside in insides)
    shown = ways
    if max(ways, default=0) > MOST_WAYS:
        shown = _numbered(inside.look(channels=False) for _, inside in insides)
    several = max(shown, default=0) > 1
    return {
        key_of(use.scope): Variant(way, panel if several else 0)
        for (alike, _), way, panel in zip(insides, ways, shown, strict=True)
        for use in alike
    }


def _numbered(looks: Iterable[object]) -> list[int]:
    """A number from 1 on for each look; equal looks have equal numbers."""
    numbers: dict[object, int] = {}
    return [numbers.setdefault(look, len(numbers) + 1) for look in looks]


def _alike(uses: Iterable[Use]) -> list[list[Use]]:
    """The uses of a block in groups that are given equal shapes and values, a figure for each."""
    found: dict[object, list[Use]] = {}
    for use in uses:
        scope = use.scope
        names = [p.name.text for p in scope.block.parameters] if scope.block else []
        ops = [scope.ops[name].op for name in names if name in scope.ops]
        values = [*(scope.values.get(name) for name in names), *((o.name, o.values) for o in ops)]
        paths = [tensor.path for tensor in use.reads]
        same = tuple(map(paths.index, paths))  # which of them are one tensor
        shapes = tuple(tensor.shape for tensor in use.reads)
        found.setdefault((shapes, same, repr(values)), []).append(use)
    return list(found.values())
