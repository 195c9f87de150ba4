"""Expressions as Python: what the author wrote, in the spelling that `ruff format` leaves alone."""

import re
from typing import assert_never

from cnngen.expressions.expression import (
    ATOM,
    COMPARISON,
    CONDITIONAL,
    MINUS,
    NOT,
    OR,
    POWER,
    PRECEDENCE,
    Apply,
    Binary,
    BinaryOperator,
    Conditional,
    Constant,
    Expression,
    Index,
    InputChannels,
    ListOf,
    Name,
    Unary,
    walk,
)

_MIRRORED: dict[BinaryOperator, BinaryOperator] = {
    **{"==": "==", "!=": "!="},
    **{"<": ">", "<=": ">=", ">": "<", ">=": "<="},
}
_IDENTITY = {"==": "is", "!=": "is not"}
_CALLEES = {"ceil": "math.ceil"}
_SUPPORT = {"ceil": "math", "make_divisible": "make_divisible"}


def python(expression: Expression, channels: str = "in_channels") -> str:
    """The expression as Python, where `input.channels` is the name or attribute `channels`."""
    return _print(expression, CONDITIONAL, channels)


def support(expression: Expression) -> frozenset[str]:
    """What the printed code needs: the module `math`, the function `make_divisible`."""
    functions = (part.function for part, _ in walk(expression) if isinstance(part, Apply))
    return frozenset(_SUPPORT[function] for function in functions if function in _SUPPORT)


def _print(expression: Expression, minimum: int, channels: str) -> str:
    """In parentheses, if the expression binds less than its place asks for."""
    expression = _idiomatic(expression)
    text = _code(expression, channels)
    return f"({text})" if _level(expression) < minimum else text


def _idiomatic(expression: Expression) -> Expression:
    """What linters would have written otherwise, with the same value."""
    match expression:
        case Unary("not", Unary("not", operand)):
            return _idiomatic(operand)
        case Unary("not", Binary(("==" | "!=") as operator, left, right)):
            return _idiomatic(Binary("!=" if operator == "==" else "==", left, right))
        case Binary(operator, left, right) if (
            operator in _MIRRORED and _is_literal(left) and not _is_literal(right)
        ):
            return Binary(_MIRRORED[operator], right, left)
        case Conditional(test, Constant(True), Constant(False)):
            return _idiomatic(test)
        case Conditional(test, Constant(False), Constant(True)):
            return _idiomatic(Unary("not", test))
        case _:
            return expression


def _is_literal(expression: Expression) -> bool:
    return isinstance(expression.operand if isinstance(expression, Unary) else expression, Constant)


def _level(expression: Expression) -> int:
    """How tightly the printed expression binds."""
    match expression:
        case Constant(value):
            return MINUS if repr(value).startswith("-") else ATOM
        case Unary(operator):
            return MINUS if operator == "-" else NOT
        case Binary(operator):
            return PRECEDENCE[operator]
        case Conditional():
            return CONDITIONAL
        case Name() | InputChannels() | Index() | ListOf() | Apply():
            return ATOM
        case _:
            assert_never(expression)


def _code(expression: Expression, channels: str) -> str:
    match expression:
        case Constant():
            return _constant(expression)
        case Name(name):
            return name
        case InputChannels():
            return channels
        case Unary("-", operand):
            # A power in parentheses, as the formatters insist on.
            minimum = ATOM if _level(operand) == POWER else MINUS
            return f"-{_print(operand, minimum, channels)}"
        case Unary(_, operand):
            return f"not {_print(operand, NOT, channels)}"
        case Binary("**", left, right):
            sign = "**" if _hugging(left, right) else " ** "
            return f"{_print(left, ATOM, channels)}{sign}{_print(right, MINUS, channels)}"
        case Binary(("==" | "!=") as operator, left, Constant(None | bool()) as right):
            left_code = _print(left, COMPARISON + 1, channels)
            return f"{left_code} {_IDENTITY[operator]} {_constant(right)}"
        case Binary(operator, left, right):
            level = PRECEDENCE[operator]
            first = level + 1 if level == COMPARISON else level  # Python would chain comparisons
            return (
                f"{_print(left, first, channels)} {operator} {_print(right, level + 1, channels)}"
            )
        case Conditional(test, then, otherwise):
            choice = f"{_print(then, OR, channels)} if {_print(test, OR, channels)}"
            return f"{choice} else {_print(otherwise, CONDITIONAL, channels)}"
        case Index(indexed, index):
            return f"{_print(indexed, ATOM, channels)}[{_print(index, CONDITIONAL, channels)}]"
        case ListOf(items):
            inside = ", ".join(_print(item, CONDITIONAL, channels) for item in items)
            return f"({inside},)" if len(items) == 1 else f"({inside})"
        case Apply(function, arguments):
            inside = ", ".join(_print(argument, CONDITIONAL, channels) for argument in arguments)
            call = f"{_CALLEES.get(function, function)}({inside})"
            return f"tuple({call})" if function == "range" else call
        case _:
            assert_never(expression)


def _constant(constant: Constant) -> str:
    value = constant.value
    assert not isinstance(value, str), f"the word `{value}` has no meaning in Python"
    if value is None or isinstance(value, bool):
        return str(value)
    return _canonical(constant.text or repr(value))


def _canonical(number: str) -> str:
    """The number as formatters spell it: `1E+05` is `1e5`, `.5` is `0.5`, `1.` is `1.0`."""
    mantissa, e, exponent = number.lower().partition("e")
    mantissa = re.sub(r"^\.", "0.", re.sub(r"\.$", ".0", mantissa))
    exponent = re.sub(r"^(-?)0+(?=\d)", r"\1", exponent.removeprefix("+"))
    return mantissa + e + exponent


def _hugging(left: Expression, right: Expression) -> bool:
    """Whether formatters set no spaces around the `**` between two operands."""
    if isinstance(right, Binary) and right.operator == "**":
        right = right.left if _level(right.left) == ATOM else right
    return _level(left) == ATOM and _simple(left) and _simple(right)


def _simple(operand: Expression) -> bool:
    match operand:
        case Constant() | Name() | InputChannels():
            return True
        case Unary("-", inner):
            return _simple(inner)
        case _:
            return False
