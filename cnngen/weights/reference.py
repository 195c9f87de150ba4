"""What a model that others wrote is to us, wherever it comes from."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Protocol

from cnngen.diagnostics.terminal import one_line
from cnngen.frameworks import MissingFrameworkError
from cnngen.ops.base import Shape
from cnngen.semantics.network import Network
from cnngen.weights.graph import WeightGraph
from cnngen.weights.places import Framework
from cnngen.weights.read_keras import read_keras
from cnngen.weights.read_torch import read_torch

LONGEST = 300


class NoModelError(Exception):
    """There is no such model; the message names a similar one, or quotes what it says itself."""


class Reference(Protocol):
    """A model of either framework; its text is what the user calls it."""

    @property
    def framework(self) -> Framework: ...

    def takes(self, network: Network) -> tuple[Shape, ...]:
        """What it is given in the place of a network; `NoModelError` where that is something else
        than it can take.
        """
        ...

    def model(self, *inputs: Shape) -> Any:
        """The model for inputs of these sizes; each time another object."""
        ...

    def outline(self, *inputs: Shape) -> Any:
        """The same model, of which nothing but names and shapes is asked."""
        ...

    def graph(self, model: Any, *inputs: Shape) -> WeightGraph:
        """The layers of the model that hold weights."""
        ...


def weight_graph(reference: Reference, model: Any, *inputs: Shape) -> WeightGraph:
    """The layers of a model that lives, by its framework."""
    with speaking(reference, *inputs):
        return read_keras(model) if reference.framework == "keras" else read_torch(model, *inputs)


@contextmanager
def speaking(reference: Reference, *inputs: Shape) -> Generator[None]:
    """Whatever a model raises while it is made or followed is reported as its own words."""
    try:
        yield
    except (MissingFrameworkError, NoModelError):
        raise
    except Exception as error:
        given = ", ".join(f"{'images of ' if len(x.dimensions) > 1 else ''}{x}" for x in inputs)
        what = f"does not take {given}" if inputs else "cannot be made"
        raise NoModelError(f"{reference} {what}: {words_of(error)}") from error


def words_of(error: BaseException) -> str:
    """The kind of an error, and what it says, in a line."""
    text = one_line(" ".join(str(error).split())[:LONGEST])
    return f"{type(error).__name__}: {text}".removesuffix(": ")
