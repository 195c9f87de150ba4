"""A scope: what the names and values of a spec are in one function of the file."""

from dataclasses import dataclass

from cnngen.expressions.algebra import free_names, substitute
from cnngen.expressions.expression import Expression
from cnngen.expressions.expression import Name as SpecName
from cnngen.python.construct import text
from cnngen.python.expression import node
from cnngen.python.nodes import Binary, Conditional, Node
from cnngen.semantics.network import INPUT
from cnngen.semantics.types import Types
from cnngen.targets.keras.construct import number, tuple_of
from cnngen.targets.keras.names import called
from cnngen.targets.keras.values import SameOr, Value
from cnngen.targets.spelling import Speller
from cnngen.targets.values import Sides, value_node

CHANNELS = "in_channels"


@dataclass(frozen=True, slots=True)
class Scope:
    """`types` are those of the parameters; `needed` names are not for the author's. In the block of
    a list of maps, `given` is what that is called.
    """

    speller: Speller
    types: Types
    needed: frozenset[str] = frozenset()
    given: str = ""

    def node(self, expression: Expression) -> Node:
        """An expression as a node; what it needs is imported."""
        expression = self.speller.records.named(expression, self.types)
        self.speller.provide(expression)
        renamed = free_names(expression) & self.needed
        names = {name: SpecName(self.called(name)) for name in renamed}
        names |= {INPUT: SpecName(self.given)} if self.given else {}
        return node(substitute(expression, names, None) if names else expression)

    def called(self, name: str) -> str:
        """What a parameter or a variable is called."""
        return called(name, self.needed)

    def value(self, value: Value) -> Node:
        """The value of an attribute as a node."""
        match value:
            case SameOr(stride, zeros):
                unit = Binary("==", self.node(stride), number(1))
                return Conditional(unit, text("same"), self.value(zeros))
            case _:
                return value_node(value, self.node, self.speller.use)

    def pairs(self, value: Value) -> Node:
        """A padding as Keras takes it: `((top, bottom), (left, right))`, or a size."""
        if not isinstance(value, Sides):
            return self.value(value)
        top, bottom, left, right = map(
            self.node, (value.top, value.bottom, value.left, value.right)
        )
        return tuple_of(tuple_of(top, bottom), tuple_of(left, right))
