"""The tree that is recovered from a graph: bodies of steps, as a spec has them, but with numbers.

Everything is concrete here: an iteration of a loop and a use of a block each have a body of their
own. Bodies are alike if they differ in nothing but numbers, which their `shape` leaves out.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, assert_never

from cnngen.foreign.graph import Node

INPUT = "input"
_NUMBERS: dict[Hashable, int] = {}


def _number(shape: Hashable) -> int:
    """A number that equal shapes share, so that shapes of large bodies are quickly compared."""
    return _NUMBERS.setdefault(shape, len(_NUMBERS))


@dataclass(frozen=True, eq=False)
class Apply:
    """An op. `reads` is empty where it reads what the step before it gives; `tensors` are the names
    of those that it reads besides.
    """

    node: Node
    reads: str = ""
    name: str = ""
    tensors: tuple[str, ...] = ()

    @cached_property
    def shape(self) -> int:
        return _number(("op", outline(self.node), self.reads, self.name, self.tensors))


@dataclass(frozen=True, eq=False)
class Arm:
    """A branch; the first step of its body may read a name. One that is `optional` is not there in
    all uses of a block.
    """

    label: str
    body: "Body"
    optional: bool = False
    present: bool = True

    @property
    def stem(self) -> str:
        """Its label without a number, as the parts of a model are often counted."""
        return self.label.rstrip("0123456789").rstrip("_") or self.label

    @cached_property
    def shape(self) -> int:
        return _number((self.stem, shapes(self.body), self.optional))


@dataclass(frozen=True, eq=False)
class Maybe:
    """Steps that only some uses of a block have; `example` are those of one that has them, and
    `body` is empty in the others. These have `orelse` instead, which is like `other`, if that is
    anything.
    """

    body: "Body"
    example: "Body"
    orelse: "Body" = ()
    other: "Body" = ()
    reads: str = ""
    name: str = ""

    @property
    def present(self) -> bool:
        return bool(self.body)

    @cached_property
    def shape(self) -> int:
        both = shapes(self.example), shapes(self.other)
        return _number(("maybe", both, self.reads, self.name))


@dataclass(frozen=True, eq=False)
class Merge:
    """Branches that are joined by an op."""

    node: Node
    arms: tuple[Arm, ...]
    reads: str = ""
    name: str = ""

    @cached_property
    def shape(self) -> int:
        arms = tuple(arm.shape for arm in self.arms)
        return _number(("join", outline(self.node), arms, self.reads, self.name))


@dataclass(frozen=True, eq=False)
class Pass:
    """A tensor as it is, under another step's name."""

    reads: str
    name: str = ""

    @cached_property
    def shape(self) -> int:
        return _number(("pass", self.reads, self.name))


@dataclass(frozen=True, eq=False)
class Again:
    """A step of the same body, which has a name, applied again with its weights."""

    target: str
    node: Node
    reads: str = ""
    name: str = ""

    @cached_property
    def shape(self) -> int:
        return _number(("again", self.target, self.reads, self.name))


@dataclass(frozen=True, eq=False)
class Use:
    """A part of the model that becomes a block; `kind` is what the model calls such parts, if it
    has a word for them. `source` is the node or input that it reads, and `gives` the node whose
    result it gives. `takes` are the names of the tensors that it is given besides, and `tensors`
    those of what is given for them.
    """

    kind: str
    label: str
    body: "Body"
    takes: tuple[str, ...] = ()
    tensors: tuple[str, ...] = ()
    reads: str = ""
    name: str = ""
    source: str = ""
    gives: str = ""

    @cached_property
    def shape(self) -> int:
        return _number(("use", self.kind, shapes(self.body), self.tensors, self.reads, self.name))

    @cached_property
    def block(self) -> Hashable:
        """What it has in common with all uses of the same block."""
        return self.kind, shapes(self.body), self.takes


@dataclass(frozen=True, eq=False)
class Group:
    """Steps that the model keeps in a container of their own. In a spec they are a branch, or what
    a loop does; a group that is neither is dissolved.
    """

    label: str
    body: "Body"
    reads: str = ""
    name: str = ""

    @cached_property
    def shape(self) -> int:
        return _number(("group", shapes(self.body), self.reads, self.name))


@dataclass(frozen=True, eq=False)
class Loop:
    """Bodies that are alike, one behind the other; `between` has what is done between each two."""

    iterations: tuple["Body", ...]
    between: tuple["Body", ...] = ()
    reads: str = ""
    name: str = ""

    @cached_property
    def shape(self) -> int:
        between = shapes(self.between[0]) if self.between else ()
        return _number(("loop", shapes(self.iterations[0]), between, self.reads, self.name))


Item = Apply | Again | Maybe | Merge | Pass | Use | Group | Loop
Body = tuple[Item, ...]


@dataclass(frozen=True, eq=False)
class Stage:
    """A stage of the model."""

    name: str
    body: Body
    reads: str = ""
    training: bool = False


@dataclass(frozen=True, eq=False)
class Tree:
    """The recovered model."""

    stages: tuple[Stage, ...]
    outputs: dict[str, str] = field(default_factory=dict[str, str])


def shapes(body: Body) -> tuple[int, ...]:
    return tuple(item.shape for item in body)


def outline(node: Node) -> Hashable:
    """An op without its numbers: what stays the same if its attributes are parameters."""
    kept = {
        name: node.op.values[name]
        for name, attribute in node.op.attributes.items()
        if attribute.kind in ("bool", "choice", "init", "table")
    }
    fixed = tuple((n, x) for n, x in node.op.values.items() if x is None or x == "same")
    return node.op.name, tuple(kept.items()), fixed, _uneven(node.op.values.get("padding"))


def _uneven(padding: Any) -> Any:
    """A padding that differs on opposite sides, which is no number that a parameter could be."""
    match padding:
        case (top, bottom, left, right) if (top, left) != (bottom, right):
            return padding
        case _:
            return None


def bodies(item: Item) -> Iterator[Body]:
    """The bodies in an item, each once."""
    match item:
        case Apply() | Again() | Pass():
            return
        case Merge(arms=arms):
            yield from (arm.body for arm in arms)
        case Use(body=body) | Group(body=body):
            yield body
        case Maybe(body=body, orelse=orelse):
            yield body
            yield orelse
        case Loop(iterations=iterations, between=between):
            for i, each in enumerate(iterations):
                yield each
                yield from between[i : i + 1]
        case _:
            assert_never(item)


def nodes(body: Body) -> Iterator[Node]:
    """All nodes of a body, those of joins too."""
    for item in body:
        for inner in bodies(item):
            yield from nodes(inner)
        if isinstance(item, Again | Apply | Merge):
            yield item.node


def uses_in(body: Body) -> Iterator[Use]:
    """All uses of blocks in a body, those inside of others before them."""
    for item in body:
        for inner in bodies(item):
            yield from uses_in(inner)
        if isinstance(item, Use):
            yield item


def height(body: Body) -> int:
    """How many uses of blocks stand in each other."""
    return max(
        (isinstance(item, Use) + max(map(height, bodies(item)), default=0) for item in body),
        default=0,
    )
