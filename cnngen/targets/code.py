"""Code: values as templates see them, and what they may make of them.

To a template, a code is its text: it compares, prints and joins as a string. Behind the text is a
node, which survives calls, the functions below, and being printed by a template.
"""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from cnngen.python.flat import flat
from cnngen.python.nodes import Binary, Call, Keyword, Node, Number, Slice
from cnngen.python.precedence import ATOM, level
from cnngen.python.verbatim import argument, grouped, read, verbatim
from cnngen.python.verbatim import elements as elements_of

OMIT = ""  # a code that is left out of a call


class Code(str):
    """The text of a node; what a template printed may have space around it."""

    __slots__ = ("node",)
    node: Node

    def __new__(cls, node: Node, text: str | None = None) -> "Code":
        code = super().__new__(cls, flat(node) if text is None else text)
        code.node = node
        return code

    def __str__(self) -> "Code":
        """Itself, because Jinja calls `str` on what it prints."""
        return self

    def __call__(self, *positional: str, **named: str) -> "Code":
        """A call of it: `{{ call("layers.ReLU", name=name)(x) }}`."""
        return call(self, *positional, **named)

    def strip(self, chars: str | None = None, /) -> str:
        text = super().strip(chars)
        return Code(self.node, text) if chars is None else text


def node_of(code: str) -> Node:
    """The node of a code, or of the text of a template."""
    return code.node if isinstance(code, Code) else read(code.strip())


def concatenate(pieces: Iterable[str]) -> str:
    """What a template printed, piece by piece; with a code in it, a code."""
    listed = list(pieces)
    text = "".join(listed)
    if not any(isinstance(piece, Code) for piece in listed):
        return text
    return Code(verbatim(p.node if isinstance(p, Code) else p for p in listed), text)


def join(codes: Iterable[str], separator: str = "") -> str:
    """Jinja's filter, which keeps nodes here."""
    listed = list(codes)
    pairs = [part for code in listed for part in (separator, code)]
    return concatenate(pairs[1:])


def call(function: str, *positional: str, **named: str) -> Code:
    """`function(...)` without the arguments that are to be omitted."""
    arguments = [_argument(code) for code in positional if code != OMIT]
    arguments += [Keyword(name, node_of(code)) for name, code in named.items() if code != OMIT]
    return Code(Call(node_of(function), tuple(arguments)))


def _argument(code: str) -> Node | Keyword:
    return code.node if isinstance(code, Code) else argument(code.strip())


def unless(value: str, *defaults: str) -> str:
    """The value, or nothing where it is the default (`1e-05` is `1e-5`)."""
    return OMIT if any(_equal(value, default) for default in defaults) else value


def _equal(left: str, right: str) -> bool:
    try:
        return left == right or Decimal(left) == Decimal(right)
    except InvalidOperation:
        return False


def operand(code: str) -> Code:
    """The code as it may stand next to an operator, in parentheses where it has operators of its
    own.

    >>> operand("0.17"), operand("depth - 1")
    ('0.17', '(depth - 1)')
    """
    node = node_of(code)
    return Code(node if level(node) == ATOM else grouped(node))


def squared(code: str) -> Code:
    """The square."""
    return Code(Binary("**", node_of(code), Number("2")))


def times(factor: int, code: str) -> Code:
    """The product, computed where the code is a number (in decimals, so that 3 * 0.1 is 0.3)."""
    try:
        return Code(Number(str(factor * Decimal(code)).lower()))
    except InvalidOperation:
        return Code(Binary("*", Number(str(factor)), node_of(code)))


def product(left: str, right: str) -> Code:
    """The product of two codes, without a factor of 1.

    >>> product("channels", "1"), product("channels", "depth - 1")
    ('channels', 'channels * (depth - 1)')
    """
    if left == "1" or right == "1":
        return Code(node_of(left if right == "1" else right))
    return Code(Binary("*", node_of(left), node_of(right)))


def elements(code: str) -> list[Code]:
    """The elements of a tuple's code; other code is its own only element.

    >>> elements("(0, kernel // 2)"), elements("kernel // 2")
    (['0', 'kernel // 2'], ['kernel // 2'])
    """
    return [Code(node) for node in elements_of(node_of(code))]


def slice_of(start: str, stop: str) -> Code:
    """`start:stop`, without a start of 0."""
    bounds = (None if bound in ("0", "") else node_of(bound) for bound in (start, stop))
    return Code(Slice(*bounds))
