"""Types: what is known of values because of the types of parameters."""

from collections.abc import Iterable, Mapping

from cnngen.expressions.expression import (
    Binary,
    Conditional,
    Expression,
    Field,
    ListOf,
    Name,
    Slice,
)
from cnngen.syntax.tree import Parameter, ParameterType

Types = Mapping[str, ParameterType]


def types_of(parameters: Iterable[Parameter]) -> Types:
    """The types of parameters by name, and of fields of records by `.name`, which no author can
    call anything.
    """
    types: dict[str, ParameterType] = {}
    for parameter in parameters:
        types[parameter.name.text] = parameter.type
        types |= {f".{name}": type for name, type in parameter.fields}
    return types


def is_pair(value: Expression, types: Types) -> bool:
    """Whether a value that is not written out may be a pair when the generated code runs."""
    match value:
        case Name(name):
            return types.get(name) in ("size", "ints")
        case Field(_, name):
            return types.get(f".{name}", "size") in ("size", "ints")
        case Slice():
            return True
        case Conditional(_, then, otherwise):
            return any(isinstance(arm, ListOf) or is_pair(arm, types) for arm in (then, otherwise))
        case Binary("+" | "*", left, right):
            return any(isinstance(part, ListOf) or is_pair(part, types) for part in (left, right))
        case _:
            return False
