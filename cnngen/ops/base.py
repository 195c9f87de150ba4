"""What an op is: its attributes, its shape rule, the weights it holds and what it costs.

An op's class says everything that is true of it, in any framework. Targets add its spelling.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import gcd
from typing import Any, ClassVar, Generic, Literal, TypeVar, overload

from cnngen.syntax.expression import Binary, Constant, Expression

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Image:
    """Feature maps: channels x height x width."""

    channels: int
    height: int
    width: int

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

    def __str__(self) -> str:
        return str(self.features)

    @property
    def flattened(self) -> bool:
        """Whether the frameworks have the features in different orders."""
        return any(isinstance(x, Image) and x.height * x.width > 1 for x in self.parts)


class Unknown(Enum):
    """A shape that could not be inferred; it passes in silence: one mistake, one message."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN
Shape = Image | Vector

Pair = tuple[int, int]
Sides = tuple[int, int, int, int]  # top, bottom, left, right
Padding = Sides | Literal["same"]
Weights = dict[str, tuple[int, ...]]  # in PyTorch's layout


@dataclass(frozen=True, slots=True)
class Distribution:
    """An initial distribution with all its arguments, by name."""

    word: str
    arguments: tuple[tuple[str, float | str], ...] = ()


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
        self.help, self.wants = help, wants


Kind = Literal["int", "float", "bool", "size", "ints", "table", "padding", "choice", "init"]
REQUIRED: Any = object()
LARGEST = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Attribute(Generic[T]):
    """One attribute of an op: read as `op.name`, it gives the value (sizes as pairs, padding as
    four sides).

    `default` is what a spec would say (`1`, not `(1, 1)`); `minimum` and `maximum` bound each
    number in the value (`above` excludes the bound itself). An underscore at the end of the Python
    name, for names that would hide something of `Op`, is not part of the attribute's.
    """

    kind: Kind
    about: str
    default: Any = REQUIRED
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False  # whether `null` is a value
    name: str = ""

    def __set_name__(self, owner: type["Op"], name: str) -> None:
        object.__setattr__(self, "name", name.removesuffix("_"))

    @overload
    def __get__(self, op: None, owner: type["Op"]) -> "Attribute[T]": ...
    @overload
    def __get__(self, op: "Op", owner: type["Op"]) -> T: ...
    def __get__(self, op: "Op | None", owner: type["Op"]) -> Any:
        return self if op is None else op.values[self.name]

    @property
    def required(self) -> bool:
        return self.default is REQUIRED


def integer(
    about: str, default: Any = REQUIRED, *, min: int = 1, max: int = LARGEST
) -> Attribute[int]:
    return Attribute("int", about, default, minimum=min, maximum=max)


def number(
    about: str,
    default: Any = REQUIRED,
    *,
    min: float | None = None,
    max: float | None = None,
    above: float | None = None,
) -> Attribute[float]:
    return Attribute("float", about, default, minimum=min, maximum=max, above=above)


def flag(about: str, default: Any = REQUIRED) -> Attribute[bool]:
    return Attribute("bool", about, default)


def size(about: str, default: Any = REQUIRED, *, min: int = 1, max: int = 65535) -> Attribute[Pair]:
    """A height and a width; one number stands for both."""
    return Attribute("size", about, default, minimum=min, maximum=max)


def optional_size(about: str, *, min: int = 1, max: int = 65535) -> Attribute[Pair | None]:
    return Attribute("size", about, None, minimum=min, maximum=max, optional=True)


def integers(
    about: str, default: Any = REQUIRED, *, min: int = 0, max: int = LARGEST
) -> Attribute[tuple[int, ...]]:
    return Attribute("ints", about, default, minimum=min, maximum=max)


def table(
    about: str, default: Any = REQUIRED, *, min: int = 0, max: int = LARGEST
) -> Attribute[tuple[tuple[int, ...], ...]]:
    """Rows of whole numbers."""
    return Attribute("table", about, default, minimum=min, maximum=max)


def padding(about: str, default: Any = 0) -> Attribute[Padding]:
    """Four sides, or `same`. `half` arrives here as the sides that it stands for."""
    return Attribute("padding", about, default, minimum=0, maximum=65535)


def choice(about: str, *words: str, default: str) -> Attribute[str]:
    return Attribute("choice", about, default, choices=words)


def init(about: str) -> Attribute[Distribution | None]:
    return Attribute("init", about, None, optional=True)


class Op:
    """A primitive of the language. Subclasses say `name=` and declare their attributes.

    `group` is the heading under which the reference lists it. `sizing` names the attributes on
    which the height and width of the output depend. `joins` is true of ops that take the outputs of
    several branches, `ranked` of those that a target may write differently for images and vectors.
    `buffers` names the weights that are running statistics, not parameters, and `lists` the
    attributes that are lists of any length.

    A subclass says which inputs `infer`, `weights` and `macs` take; the `**_` of those here lets
    type checkers allow that.
    """

    name: ClassVar[str]
    group: ClassVar[str] = ""
    attributes: ClassVar[dict[str, Attribute[Any]]] = {}
    sizing: ClassVar[tuple[str, ...]] = ()
    joins: ClassVar[bool] = False
    ranked: ClassVar[bool] = False
    buffers: ClassVar[tuple[str, ...]] = ()
    lists: ClassVar[tuple[str, ...]] = ()

    __slots__ = ("values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        """`values` has all attributes, checked and normalised."""
        self.values = values

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
        OPS[name] = cls

    def infer(self, *inputs: Any, **_: Any) -> Shape:
        """The output's shape, from the inputs' (known) shapes; raises `ShapeError`."""
        raise NotImplementedError

    def weights(self, *inputs: Any, **_: Any) -> Weights:
        """Name and shape of each weight, in the order and layout of PyTorch's `state_dict`."""
        return {}

    def macs(self, output: Any, *inputs: Any, **_: Any) -> int:
        """Multiply-accumulates of convolutions and fully connected layers for one input."""
        return 0

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        """The output's channels (of a vector: features) as an expression over the inputs'."""
        return inputs[0]


OPS: dict[str, type[Op]] = {}


def image(op: Op, x: Shape) -> Image:
    """The input of an op that needs feature maps."""
    if isinstance(x, Image):
        return x
    raise ShapeError(
        f"`{op.name}` needs feature maps (C x H x W), not a vector of {x}",
        help="put it before `flatten`",
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
                help=f"use {most} or one of its divisors" if most > 1 else "use no groups",
            )


def times(left: Expression, right: Expression) -> Expression:
    if left == Constant(1):
        return right
    return left if right == Constant(1) else Binary("*", left, right)


def plus(left: Expression, right: Expression) -> Expression:
    if left == Constant(0):
        return right
    return left if right == Constant(0) else Binary("+", left, right)
