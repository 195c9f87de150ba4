"""The spec as its author means it: typed nodes, each with its span.

What could not be read, and was reported, stays in the tree as a name without letters: a call of
nothing, or a value that is the name of nothing. Later passes say nothing about it, and take what
depends on it for unknown. No other pass sees it, for nothing is made of a spec with a mistake.

Steps compare by identity, so that later passes can keep facts about each of them. They have no
generated `repr`, which each command would pay for at its start.
"""

from dataclasses import dataclass
from typing import Literal

from cnngen.expressions.expression import Expression, Name
from cnngen.source import Span

ParameterType = Literal["int", "float", "bool", "ints", "floats", "size", "tensor"]


@dataclass(frozen=True, slots=True)
class Identifier:
    text: str
    span: Span


def unread(span: Span) -> Name:
    """The value that stands for one which could not be read."""
    return Name("", span)


def is_unread(value: "ArgumentValue | None") -> bool:
    """Whether a value stands for one that could not be read."""
    return isinstance(value, Name) and not value.name


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Parameter:
    """A parameter of a block or of the model; `about` is the comment behind it.

    `is_sound` is false where its type or default was reported: no value is held against it then.
    One without a name stands for parameters that could not be read.
    """

    name: Identifier
    type: ParameterType
    default: Expression | None = None
    about: str = ""
    is_sound: bool = True


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Distribution:
    """An initial distribution with arguments: `{trunc_normal: {std: 0.01}}`."""

    word: Identifier
    arguments: tuple[tuple[Identifier, Expression], ...]
    span: Span


ArgumentValue = Expression | Distribution


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Argument:
    """What a call gives for an attribute of an op or a parameter of a block (an identifier where
    that is a tensor). By mistake, a single value may stand there without a name.
    """

    name: Identifier
    value: ArgumentValue


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Call:
    """An op or a block of this spec, applied to the running tensor or to the one that `origin`
    names.
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
    """A body for each element of the lists, which advance together."""

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
class Branches:
    arms: tuple[tuple[Identifier, "Body"], ...]
    join: Identifier
    span: Span
    name: Identifier | None = None
    origin: Identifier | None = None


def unread_step(
    span: Span, name: Identifier | None = None, origin: Identifier | None = None
) -> Call:
    """The step that stands for one which could not be read; others may still name it."""
    return Call(Identifier("", span), (), span, name, origin)


Step = Call | Reference | Repeat | Each | When | Branches
Body = tuple[Step, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Block:
    name: Identifier
    about: str
    parameters: tuple[Parameter, ...]
    body: Body
    span: Span


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
    """A published accuracy, in per cent of the images that are right; `top5` where it is known."""

    dataset: str
    top1: float
    top5: float | None
    protocol: str
    source: str


@dataclass(frozen=True, slots=True)
class Input:
    """The sizes of the input; all of them are 0 where they could not be read."""

    channels: int
    height: int
    width: int
    span: Span


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Spec:
    """One network: blocks and a model.

    `defaults` has what a call of an op says unless it says otherwise.
    `inherited` are the names of the parameters of the spec that it extends, if it does.
    `outputs` maps the name of each output to a stage; where the author says none it is empty, and
    the last stage that does not exist in training only is the output, under its own name.
    """

    stem: str
    name: Identifier
    about: str
    paper: Paper | None
    results: tuple[Result, ...]
    parameters: tuple[Parameter, ...]
    input: Input
    defaults: dict[str, Call]
    blocks: dict[str, Block]
    stages: tuple[Stage, ...]
    outputs: tuple[tuple[Identifier, Identifier], ...]
    span: Span
    inherited: frozenset[str] | None = None
