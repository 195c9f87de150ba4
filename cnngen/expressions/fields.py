"""Fields of records: which an expression has, whatever the values of the names in it are."""

from collections.abc import Container, Iterator, Mapping
from typing import Literal

from cnngen.expressions.expression import (
    Apply,
    Binary,
    Conditional,
    Expression,
    Field,
    Index,
    ListOf,
    Name,
    RecordOf,
    Slice,
    children,
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


Wanted = Literal["numbers", "records", "either"]


def wanted(expression: Expression, of_whole: Wanted) -> Iterator[tuple[Expression, Wanted]]:
    """Every part, from left to right, each before its own parts, with whether it must be a record
    or a list of records, or must not; `of_whole` says so of the expression.
    """
    waiting: list[tuple[Expression, Wanted]] = [(expression, of_whole)]
    while waiting:
        part, kind = waiting.pop()
        yield part, kind
        waiting.extend((child, _of_child(part, i, kind)) for i, child in _from_the_end(part))


def _from_the_end(expression: Expression) -> Iterator[tuple[int, Expression]]:
    return reversed([*enumerate(children(expression))])


def _of_child(whole: Expression, i: int, kind: Wanted) -> Wanted:
    """What must be true of a part of an expression: of its `i`-th child."""
    match whole:
        case Field():
            return "records"
        case Apply("len"):
            return "either"
        case ListOf() | Binary("+" | "*"):
            return kind
        case Conditional():
            return "numbers" if i == 1 else kind
        case Index() | Slice():
            return kind if i == 0 else "numbers"
        case _:
            return "numbers"


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
