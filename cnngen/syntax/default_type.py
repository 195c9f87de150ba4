"""The type of a parameter, as its default gives it away."""

from collections.abc import Iterable
from typing import assert_never

from cnngen.expressions.expression import (
    Apply,
    Binary,
    Conditional,
    Constant,
    Expression,
    Index,
    InputChannels,
    ListOf,
    Name,
    Slice,
    Unary,
)
from cnngen.syntax.tree import ParameterType

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
ELEMENT: dict[ParameterType, ParameterType] = {"ints": "int", "floats": "float", "bools": "bool"}
LIST: dict[ParameterType, ParameterType] = {"int": "ints", "float": "floats", "bool": "bools"}


def default_type(expression: Expression) -> ParameterType | None:
    """The type of a constant expression; None where no parameter can have it."""
    match expression:
        case Constant(value=bool()):
            return "bool"
        case Constant(value=int()):
            return "int"
        case Constant(value=float()):
            return "float"
        case Constant() | Name() | InputChannels():
            return None
        case Unary():
            return "bool" if expression.operator == "not" else default_type(expression.operand)
        case Binary(operator=operator):
            if operator in COMPARISONS:
                return "bool"
            left, right = default_type(expression.left), default_type(expression.right)
            if operator == "*" and left and right:  # a list times a number is a list
                return (
                    left if left in ELEMENT else right if right in ELEMENT else _common(left, right)
                )
            both = _common(left, right)
            return "float" if operator == "/" and both == "int" else both
        case Conditional():
            return _common(default_type(expression.then), default_type(expression.otherwise))
        case Index():
            return _element(default_type(expression.list))
        case Slice():
            sliced = default_type(expression.list)
            return sliced if sliced in ELEMENT else None
        case ListOf(items=(first, *others)):
            element = _shared(others, default_type(first))
            return LIST.get(element) if element else None
        case ListOf():
            return "ints"
        case Apply(function=function, arguments=arguments):
            if function == "range":
                return "ints"
            if function not in ("min", "max", "sum"):
                return "int"
            given = _shared(arguments[1:], default_type(arguments[0]))
            return _element(given) if len(arguments) == 1 else given
        case _:
            assert_never(expression)


def _shared(expressions: Iterable[Expression], first: ParameterType | None) -> ParameterType | None:
    for expression in expressions:
        first = _common(first, default_type(expression))
    return first


def _common(a: ParameterType | None, b: ParameterType | None) -> ParameterType | None:
    """The type that has the values of both."""
    if a == b:
        return a
    if {a, b} == {"int", "float"}:
        return "float"
    return "floats" if {a, b} == {"ints", "floats"} else None


def _element(list_type: ParameterType | None) -> ParameterType | None:
    return ELEMENT.get(list_type) if list_type else None
