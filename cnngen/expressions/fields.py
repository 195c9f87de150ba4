"""Fields of records: which an expression has, whatever the values of the names in it are."""

from collections.abc import Container, Mapping

from cnngen.expressions.expression import (
    Apply,
    Binary,
    Conditional,
    Expression,
    Index,
    ListOf,
    Name,
    RecordOf,
    Slice,
)

Fields = frozenset[str]


def fields_of(expression: Expression, known: Mapping[str, Fields]) -> Fields | None:
    """The fields of a record, or of the records of a list; None where it is neither. `known` are
    those of names.
    """
    match expression:
        case Name(name):
            return known.get(name)
        case RecordOf(fields):
            return frozenset(name for name, _ in fields)
        case Index(of) | Slice(of):
            return fields_of(of, known)
        case ListOf(items):
            return _shared(items, known)
        case Binary("+", left, right) | Conditional(_, left, right):
            return _shared((left, right), known)
        case Binary("*", left, right):
            return fields_of(left, known) or fields_of(right, known)
        case _:
            return None


def _shared(parts: tuple[Expression, ...], known: Mapping[str, Fields]) -> Fields | None:
    """The fields of parts that all have the same; an empty list is of any kind."""
    found = {fields_of(part, known) for part in parts if part != ListOf(())}
    return found.pop() if len(found) == 1 else None


def is_list(expression: Expression, lists: Container[str]) -> bool:
    """Whether what has fields is a list of records; `lists` are the names of such lists."""
    match expression:
        case Name(name):
            return name in lists
        case Slice() | ListOf() | Binary() | Apply():
            return True
        case Conditional(_, then, otherwise):
            return is_list(then, lists) or is_list(otherwise, lists)
        case _:
            return False
