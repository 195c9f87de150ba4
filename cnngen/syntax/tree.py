"""The spec as its author means it: typed nodes, each with its span.

What could not be read, and was reported, stays in the tree as an empty name: a call of nothing, or
a value that is the name of nothing. Passes that check say nothing about it and take what depends on
it for unknown. Other passes never see it, as nothing is generated from a spec with a mistake.

Steps compare by identity, so that passes can keep facts about each of them. They have no generated
`repr`, which would make every command start slower.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cnngen.expressions.expression import Expression, Name
from cnngen.ops.base import Shape, Unknown
from cnngen.source import Span

ParameterType = Literal[
    "int",
    "float",
    "bool",
    "ints",
    "floats",
    "bools",
    "size",
    "tensor",
    "tensors",
    "records",
    "op",
    "block",
]
NAMED: tuple[ParameterType, ...] = ("op", "block")  # types of what has a name and no value
Field = tuple[str, ParameterType]


@dataclass(frozen=True, slots=True)
class Identifier:
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class ListName(Identifier):
    """The name of a list of maps where that is read: as a list, or with an `index` one of its maps.
    `whole` is the place with the index: of `encoder[1]`.
    """

    index: Expression | None
    whole: Span

    @property
    def written(self) -> str:
        return self.whole.text


def unread(span: Span) -> Name:
    """The value that stands in place of one that could not be read."""
    return Name("", span)


def is_unread(value: "ArgumentValue | None") -> bool:
    """Whether a value stands in place of one that could not be read."""
    return isinstance(value, Name) and not value.name


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Parameter:
    """A parameter of a block or of the model; `about` is the comment behind it, and `fields` are
    those of records. The default of one of type `op` is a word, or one with arguments, and that of
    one of type `block` a word.

    `is_sound` is false where its type or default was reported: then no value is held against it. A
    parameter without a name stands for parameters that could not be read.
    """

    name: Identifier
    type: ParameterType
    default: "ArgumentValue | None" = None
    about: str = ""
    is_sound: bool = True
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Distribution:
    """A word with arguments: an initial distribution, `{trunc_normal: {std: 0.01}}`, or an op where
    a parameter takes one, `{leaky_relu: {slope: 0.1}}`.
    """

    word: Identifier
    arguments: tuple[tuple[Identifier, "ArgumentValue"], ...]
    span: Span


ArgumentValue = Expression | Distribution


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Argument:
    """A value that a call gives to an attribute of an op or a parameter of a block. For a parameter
    of type `tensor`, the value is a name, or an item of a list; for `tensors` it is a list of maps,
    and for one of type `op` or `block` a word. By mistake, a value may stand there without the name
    of an attribute.
    """

    name: Identifier
    value: ArgumentValue


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Call:
    """An op or a block of this spec, or a parameter that is one, applied to the running tensor or
    to the one that `origin` names.
    """

    callee: Identifier
    arguments: tuple[Argument, ...]
    span: Span
    name: Identifier | None = None
    origin: Identifier | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reference:
    """`{from: name}`: that tensor as it is."""

    origin: Identifier
    span: Span
    name: None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Repeat:
    times: Expression
    body: "Body"
    span: Span
    name: Identifier | None = None
    origin: Identifier | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Each:
    """A body for each element of the lists, which advance together. They are lists of values, or of
    maps.
    """

    lists: tuple[tuple[Identifier, Expression], ...]
    body: "Body"
    between: "Body | None"
    span: Span
    name: Identifier | None = None
    origin: Identifier | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class When:
    """A body under a condition; without `orelse` the input passes through."""

    test: Expression
    body: "Body"
    orelse: "Body | None"
    span: Span
    name: Identifier | None = None
    origin: Identifier | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Branch:
    """One of several bodies that are joined; with a `test`, there is none where that is false."""

    name: Identifier
    body: "Body"
    test: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Branches:
    """Bodies on one input that are joined; or, without any, a list of `maps`."""

    arms: tuple[Branch, ...]
    join: Identifier
    span: Span
    name: Identifier | None = None
    origin: Identifier | None = None
    maps: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BranchLoop:
    """A branch for each iteration of a loop: all read what the step reads, and are joined."""

    loop: Repeat | Each
    join: Identifier
    span: Span
    name: Identifier | None = None
    origin: Identifier | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reuse:
    """`{use: name}`: a stage, or a named step of the same body, applied again with its weights."""

    target: Identifier
    span: Span
    name: Identifier | None = None
    origin: Identifier | None = None


def unread_step(
    span: Span, name: Identifier | None = None, origin: Identifier | None = None
) -> Call:
    """The step that stands in place of one that could not be read; others may still refer to its
    name.
    """
    return Call(Identifier("", span), (), span, name, origin)


Step = Call | Reference | Repeat | Each | When | Branches | BranchLoop | Reuse
Body = tuple[Step, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Block:
    """Steps with parameters; `takes_list` where its input is a list of maps, `input: tensors`."""

    name: Identifier
    about: str
    parameters: tuple[Parameter, ...]
    body: Body
    span: Span
    takes_list: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Stage:
    """A named step of the model; `training` where it exists in training only."""

    name: Identifier
    body: Body
    origin: Identifier | None
    training: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Paper:
    title: str = ""
    authors: str = ""
    year: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What was published of a network: the value of each metric that was measured."""

    dataset: str
    values: Mapping[str, float]
    protocol: str
    source: str


@dataclass(frozen=True, slots=True)
class Input:
    """An image or a vector that the network is given; its shape is unknown where it could not be
    read. The only input of a network is called `input`, and one without a name stands for inputs
    that could not be read. `parameter` is the one that says how many channels or features it has.
    """

    name: Identifier
    shape: Shape | Unknown
    span: Span
    parameter: str | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Spec:
    """One network: blocks and a model.

    `defaults` has attributes of ops that calls need not repeat. `inherited` are the names of the
    parameters of the spec that it extends, if it extends one. `outputs` has the stage of each
    output; if it is empty, the last stage that does not exist in training only is the output, under
    its own name.
    """

    stem: str
    name: Identifier
    about: str
    paper: Paper | None
    results: tuple[Result, ...]
    parameters: tuple[Parameter, ...]
    inputs: tuple[Input, ...]
    defaults: dict[str, Call]
    blocks: dict[str, Block]
    stages: tuple[Stage, ...]
    outputs: tuple[tuple[Identifier, Identifier], ...]
    span: Span
    inherited: frozenset[str] | None = None
