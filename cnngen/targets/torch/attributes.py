"""Values of attributes as code: what the templates of ops print."""

from collections.abc import Mapping
from types import MappingProxyType

from cnngen.expressions.algebra import mentions_input, simplify, substitute
from cnngen.expressions.expression import Binary, Constant, Expression, ListOf, Name
from cnngen.ops.base import Op
from cnngen.python.expression import node, support
from cnngen.python.verbatim import read
from cnngen.syntax.tree import ArgumentValue, Distribution, ParameterType
from cnngen.targets.code import Code, call
from cnngen.targets.limits import PAIR
from cnngen.targets.spelling import Speller


class Printer:
    """Prints expressions of one class or function; `entry` is what `input.channels` means there,
    `names` what names of the spec are called.
    """

    def __init__(
        self,
        speller: Speller,
        types: dict[str, ParameterType],
        entry: Expression | None,
        channels: str = "in_channels",
        names: Mapping[str, Expression] = MappingProxyType({}),
    ) -> None:
        self.speller, self.types, self.entry, self.channels = speller, types, entry, channels
        self.names = names

    def code(self, expression: Expression) -> Code:
        """An expression as code; what it needs is imported."""
        if self.entry is not None and mentions_input(expression):
            expression = simplify(substitute(expression, {}, self.entry), count=False)
        expression = substitute(expression, self.names, None) if self.names else expression
        for need in sorted(support(expression)):
            if need == "math":
                self.speller.imports("math")
            else:
                self.speller.use(need)
        return Code(node(expression, read(self.channels)))

    def attributes(self, op: type[Op], arguments: dict[str, ArgumentValue]) -> dict[str, str]:
        """Each attribute as code; `padding` in words that templates can tell apart."""
        context: dict[str, str] = {}
        for name, attribute in op.attributes.items():
            value = arguments[name]
            if attribute.kind == "init" or isinstance(value, Distribution):
                continue
            if attribute.kind == "choice":
                context[name] = (
                    value.name if isinstance(value, Name) else str(getattr(value, "value", ""))
                )
            elif attribute.kind == "padding":
                if "kernel" not in op.attributes and self._is_pair(value):
                    PAIR.refuse()
                context |= self._padding(name, value, arguments)
            elif attribute.kind in ("ints", "table"):
                context[name] = self.code(value)
            else:
                context[name] = self._size(value)
        return context

    def _size(self, value: Expression) -> Code:
        """A number, or a pair where its halves differ."""
        if isinstance(value, ListOf) and len(value.items) == 2 and value.items[0] == value.items[1]:
            value = value.items[0]
        return self.code(value)

    def _padding(
        self, name: str, value: Expression, arguments: dict[str, ArgumentValue]
    ) -> dict[str, str]:
        if value == Constant("same"):
            return {name: "same"}
        if value == Constant("half"):
            return {name: self._half(arguments["kernel"], arguments.get("dilation", Constant(1)))}
        if isinstance(value, ListOf) and len(value.items) == 4:
            top, bottom, left, right = value.items
            if top == bottom and left == right:
                return {name: self._size(ListOf((top, left)))}
            return {name: "sides", "sides": self.code(value)}
        return {name: self._size(value)}

    def _half(self, kernel: ArgumentValue, dilation: ArgumentValue) -> str:
        """`dilation * (kernel - 1) // 2`, for each direction where they differ."""
        assert not isinstance(kernel, Distribution) and not isinstance(dilation, Distribution)
        if self._is_pair(kernel) or self._is_pair(dilation):
            if dilation == Constant(1):
                return call(self.speller.use("half"), self.code(kernel))
            return call(self.speller.use("dilated_half"), self.code(kernel), self.code(dilation))
        kernels = kernel.items if isinstance(kernel, ListOf) else (kernel, kernel)
        dilations = dilation.items if isinstance(dilation, ListOf) else (dilation, dilation)
        sides = [_half(k, d) for k, d in zip(kernels, dilations, strict=True)]
        return self._size(ListOf(tuple(sides)))

    def _is_pair(self, value: Expression) -> bool:
        """Whether a parameter may be a pair when the generated code runs."""
        return isinstance(value, Name) and self.types.get(value.name) in ("size", "ints")


def _half(kernel: Expression, dilation: Expression) -> Expression:
    reach: Expression = Binary("-", kernel, Constant(1))
    if dilation != Constant(1):
        reach = Binary("*", dilation, reach)
    return simplify(Binary("//", reach, Constant(2)))
