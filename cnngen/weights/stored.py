"""The weights stored in a file, each read when it is asked for; nothing in a file is trusted."""

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from cnngen.diagnostics.terminal import one_line
from cnngen.frameworks import MissingFrameworkError
from cnngen.weights.graph import Dimensions
from cnngen.weights.layout import Array
from cnngen.weights.places import Framework, Place

FLOATS = {"float16", "bfloat16", "float32", "float64"}
LONGEST = 120


class WeightsFileError(Exception):
    """A file of weights that cannot be read, or does not hold what it should."""


@dataclass(frozen=True, slots=True)
class WeightNames:
    """The names that a model has for its weights, in each framework that a file may be for.

    Files of Keras number the variables of each layer. They identify the layer by its name, or by a
    `group` that Keras makes of its class and position; where `groups` are given, only these count.
    """

    keys: Mapping[Framework, Collection[str]]
    layers: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @classmethod
    def of(cls, places: Iterable[Place]) -> "WeightNames":
        """Those of our own models."""
        known: dict[Framework, list[str]] = {"torch": [], "keras": []}
        layers: dict[str, list[str]] = {}
        for place in places:
            for each, name in place.names.items():
                known[each].append(name)
            path = place.names["keras"]
            layers.setdefault(path.partition("/")[0], []).append(path)
        return cls(known, layers)


@dataclass(frozen=True, slots=True)
class Stored:
    """The weights of a file, by the names of its framework; `read` reads one of them."""

    framework: Framework
    shapes: Mapping[str, Dimensions]
    read: Callable[[str], Array]
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])

    def weight(self, name: str) -> Array:
        """One weight, which must consist of floating-point numbers."""
        with reading(name):
            value = self.read(name)
        if value.dtype.name not in FLOATS:
            raise WeightsFileError(f"`{shown(name)}` has numbers of type {value.dtype.name}")
        return value


@dataclass(frozen=True, slots=True)
class Entry:
    """A part of a file that holds weights: a `state_dict` in a checkpoint, a model in a model.

    `at` is its name for `--key`, empty for the file itself. Its names may be those of any of the
    `frameworks`. `others` belong to the same model and lie outside of it.
    """

    at: str
    shapes: Mapping[str, Dimensions]
    read: Callable[[str], Array]
    frameworks: tuple[Framework, ...]
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds. `instead` says what it is, if no entry is of the network."""

    entries: Sequence[Entry]
    instead: str = ""


def shown(text: str) -> str:
    """A name from a file, on one line and of bounded length."""
    return one_line(text if len(text) <= LONGEST else f"{text[:LONGEST]}...")


@contextmanager
def reading(what: str) -> Generator[None]:
    """Whatever a library raises inside is reported as a fault of the file."""
    try:
        yield
    except (WeightsFileError, MissingFrameworkError):
        raise
    except Exception as error:
        text = (str(error).strip().splitlines() or [""])[0]
        reason = f"{type(error).__name__}: {shown(text)}"
        raise WeightsFileError(f"`{shown(what)}` cannot be read: {reason}") from None
