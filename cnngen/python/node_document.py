"""Expressions -> documents that break where `ruff format` breaks them.

Of ruff's rules it leaves out one: a chain of calls (`a.b().c()`) breaks at its last brackets, not
at its dots.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from cnngen.python.document import (
    SPACE,
    Doc,
    IfBroken,
    Line,
    Mark,
    bracket,
    group,
    separate,
)
from cnngen.python.flat import CLOSING, flat, hugs
from cnngen.python.nodes import (
    Attribute,
    Binary,
    Call,
    Comprehension,
    Conditional,
    Dictionary,
    Display,
    Keyword,
    Name,
    Node,
    Number,
    Origin,
    Slice,
    Starred,
    String,
    Subscript,
    Unary,
    Verbatim,
)
from cnngen.python.precedence import (
    ATOM,
    BINDING,
    BIT_OR,
    CONDITIONAL,
    OR,
    TUPLE,
    level,
    operand_levels,
    unary_level,
)
from cnngen.python.scan import Bracketed, Operator, Pieces, parts_of, pieces


class Place(Enum):
    """Where an expression stands, which tells how it may break."""

    OPEN = auto()  # directly in a statement: only its brackets break
    LOOSE = auto()  # there too, where parentheses are the alternative to breaking the brackets
    INSIDE = auto()  # in brackets: it breaks at its operators as well


@dataclass(frozen=True, slots=True)
class Operand:
    """A part of an operation, and how tightly it must bind to stand without parentheses."""

    node: Node
    minimum: int = TUPLE

    @property
    def grouped(self) -> bool:
        return level(self.node) < self.minimum


@dataclass(frozen=True, slots=True)
class Sign:
    """An operator between two operands; it is `tight` if no spaces surround it."""

    text: str
    level: int
    tight: bool


def expression(node: Node, place: Place = Place.INSIDE, minimum: int = TUPLE) -> Doc:
    """Lay out an expression, in parentheses where it binds less than it must."""
    if level(node) < minimum:
        return bracket("(", plain(node, Place.INSIDE), ")", place is Place.LOOSE)
    return plain(node, place)


def plain(node: Node, place: Place) -> Doc:
    """Lay out an expression without parentheses around it."""
    loose = place is Place.LOOSE
    match node:
        case Name() | Number() | String() | Slice():
            return flat(node)
        case Attribute(value, name):
            return (expression(value, place, ATOM), f".{name}")
        case Unary(operator, inner):
            sign = "-" if operator == "-" else "not "
            return (sign, expression(inner, place, unary_level(operator, inner)))
        case Starred(value):
            return ("*", expression(value, place, BIT_OR))
        case Call(function, given):
            called = expression(function, place, ATOM)
            return marked(node.origin, (called, arguments(given, node.explode, loose)))
        case Subscript(value, index):
            inside = bracket("[", group(expression(index)), "]", loose)
            return (expression(value, place, ATOM), inside)
        case Binary():
            operation = _operation(*flattened(node), place)
            doc = group(operation) if place is Place.INSIDE else operation
            for origin in _origins(node):
                doc = marked(origin, doc)
            return doc
        case Conditional():
            return group(_condition(node))
        case Display(kind, items):
            return _display(kind, items, node.explode, loose)
        case Dictionary(items):
            entries = [group((_item(key), ": ", _item(value))) for key, value in items]
            return _bracketed("{", entries, node.explode, "}", loose)
        case Comprehension(kind):
            inside = _comprehension(node)
            return bracket(kind, inside, CLOSING[kind], loose) if kind else inside
        case Verbatim(parts, origin):
            return marked(origin, _pieces(pieces(parts), place))
        case _:
            assert_never(node)


def marked(origin: Origin, content: Doc) -> Doc:
    """Remember the lines of what was made from an origin."""
    mark = Mark(origin)
    return content if origin is None else (mark, content, mark)


def arguments(given: Sequence[Node | Keyword], explode: bool = False, loose: bool = False) -> Doc:
    """Lay out the arguments of a call, with their parentheses."""
    match given:
        case []:
            return "()"
        case [Comprehension(kind="") as only]:
            inside = _comprehension(only)
        case _:
            docs = list(map(_argument, given))
            inside = group(separate(docs, len(docs) > 1, explode))
    return bracket("(", inside, ")", loose)


def _argument(node: Node | Keyword) -> Doc:
    if isinstance(node, Keyword):
        return (f"{node.name}=", expression(node.value, minimum=CONDITIONAL))
    return expression(node, minimum=CONDITIONAL)


def _item(node: Node) -> Doc:
    """Lay out what stands between commas; a tuple has parentheses there."""
    return expression(node, minimum=CONDITIONAL)


def _display(kind: str, items: Sequence[Node], explode: bool, loose: bool) -> Doc:
    docs = list(map(_item, items))
    if kind != "[" and len(docs) == 1:
        inside: Doc = (docs[0], ",")
        return inside if kind == "bare" else bracket("(", inside, ")", loose)
    if kind == "bare":
        return separate(docs, len(docs) > 1)  # ruff sets a last comma where it adds parentheses
    return _bracketed(kind, docs, explode, ")" if kind == "(" else "]", loose)


def _bracketed(left: str, docs: Sequence[Doc], explode: bool, right: str, loose: bool) -> Doc:
    if not docs:
        return left + right
    return bracket(left, separate(docs, len(docs) > 1, explode), right, loose)


def _comprehension(node: Comprehension) -> Doc:
    """Break a comprehension before its `for`."""
    head = f"for {flat(node.target)} in "
    return group((group(_item(node.element)), SPACE, head, expression(node.iterable, minimum=OR)))


def _condition(node: Conditional) -> Doc:
    """Break a condition before `if` and `else`; another one after `else` belongs to it."""
    if isinstance(node.otherwise, Conditional):
        otherwise = _condition(node.otherwise)
    else:
        otherwise = group(expression(node.otherwise, minimum=CONDITIONAL))
    then, test = expression(node.then, minimum=OR), expression(node.test, minimum=OR)
    return (then, SPACE, "if ", test, SPACE, "else ", otherwise)


def flattened(node: Binary) -> tuple[list[Operand], list[Sign]]:
    """An operation, and the operations that are its operands, in a row."""
    operands: list[Operand] = []
    signs: list[Sign] = []
    parts = zip((node.left, node.right), operand_levels(node.operator), strict=True)
    for part in (Operand(inner, minimum) for inner, minimum in parts):
        if operands:
            signs.append(Sign(node.operator, _breaking_level(node.operator), hugs(node)))
        if isinstance(part.node, Binary) and not part.grouped:
            inner_operands, inner_signs = flattened(part.node)
            operands += inner_operands
            signs += inner_signs
        else:
            operands.append(part)
    return operands, signs


def _origins(node: Binary) -> Iterator[Origin]:
    """What an operation and those in the same row were made from."""
    yield node.origin
    parts = zip((node.left, node.right), operand_levels(node.operator), strict=True)
    for part in (Operand(inner, minimum) for inner, minimum in parts):
        if isinstance(part.node, Binary) and not part.grouped:
            yield from _origins(part.node)


def _breaking_level(operator: str) -> int:
    """How tightly an operator binds, to ruff: `and` as little as `or`."""
    return OR if operator == "and" else BINDING[operator]


def _operation(operands: Sequence[Operand], signs: Sequence[Sign], place: Place) -> Doc:
    """Break an operation before the operators that bind least, all of them or none."""
    lowest = min(sign.level for sign in signs)
    docs: list[Doc] = []
    start = 0
    for at, sign in enumerate(signs):
        if sign.level == lowest:
            docs.append(_operands(operands[start : at + 1], signs[start:at], place))
            docs += _spaced(sign, place)
            start = at + 1
    docs.append(_operands(operands[start:], signs[start:], place))
    return tuple(docs)


def _operands(operands: Sequence[Operand], signs: Sequence[Sign], place: Place) -> Doc:
    """Lay out what stands between two operators: an expression, or operators that bind more."""
    if signs:
        return group(_operation(operands, signs, place))
    return expression(operands[0].node, place, operands[0].minimum)


def _spaced(sign: Sign, place: Place) -> Sequence[Doc]:
    space = "" if sign.tight else " "
    if place is Place.INSIDE:
        return (Line(space), sign.text, IfBroken(" ") if sign.tight else " ")
    return (f"{space}{sign.text}{space}",)


def _pieces(row: Pieces, place: Place) -> Doc:
    """Lay out pieces of text: what stands in their brackets may break at the commas."""
    docs: list[Doc] = []
    for number, piece in enumerate(row):
        match piece:
            case str():
                docs.append(piece)
            case Operator(_, shown):
                docs.append(shown)
            case Bracketed():
                docs.append(_brackets(piece, number > 0, place is Place.LOOSE))
            case _:
                docs.append(expression(piece, place))
    return tuple(docs)


def _brackets(brackets: Bracketed, follows: bool, loose: bool) -> Doc:
    """Lay out brackets; round ones that follow a text are those of a call."""
    left, items, comma, right = brackets.left, brackets.items, brackets.comma, brackets.right
    if any(isinstance(part, Operator) and part.text == "for" for part in _all(items)):
        parts = parts_of([brackets])
        return tuple(part if isinstance(part, str) else flat(part) for part in parts)
    docs = [_pieces(item, Place.INSIDE) for item in items]
    called = left == "(" and follows
    if len(docs) == 1 and left == "(" and comma and not called:
        return bracket(left, (docs[0], ","), right, loose)
    if not docs:
        return left + right
    inside = separate(docs, len(docs) > 1, comma)
    return bracket(left, group(inside) if called else inside, right, loose)


def _all(items: Sequence[Pieces]) -> Pieces:
    return tuple(piece for item in items for piece in item)
