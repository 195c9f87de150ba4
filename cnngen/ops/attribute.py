"""Attributes of ops: what kind of value each takes, within which bounds, and what it means."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

if TYPE_CHECKING:
    from cnngen.ops.base import Op

T = TypeVar("T")

Pair = tuple[int, int]
Sides = tuple[int, int, int, int]  # top, bottom, left, right
Padding = Sides | Literal["same"]


class UnknownValue(Exception):
    """An attribute is asked for whose value had a mistake, which was reported."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """An initial distribution with all its arguments, by name."""

    word: str
    arguments: tuple[tuple[str, float | str], ...] = ()


Kind = Literal[
    "int", "float", "bool", "size", "ints", "table", "padding", "choice", "init", "tensor"
]
REQUIRED: Any = object()
LARGEST = 2**31 - 1
PADDING_WORDS = ("half", "same")


@dataclass(frozen=True, eq=False)
class Attribute(Generic[T]):
    """One attribute of an op: read as `op.name`, it gives the value (sizes as pairs, padding as
    four sides).

    `default` is what a spec would say (`1`, not `(1, 1)`); `minimum` and `maximum` bound each
    number in the value (`above` excludes the bound itself). `choices` are the words that it takes.
    An underscore at the end of the Python name, for names that would hide something of `Op`, is not
    part of the attribute's.
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
        if op is None:
            return self
        try:
            return op.values[self.name]
        except KeyError:
            raise UnknownValue from None

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


def padding(
    about: str, default: Any = 0, *, words: tuple[str, ...] = PADDING_WORDS
) -> Attribute[Padding]:
    """Four sides, or a word: `same`, or `half`, which arrives here as the sides it stands for."""
    return Attribute("padding", about, default, minimum=0, maximum=65535, choices=words)


def choice(about: str, *words: str, default: str) -> Attribute[str]:
    return Attribute("choice", about, default, choices=words)


def tensor(about: str) -> Attribute[str]:
    """The name of a tensor that is read besides the input."""
    return Attribute("tensor", about)


def init(about: str) -> Attribute[Distribution | None]:
    return Attribute("init", about, None, optional=True)
