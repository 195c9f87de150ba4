"""How tightly Python's operators bind: an operand that binds less needs parentheses."""

from typing import assert_never

from cnngen.python.nodes import (
    Attribute,
    Binary,
    Call,
    Comprehension,
    Conditional,
    Dictionary,
    Display,
    Name,
    Node,
    Number,
    Slice,
    Starred,
    String,
    Subscript,
    Unary,
    Verbatim,
)
from cnngen.python.scan import Operator, pieces

TUPLE, CONDITIONAL, OR, AND, NOT, COMPARISON, BIT_OR, BIT_XOR = range(8)
BIT_AND, SHIFT, SUM, PRODUCT, SIGN, POWER, ATOM = range(8, 15)

BINDING = {
    **dict.fromkeys(("if", "else"), CONDITIONAL),
    **{"or": OR, "and": AND},
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), COMPARISON),
    **dict.fromkeys(("in", "not in", "is", "is not"), COMPARISON),
    **{"|": BIT_OR, "^": BIT_XOR, "&": BIT_AND},
    **dict.fromkeys(("<<", ">>"), SHIFT),
    **dict.fromkeys(("+", "-"), SUM),
    **dict.fromkeys(("*", "/", "//", "%", "@"), PRODUCT),
    "**": POWER,
}


def level(node: Node) -> int:
    """How tightly a node binds."""
    match node:
        case Binary(operator):
            return BINDING[operator]
        case Conditional():
            return CONDITIONAL
        case Unary(operator):
            return SIGN if operator == "-" else NOT
        case Number(text):
            return SIGN if text.startswith("-") else ATOM
        case Display("bare") | Slice() | Starred():
            return TUPLE
        case Verbatim():
            return _level_of_text(node)
        case Name() | String() | Attribute() | Subscript() | Call() | Display():
            return ATOM
        case Dictionary() | Comprehension():
            return ATOM
        case _:
            assert_never(node)


def _level_of_text(node: Verbatim) -> int:
    """The least of the operators that stand in no brackets."""
    row = pieces(node.parts)
    signs = [piece.text for piece in row if isinstance(piece, Operator)]
    levels = [BINDING[sign] for sign in signs if sign in BINDING]
    if isinstance(first := row[0] if row else "", str):
        levels += [NOT] if first.startswith("not ") else []
        levels += [SIGN] if first.startswith(("-", "+", "~")) else []
    return min(levels, default=ATOM)


def operand_levels(operator: str) -> tuple[int, int]:
    """How tightly the left and the right operand must bind, to stand without parentheses."""
    own = BINDING[operator]
    if operator == "**":
        return ATOM, SIGN
    return own + 1 if own == COMPARISON else own, own + 1  # Python would chain comparisons


def sign_level(operand: Node) -> int:
    """How tightly the operand of a minus must bind; a power stands in parentheses there, as
    formatters insist on.
    """
    return ATOM if level(operand) == POWER else SIGN
