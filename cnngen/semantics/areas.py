"""Areas: height times width of the maps that a `flatten` turns into features, where generated code
must know it.

Heights and widths are not in the language. Where all uses of a block have maps of one area, the
area is printed as a number; where they differ, the block takes it as an argument, and each use of
the block passes it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cnngen.expressions.algebra import multiply
from cnngen.expressions.expression import Binary, Constant, Expression, Name
from cnngen.semantics.network import Network, Scope
from cnngen.semantics.walk import calls
from cnngen.syntax.tree import Block, Body, Call

Size = tuple[int, int]
FIRST = "area 1"  # no author can write such a name


@dataclass(frozen=True, slots=True)
class Site:
    """A `flatten` as a block sees it: the calls that lead to it from the block's body, with the
    `flatten` itself as the last one.
    """

    path: tuple[Call, ...]


class Areas:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.sites: dict[Block, tuple[Site, ...]] = {}
        for block in network.resolution.order:
            self.sites[block] = tuple(s for s in self._sites(block.body) if len(self.sizes(s)) > 1)

    def _sites(self, body: Body) -> Iterator[Site]:
        """The sites below a body whose area differs between uses, so that it is no number there."""
        resolution = self.network.resolution
        for call in calls(body):
            if call in self.network.flattened:
                yield Site((call,))
            for block in resolution.called(call):
                for site in self.sites[block]:
                    yield Site((call, *site.path))

    def sizes(self, site: Site) -> set[Size]:
        """The heights and widths that a site flattens in this network."""
        *path, flatten = site.path
        found = self.network.flattened.get(flatten, [])
        return {(image.height, image.width) for image, scope in found if _leads(path, scope)}

    def varying(self) -> list[tuple[Site, set[Size]]]:
        """The sites in the model's stages whose area differs between the iterations of a loop."""
        stages = self.network.resolution.spec.stages
        sites = (site for stage in stages for site in self._sites(stage.body))
        return [(site, sizes) for site in sites if len(sizes := self.sizes(site)) > 1]

    def arguments(self, block: Block) -> dict[str, Site]:
        """The areas that a block takes as arguments, by the names of these."""
        sites = self.sites[block]
        return {f"area {i + 1}": site for i, site in enumerate(sites)}

    def handed(self, call: Call, block: Block) -> dict[str, Expression]:
        """What is passed for these arguments where a block is called."""
        return {
            name: self._area(Site((call, *site.path)))
            for name, site in self.arguments(block).items()
        }

    def features(self, flatten: Call, channels: Expression) -> Expression:
        """The features that a `flatten` gives: channels times area."""
        site = Site((flatten,))
        sizes = self.sizes(site)
        if sizes <= {(1, 1)}:  # perhaps nothing ever comes here
            return channels
        if len(sizes) == 1:
            height, width = next(iter(sizes))
            return Binary("*", Binary("*", channels, Constant(height)), Constant(width))
        return multiply(channels, self._area(site))

    def _area(self, site: Site) -> Expression:
        """The area as a number, or the argument for it of the block in which the site begins."""
        sizes = self.sizes(site) or {(1, 1)}
        if len(sizes) == 1:
            height, width = next(iter(sizes))
            return Binary("*", Constant(height), Constant(width))
        owner = next((block for block, sites in self.sites.items() if site in sites), None)
        names = self.arguments(owner) if owner else {}
        return Name(next((name for name, known in names.items() if known == site), FIRST))


def _leads(path: list[Call], scope: Scope) -> bool:
    """Whether a scope was reached by just these calls, of which the last is the innermost."""
    for call in reversed(path):
        if scope.call is not call or scope.parent is None:
            return False
        scope = scope.parent
    return True
