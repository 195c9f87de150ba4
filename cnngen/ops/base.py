"""What an op is: its attributes, its shape rule, the weights it holds and what it costs.

An op's class says everything that is true of it, in any framework. Targets add its spelling.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import gcd
from typing import Any, ClassVar, Literal

from cnngen.expressions.expression import Binary, Constant, Expression, Name
from cnngen.ops.attribute import Attribute
from cnngen.ops.initializer import Drawn
from cnngen.ops.keras_layout import InKeras
from cnngen.ops.movement import POINTWISE, Fixed, Movements

Dimensions = tuple[int, ...]  # channels, height and width of an image, or the features of a vector


@dataclass(frozen=True, slots=True)
class Image:
    """Feature maps: channels x height x width."""

    channels: int
    height: int
    width: int

    @property
    def dimensions(self) -> Dimensions:
        return self.channels, self.height, self.width

    @property
    def numbers(self) -> int:
        return self.channels * self.height * self.width

    @property
    def reordered(self) -> bool:
        """Whether the frameworks have its numbers in different orders."""
        return self.channels > 1 and self.height * self.width > 1

    def __str__(self) -> str:
        return f"{self.channels} x {self.height} x {self.width}"


@dataclass(frozen=True, slots=True)
class Vector:
    """Features in a row. `parts` says what they were flattened from, in order; a number is a run
    that never was an image, and no two numbers follow each other.

    PyTorch flattens channels first and Keras channels last, so whoever carries weights across needs
    the parts, and only vectors of equal parts may be added.
    """

    features: int
    parts: tuple[Image | int, ...]

    @property
    def dimensions(self) -> Dimensions:
        return (self.features,)

    @property
    def numbers(self) -> int:
        return self.features

    def __str__(self) -> str:
        return str(self.features)

    @property
    def flattened(self) -> bool:
        """Whether the frameworks have the features in different orders."""
        return any(isinstance(x, Image) and x.reordered for x in self.parts)


class Unknown(Enum):
    """A shape that could not be inferred; it passes in silence: one mistake, one message."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN
Shape = Image | Vector


def shape_of(sizes: Sequence[int]) -> Shape:
    """An image of channels, height and width, or a vector of so many features."""
    if len(sizes) == 1:
        return Vector(sizes[0], (sizes[0],))
    channels, height, width = sizes
    return Image(channels, height, width)


Weights = dict[str, tuple[int, ...]]  # in PyTorch's layout

RUNNING = Name("running channels")
"""The channels of an input of which nothing is known; no author can write this name."""


