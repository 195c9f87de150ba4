"""A use of an op, and what all uses of it in a file have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cnngen.ops.base import Op
from cnngen.python.nodes import Name, Node, Number
from cnngen.semantics.network import Rank
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.values import Value, is_number, is_size

Initializers = Mapping[str, Node | None]
"""`init`, of a separable convolution also `pointwise_init`; None for what Keras does by itself."""


@dataclass(frozen=True, slots=True)
class Common:
    """What all calls of a support function have in common, so that it needs no parameter for it.

    `square` says that no size in them is a pair, and `alone` that there is but one call. Of
    convolutions, `words` says that some are padded by a word of Keras, `numbers` that some are by a
    number of zeros, `late` that the stride of some comes late, and `strided` has the windows of
    those that may stride. Of poolings, `short` says that some have `ceil` and a window that may be
    shorter than its stride and the padding behind it.
    """

    values: Mapping[str, Value] = field(default_factory=dict[str, Value])
    initializers: Initializers = field(default_factory=dict[str, Node | None])
    square: bool = False
    words: bool = True
    numbers: bool = True
    late: bool = True
    alone: bool = False
    strided: tuple[Value, ...] = ()
    short: bool = True

    @property
    def size(self) -> str:
        """The type of a size."""
        return "int" if self.square else "int | tuple[int, int]"

    def is_number(self, name: str, expected: int) -> bool:
        return name in self.values and is_number(self.values[name], expected)

    def is_size(self, name: str, expected: int) -> bool:
        return name in self.values and is_size(self.values[name], expected)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of an op, which decides whether a layer of Keras gives it; `square` says that
    no size in it is a pair.
    """

    op: type[Op]
    values: Mapping[str, Value]
    initializers: Initializers
    square: bool


@dataclass(frozen=True, slots=True)
class Use(Asked):
    """A use of an op: what is asked of it, the tensor, the name of the layer, and what other
    `tensors` it reads.
    """

    x: Node
    name: Node
    rank: Rank
    scope: Scope
    common: Common
    tensors: Mapping[str, Node] = field(default_factory=dict[str, Node])

    def node(self, name: str) -> Node:
        """The value of an attribute."""
        return self.scope.value(self.values[name])

    def count(self, name: str, *defaults: float) -> Node | None:
        """The value of an attribute if the op has it, unless that is a default."""
        value = self.values.get(name)
        if value is None or any(is_number(value, n) for n in defaults):
            return None
        return self.node(name)

    def size(self, name: str, default: int) -> Node | None:
        return None if is_size(self.values[name], default) else self.node(name)

    def flag(self, name: str, default: bool) -> Node | None:
        node = self.node(name)
        return None if node == boolean(default) else node

    def varied(self, name: str, *defaults: float) -> Node | None:
        """The value, unless all uses agree on it, or it is a default."""
        return None if name in self.common.values else self.count(name, *defaults)

    def varied_size(self, name: str, default: int) -> Node | None:
        return None if name in self.common.values else self.size(name, default)

    def varied_flag(self, name: str, default: bool) -> Node | None:
        return None if name in self.common.values else self.flag(name, default)

    def varied_initializer(self, name: str) -> Node | None:
        return None if name in self.common.initializers else self.initializers[name]


def boolean(value: bool) -> Node:
    return Number(str(value))


@dataclass(frozen=True, slots=True)
class Given:
    """The body of a support function: a common value, or else the parameter of its name."""

    common: Common
    scope: Scope

    def node(self, name: str) -> Node:
        values = self.common.values
        return self.scope.value(values[name]) if name in values else Name(name)

    def size(self, name: str, default: int) -> Node | None:
        return None if self.common.is_size(name, default) else self.node(name)

    def count(self, name: str, default: int = 1) -> Node | None:
        return None if self.common.is_number(name, default) else self.node(name)

    def flag(self, name: str, default: bool) -> Node | None:
        node = self.node(name)
        return None if node == boolean(default) else node
