"""A use of an op: what its template, or what builds its node, is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cnngen.expressions.expression import Expression
from cnngen.ops.base import Op
from cnngen.python.nodes import Node
from cnngen.semantics.network import Rank
from cnngen.targets.spelling import Speller
from cnngen.targets.values import AttributeValue, is_constant, value_node

Values = Mapping[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class Use:
    """`values` are those of its attributes, whose names are those of the file already; `channels`
    and `rank` are those of its input. `common` has what all uses in the file give alike, where a
    class of ours needs no parameter for that.
    """

    op: type[Op]
    values: Values
    channels: Expression
    rank: Rank
    speller: Speller
    in_place: bool = False
    common: Values = field(default_factory=dict[str, AttributeValue])

    def as_node(self, value: AttributeValue) -> Node:
        """A value as a node; what that calls is imported, or written into the file."""
        return value_node(value, self.speller.node, self.speller.use)

    def node(self, name: str) -> Node:
        """The value of an attribute."""
        return self.as_node(self.values[name])

    def unless(self, name: str, default: float | bool | None) -> Node | None:
        """The value of an attribute, unless that is what PyTorch takes by itself."""
        return None if is_constant(self.values[name], default) else self.node(name)


@dataclass(frozen=True, slots=True)
class Reading:
    """A use of an op that reads several tensors, and is an expression in a `forward`: `given` has
    its attributes as they stand there, and `tensors` what it reads besides `x`.
    """

    op: type[Op]
    values: Values
    given: Mapping[str, Node]
    x: Node
    tensors: Mapping[str, Node]
    speller: Speller
