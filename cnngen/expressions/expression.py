"""Expressions: the possible values of an attribute, a parameter, a condition or a loop."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, assert_never

from cnngen.source import Span


@dataclass(frozen=True, slots=True)
class Record:
    """The value of a record: its fields and their values."""

    fields: tuple[tuple[str, "Value"], ...]


Value = int | float | bool | str | tuple["Value", ...] | Record | None

UnaryOperator = Literal["-", "not"]
BinaryOperator = Literal[
    "+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "and", "or"
]
Function = Literal["min", "max", "sum", "len", "range", "int", "round", "ceil", "make_divisible"]


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, or a word: `true false null`, or `same half training` (as text)."""

    value: int | float | bool | str | None
    span: Span | None = field(default=None, compare=False)
    text: str = field(default="", compare=False)  # as the author wrote it (`1e-5`), where he did


@dataclass(frozen=True, slots=True)
class Name:
    name: str
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class InputChannels:
    """`input.channels`: the number of channels of the enclosing block's or stage's input."""

    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    operator: UnaryOperator
    operand: "Expression"
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    operator: BinaryOperator
    left: "Expression"
    right: "Expression"
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Conditional:
    """`then if test else otherwise`."""

    test: "Expression"
    then: "Expression"
    otherwise: "Expression"
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Index:
    list: "Expression"
    index: "Expression"
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a list, as in Python: `xs[1:]`, `xs[::-1]`. What is left out is `ABSENT`."""

    list: "Expression"
    start: "Expression"
    stop: "Expression"
    step: "Expression"
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RecordOf:
    """`{width: 16, stride: 1}`, a row of a table; `name` is that of its class in generated code."""

    fields: tuple[tuple[str, "Expression"], ...]
    span: Span | None = field(default=None, compare=False)
    name: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Field:
    """What a record has under a name: `row.width`; of a list of records, a list (a `column`, which
    generated code has to tell from the other).
    """

    record: "Expression"
    name: str
    span: Span | None = field(default=None, compare=False)
    column: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class ListOf:
    items: tuple["Expression", ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Apply:
    """One of the language's functions; `make_divisible(value, divisor)` is MobileNet's rounding."""

    function: Function
    arguments: tuple["Expression", ...]
    span: Span | None = field(default=None, compare=False)


Expression = (
    Constant
    | Name
    | InputChannels
    | Unary
    | Binary
    | Conditional
    | Index
    | Slice
    | Field
    | ListOf
    | RecordOf
    | Apply
)

ABSENT = Constant(None)

LARGEST_NUMBER = 10**12  # in magnitude
LONGEST_LIST = 10_000

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")

# How tightly an operator binds, as in Python; an operand that binds less needs parentheses.
CONDITIONAL, OR, AND, NOT, COMPARISON, SUM, PRODUCT, MINUS, POWER, ATOM = range(1, 11)
PRECEDENCE: dict[BinaryOperator, int] = {
    "or": OR,
    "and": AND,
    **dict.fromkeys(COMPARISONS, COMPARISON),
    **dict.fromkeys(("+", "-"), SUM),
    **dict.fromkeys(("*", "/", "//", "%"), PRODUCT),
    "**": POWER,
}


def children(expression: Expression) -> tuple[Expression, ...]:
    """The direct parts of an expression, in the order in which they are written."""
    match expression:
        case Constant() | Name() | InputChannels():
            return ()
        case Unary():
            return (expression.operand,)
        case Binary():
            return (expression.left, expression.right)
        case Conditional():
            return (expression.then, expression.test, expression.otherwise)
        case Index():
            return (expression.list, expression.index)
        case Slice():
            return (expression.list, expression.start, expression.stop, expression.step)
        case Field():
            return (expression.record,)
        case ListOf():
            return expression.items
        case RecordOf():
            return tuple(value for _, value in expression.fields)
        case Apply():
            return expression.arguments
        case _:
            assert_never(expression)


def with_children(expression: Expression, parts: Sequence[Expression]) -> Expression:
    """The expression with other direct parts; itself where they are the same objects."""
    if all(old is new for old, new in zip(children(expression), parts, strict=True)):
        return expression
    match expression:
        case Constant() | Name() | InputChannels():
            return expression
        case Unary():
            return replace(expression, operand=parts[0])
        case Binary():
            return replace(expression, left=parts[0], right=parts[1])
        case Conditional():
            return replace(expression, then=parts[0], test=parts[1], otherwise=parts[2])
        case Index():
            return replace(expression, list=parts[0], index=parts[1])
        case Slice():
            of, start, stop, step = parts
            return replace(expression, list=of, start=start, stop=stop, step=step)
        case Field():
            return replace(expression, record=parts[0])
        case ListOf():
            return replace(expression, items=tuple(parts))
        case RecordOf():
            names = (name for name, _ in expression.fields)
            return replace(expression, fields=tuple(zip(names, parts, strict=True)))
        case Apply():
            return replace(expression, arguments=tuple(parts))
        case _:
            assert_never(expression)


def walk(expression: Expression) -> Iterator[tuple[Expression, int]]:
    """Every part with its depth, from left to right, each before its own parts."""
    waiting = [(expression, 1)]
    while waiting:
        part, depth = waiting.pop()
        yield part, depth
        waiting.extend((child, depth + 1) for child in reversed(children(part)))
