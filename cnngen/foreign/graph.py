"""The graph of a model that exists: our ops, flat, in the order in which the model runs them.

Readers make it of a framework's model or file; what stands behind it knows no framework. Shapes,
weights and attributes are in our conventions: channels first, PyTorch's layouts, a padding as four
sides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cnngen.ops.base import Op, Shape


@dataclass(frozen=True, slots=True)
class Module:
    """A part of the model that holds others: its path (`layer1.0`), and what the model calls that
    kind of part (`Bottleneck`).
    """

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model has something: the modules around it, the outermost first, and the line of its
    source (`densenet.py:102`), each as far as it is known.
    """

    modules: tuple[Module, ...] = ()
    line: str = ""

    def __str__(self) -> str:
        path = self.modules[-1].path if self.modules else ""
        return ", ".join(x for x in (f"`{path}`" if path else "", self.line) if x)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One op, and what it reads: names of other nodes, or of inputs.

    `label` is its name in the innermost module around it (`conv1`), which is empty where it has
    none, as a function has. `weights` has the key of each of its weights in the model, by our name
    of it, and `constants` the numbers of those that are no weights there: the scale of a norm that
    only shifts. A node whose weights are those of an earlier one names that in `shares`. `training`
    where the model computes it in training only.
    """

    name: str
    op: Op
    inputs: tuple[str, ...]
    shape: Shape
    place: Place = Place()
    label: str = ""
    weights: Mapping[str, str] = field(default_factory=dict[str, str])
    constants: Mapping[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])
    shares: str = ""
    training: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A model: `title` is what it calls itself, and `origin` where it came from. `outputs` has the
    node that gives each output, by its name, which is `output` for the only one.
    """

    title: str
    origin: str
    inputs: Mapping[str, Shape]
    nodes: Mapping[str, Node]
    outputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something of a model that no op says: what the model calls it, where it stands, and what may
    be done about it.
    """

    what: str
    place: Place
    help: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a model: its graph, if there are no obstacles, or else that of all that does
    not depend on one.
    """

    graph: Graph
    obstacles: tuple[Obstacle, ...] = ()
