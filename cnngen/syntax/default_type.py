"""The type of a parameter or a field, as its value gives it away."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import assert_never

from cnngen.expressions.expression import (
    Apply,
    Binary,
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
)
from cnngen.syntax.tree import ParameterType

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
ELEMENT: dict[ParameterType, ParameterType] = {"ints": "int", "floats": "float", "bools": "bool"}
LIST: dict[ParameterType, ParameterType] = {"int": "ints", "float": "floats", "bool": "bools"}
NO_NAMES: Mapping[str, ParameterType] = MappingProxyType({})


def default_type(
    expression: Expression, names: Mapping[str, ParameterType] = NO_NAMES
) -> ParameterType | None:
    """The type of an expression; None where no parameter can have it, or a name in it has none.
    `names` are those of parameters, and of fields behind their dot.
    """

    def of(part: Expression) -> ParameterType | None:
        return default_type(part, names)

    match expression:
        case Constant(value=bool()):
            return "bool"
        case Constant(value=int()):
            return "int"
        case Constant(value=float()):
            return "float"
        case Name(name=name):
            return names.get(name)
        case Field(name=name):
            return names.get(f".{name}")
        case InputChannels():
            return "int"
        case Constant() | RecordOf():
            return None
        case Unary():
            return "bool" if expression.operator == "not" else of(expression.operand)
        case Binary():
            return _of_binary(expression, of(expression.left), of(expression.right))
        case Conditional():
            return common(of(expression.then), of(expression.otherwise))
        case Index():
            return _element(of(expression.list))
        case Slice():
            sliced = of(expression.list)
            return sliced if sliced in ELEMENT else None
        case ListOf(items=(first, *others)):
            element = _shared(map(of, others), of(first))
            return LIST.get(element) if element else None
        case ListOf():
            return "ints"
        case Apply(function=function, arguments=arguments):
            if function == "range":
                return "ints"
            if function not in ("min", "max", "sum"):
                return "int"
            given = _shared(map(of, arguments[1:]), of(arguments[0]))
            return _element(given) if len(arguments) == 1 else given
        case _:
            assert_never(expression)


def _of_binary(
    expression: Binary, left: ParameterType | None, right: ParameterType | None
) -> ParameterType | None:
    if expression.operator in COMPARISONS:
        return "bool"
    both = common(left, right)
    if expression.operator == "*" and left and right:  # a list times a number is a list
        return left if left in ELEMENT else right if right in ELEMENT else both
    return "float" if expression.operator == "/" and both == "int" else both


def _shared(
    types: Iterable[ParameterType | None], first: ParameterType | None
) -> ParameterType | None:
    for type in types:
        first = common(first, type)
    return first


def common(a: ParameterType | None, b: ParameterType | None) -> ParameterType | None:
    """The type that has the values of both."""
    if a == b:
        return a
    if {a, b} == {"int", "float"}:
        return "float"
    return "floats" if {a, b} == {"ints", "floats"} else None


def _element(list_type: ParameterType | None) -> ParameterType | None:
    return ELEMENT.get(list_type) if list_type else None