class ShapeError(Exception):
    """The shapes or attributes of an op do not fit.

    `attribute` is the one to point at, if it is one's fault; `label` is what to write there;
    `wants` is the rank of the input that an op takes, if it was given one of the other.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "shape-mismatch",
        attribute: str | None = None,
        label: str = "",
        help: str | None = None,
        wants: Literal["image", "vector"] | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.attribute, self.label = message, code, attribute, label
        self.help = help
        self.wants: Literal["image", "vector"] | None = wants


@dataclass(frozen=True, slots=True)
class Doubt:
    """A value of an attribute that is allowed, and most likely means something else."""

    attribute: str
    message: str
    help: str


class Op:
    """A primitive of the language. Subclasses say `name=`, declare their attributes, and state the
    facts below that differ from what is said here. What no default is safe for must be said: a
    class without it cannot be defined.

    A subclass says which inputs `infer`, `weights`, `moves`, `macs` and `saves` take; the `**_` of
    those here lets type checkers allow that.
    """

    name: ClassVar[str]
    group: ClassVar[str] = ""  # its heading in the reference, and its colour in pictures
    attributes: ClassVar[dict[str, Attribute[Any]]] = {}
    lists: ClassVar[tuple[str, ...]] = ()  # the attributes that are lists of any length
    tensors: ClassVar[tuple[str, ...]] = ()  # those that name inputs besides the first

    # What it makes of shapes. Heights and widths depend on the attributes in `sizing`: where it
    # `sets_size`, on these alone (a size, or a height and a width; 1 x 1 if there are none).
    gives: ClassVar[Literal["image", "vector", "same"]]
    sizing: ClassVar[tuple[str, ...]] = ()
    sets_size: ClassVar[bool] = False
    sized_like: ClassVar[bool] = False  # whether its height and width are those of its other input
    flattens: ClassVar[bool] = False  # whether it makes features of positions
    ranked: ClassVar[bool] = False  # whether targets may write it otherwise for images and vectors
    refuses_flattened: ClassVar[bool] = False  # numbers whose order differs between frameworks
    counts_features: ClassVar[bool] = False  # whether it is built for a number, weights or not
    needs_positions: ClassVar[bool] = False  # whether it refuses maps of 1 x 1, and only these

    # What it computes. `passes` says when the output is the input (in another shape perhaps; an
    # `is_identity` is nothing but that), and `keeps` which of the two backward reads again.
    passes: ClassVar[Literal["always", "inference", "never"]] = "never"
    is_identity: ClassVar[bool] = False
    keeps: ClassVar[Literal["input", "output", "both", "nothing"]] = "input"
    in_place: ClassVar[bool] = False  # whether it can write its output over an input

    # Where kernels hold constants in float32, or compute in it, whatever the precision: how near to
    # each other the frameworks come in float64. `rounding` says it of one layer.
    float32_inside: ClassVar[float] = 0.0

    # What it makes of several inputs, if it `joins` them.
    joins: ClassVar[bool] = False
    sign: ClassVar[str] = ""  # what stands for it in pictures
    concatenates: ClassVar[bool] = False  # the only join whose inputs may differ in channels
    gates: ClassVar[bool] = False  # whether one of 1 x 1 goes with maps of any size, 1 with any C
    accumulates: ClassVar[bool] = False  # whether what it gave can be joined with further inputs
    takes_two: ClassVar[bool] = False  # whether it joins two and no more, whose order matters

    # Its weights: those that are running statistics, and what an `init` draws.
    buffers: ClassVar[tuple[str, ...]] = ()
    drawn: ClassVar[Drawn | None] = None

    flat_in_keras: ClassVar[str] = ""  # the layer of Keras that is this op and a `flatten`

    __slots__ = ("values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        """`values` has the attributes, checked and normalised; while a spec with mistakes is
        checked, less those that are not known.
        """
        self.values = values

    @property
    def is_whole(self) -> bool:
        """Whether all attributes are known."""
        return len(self.values) == len(self.attributes)

    def __init_subclass__(cls, *, name: str = "", group: str = "") -> None:
        cls.group = group or cls.group
        if not name:
            return  # an abstract family
        cls.name = name
        cls.attributes = {
            value.name: value
            for base in reversed(cls.__mro__)
            for value in vars(base).values()
            if isinstance(value, Attribute)
        }
        cls.lists = tuple(n for n, a in cls.attributes.items() if a.kind in ("ints", "table"))
        cls.tensors = tuple(n for n, a in cls.attributes.items() if a.kind == "tensor")
        if unsaid := list(cls._unsaid()):
            raise TypeError(f"the op `{name}` does not say {'; nor '.join(unsaid)}")
        OPS[name] = cls

    @classmethod
    def _unsaid(cls) -> Iterator[str]:
        """The facts that no default is safe for, and that the class lacks."""
        if "__doc__" not in vars(cls) or not cls.__doc__:
            yield "what it computes: it has no docstring"
        if not cls.group:
            yield "`group`, under which the reference lists it"
        if not hasattr(cls, "gives"):
            yield "whether it `gives` an image, a vector, or the same as it takes"
        if cls.joins and not cls.sign:
            yield "by `sign` what stands for it in pictures"
        if cls.infer is Op.infer:
            yield "by `infer` which shape it gives"
        if cls.sizing and not cls.sets_size and cls.moves is Op.moves:
            yield "by `moves` which elements of its input it reads, and it has `sizing`"
        if cls.sized_like and cls.moves is Op.moves:
            yield "by `moves` which elements of its input it reads, which has another size"
        if cls.weights is not Op.weights and cls.in_keras is Op.in_keras:
            yield "by `in_keras` where Keras keeps its weights"
        if cls.drawn is None and any(a.kind == "init" for a in cls.attributes.values()):
            yield "what an `init` draws, by `drawn`"

    def infer(self, *inputs: Any, **_: Any) -> Shape:
        """The output's shape, from the inputs' (known) shapes; raises `ShapeError`."""
        raise NotImplementedError

    def rounding(self, *inputs: Any, **_: Any) -> float:
        """What float32 inside of kernels costs, for inputs of these shapes."""
        return self.float32_inside

    def weights(self, *inputs: Any, **_: Any) -> Weights:
        """Name and shape of each weight, in the order and layout of PyTorch's `state_dict`."""
        return {}

    def in_keras(self, weight: str, x: Any) -> InKeras:
        """Where Keras keeps a weight of a layer that reads `x`."""
        raise NotImplementedError

    def depthwise_in_keras(self, x: Any) -> bool:
        """Whether Keras computes it as a depthwise convolution."""
        return False

    def counterpart(self, part: str, x: Any) -> tuple[str, int]:
        """The kind of layer in other models whose weights may be those of this op (or of a part, as
        `pointwise` in `pointwise.weight`), and the number of its groups.
        """
        return self.name, 1

    def moves(self, *inputs: Any, **_: Any) -> Movements:
        """Which elements of its first input it reads, along the height and the width, where its
        inputs have these shapes.
        """
        return (Fixed(), Fixed()) if self.sets_size else (POINTWISE, POINTWISE)

    def macs(self, output: Any, *inputs: Any, **_: Any) -> int:
        """Multiply-accumulates of convolutions and fully connected layers for one input."""
        return 0

    def saves(self, output: Any, *inputs: Any, **_: Any) -> int:
        """How many numbers of float32 the backward pass needs besides: values between, indices."""
        return 0

    def doubts(self) -> Iterable[Doubt]:
        """What its author may have meant otherwise."""
        return ()

    def together(self, x: Any) -> int | None:
        """How many values of one input are normalized together, if any are."""
        return None

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        """The output's channels (of a vector: features) as an expression over the inputs'.

        What `flattens` gives as many features for each position, a number that only shapes tell.
        """
        return inputs[0]


