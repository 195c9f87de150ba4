"""The program: what every target prints of a network, before it is the text of any of them.

`lower` makes it of a spec and its network. It is a tree of regions, as the author wrote them, in
which every tensor is a value with its channels as an expression. A unit is a block or the model.

What is made once, and holds weights, is a `Layer`; where it is applied to values is a `Call`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cnngen.expressions.expression import Expression, Name
from cnngen.ops.base import Op
from cnngen.plan.map_channels import MapChannels
from cnngen.semantics.keys import Layout
from cnngen.semantics.network import Network, Rank
from cnngen.semantics.op_values import OpValue
from cnngen.syntax.tree import (
    ArgumentValue,
    Block,
    Branches,
    BranchLoop,
    Each,
    Parameter,
    Reference,
    Repeat,
    Stage,
    Step,
    When,
)
from cnngen.syntax.tree import (
    Call as CallStep,
)
from cnngen.syntax.tree import (
    Reuse as ReuseStep,
)

Key = str | Expression | None
"""A word, or a position (which follows loops as an expression). A node without a key takes the
place of its region, or is a loop whose iterations have the keys.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A tensor, known in its unit by its `number`. `channels` (of a vector: features) are an
    expression in terms of the unit. Two values of one number are one tensor, whose count of
    channels may be an expression in one of them and a variable in the other.

    `name` is what steps read it by: the name of a step, a stage or a parameter, or `input`. One
    that is `listed` is a list of tensors, carried as one: `channels` is the list of theirs.
    """

    number: int
    channels: Expression
    rank: Rank = "image"
    name: str = ""
    listed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """A list of tensors, of which each has one of the `numbers`. Those that one loop gave share
    one, by which they are known wherever one of them is read.
    """

    numbers: tuple[int, ...]
    channels: MapChannels
    rank: Rank = "image"
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """What is made once and holds the weights: an op with its attributes, or a unit.

    `arguments` are all attributes of an op, or what an author hands to a unit. To a unit are also
    `handed` the channels and areas that it cannot compute, and the parameters of the model that it
    depends on, all by the names of its own arguments; `ops` are the ops and blocks that it is
    given. Where a parameter says which unit it is, `made` is the first of those that are `chosen`
    from.
    """

    made: "type[Op] | Unit"
    arguments: Mapping[str, ArgumentValue]
    handed: Mapping[str, Expression] = field(default_factory=dict[str, Expression])
    ops: Mapping[str, OpValue] = field(default_factory=dict[str, OpValue])
    chosen: "tuple[Unit, ...]" = ()

    @property
    def units(self) -> "tuple[Unit, ...]":
        """The units that it may be; none where it is an op."""
        return self.chosen or ((self.made,) if isinstance(self.made, Unit) else ())


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Nodes in order, the first of which reads `given`; a chain, a graph, or a single node that
    takes the place of its region.
    """

    layout: Layout
    given: Value
    nodes: "tuple[Node, ...]"
    gives: Value


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A use of a layer: it reads the running tensor, and `tensors` and lists of them by the unit's
    names for them.

    `rank` is that of what it reads. Where only the unit itself knows how many channels it gives,
    `asked` is the symbol for what it answers. `paths` are those of the layers of the network that
    it stands for (of a unit: where their paths begin).
    """

    key: Key
    layer: Layer
    reads: Value
    tensors: Mapping[str, Value]
    gives: Value
    step: CallStep
    rank: Rank = "image"
    asked: Name | None = None
    paths: tuple[str, ...] = ()
    lists: Mapping[str, Maps] = field(default_factory=dict[str, Maps])


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A variable of a loop that is a map of a list; `symbol` stands for its channels in each
    iteration, where these differ.
    """

    value: Value
    maps: Maps
    symbol: Name | None


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """Iterations of a region, with `between` before each but the first.

    `first` is the position of the first iteration. Where iterations change the channels, `variable`
    has those of the present one: it is bound before the loop, and `between` and `body` end with an
    update of it to the channels that they give.

    A loop that is `written_out` calls its iterations in a `forward`. It may walk through maps, and
    keep what the iterations gave. If the channels of these have no closed form, `collected` is the
    list of them, empty at first, to which the body adds what it gives.
    """

    key: Key
    first: Expression
    reads: Value
    body: Region
    between: Region | None
    variable: Name | None
    gives: Value
    step: Repeat | Each
    written_out: bool = False
    walks: tuple[Walk, ...] = ()
    keeps: Maps | None = None
    collected: Name | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One of two regions; without `otherwise` the value may pass as it is.

    Where the channels that come out have no closed form, `variable` has them: before the choice it
    is bound to those that go in, and each region ends with an update of it to those that it gives.
    """

    key: Key
    test: Expression
    reads: Value
    then: Region
    otherwise: Region | None
    variable: Name | None
    gives: Value
    step: When


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """A branch of a join; with a `test`, it is absent where that is false.

    Where the channels that an optional one gives have no closed form, `variable` has them: it is
    bound before to 0, and the region ends with an update of it to the channels that it gives.
    """

    name: str
    region: Region
    test: Expression | None = None
    variable: Name | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Join:
    """Regions side by side, and the op that joins what they give; of a single one that is there, it
    is that. Without an op, what they give stays apart, as a list.

    `level` is the word under which the layers of the arms stand, if that is a level of its own. The
    key is that of the join itself.
    """

    key: Key
    level: Key
    op: type[Op] | None
    reads: Value
    arms: tuple[Arm, ...]
    gives: Value
    step: Branches
    paths: tuple[str, ...] = ()

    @property
    def always(self) -> tuple[Arm, ...]:
        """The branches that are there whatever the parameters are."""
        return tuple(arm for arm in self.arms if arm.test is None)


@dataclass(frozen=True, slots=True, eq=False)
class Gather:
    """A list of maps, and the op that joins them; of a single one, it is that, and without an op
    the list. Its `level` and key are those of a join.
    """

    key: Key
    level: Key
    op: type[Op] | None
    maps: Maps
    gives: Value
    step: Branches
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class JoinLoop:
    """A region for each iteration of a loop, side by side, and the op that joins what they give;
    without one, that stays apart, as a list.

    The iterations stand below `level`, at their positions, and so does the join at its key. Where
    the channels of the whole have no closed form, `variable` has them: before the loop it is bound
    to 0, and each iteration ends with an `update` of it to those of the iterations so far. Of what
    stays apart, `collected` is then the list of them, as in a loop.
    """

    key: Key
    level: Key
    op: type[Op] | None
    reads: Value
    body: Region
    variable: Name | None
    update: Expression | None
    gives: Value
    step: BranchLoop
    paths: tuple[str, ...] = ()
    walks: tuple[Walk, ...] = ()
    collected: Name | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reuse:
    """A stage or a named step that was before it, called again: `part` is its region, with layers
    that are made there, and `called` its name.
    """

    key: Key
    called: str
    part: Region
    reads: Value
    gives: Value
    step: ReuseStep


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """`{from: name}`: a value as it is."""

    reads: Value
    gives: Value
    step: Reference


@dataclass(frozen=True, slots=True, eq=False)
class Bind:
    """A variable for channels whose expression is long, or that a loop is about to change. No
    author can write its name, which has a space in it.

    `moves` says that nothing reads the old name of these channels (a variable, or those of the
    unit's input) from here on, so that a target may go on with the variable that it has; `listed`
    that they are those of a list of tensors.
    """

    variable: Name
    channels: Expression
    moves: bool = False
    listed: bool = False


Node = Call | Loop | Choice | Join | JoinLoop | Gather | Reuse | Pass | Bind


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A block. Beside its own parameters it takes those of the model that it `captured`, the
    channels of its input and of other `tensors` and lists (`x channels` for `x`), and `areas`: how
    many positions a `flatten` in it makes features of, where its uses differ.

    `channels` is what it gives, None where there is no closed form; then whoever makes it asks it.
    `takes_channels` says whether anything in it depends on the channels of its input, or
    a parameter may be this block: all of these are told.
    """

    name: str
    about: str
    block: Block
    parameters: tuple[Parameter, ...]
    captured: tuple[Parameter, ...]
    areas: tuple[str, ...]
    input: Value
    tensors: tuple[Value | Maps, ...]
    body: Region
    channels: Expression | None
    takes_channels: bool

    @property
    def handed(self) -> tuple[str, ...]:
        """The symbols for what only users of the unit know: channels of its tensors, and areas."""
        channels = (
            tensor.channels.listed if isinstance(tensor, Maps) else tensor.channels
            for tensor in self.tensors
        )
        return (*(symbol.name for symbol in channels if isinstance(symbol, Name)), *self.areas)


@dataclass(frozen=True, slots=True, eq=False)
class StageRegion:
    """A stage of the model. `entry` are the channels that `input.channels` means in it.

    `kept` says that something else than the next stage reads what it gives, `output` is the name of
    the output that it is, and `training` says that it exists in training only.
    """

    name: str
    body: Region
    entry: Expression
    kept: bool
    output: str
    training: bool
    step: Stage

    @property
    def gives(self) -> Value:
        return self.body.gives


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Units in an order of use, then the stages of the model, which read the `inputs`."""

    network: Network
    units: tuple[Unit, ...]
    inputs: tuple[Value, ...]
    stages: tuple[StageRegion, ...]


def regions(node: Node) -> tuple[Region, ...]:
    """The regions inside a node."""
    match node:
        case Call() | Gather() | Reuse() | Pass() | Bind():
            return ()
        case Loop():
            return (node.body,) if node.between is None else (node.between, node.body)
        case Choice():
            return (node.then,) if node.otherwise is None else (node.then, node.otherwise)
        case Join():
            return tuple(arm.region for arm in node.arms)
        case JoinLoop():
            return (node.body,)


def walk(region: Region) -> Iterator[Node]:
    """All nodes of a region and of those inside of it, in order."""
    for node in region.nodes:
        yield node
        for inner in regions(node):
            yield from walk(inner)


def step_of(node: Node) -> Step | None:
    return None if isinstance(node, Bind) else node.step
