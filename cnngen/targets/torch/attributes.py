"""Values of attributes as code: what the templates of ops print."""

from collections.abc import Mapping
from types import MappingProxyType

from cnngen.expressions.algebra import mentions_input, simplify, substitute
from cnngen.expressions.expression import Expression, ListOf
from cnngen.ops.base import Op
from cnngen.python.expression import node
from cnngen.python.nodes import Name, Node
from cnngen.python.verbatim import read
from cnngen.syntax.tree import ArgumentValue
from cnngen.targets.code import Code, call
from cnngen.targets.spelling import Speller
from cnngen.targets.values import ONE, Half, Sides, Types, attribute_values


class Printer:
    """Prints expressions of one class or function; `entry` is what `input.channels` means there,
    `names` what names of the spec are called, `repeated` the variables of what is said often.
    """

    def __init__(
        self,
        speller: Speller,
        types: Types,
        entry: Expression | None,
        channels: str = "in_channels",
        names: Mapping[str, Expression] = MappingProxyType({}),
        repeated: Mapping[Node, Name] = MappingProxyType({}),
    ) -> None:
        self.speller, self.types, self.entry, self.channels = speller, types, entry, channels
        self.names, self.repeated = names, repeated

    def code(self, expression: Expression) -> Code:
        """An expression as code; what it needs is imported."""
        if self.entry is not None and mentions_input(expression):
            expression = simplify(substitute(expression, {}, self.entry), count=False)
        expression = substitute(expression, self.names, None) if self.names else expression
        self.speller.provide(expression)
        made = node(expression, read(self.channels))
        return Code(self.repeated.get(made, made))

    def attributes(self, op: type[Op], arguments: Mapping[str, ArgumentValue]) -> dict[str, str]:
        """Each attribute as code. A padding whose opposite sides differ is `sides` to a template,
        and another variable of that name has them.
        """
        context: dict[str, str] = {}
        for name, value in attribute_values(op, arguments, self.types).items():
            match value:
                case str():
                    context[name] = value
                case Sides(top, bottom, left, right):
                    sides = self.code(ListOf((top, bottom, left, right)))
                    context |= {name: "sides", "sides": sides}
                case Half(kernel, dilation) if dilation == ONE:
                    context[name] = call(self.speller.use("half"), self.code(kernel))
                case Half(kernel, dilation):
                    used = self.speller.use("dilated_half")
                    context[name] = call(used, self.code(kernel), self.code(dilation))
                case _:
                    context[name] = self.code(value)
        return context
