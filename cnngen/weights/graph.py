"""The weight graph of a model: the layers that hold weights, and which of them feed which.

Layers without weights (activations, pools, sums) are contracted. Three modules make such a graph:
of a network, of a PyTorch model and of a Keras model.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from cnngen.weights.layout import UNCHANGED, Form

Dimensions = tuple[int, ...]

# What arrives at a place: for each of the parts that were concatenated, the names of the layers
# from which it comes. A part without any comes from the input.
Flow = tuple[frozenset[str], ...]
FROM_INPUT: Flow = (frozenset(),)


@dataclass(frozen=True, slots=True)
class Weight:
    """A tensor: its key in the model, its shape in PyTorch's layout, and the model's own layout."""

    key: str
    shape: Dimensions
    form: Form = UNCHANGED


@dataclass(frozen=True, slots=True)
class WeightedLayer:
    """A layer that holds weights, which have PyTorch's names: `weight`, `bias`, `running_mean`.

    Kinds are words of the language, but a depthwise convolution is a `conv` with as many `groups`
    as channels, and a separable one is two layers. `maps` are channels, height and width of what a
    `linear` reads, if that was flattened; `gives` are height and width of the output, if that is an
    image.
    """

    name: str
    kind: str
    weights: Mapping[str, Weight]
    groups: int = 1
    training: bool = False
    maps: Dimensions = field(default=(), compare=False)
    gives: Dimensions = field(default=(), compare=False)

    @property
    def size(self) -> Dimensions:
        """The shape that decides what fits: that of the filters, or the number of channels of a
        norm.
        """
        main = self.weights.get("weight") or next(iter(self.weights.values()))
        return main.shape

    def __str__(self) -> str:
        groups = f" in {self.groups} groups" if self.groups > 1 else ""
        return f"{self.name} ({self.kind} {spell(self.size)}{groups})"


@dataclass(frozen=True, slots=True)
class WeightGraph:
    """Layers by name in the order of execution, and the flow into each.

    `unused` are keys of weights that no computation used. With `channels_last`, flattened features
    are in the order of Keras, and so are the weights behind them.
    """

    layers: Mapping[str, WeightedLayer]
    reads: Mapping[str, Flow]
    unused: tuple[str, ...] = ()
    channels_last: bool = False

    def without(self, names: Collection[str]) -> "WeightGraph":
        """The graph with these layers contracted, as if they held no weights."""
        reads: dict[str, Flow] = {}
        for name, flow in self.reads.items():
            if len(flow) == 1 and len(flow[0]) == 1 and (only := next(iter(flow[0]))) in names:
                reads[name] = reads[only]  # with its parts
            else:
                reads[name] = tuple(_past(part, names, reads) for part in flow)
        layers = {name: layer for name, layer in self.layers.items() if name not in names}
        return replace(self, layers=layers, reads={name: reads[name] for name in layers})


def _past(
    part: frozenset[str], names: Collection[str], reads: Mapping[str, Flow]
) -> frozenset[str]:
    """The layers of a part of a flow; each that is left out is replaced by those before it."""
    if part.isdisjoint(names):
        return part
    before = (join([reads[name]])[0] if name in names else frozenset([name]) for name in part)
    return frozenset(chain.from_iterable(before))


def concatenate(flows: Sequence[Flow]) -> Flow:
    return tuple(chain.from_iterable(flows))


def merge(flows: Sequence[Flow]) -> Flow:
    """The output of an op with these inputs: parts that all inputs share stay apart, others become
    one part.
    """
    return flows[0] if all(flow == flows[0] for flow in flows) else join(flows)


def join(flows: Sequence[Flow]) -> Flow:
    return (frozenset(chain.from_iterable(chain.from_iterable(flows))),)


@dataclass(slots=True)
class Recorder:
    """Builds a graph: layers are added in the order of execution."""

    layers: dict[str, WeightedLayer] = field(default_factory=dict[str, WeightedLayer])
    reads: dict[str, Flow] = field(default_factory=dict[str, Flow])

    def graph(self) -> WeightGraph:
        return WeightGraph(self.layers, self.reads)

    def pass_through(self, layer: WeightedLayer, flow: Flow) -> Flow:
        """Add a layer with the flow into it; gives the flow out of it.

        A layer that is used again keeps its place, reads what flows into either use, and gives the
        larger maps, whichever use comes first.
        """
        if first := self.layers.get(layer.name):
            flow = join([self.reads[layer.name], flow])
            gives = max(first.gives, layer.gives)
            layer = replace(layer, weights={**first.weights, **layer.weights}, gives=gives)
        self.layers[layer.name], self.reads[layer.name] = layer, flow
        return (frozenset([layer.name]),)


def spell(sizes: Dimensions) -> str:
    return " x ".join(map(str, sizes)) or "a number"
