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
UNKNOWN_FIELDS: Fields = frozenset([""])


def fields_of(expression: Expression, known: Mapping[str, Fields]) -> Fields | None:
    """The fields of a record, or of the records of a list; None where it is neither, and an empty
    name where they differ. `known` are those of names.
    """
    match expression:
        case Name(name):
            return known.get(name)
        case RecordOf(fields):
            return frozenset(name for name, _ in fields)
        case Index(of) | Slice(of):
            return fields_of(of, known)
        case ListOf() | Binary("+") | Conditional():
            found = {fields for _, fields in alike(expression, known)}
            return found.pop() if len(found) == 1 else UNKNOWN_FIELDS if found else None
        case Binary("*", left, right):
            return fields_of(left, known) or fields_of(right, known)
        case _:
            return None


def alike(
    expression: Expression, known: Mapping[str, Fields]
) -> list[tuple[Expression, Fields | None]]:
    """The parts of an expression that are to have the same fields, as some have fields, with those
    that each has. An empty list is of any kind.
    """
    match expression:
        case ListOf(parts):
            pass
        case Binary("+", left, right) | Conditional(_, left, right):
            parts = (left, right)
        case _:
            return []
    found = [(part, fields_of(part, known)) for part in parts if part != ListOf(())]
    return found if any(fields is not None for _, fields in found) else []


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
