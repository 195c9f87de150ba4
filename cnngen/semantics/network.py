"""The network: one concrete graph of layers, and what each was made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import networkx as nx

from cnngen.ops.base import Image, Op, Shape, Unknown
from cnngen.semantics.resolve import Resolution
from cnngen.source import Span
from cnngen.syntax.expression import Value
from cnngen.syntax.tree import Block, Call, Stage, Step

INPUT = "input"
Rank = Literal["image", "vector"]


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """One use of a block, or a stage of the model: the values of the names in it, and what it was
    given.

    `call` is the step that uses the block and `parent` the scope in which that step stands.
    """

    values: Mapping[str, Value]
    channels: int | None
    block: Block | None = None
    call: Call | None = None
    parent: "Scope | None" = None
    stage: Stage | None = None

    def trail(self) -> tuple[str, ...]:
        """In words: which block with which values, used where."""
        if self.block is None or self.call is None or self.parent is None:
            return ()
        uses: list[str] = []
        scope: Scope | None = self
        while scope and scope.block and scope.call:
            name = scope.block.name.text
            values = ", ".join(
                f"{p.name.text}: {scope.values[p.name.text]}"
                for p in scope.block.parameters
                if p.type != "tensor" and p.name.text in scope.values
            )
            place = f" (line {scope.call.span.line})"
            uses.append(f"{name}({values}){place}" if scope is self else f"{name}{place}")
            scope = scope.parent
        if scope and scope.stage:
            uses.append(f"`{scope.stage.name.text}`")
        return ("in " + ", from ".join(uses),)


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """What a layer gives: the layer's path and the shape."""

    path: str
    shape: Shape | Unknown


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One op at its place in the network. The path is its name in every target."""

    path: str
    op: Op
    inputs: tuple[Tensor, ...]
    output: Shape | Unknown
    step: Step
    span: Span
    training: bool


@dataclass(slots=True, eq=False)
class Network:
    """A spec with numbers: every layer with its shapes.

    `stages` maps each stage to what it gives and `outputs` the name of each output to a stage.
    `ranks`, `block_ranks` and `flattened` keep what the printed program needs to know of the
    concrete uses of a step: whether it works on images or vectors, and what a `flatten` flattened,
    in which scope.
    """

    resolution: Resolution
    input: Image
    graph: "nx.DiGraph[str]" = field(default_factory=lambda: nx.DiGraph())
    layers: dict[str, Layer] = field(default_factory=dict[str, Layer])
    stages: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    outputs: dict[str, str] = field(default_factory=dict[str, str])
    ranks: dict[Call, Rank] = field(default_factory=dict[Call, Rank])
    block_ranks: dict[Block, Rank] = field(default_factory=dict[Block, Rank])
    flattened: dict[Call, list[tuple[Image, Scope]]] = field(
        default_factory=dict[Call, list[tuple[Image, Scope]]]
    )

    def training_stages(self) -> frozenset[str]:
        return frozenset(s.name.text for s in self.resolution.spec.stages if s.training)
