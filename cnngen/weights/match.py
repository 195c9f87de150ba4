"""Match: which layer of another model is which of ours, by kind, shape and connections.

Names play no part. Where layers are alike in all this, and so is everything around them, their
order decides; it decides nothing else. A layer without a counterpart is reported, never guessed.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace

from cnngen.weights.graph import WeightedLayer, WeightGraph, spell
from cnngen.weights.refine import Coloured

MOST_SHOWN = 10
Graphs = tuple[WeightGraph, WeightGraph]  # ours and theirs
Marks = dict[tuple[int, str], Hashable]  # what each layer of either is by itself


@dataclass(frozen=True, slots=True)
class Pair:
    """A layer of ours, and the one of theirs at the same place."""

    ours: WeightedLayer
    theirs: WeightedLayer

    @property
    def fits(self) -> bool:
        """Whether one can have the weights of the other, perhaps in another shape."""
        ours, theirs = self.ours, self.theirs
        if ours.kind == "linear" and theirs.kind == "conv":  # with a window as large as its input
            return theirs.size in ((*ours.size, 1, 1), (ours.size[0], *ours.maps))
        return _identity(ours) == _identity(theirs)

    @property
    def moved(self) -> bool:
        """Whether the outputs have other sizes, so that a stride or padding is somewhere else."""
        sizes = self.ours.gives, self.theirs.gives
        return all(sizes) and sizes[0] != sizes[1]

    def outputs(self) -> str:
        ours, theirs = self.ours, self.theirs
        return f"{ours} gives {spell(ours.gives)}, {theirs} gives {spell(theirs.gives)}"

    def __str__(self) -> str:
        return f"{self.ours} is {self.theirs}"


@dataclass(frozen=True, slots=True)
class Group:
    """Layers that look alike, but have other neighbours on the other side, or differ in number."""

    ours: tuple[WeightedLayer, ...]
    theirs: tuple[WeightedLayer, ...]

    def __str__(self) -> str:
        return f"ours: {_listed(self.ours)}; theirs: {_listed(self.theirs)}"


@dataclass(frozen=True, slots=True)
class Match:
    """The layers of two graphs that belong together, in our order.

    The `pairs` in `by_order` could be exchanged with others. `unlike` are pairs in the same place
    with other sizes. Where the connections differ there are no pairs, and `undecided` has the
    layers that do not fit.
    """

    graphs: Graphs
    pairs: tuple[Pair, ...] = ()
    by_order: tuple[Pair, ...] = ()
    unlike: tuple[Pair, ...] = ()
    only_ours: tuple[WeightedLayer, ...] = ()
    only_theirs: tuple[WeightedLayer, ...] = ()
    undecided: tuple[Group, ...] = ()

    @property
    def moved(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair.moved)

    @property
    def complete(self) -> bool:
        """Whether all layers have counterparts, but for those that exist in training only."""
        single = (*self.only_ours, *self.only_theirs)
        misfits = self.undecided or self.unlike or self.moved
        return not misfits and all(layer.training for layer in single)

    def explain(self) -> str:
        """The layers without counterparts, line by line."""
        lines = [
            *(f"other size: {pair}" for pair in self.unlike),
            *(f"only in ours: {layer}" for layer in self.only_ours),
            *(f"only in theirs: {layer}" for layer in self.only_theirs),
            *(f"do not fit: {group}" for group in self.undecided),
            *(f"other output: {pair.outputs()}" for pair in self.moved),
        ]
        more = [f"and {len(lines) - MOST_SHOWN} more"] if len(lines) > MOST_SHOWN else []
        return "\n".join([*lines[:MOST_SHOWN], *more])


def match(ours: WeightGraph, theirs: WeightGraph) -> Match:
    """Match all layers; those that exist in training only after the others.

    Where their model does not mark such layers, as in Keras, ours may be any of theirs.
    """
    whole = ours, theirs
    heads = tuple(_heads(graph) for graph in whole)
    if heads[0] and not heads[1] and (found := _match_alike(whole)).complete:
        return found
    found = _match_alike((ours.without(heads[0]), theirs.without(heads[1])))
    if any(heads) and not found.undecided:
        found = _match_heads(whole, found)
    return replace(found, graphs=whole)


def _without(graph: WeightGraph, layers: tuple[WeightedLayer, ...]) -> WeightGraph:
    return graph.without({layer.name for layer in layers})


def _heads(graph: WeightGraph) -> set[str]:
    return {name for name, layer in graph.layers.items() if layer.training}


def _match_alike(graphs: Graphs) -> Match:
    """Match all layers, whether they exist in training only or not."""
    marks, alone = _marks(graphs)
    ours, theirs = (
        tuple(layer for layer in graph.layers.values() if (i, layer.name) in alone)
        for i, graph in enumerate(graphs)
    )
    rest = _without(graphs[0], ours), _without(graphs[1], theirs)
    decided = _decide(rest, marks)
    if isinstance(decided, list):
        return Match(graphs, only_ours=ours, only_theirs=theirs, undecided=tuple(decided))
    pairs, by_order = decided
    fit = tuple(pair for pair in pairs if pair.fits)
    unlike = tuple(pair for pair in pairs if not pair.fits)
    return Match(graphs, fit, by_order, unlike, ours, theirs)


def _match_heads(whole: Graphs, found: Match) -> Match:
    """Add the layers that exist in training only, where they are the same on both sides."""
    marks: Marks = {}
    for i, pair in enumerate((*found.pairs, *found.unlike)):
        marks[0, pair.ours.name] = marks[1, pair.theirs.name] = i
    rest = _without(whole[0], found.only_ours), _without(whole[1], found.only_theirs)
    heads = [[x for x in graph.layers.values() if x.training] for graph in rest]
    for i in (0, 1):
        marks |= {(i, layer.name): _identity(layer) for layer in heads[i]}
    decided = _decide(rest, marks)
    if isinstance(decided, list):
        ours, theirs = (*found.only_ours, *heads[0]), (*found.only_theirs, *heads[1])
        return replace(found, only_ours=ours, only_theirs=theirs)
    pairs, by_order = (tuple(p for p in new if p.ours.training) for new in decided)
    return replace(found, pairs=(*found.pairs, *pairs), by_order=(*found.by_order, *by_order))


def _identity(layer: WeightedLayer) -> tuple[str, int, tuple[int, ...]]:
    """What layers have in common that may hold the same weights. A `linear` may be a 1 x 1 `conv`,
    and one side may lack a bias.
    """
    if layer.kind == "linear":
        return "conv", 1, (*layer.size, 1, 1)
    return layer.kind, layer.groups, layer.size


def _marks(graphs: Graphs) -> tuple[Marks, set[tuple[int, str]]]:
    """What distinguishes each layer by itself; and the layers without a counterpart of their kind
    and size.

    Where both sides have equally many of these of a kind, they count as counterparts: a head for
    another number of classes.
    """
    counts = tuple(Counter(map(_identity, graph.layers.values())) for graph in graphs)
    strange = tuple(
        [layer for layer in graph.layers.values() if _identity(layer) not in counts[1 - i]]
        for i, graph in enumerate(graphs)
    )
    kinds = tuple(Counter(_identity(layer)[0] for layer in layers) for layers in strange)
    marks: Marks = {
        (i, layer.name): _identity(layer)
        for i, graph in enumerate(graphs)
        for layer in graph.layers.values()
    }
    alone: set[tuple[int, str]] = set()
    for i in (0, 1):
        for layer in strange[i]:
            kind = _identity(layer)[0]
            if kinds[0][kind] == kinds[1][kind]:
                marks[i, layer.name] = kind
            else:
                alone.add((i, layer.name))
    return marks, alone


Decided = tuple[tuple[Pair, ...], tuple[Pair, ...]]  # all pairs, and those found by order


def _decide(graphs: Graphs, marks: Mapping[tuple[int, str], Hashable]) -> Decided | list[Group]:
    """Pairs for all layers, or the groups that do not fit."""
    coloured = Coloured(graphs, marks)
    if not coloured.refine():
        return list(_misfits(graphs, coloured))
    tied = {name for ours, _ in coloured.classes() if len(ours) > 1 for name in ours}
    while tie := next((c for c in coloured.classes() if len(c[0]) > 1), None):
        ours, candidates = tie
        tries = (coloured.paired(ours[0], name) for name in candidates)
        settled = next((one for one in tries if one.refine()), None)
        if settled is None:
            return [_group(graphs, *tie)]
        coloured = settled
    partner = {ours[0]: theirs[0] for ours, theirs in coloured.classes()}
    pairs = tuple(
        Pair(layer, graphs[1].layers[partner[name]]) for name, layer in graphs[0].layers.items()
    )
    return pairs, tuple(pair for pair in pairs if pair.ours.name in tied)


def _misfits(graphs: Graphs, coloured: Coloured) -> Iterator[Group]:
    for ours, theirs in coloured.classes():
        if len(ours) != len(theirs):
            yield _group(graphs, ours, theirs)


def _group(graphs: Graphs, ours: list[str], theirs: list[str]) -> Group:
    return Group(
        tuple(graphs[0].layers[name] for name in ours),
        tuple(graphs[1].layers[name] for name in theirs),
    )


def _listed(layers: tuple[WeightedLayer, ...]) -> str:
    shown = [str(layer) for layer in layers[:MOST_SHOWN]]
    more = len(layers) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])]) or "none"
