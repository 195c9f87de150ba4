"""A suite: the statements of a function in the making, and the names that they read."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cnngen.python.construct import if_else, joined_choice
from cnngen.python.nodes import (
    Assign,
    Binary,
    Blank,
    Call,
    Comment,
    Do,
    For,
    If,
    Name,
    Node,
    Number,
    Origin,
    Return,
    Statement,
    Subscript,
    Unary,
)
from cnngen.python.variables import names

TRUE, FALSE = Number("True"), Number("False")


@dataclass(slots=True)
class Suite:
    """`depth` counts what stands around the statements, and `names` are those that they read."""

    depth: int = 1
    statements: list[Statement] = field(default_factory=list[Statement])
    names: set[str] = field(default_factory=set[str])

    def inside(self) -> "Suite":
        """The statements below a header."""
        return Suite(self.depth + 1)

    def assign(self, target: str, value: Node, origin: Origin = None) -> None:
        self.names |= names(value)
        self.statements.append(Assign((Name(target),), value, origin=origin))

    def add(self, statement: Assign | Return | Comment | Blank) -> None:
        if isinstance(statement, Assign | Return):
            self.names |= names(statement.value)
        self.statements.append(statement)

    def do(self, value: Node) -> None:
        self.names |= names(value)
        self.statements.append(Do(value))

    def blank(self) -> None:
        """An empty line, unless there is one."""
        if self.statements[-1] != Blank():
            self.statements.append(Blank())

    def extend(self, other: "Suite") -> None:
        self.names |= other.names
        self.statements += other.statements

    def nothing(self) -> None:
        """`pass`, where a body must not be empty."""
        self.statements.append(Do(Name("pass")))

    def loop(self, target: Node, iterable: Node, body: "Suite") -> None:
        self.names |= names(iterable) | body.names
        self.statements.append(For(target, iterable, tuple(body.statements)))

    def choose(self, test: Node, then: "Suite", otherwise: "Suite | None" = None) -> None:
        """`if` and `else`, as one assignment or with one condition where that says the same."""
        self.names |= names(test) | then.names | (otherwise.names if otherwise else set())
        body = tuple(then.statements)
        if otherwise is None:
            self.statements.append(_joined_conditions(test, body))
            return
        rest = tuple(otherwise.statements)
        choice = joined_choice(test, body, rest, self.depth)
        self.statements.append(choice or if_else(test, body, rest))

    def define(self, index: int, name: str, value: Node) -> None:
        """Assign a value at a place, if what follows needs it."""
        if name in self.names:
            self.names |= names(value)
            self.statements.insert(index, Assign((Name(name),), value))


def _joined_conditions(test: Node, body: Sequence[Statement]) -> If:
    """One condition of one and another that is all there is inside it."""
    match body:
        case [If(((inner, rest),))] if inner is not None:
            return If(((_both(test, inner), rest),))
        case _:
            return If(((test, tuple(body)),))


def _both(first: Node, second: Node) -> Node:
    if FALSE in (first, second):
        return FALSE
    if TRUE in (first, second):
        return second if first == TRUE else first
    if first == Unary("not", second) or second == Unary("not", first):
        return FALSE
    return Binary("and", first, second)


def folded_return(code: Suite, value: str) -> None:
    """`return value`, in one line with its assignment where that is the line before."""
    match code.statements:
        case [*before, Assign((Name(target),), made, origin=origin)] if target == value:
            code.statements = [*before, Return(made, origin=origin)]
        case _:
            code.add(Return(Name(value)))


def with_items(statements: Sequence[Statement]) -> list[Statement]:
    """The statements, where what is one of a list stands in the call that alone reads it."""
    found: list[Statement] = []
    for i, statement in enumerate(statements):
        match found[-1] if found else None, statement:
            case (
                Assign((Name(variable),), Subscript(Name(), Number() | Unary()) as item),
                Assign(_, Call() as read) | Return(Call() as read),
            ) if _reads_once(read, variable) and not _reads(
                variable, statement, statements[i + 1 :]
            ):
                given = (item if each == Name(variable) else each for each in read.arguments)
                found[-1] = replace(statement, value=replace(read, arguments=tuple(given)))
            case _:
                found.append(statement)
    return found


def _reads_once(read: Call, variable: str) -> bool:
    """Whether a call reads a variable as an argument, and nowhere else."""
    others = [each for each in read.arguments if each != Name(variable)]
    rest = names(read.function).union(*map(names, others))
    return len(others) == len(read.arguments) - 1 and variable not in rest


def _reads(variable: str, statement: Assign | Return, behind: Sequence[Statement]) -> bool:
    """Whether the value that a variable has before a statement is read behind it."""
    for each in (statement, *behind):
        if each is not statement and variable in names(each):
            return True
        if isinstance(each, Assign) and Name(variable) in each.targets:
            return False
    return False
