"""The value of an expression for given names: what Python would compute, within bounds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from cnngen.expressions.effort import OPERATION, Effort
from cnngen.expressions.expression import (
    ABSENT,
    COMPARISONS,
    LARGEST_NUMBER,
    LONGEST_LIST,
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
    Record,
    RecordOf,
    Slice,
    Unary,
    Value,
)
from cnngen.source import Span

DEEPEST_LIST = 8


class Unset(Enum):
    """What stands for the value of a name that has none yet."""

    UNDETERMINED = "undetermined"


UNDETERMINED = Unset.UNDETERMINED
MaybeValue = Value | Unset
Values = Mapping[str, MaybeValue]


class Undetermined(Exception):
    """The value depends on something that is not known yet."""


class EvaluationError(Exception):
    """An expression has no value; has the parts of a diagnostic that says why."""

    def __init__(self, code: str, message: str, span: Span | None, help: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.span, self.help = code, message, span, help


@dataclass(frozen=True, slots=True)
class _Known:
    """The names that an expression may use, and the effort that may be spent on its value."""

    names: Values
    channels: Value
    effort: Effort | None


def evaluate(
    expression: Expression,
    names: Values,
    channels: Value = None,
    effort: Effort | None = None,
) -> Value:
    """The value of an expression; `channels` is what `input.channels` stands for."""
    return _value(expression, _Known(names, channels, effort))


def _value(expression: Expression, known: _Known) -> Value:
    value = _compute(expression, known)
    if known.effort:
        known.effort.spend(OPERATION + weight(value), expression.span)
    return value


def weight(value: MaybeValue) -> int:
    """What it costs to hash a value, or to compare it, in elements of lists."""
    match value:
        case (Record(), *_):
            return sum(map(weight, value))
        case tuple():
            return len(value)
        case Record(fields):
            return 1 + sum(1 + weight(part) for _, part in fields)
        case _:
            return 0


def _compute(expression: Expression, known: _Known) -> Value:
    match expression:
        case Constant(str()):
            raise Undetermined  # resolve has reported it
        case Constant(value):
            return value
        case Name():
            return _look_up(expression, known.names)
        case InputChannels():
            if known.channels is None:
                raise Undetermined
            return known.channels
        case Unary("-", operand):
            return -_number(_value(operand, known), operand)
        case Unary(_, operand):
            return not _truth(_value(operand, known), operand)
        case Binary(("and" | "or") as operator, left, right):
            if _truth(_value(left, known), left) is (operator == "or"):
                return operator == "or"
            return _truth(_value(right, known), right)
        case Binary(operator, left, right):
            values = _value(left, known), _value(right, known)
            if operator in COMPARISONS:
                return _compare(expression, *values)
            return _bounded(_combine(expression, *values), expression)
        case Conditional(test, then, otherwise):
            chosen = then if _truth(_value(test, known), test) else otherwise
            return _value(chosen, known)
        case Index(indexed, index):
            items = _list(_value(indexed, known), indexed)
            return _item(items, _integer(_value(index, known), index), expression)
        case Slice(sliced, start, stop, step):
            items = _list(_value(sliced, known), sliced)
            return items[slice(*(_bound(bound, known) for bound in (start, stop, step)))]
        case Field(record, name):
            return _field(_value(record, known), name, expression)
        case ListOf(items):
            return _bounded(tuple(_value(item, known) for item in items), expression)
        case RecordOf(fields):
            return Record(tuple((name, _value(part, known)) for name, part in fields))
        case Apply(_, arguments):
            values = tuple(_value(argument, known) for argument in arguments)
            return _bounded(_apply(expression, values), expression)
        case _:
            assert_never(expression)


def _bound(bound: Expression, known: _Known) -> int | None:
    """A bound of a slice, or its step."""
    return None if bound == ABSENT else _integer(_value(bound, known), bound)


def _look_up(name: Name, names: Values) -> Value:
    if name.name not in names:
        if not name.name:  # a value that could not be read
            raise Undetermined
        raise EvaluationError("unknown-name", f"there is no `{name.name}` here", name.span)
    value = names[name.name]
    if isinstance(value, Unset):
        raise Undetermined
    return value


def _field(value: Value, name: str, expression: Field) -> Value:
    """What a record has under a name, or each record of a list. What has no such field, `resolve`
    has reported.
    """
    match value:
        case Record(fields) if name in (found := dict(fields)):
            return found[name]
        case tuple() if all(isinstance(record, Record) for record in value):
            return tuple(_field(record, name, expression) for record in value)
        case _:
            message = f"{describe(value)} has no field `{name}`"
            raise EvaluationError("unknown-name", message, expression.span)


# --- Types. A bool is no number, though Python takes it for one.


def _wrong(
    expected: str, value: Value, part: Expression, help: str | None = None
) -> EvaluationError:
    return EvaluationError(
        "wrong-type", f"expected {expected}, not {describe(value)}", part.span, help
    )


def _number(value: Value, part: Expression) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong("a number", value, part)
    return value


def _integer(value: Value, part: Expression) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        help = "write `int(...)` or `//`" if isinstance(value, float) else None
        raise _wrong("an integer", value, part, help)
    return value


def _truth(value: Value, part: Expression) -> bool:
    if not isinstance(value, bool):
        help = "compare it, for example with `> 0`" if isinstance(value, int | float) else None
        raise _wrong("`true` or `false`", value, part, help)
    return value


def _list(value: Value, part: Expression) -> tuple[Value, ...]:
    if not isinstance(value, tuple):
        raise _wrong("a list", value, part)
    return value


def _numbers(value: Value, part: Expression) -> list[int | float]:
    return [_number(item, part) for item in _list(value, part)]


def describe(value: Value) -> str:
    """What a diagnostic calls a value."""
    match value:
        case None:
            return "`null`"
        case bool():
            return f"`{str(value).lower()}`"
        case str():
            return f"the word `{value}`"
        case tuple():
            return f"a list of {len(value)}"
        case Record():
            return "a record"
        case _:
            return f"`{value}`"


# --- Bounds


def _too_large(message: str, expression: Expression) -> EvaluationError:
    return EvaluationError("too-large", message, expression.span)


def _too_long(expression: Expression) -> EvaluationError:
    return _too_large(f"a list has more than {LONGEST_LIST} elements", expression)


def _bounded(value: Value, expression: Expression) -> Value:
    """The value, if it is within the limits."""
    match value:
        case tuple():
            _size(value, expression)
        case float() if not math.isfinite(value):
            raise _too_large("a number is larger than any float", expression)
        case int() if abs(value) > LARGEST_NUMBER:
            raise _too_large("a number is larger than 10**12", expression)
        case _:
            pass
    return value


def _size(value: Value, expression: Expression, depth: int = 0) -> int:
    """How many elements a list has, those of inner lists included; it stops at the limit."""
    if isinstance(value, Record):
        value = tuple(part for _, part in value.fields)
    if not isinstance(value, tuple):
        return 1
    if depth == DEEPEST_LIST:
        raise _too_large(f"lists are nested more than {DEEPEST_LIST} deep", expression)
    lists = [item for item in value if isinstance(item, tuple | Record)]
    size = len(value) - len(lists)
    for item in lists:
        if size <= LONGEST_LIST:
            size += _size(item, expression, depth + 1)
    if size > LONGEST_LIST:
        raise _too_long(expression)
    return max(1, size)


# --- Operators


def _compare(expression: Binary, left: Value, right: Value) -> bool:
    for value, part in ((left, expression.left), (right, expression.right)):
        if isinstance(value, Record) or (isinstance(value, tuple) and _has_records(value)):
            help = "compare what they have: `row.width == 16`"
            raise EvaluationError("wrong-type", "records are not compared", part.span, help)
    if isinstance(left, bool) and not isinstance(right, bool) and isinstance(right, int | float):
        raise _wrong("`true` or `false`", right, expression.right)
    if isinstance(right, bool) and not isinstance(left, bool) and isinstance(left, int | float):
        raise _wrong("`true` or `false`", left, expression.left)
    match expression.operator:
        case "==":
            return left == right
        case "!=":
            return left != right
        case _:
            a, b = _number(left, expression.left), _number(right, expression.right)
    match expression.operator:
        case "<":
            return a < b
        case "<=":
            return a <= b
        case ">":
            return a > b
        case _:
            return a >= b


def _has_records(items: tuple[Value, ...]) -> bool:
    return any(
        isinstance(item, Record) or (isinstance(item, tuple) and _has_records(item))
        for item in items
    )


def _combine(expression: Binary, left: Value, right: Value) -> Value:
    """Lists are joined and repeated, numbers computed.

    Operands are bounded already, so only powers and repetition can explode.
    """
    match expression.operator, left, right:
        case "+", tuple(), tuple():
            return left + right
        case "*", tuple(), _:
            return _repeat(left, _integer(right, expression.right), expression)
        case "*", _, tuple():
            return _repeat(right, _integer(left, expression.left), expression)
        case "+", tuple(), _:
            raise _wrong("a list", right, expression.right, "put it in brackets")
        case "+", _, tuple():
            raise _wrong("a list", left, expression.left, "put it in brackets")
        case _:
            a, b = _number(left, expression.left), _number(right, expression.right)
    try:
        return _calculate(expression, a, b)
    except ZeroDivisionError:
        raise EvaluationError("bad-value", "division by zero", expression.span) from None
    except OverflowError:
        raise _too_large("a number is larger than any float", expression) from None


def _calculate(expression: Binary, a: int | float, b: int | float) -> int | float:
    match expression.operator:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return a / b
        case "//":
            return a // b
        case "%":
            return a % b
        case _:
            return _power(expression, a, b)


def _power(expression: Binary, base: int | float, exponent: int | float) -> int | float:
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and abs(base) > 1 and exponent >= LARGEST_NUMBER.bit_length():
        raise _too_large("a number is larger than 10**12", expression)
    if base < 0 and exponent != int(exponent):
        message = "a negative number has no such power"
        raise EvaluationError("bad-value", message, expression.span)
    return base**exponent


def _repeat(items: tuple[Value, ...], times: int, expression: Binary) -> Value:
    if items and _size(items, expression) * times > LONGEST_LIST:
        raise _too_long(expression)
    return items * times


def _item(items: tuple[Value, ...], index: int, expression: Index) -> Value:
    if not -len(items) <= index < len(items):
        message = f"index {index} is outside a list of {len(items)}"
        help = f"the first element is 0, the last {len(items) - 1}" if items else None
        raise EvaluationError("bad-value", message, expression.index.span, help)
    return items[index]


# --- Functions


def _apply(expression: Apply, values: tuple[Value, ...]) -> Value:
    first, part = values[0], expression.arguments[0]
    match expression.function:
        case "len":
            return len(_list(first, part))
        case "sum":
            return sum(_numbers(first, part))
        case "min" | "max":
            return _extreme(expression, values)
        case "range":
            return _range(expression, values)
        case "int":
            return int(_number(first, part))
        case "round":
            return round(_number(first, part))
        case "ceil":
            return math.ceil(_number(first, part))
        case "make_divisible":
            divisor = _integer(values[1], expression.arguments[1])
            if divisor < 1:
                message = f"the divisor of `make_divisible` is {divisor}, not 1 or more"
                raise EvaluationError("bad-value", message, expression.arguments[1].span)
            return make_divisible(_number(first, part), divisor)
        case _:
            assert_never(expression.function)


def _extreme(expression: Apply, values: tuple[Value, ...]) -> int | float:
    if len(values) == 1:
        numbers = _numbers(values[0], expression.arguments[0])
    else:
        numbers = [_number(*pair) for pair in zip(values, expression.arguments, strict=True)]
    if not numbers:
        message = f"`{expression.function}` of an empty list"
        raise EvaluationError("bad-value", message, expression.span)
    return min(numbers) if expression.function == "min" else max(numbers)


def _range(expression: Apply, values: tuple[Value, ...]) -> Value:
    bounds = [_integer(*pair) for pair in zip(values, expression.arguments, strict=True)]
    numbers = range(*bounds)
    if len(numbers) > LONGEST_LIST:
        raise _too_long(expression)
    return tuple(numbers)


def make_divisible(value: int | float, divisor: int) -> int:
    """The multiple of `divisor` nearest to `value`, at most 10% below it, as in MobileNet."""
    nearest = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * value else nearest