OPS: dict[str, type[Op]] = {}


def image(op: Op, x: Shape) -> Image:
    """The input of an op that needs feature maps."""
    if isinstance(x, Image):
        return x
    raise ShapeError(
        f"`{op.name}` needs feature maps (C x H x W), not a vector of {x}",
        help="put it before `flatten`"
        if any(isinstance(part, Image) for part in x.parts)
        else "put it before what makes a vector, or make maps of that with `reshape`",
        wants="image",
    )


def vector(op: Op, x: Shape) -> Vector:
    """The input of an op that needs a vector."""
    if isinstance(x, Vector):
        return x
    raise ShapeError(
        f"`{op.name}` needs a vector, not feature maps of {x}",
        help="put `flatten` before it, or `global_avg_pool` and `flatten`",
        wants="vector",
    )


def check_groups(groups: int, **channels: int) -> None:
    """Make sure that the groups divide each of these numbers of channels."""
    most = gcd(*channels.values())
    for which, count in channels.items():
        if count % groups:
            raise ShapeError(
                f"{groups} groups do not divide {count} {which} channels",
                code="indivisible-channels",
                attribute="groups",
                help=f"use {most} or one of its divisors" if most > 1 else "leave `groups` out",
            )


def times(left: Expression, right: Expression) -> Expression:
    if left == Constant(1):
        return right
    return left if right == Constant(1) else Binary("*", left, right)


def plus(left: Expression, right: Expression) -> Expression:
    if left == Constant(0):
        return right
    return left if right == Constant(0) else Binary("+", left, right)
