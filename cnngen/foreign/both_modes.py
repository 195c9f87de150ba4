"""What a model computes in inference, with what only its training shows: dropped paths, which rest
in inference, and heads for further losses.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cnngen.foreign.lowering import Made

Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Flow:
    """The nodes of a run in their order, and those that give its outputs, by name."""

    nodes: Sequence[Made]
    outputs: Mapping[str, Made]


@dataclass(frozen=True, slots=True)
class Both:
    """The nodes of both, and which outputs are there in training only."""

    nodes: Sequence[Made]
    outputs: Mapping[str, Made]
    heads: frozenset[str] = frozenset()


def in_both_modes(inference: Flow, training: Flow) -> Both:
    """The nodes of inference, and what training adds to them."""
    joined = _Joined(_twins(inference, training))
    for node in inference.nodes:
        joined.add(node)
    outputs = _named(inference.outputs, training.outputs, joined)
    heads = {
        name: joined.trained(node)
        for name, node in training.outputs.items()
        if name not in outputs and joined.base(node) not in joined.twins
    }
    return Both(joined.nodes, {**outputs, **heads}, frozenset(heads))


def _twins(inference: Flow, training: Flow) -> dict[Made, Made]:
    """The nodes of training that are also in inference."""
    keyed = dict(zip(_keys(inference.nodes), inference.nodes, strict=True))
    pairs = zip(_keys(training.nodes), training.nodes, strict=True)
    return {node: keyed[key] for key, node in pairs if key in keyed}


def _keys(nodes: Sequence[Made]) -> list[Key]:
    """What tells the nodes of a run apart: the module, the op, and which of the same it is."""
    count: Counter[tuple[str, str]] = Counter()
    found: list[Key] = []
    for node in nodes:
        inside = node.call.inside if node.call else ()
        place = inside[-1].path if inside else "", node.word
        count[place] += 1
        found.append((*place, count[place]))
    return found


@dataclass(slots=True)
class _Joined:
    """The nodes so far; `ours` has what became of those of inference, and `theirs` of training."""

    twins: Mapping[Made, Made]
    nodes: list[Made] = field(default_factory=list[Made])
    ours: dict[Made, Made] = field(default_factory=dict[Made, Made])
    theirs: dict[Made, Made] = field(default_factory=dict[Made, Made])

    def add(self, node: Made) -> None:
        inputs = tuple(self.ours[x] for x in node.inputs)
        if twin := self._trained_as(node):
            pairs = zip(node.inputs, twin.inputs, strict=True)
            inputs = tuple(self._input(x, y) for x, y in pairs)
        self.ours[node] = node if inputs == node.inputs else replace(node, inputs=inputs)
        self.nodes.append(self.ours[node])

    def _input(self, x: Made, y: Made) -> Made:
        """What a node reads: in inference `x`, or what rests there, of which `y` gives `x`."""
        rests = y not in self.twins and self.twins.get(self.base(y)) is x
        return self.trained(y) if rests else self.ours[x]

    def _trained_as(self, node: Made) -> Made | None:
        found = [y for y, x in self.twins.items() if x is node and len(y.inputs) == len(x.inputs)]
        return found[0] if found else None

    def trained(self, node: Made) -> Made:
        """What became of a node of training, which is added if inference has none."""
        if twin := self.twins.get(node):
            return self.ours[twin]
        if node not in self.theirs:
            inputs = tuple(self.trained(x) for x in node.inputs)
            self.theirs[node] = replace(node, inputs=inputs)
            self.nodes.append(self.theirs[node])
        return self.theirs[node]

    def base(self, node: Made) -> Made:
        """What a node passes on in inference."""
        while node not in self.twins and node.op and node.op.passes == "inference":
            node = node.inputs[0]
        return node


def _named(
    ours: Mapping[str, Made], theirs: Mapping[str, Made], joined: _Joined
) -> dict[str, Made]:
    """The outputs of inference. What is one tensor there may have a name in training."""
    named: dict[str, Made] = {}
    for name, node in ours.items():
        also = [n for n, x in theirs.items() if joined.twins.get(joined.base(x)) is node]
        same = name if name in also else (also[0] if len(ours) == 1 and also else name)
        last = theirs.get(same)
        rests = last is not None and same in also and last not in joined.twins
        named[same] = joined.trained(last) if rests and last else joined.ours[node]
    return named
