"""A layer of another framework, and the meaning of each of its arguments.

Arguments have that framework's names, defaults and conventions. Defaults are written as in a spec:
`null`, `true`, `[2, 2]`, `valid`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from cnngen.vocabulary.value import Written, as_it_is

Framework = Literal["PyTorch", "Keras"]
Convert = Callable[[Written], str | None]
Attributes = Mapping[str, Written]  # of an op


class Unsayable(Exception):  # noqa: N818 (an answer, not a failure)
    """No op computes what a layer computes; the text says what to use instead."""


@dataclass(frozen=True, slots=True)
class Said:
    """An argument that is the attribute `to` here; `default` is None where it has none.

    `convert` gives the value here, or None where it cannot be known; where that is another number,
    `turned` says why.
    """

    name: str
    to: str
    default: str | None
    convert: Convert = as_it_is
    turned: str = ""
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """An argument without an attribute here: the op computes what these values of it mean.

    `instead` says what to do about others.
    """

    name: str
    default: str | None
    values: tuple[str, ...]
    instead: str


@dataclass(frozen=True, slots=True)
class Inferred:
    """An argument for something that cnngen finds out by itself, or that changes no result."""

    name: str
    default: str | None = None


Parameter = Said | Held | Inferred


@dataclass(frozen=True, slots=True)
class ForeignLayer:
    """A layer and the op that computes the same; without an op, `instead` says what to use.

    `settle` takes all attributes and gives those that have to be written differently; it raises
    `Unsayable` where they cannot be combined.
    """

    framework: Framework
    names: tuple[str, ...]
    op: str | None = None
    parameters: tuple[Parameter, ...] = ()
    settle: Callable[[Attributes], Mapping[str, str]] | None = None
    instead: str = ""

    def parameter(self, name: str) -> Parameter | None:
        return next((p for p in self.parameters if p.name == name), None)
