"""Expressions as nodes of Python: what the author wrote, as a Python programmer writes it."""

import re

from cnngen.expressions.expression import (
    ABSENT,
    Apply,
    Binary,
    BinaryOperator,
    Conditional,
    Constant,
    Expression,
    Field,
    Index,
    InputChannels,
    ListOf,
    Name,
    RecordOf,
    Slice,
    Unary,
    walk,
)
from cnngen.python import nodes
from cnngen.python.flat import flat
from cnngen.python.nodes import Node
from cnngen.python.verbatim import read

CHANNELS = nodes.Name("in_channels")

_MIRRORED: dict[BinaryOperator, BinaryOperator] = {
    **{"==": "==", "!=": "!="},
    **{"<": ">", "<=": ">=", ">": "<", ">=": "<="},
}
_IDENTITY = {"==": "is", "!=": "is not"}
_CALLEES = {"ceil": nodes.Attribute(nodes.Name("math"), "ceil")}
_SUPPORT = {"ceil": "math", "make_divisible": "make_divisible"}


def python(expression: Expression, channels: str = "in_channels") -> str:
    """The expression as Python, where `input.channels` is the name or attribute `channels`."""
    return flat(node(expression, read(channels)))


def node(expression: Expression, channels: Node = CHANNELS) -> Node:
    """The expression as a node of Python, where `input.channels` is the node `channels`."""

    def made(part: Expression) -> Node:
        return node(part, channels)

    match _idiomatic(expression):
        case Constant() as constant:
            return nodes.Number(_constant(constant))
        case Name(name):
            return nodes.Name(name)
        case InputChannels():
            return channels
        case Unary(operator, operand):
            return nodes.Unary(operator, made(operand))
        case Binary(("==" | "!=") as operator, left, Constant(None | bool()) as right):
            return nodes.Binary(_IDENTITY[operator], made(left), made(right))
        case Binary(operator, left, right):
            return nodes.Binary(operator, made(left), made(right))
        case Conditional(test, then, otherwise):
            return nodes.Conditional(made(test), made(then), made(otherwise))
        case Index(indexed, index):
            return nodes.Subscript(made(indexed), made(index))
        case Slice(sliced, start, stop, step):
            ends = (None if bound == ABSENT else made(bound) for bound in (start, stop, step))
            return nodes.Subscript(made(sliced), nodes.Slice(*ends))
        case Field(record, name, column=True):
            return nodes.Call(nodes.Name("tuple"), (_column(made(record), name),))
        case Field(record, name):
            return nodes.Attribute(made(record), name)
        case RecordOf(fields, name=name):
            values = [(key, made(value)) for key, value in fields]
            if name:
                return nodes.Call(nodes.Name(name), tuple(value for _, value in values))
            named = (nodes.Keyword(key, value) for key, value in values)
            return nodes.Call(nodes.Name("record"), tuple(named))
        case Apply(("sum" | "min" | "max") as function, (Field(record, name, column=True),)):
            return nodes.Call(nodes.Name(function), (_column(made(record), name),))
        case ListOf(items):
            return nodes.Display("(", tuple(map(made, items)))
        case Apply(function, arguments):
            call = nodes.Call(
                _CALLEES.get(function, nodes.Name(function)), tuple(map(made, arguments))
            )
            return nodes.Call(nodes.Name("tuple"), (call,)) if function == "range" else call


def _column(records: Node, name: str) -> Node:
    """A field of each record of a list."""
    row = nodes.Name("row")
    return nodes.Comprehension("", nodes.Attribute(row, name), row, records)


def support(expression: Expression) -> frozenset[str]:
    """What the printed code needs: the module `math`, the function `make_divisible`."""
    functions = (part.function for part, _ in walk(expression) if isinstance(part, Apply))
    return frozenset(_SUPPORT[function] for function in functions if function in _SUPPORT)


def _idiomatic(expression: Expression) -> Expression:
    """What linters would have written otherwise, with the same value."""
    match expression:
        case Unary("not", Unary("not", operand)):
            return _idiomatic(operand)
        case Unary("not", Binary(("==" | "!=") as operator, left, right)):
            return _idiomatic(Binary("!=" if operator == "==" else "==", left, right))
        case Binary(operator, left, right) if (
            operator in _MIRRORED and _is_literal(left) and not _is_literal(right)
        ):
            return Binary(_MIRRORED[operator], right, left)
        case Conditional(test, Constant(True), Constant(False)):
            return _idiomatic(test)
        case Conditional(test, Constant(False), Constant(True)):
            return _idiomatic(Unary("not", test))
        case _:
            return expression


def _is_literal(expression: Expression) -> bool:
    return isinstance(expression.operand if isinstance(expression, Unary) else expression, Constant)


def _constant(constant: Constant) -> str:
    value = constant.value
    assert not isinstance(value, str), f"the word `{value}` has no meaning in Python"
    if value is None or isinstance(value, bool):
        return str(value)
    return _canonical(constant.text or repr(value))


def _canonical(number: str) -> str:
    """The number as formatters spell it: `1E+05` is `1e5`, `.5` is `0.5`, `1.` is `1.0`."""
    mantissa, e, exponent = number.lower().partition("e")
    mantissa = re.sub(r"^\.", "0.", re.sub(r"\.$", ".0", mantissa))
    exponent = re.sub(r"^(-?)0+(?=\d)", r"\1", exponent.removeprefix("+"))
    return mantissa + e + exponent
