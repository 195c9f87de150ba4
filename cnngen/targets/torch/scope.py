"""A scope: what the names and values of a spec are in one class of the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cnngen.expressions.algebra import mentions_input, simplify, substitute
from cnngen.expressions.expression import Expression
from cnngen.ops.base import Op
from cnngen.plan.in_place import InPlace
from cnngen.plan.program import Call, Choice, Join, Maps, Region, Unit
from cnngen.python import nodes
from cnngen.python.nodes import Statement
from cnngen.python.signature import Argument
from cnngen.python.variables import names
from cnngen.semantics.network import Network
from cnngen.semantics.types import Types
from cnngen.targets.map_lists import spread_lists
from cnngen.targets.spelling import Speller
from cnngen.targets.torch.initial_weights import Rules
from cnngen.targets.torch.names import tensor
from cnngen.targets.torch.use import Values
from cnngen.targets.torch.variables import Variables


@dataclass(frozen=True, slots=True)
class UnitClass:
    """The class of a block; without a `forward` of its own, it has the one of its base.

    `arguments` are those of its constructor, `tensors` those of its forward behind `x`, which may
    have another name.
    """

    unit: Unit
    base: nodes.Node
    arguments: tuple[Argument, ...]
    constructor: tuple[Statement, ...]
    forward: tuple[Statement, ...] | None = None
    x: str = "x"

    @property
    def given(self) -> tuple[tuple[str, str], ...]:
        """What its forward takes, and the types of these."""
        return ((self.x, _annotation(self.unit.input.listed)), *self.tensors)

    @property
    def returns(self) -> str:
        return _annotation(self.unit.body.gives.listed)

    @property
    def tensors(self) -> tuple[tuple[str, str], ...]:
        """The names of these, and their types."""
        return tuple(
            (tensor(each.name), _annotation(isinstance(each, Maps))) for each in self.unit.tensors
        )


def _annotation(listed: bool) -> str:
    return "list[Tensor]" if listed else "Tensor"


@dataclass(frozen=True, slots=True)
class File:
    """The file in the making: what is spelled in it, and its classes so far. `functions` are what
    those are called that templates may ask for, `overwriting` what works in place, and `common`
    what all uses of an op have in common. `asked` are the units that say how many channels they
    give.
    """

    network: Network
    speller: Speller
    rules: Rules
    functions: frozenset[str]
    overwriting: InPlace = InPlace()
    common: Mapping[type[Op], Values] = field(default_factory=dict[type[Op], Values])
    asked: frozenset[Unit] = frozenset()
    classes: dict[Unit, UnitClass] = field(default_factory=dict[Unit, UnitClass])


@dataclass(frozen=True, slots=True)
class Scope:
    """The constructor that is being written. `entry` is what `input.channels` means in it, None for
    the channels of a block's input. `calls` and `expressions` have the modules that were made
    already, so that none is made twice. `attributes` are those of the class that the author named,
    and ours; `positions` has that of each position in a list of maps.
    """

    file: File
    types: Types
    variables: Variables
    entry: Expression | None = None
    calls: dict[Call, nodes.Node] = field(default_factory=dict[Call, nodes.Node])
    expressions: dict[Region | Choice | Join, nodes.Node | None] = field(
        default_factory=dict[Region | Choice | Join, nodes.Node | None]
    )

    attributes: set[str] = field(default_factory=set[str])
    positions: dict[Expression, str] = field(default_factory=dict[Expression, str])

    def flag(self, name: str) -> str:
        """The attribute that says whether a branch is there."""
        return self.attribute(f"has_{name}")

    def attribute(self, name: str) -> str:
        """A new attribute, which steps aside for those that the author named."""
        while name in self.attributes:
            name += "_"
        self.attributes.add(name)
        return name

    def position(self, expression: Expression) -> str:
        """The attribute that has a position in a list of maps."""
        if expression not in self.positions:
            word, count = "position", 2
            while word in self.attributes:
                word, count = f"position_{count}", count + 1
            self.attributes.add(word)
            self.positions[expression] = word
        return self.positions[expression]

    def resolve(self, expression: Expression) -> Expression:
        """An expression whose names are those of the class, and of the file."""
        if self.entry is not None and mentions_input(expression):
            expression = simplify(substitute(expression, {}, self.entry), count=False)
        expression = self.file.speller.records.named(expression, self.types)
        resolved = self.variables.resolve(expression)
        return self.variables.repeated.get(resolved, resolved)

    def node(self, expression: Expression) -> nodes.Node:
        """An expression as a node; what it needs is imported."""
        made = self.file.speller.node(self.resolve(expression))
        lists = self.variables.lists
        return spread_lists(made, lists) if lists and lists & names(made) else made
