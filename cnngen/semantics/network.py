"""The network: one concrete graph of layers, and what each was made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import networkx as nx

from cnngen.expressions.evaluate import UNDETERMINED, MaybeValue, Values
from cnngen.ops.base import Dimensions, Image, Op, Shape, Unknown, Weights
from cnngen.semantics.attributes import spell
from cnngen.semantics.resolve import Resolution
from cnngen.source import Span
from cnngen.syntax.tree import Block, Call, Stage, Step

INPUT = "input"
Rank = Literal["image", "vector"]
Fixed = Literal["size", "rank"]  # what a parameter changes that generated code cannot
CHANGED: dict[Fixed, str] = {
    "size": "changes a flattened size",
    "rank": "decides whether a layer gets maps or a vector",
}

MOST_SHOWN = 6


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """One use of a block, or one stage of the model: the values of the names in it, and the tensors
    that it was given.

    Its `channels` are those of its input, of a list a list of them.

    `call` is the step that uses the block, and `parent` the scope in which that step stands.
    `loops` has those of the values that are variables of loops, and `ops` and `blocks` the
    parameters that are ops, with where each was named, and blocks. The paths of its layers begin
    with `path`. `given` has the tensors of a block: `input`, and one for each parameter of type
    `tensor`.
    """

    values: Values
    channels: int | tuple[int, ...] | None
    path: str
    block: Block | None = None
    call: Call | None = None
    parent: "Scope | None" = None
    stage: Stage | None = None
    loops: Values = field(default_factory=dict[str, MaybeValue])
    given: Mapping[str, "Tensor"] = field(default_factory=dict[str, "Tensor"])
    ops: Mapping[str, "NamedOp"] = field(default_factory=dict[str, "NamedOp"])
    blocks: Mapping[str, Block] = field(default_factory=dict[str, Block])

    def inside(self, iteration: Values) -> "Scope":
        """The scope in one iteration of a loop."""
        values, loops = {**self.values, **iteration}, {**self.loops, **iteration}
        return replace(self, values=values, loops=loops)

    def chain(self) -> list["Scope"]:
        """The stage, the use of a block in it, the use of a block in that, and so on."""
        scopes: list[Scope] = [self]
        while parent := scopes[-1].parent:
            scopes.append(parent)
        return scopes[::-1]

    @property
    def outermost(self) -> "Scope":
        return self.parent.outermost if self.parent else self

    @property
    def name(self) -> str:
        named = self.block or self.stage
        return named.name.text if named else "the model"

    @property
    def own(self) -> Values:
        """The values of its block's parameters that are known; an op or a block is its word."""
        parameters = self.block.parameters if self.block else ()
        names = [p.name.text for p in parameters if p.type != "tensors"]
        ops = {name: named.op.name for name, named in self.ops.items()}
        ops |= {name: block.name.text for name, block in self.blocks.items()}
        known = {n: v for n, v in {**self.values, **ops}.items() if v is not UNDETERMINED}
        return {name: known[name] for name in names if name in known}

    def trail(self) -> tuple[str, ...]:
        """The circumstances for a diagnostic: the block with its values, where it was used, and in
        which iteration.
        """
        notes: list[str] = []
        if self.block:
            values = _listed(self.own, ": ")
            notes.append(", ".join([f"in {self.name}({values})".removesuffix("()"), *self._uses()]))
        if self.loops:
            notes.append(f"where {_listed(self.loops, ' is ')}")
        return tuple(notes)

    def _uses(self) -> list[str]:
        """From where the block was used, the innermost place first."""
        uses: list[str] = []
        scope = self
        while scope.call and scope.parent:
            line = scope.call.span.line
            scope = scope.parent
            uses.append(f"from {scope.name} (line {line})")
        if len(uses) > MOST_SHOWN:
            uses[MOST_SHOWN - 1 : -1] = ["..."]
        return uses


def _listed(values: Values, between: str) -> str:
    shown = [f"{n}{between}{spell(v)}" for n, v in values.items() if v is not UNDETERMINED]
    return ", ".join([*shown[:MOST_SHOWN], *(["..."] if len(shown) > MOST_SHOWN else [])])


@dataclass(frozen=True, slots=True)
class NamedOp:
    """An op as the value of a parameter; `call` is where a spec names it."""

    op: Op
    call: Call


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """What a layer gives: the layer's path and the shape."""

    path: str
    shape: Shape | Unknown


def known_shape(shape: Shape | Unknown) -> Shape:
    """A shape of a network that passed its checks, in which all are known."""
    assert not isinstance(shape, Unknown), "a checked network has shapes everywhere"
    return shape


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One op at its place in the network. The path is its name in every target.

    A layer that is used again is several, of which the others name in `shares` the path of the
    first, which holds the weights.
    """

    path: str
    op: Op
    inputs: tuple[Tensor, ...]
    output: Shape | Unknown
    step: Step
    span: Span
    scope: Scope
    training: bool
    shares: str = ""

    @property
    def weights(self) -> Weights:
        """The shapes of the weights that it holds, by their names in PyTorch and in its layout."""
        return {} if self.shares else self.op.weights(*(known_shape(x.shape) for x in self.inputs))


@dataclass(slots=True, eq=False)
class Network:
    """A spec with numbers: every layer with its shapes.

    `inputs` has the shape of each input, by its name, which is `input` for the only one. `stages`
    has the output of each stage, and `outputs` the stage of each output of the network.
    `ranks`, `block_ranks` and `flattened` are what generated code needs to know of each step:
    whether it works on images or on vectors, and the maps that a `flatten` was given, with the
    scope of each use. `fixed` are the parameters for other values of which that would be wrong.
    `parts` has the paths of the parts that are used again, and `lists` what stages give that give a
    list of maps, of which `stages` has the first.
    """

    resolution: Resolution
    inputs: Mapping[str, Shape]
    graph: "nx.DiGraph[str]" = field(default_factory=lambda: nx.DiGraph())
    layers: dict[str, Layer] = field(default_factory=dict[str, Layer])
    stages: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    outputs: dict[str, str] = field(default_factory=dict[str, str])
    ranks: dict[Call, Rank] = field(default_factory=dict[Call, Rank])
    block_ranks: dict[Block, Rank] = field(default_factory=dict[Block, Rank])
    flattened: dict[Call, list[tuple[Image, Scope]]] = field(
        default_factory=dict[Call, list[tuple[Image, Scope]]]
    )
    fixed: dict[str, Fixed] = field(default_factory=dict[str, Fixed])
    parts: set[str] = field(default_factory=set[str])
    lists: dict[str, tuple[Tensor, ...]] = field(default_factory=dict[str, tuple[Tensor, ...]])

    @property
    def input(self) -> Image:
        """The image that a network of one input is given."""
        (image,) = self.inputs.values()
        assert isinstance(image, Image)
        return image

    @property
    def images(self) -> dict[str, Image]:
        """The inputs that are images."""
        return {name: x for name, x in self.inputs.items() if isinstance(x, Image)}

    @property
    def input_dimensions(self) -> dict[str, Dimensions]:
        return {name: x.dimensions for name, x in self.inputs.items()}

    def training_stages(self) -> frozenset[str]:
        return self.resolution.training
