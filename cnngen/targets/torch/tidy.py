"""Tidy: statements without the variables that nothing reads."""

from collections.abc import Iterator, Sequence

from cnngen.python.nodes import (
    Assign,
    Attribute,
    Augment,
    Call,
    Display,
    Do,
    For,
    If,
    Name,
    Node,
    Statement,
)
from cnngen.python.variables import names
from cnngen.targets.loops import uncounted


def tidied(statements: Sequence[Statement], variables: set[str]) -> tuple[Statement, ...]:
    """Leave out what is assigned to those of the variables that nothing reads, and mark variables
    of loops that nothing reads with an underscore; a counter that nothing reads goes.
    """
    while True:
        unread = variables - _read(statements)
        kept = tuple(_without(statements, unread))
        if kept == tuple(statements):
            return tuple(map(_underscored, kept))
        statements = kept


def _without(statements: Sequence[Statement], unread: set[str]) -> Iterator[Statement]:
    for statement in statements:
        match statement:
            case Assign((Name(name),)) | Augment(Name(name)) if name in unread:
                pass
            case Do(Call(Attribute(Name(name), "append"))) if name in unread:
                pass
            case If(branches):
                kept = tuple((test, tuple(_without(body, unread))) for test, body in branches)
                if any(body for _, body in kept):
                    yield If(kept)
            case For(target, iterable, body):
                yield For(target, iterable, tuple(_without(body, unread)))
            case _:
                yield statement


def _underscored(statement: Statement) -> Statement:
    match statement:
        case For(target, iterable, body):
            inside = tuple(map(_underscored, body))
            used = names(inside)
            target, iterable = uncounted(target, iterable, used)
            return For(marked(target, used), iterable, inside)
        case If(branches):
            return If(tuple((test, tuple(map(_underscored, body))) for test, body in branches))
        case _:
            return statement


def marked(target: Node, used: set[str]) -> Node:
    """The variables of a loop, with an underscore before those that nothing reads."""
    match target:
        case Name(name):
            return target if name in used or name == "_" else Name(f"_{name}")
        case Display(kind, items):
            return Display(kind, tuple(marked(item, used) for item in items))
        case _:
            return target


def _read(statements: Sequence[Statement]) -> set[str]:
    """The names that statements read other than to change them."""
    found = set[str]()
    for statement in statements:
        match statement:
            case Augment(_, _, value):
                found |= names(value)
            case Do(Call(Attribute(Name(), "append"), given)):
                for value in given:
                    found |= names(value)
            case If(branches):
                for test, body in branches:
                    found |= (names(test) if test else set()) | _read(body)
            case For(_, iterable, body):
                found |= names(iterable) | _read(body)
            case _:
                found |= names(statement)
    return found
