"""A layer of another framework, and what each of its arguments is here.

Arguments have that framework's names, defaults and conventions. Defaults are written as a spec
would write them: `null`, `true`, `[2, 2]`, `valid`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from cnngen.vocabulary.value import Written, as_it_is

Framework = Literal["PyTorch", "Keras"]
Convert = Callable[[Written], str | None]
Attributes = Mapping[str, Written]  # of an op


class Unsayable(Exception):  # noqa: N818 (an answer, not a failure)
    """No op computes what a layer computes; the text says what there is instead."""


@dataclass(frozen=True, slots=True)
class Said:
    """An argument that is the attribute `to` here; `default` is None where it has none.

    `convert` gives the value here, or None where it cannot be told; where another number comes out,
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
    """An argument that the op has no attribute for: it computes what these values mean.

    `instead` says what there is for the others.
    """

    name: str
    default: str | None
    values: tuple[str, ...]
    instead: str


@dataclass(frozen=True, slots=True)
class Inferred:
    """An argument that tells what is known here, or what changes nothing that is computed."""

    name: str
    default: str | None = None


Parameter = Said | Held | Inferred


@dataclass(frozen=True, slots=True)
class ForeignLayer:
    """A layer and the op that computes the same; without an op, `instead` says what there is.

    `settle` is given all attributes and gives those that have to be written otherwise; it raises
    `Unsayable` where they do not go together.
    """

    framework: Framework
    names: tuple[str, ...]
    op: str | None = None
    parameters: tuple[Parameter, ...] = ()
    settle: Callable[[Attributes], Mapping[str, str]] | None = None
    instead: str = ""

    def parameter(self, name: str) -> Parameter | None:
        return next((p for p in self.parameters if p.name == name), None)
