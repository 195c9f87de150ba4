"""Tidy: statements without the variables that nothing reads."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cnngen.python.construct import if_else, joined_choice
from cnngen.python.nodes import (
    Assign,
    Attribute,
    Augment,
    Call,
    Display,
    Do,
    For,
    If,
    Keyword,
    Name,
    Node,
    Statement,
    Unary,
)
from cnngen.python.variables import names
from cnngen.targets.loops import uncounted, unwalked
from cnngen.targets.torch.names import CHANNELS as IN_CHANNELS
from cnngen.targets.torch.variables import Variables

DEPTH = 2  # of a constructor's statements, in a class and a function


def tidied(statements: Sequence[Statement], variables: Variables) -> tuple[Statement, ...]:
    """Leave out what is assigned to variables of channels that nothing reads, and mark variables
    of loops that nothing reads with an underscore; a counter that nothing reads goes, as do
    channels of maps beside another list.
    """
    while True:
        unread = (variables.channels | {IN_CHANNELS}) - _read(statements)
        kept = tuple(_without(statements, unread))
        if kept == tuple(statements):
            read = (_underscored(statement, variables.walked) for statement in kept)
            return _joined(tuple(read), DEPTH)
        statements = kept


def _joined(statements: Sequence[Statement], depth: int) -> tuple[Statement, ...]:
    """Let a condition that only decides what one variable is be one assignment, if that is short:
    it may have decided more, which nobody reads.
    """

    def within(body: Sequence[Statement]) -> tuple[Statement, ...]:
        return _joined(body, depth + 1)

    found: list[Statement] = []
    for statement in statements:
        match statement:
            case For(target, iterable, body):
                found.append(For(target, iterable, within(body)))
            case If(((test, then), (None, otherwise))) if test is not None:
                found.append(_choice(test, within(then), within(otherwise), depth))
            case If(branches):
                found.append(If(tuple((test, within(body)) for test, body in branches)))
            case _:
                found.append(statement)
    return tuple(found)


def _choice(
    test: Node, then: tuple[Statement, ...], otherwise: tuple[Statement, ...], depth: int
) -> Statement:
    plain = test.operand if isinstance(test, Unary) and test.operator == "not" else None
    first, second = map(_in_a_line, (then, otherwise) if plain is None else (otherwise, then))
    joined = joined_choice(plain or test, first, second, depth)
    is_variable = joined is not None and isinstance(joined.targets[0], Name)
    return joined if joined and is_variable else if_else(test, then, otherwise)


def _in_a_line(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """An assignment whose value stands in one line."""
    match statements:
        case [Assign() as only]:
            return (replace(only, value=_unexploded(only.value)),)
        case _:
            return statements


def _unexploded(node: Node) -> Node:
    match node:
        case Call(function, arguments):
            inner = (a if isinstance(a, Keyword) else _unexploded(a) for a in arguments)
            return Call(function, tuple(inner), origin=node.origin)
        case _:
            return node


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


def _underscored(statement: Statement, walked: set[str]) -> Statement:
    def within(body: Sequence[Statement]) -> tuple[Statement, ...]:
        return tuple(_underscored(each, walked) for each in body)

    match statement:
        case For(target, iterable, body):
            inside = within(body)
            used = names(inside)
            target, iterable = unwalked(*uncounted(target, iterable, used), walked - used)
            return For(marked(target, used), iterable, inside)
        case If(branches):
            return If(tuple((test, within(body)) for test, body in branches))
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
