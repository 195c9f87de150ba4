"""Text of templates as nodes: as many as a scan of its brackets and operators tells.

What it does not tell stays text. Either way the flat text of the node is what was given.
"""

import re
from collections.abc import Iterable, Sequence

from cnngen.python.construct import dotted
from cnngen.python.flat import flat
from cnngen.python.nodes import (
    Attribute,
    Binary,
    Call,
    Comprehension,
    Conditional,
    Dictionary,
    Display,
    Keyword,
    Node,
    Number,
    Slice,
    Starred,
    String,
    Subscript,
    Unary,
    Verbatim,
)
from cnngen.python.precedence import BINDING, COMPARISON, NOT, POWER, SIGN
from cnngen.python.scan import Bracketed, Operator, Piece, Pieces, parts_of, pieces

CONSTANTS = ("None", "True", "False")
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_MEMBERS = re.compile(r"(?:\.[^\W\d]\w*)+")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_STRING = re.compile(r'"([^"\\]*)"')
_F_STRING = re.compile(r'f"((?:[^"\\{}]|\{[^{}"\\:!]+\})*)"')
_KEYWORD = re.compile(r"([^\W\d]\w*)=(?!=)")


class _Unread(Exception):
    """A text that stays text."""


def read(text: str) -> Node:
    """A node for the text of a template.

    >>> read("nn.Conv2d"), read("1e-5"), read('"same"')
    (Attribute(value=Name(text='nn'), name='Conv2d'), Number(text='1e-5'), String(parts=('same',)))
    """
    return verbatim([text])


def argument(text: str) -> Node | Keyword:
    """A node for the text of an argument, which may be named."""
    found = _KEYWORD.match(text)
    return Keyword(found[1], read(text[found.end() :])) if found else read(text)


def verbatim(parts: Iterable[str | Node]) -> Node:
    """A node for texts and nodes in a row, on one line."""
    joined = list[str | Node]()
    for part in parts:
        if isinstance(part, str) and joined and isinstance(before := joined[-1], str):
            joined[-1] = before + part
        else:
            joined.append(part)
    lines = [_on_one_line(part) if isinstance(part, str) else part for part in joined]
    if lines and isinstance(first := lines[0], str):
        lines[0] = first.lstrip()
    if lines and isinstance(last := lines[-1], str):
        lines[-1] = last.rstrip()
    text = Verbatim(tuple(part for part in lines if part != ""))
    try:
        node = _operation(pieces(text.parts))
    except _Unread:
        return text
    return node if flat(node) == flat(text) else text


def _on_one_line(text: str) -> str:
    text = re.sub(r"(?<=[(\[{])\s*\n\s*|\s*\n\s*(?=[)\]}])", "", text)
    return re.sub(r"\s*\n\s*", " ", text)


def grouped(node: Node) -> Verbatim:
    """A node in parentheses, also where it needs none."""
    return Verbatim(("(", node, ")"))


def _operation(row: Sequence[Piece]) -> Node:
    """The operation that binds least, of those outside of brackets."""
    signs = [piece.text if isinstance(piece, Operator) else "" for piece in row]
    if "if" in signs and "else" in signs[signs.index("if") :]:
        start = signs.index("if")
        end = signs.index("else", start)
        then, test, otherwise = row[:start], row[start + 1 : end], row[end + 1 :]
        return Conditional(_operation(test), _operation(then), _operation(otherwise))
    if not set(signs) <= {"", *BINDING} or not row:
        raise _Unread
    levels = [BINDING[sign] for sign in signs if sign]
    lowest = min(levels, default=POWER + 1)
    first, *rest = row
    if isinstance(first, str) and first.startswith("not ") and lowest > NOT:
        return Unary("not", _operation(_without(first, "not ", rest)))
    if isinstance(first, str) and first.startswith("-") and lowest > SIGN and len(row) > 1:
        return Unary("-", _operation(_without(first, "-", rest)))
    if not levels:
        return _primary(row)
    at = [n for n, sign in enumerate(signs) if sign and BINDING[sign] == lowest]
    if lowest == COMPARISON and len(at) > 1:
        raise _Unread
    middle = at[0] if lowest == POWER else at[-1]
    return Binary(signs[middle], _operation(row[:middle]), _operation(row[middle + 1 :]))


def _without(first: str, prefix: str, rest: Sequence[Piece]) -> Pieces:
    return tuple(piece for piece in (first.removeprefix(prefix), *rest) if piece != "")


def _primary(row: Sequence[Piece]) -> Node:
    """A name, a number, a string or a display, and what is called, indexed or read of it."""
    first, *trailers = row
    match first:
        case str():
            node = _atom(first)
        case Bracketed():
            node = _display(first)
        case Operator():
            raise _Unread
        case _:
            node = first
    for trailer in trailers:
        match trailer:
            case Bracketed("(", items, comma):
                node = Call(node, tuple(map(_argument, items)), explode=comma)
            case Bracketed("[", items):
                indices = tuple(map(_index, items))
                node = Subscript(
                    node, indices[0] if len(indices) == 1 else Display("bare", indices)
                )
            case str() if _MEMBERS.fullmatch(trailer):
                for name in trailer.split(".")[1:]:
                    node = Attribute(node, name)
            case _:
                raise _Unread
    return node


def _atom(text: str) -> Node:
    if text in CONSTANTS or _NUMBER.fullmatch(text):
        return Number(text)
    if _DOTTED.fullmatch(text):
        return dotted(text)
    if text.startswith("-") and len(text) > 1:
        return Unary("-", _atom(text[1:]))
    if found := _STRING.fullmatch(text):
        return String((found[1],) if found[1] else ())
    if found := _F_STRING.fullmatch(text):
        parts = re.split(r"\{([^{}]+)\}", found[1])  # texts, and expressions between them
        return String(tuple(read(p) if n % 2 else p for n, p in enumerate(parts) if p))
    raise _Unread


def _display(brackets: Bracketed) -> Node:
    match brackets:
        case Bracketed("(", [item], False) if not _has_for(item):
            return _operation(item)  # whether it needs the parentheses, its place tells
        case Bracketed("(" | "[" as left, [item], False) if _has_for(item):
            return _comprehension(item, left)
        case Bracketed("(" | "[" as left, items, comma):
            single = left == "(" and len(items) == 1  # whose comma asks for nothing
            return Display(left, tuple(map(_operation, items)), explode=comma and not single)
        case Bracketed("{", [_, *_] as items, comma):
            return Dictionary(tuple(map(_entry, items)), explode=comma)
        case _:
            raise _Unread


def _entry(item: Pieces) -> tuple[Node, Node]:
    signs = [piece.text if isinstance(piece, Operator) else "" for piece in item]
    if signs.count(":") != 1:
        raise _Unread
    middle = signs.index(":")
    return _operation(item[:middle]), _operation(item[middle + 1 :])


def _has_for(item: Pieces) -> bool:
    return any(isinstance(piece, Operator) and piece.text == "for" for piece in item)


def _comprehension(item: Pieces, kind: str) -> Comprehension:
    signs = [piece.text if isinstance(piece, Operator) else "" for piece in item]
    start = signs.index("for")
    if "in" not in signs[start:]:
        raise _Unread
    end = signs.index("in", start)
    parts = (item[:start], item[start + 1 : end], item[end + 1 :])
    element, target, iterable = map(_operation, parts)
    return Comprehension("[" if kind == "[" else "(" if kind else "", element, target, iterable)


def _argument(item: Pieces) -> Node | Keyword:
    match item:
        case [str(first), *rest] if found := _KEYWORD.match(first):
            return Keyword(found[1], _operation(_without(first, found[0], rest)))
        case [str(first), *rest] if first.startswith("*") and not first.startswith("**"):
            return Starred(_operation(_without(first, "*", rest)))
        case _:
            return _comprehension(item, "") if _has_for(item) else _operation(item)


def _index(item: Pieces) -> Node:
    signs = [piece.text if isinstance(piece, Operator) else "" for piece in item]
    if signs.count(":") != 1:
        return _operation(item)
    middle = signs.index(":")
    start, stop = item[:middle], item[middle + 1 :]
    return Slice(_operation(start) if start else None, _operation(stop) if stop else None)


def elements(node: Node) -> list[Node]:
    """The elements of a tuple; anything else is its own only element."""
    match node:
        case Display("(" | "bare", items):
            return list(items)
        case Verbatim(parts):
            match pieces(parts):
                case [Bracketed("(", items, comma)] if len(items) > 1 or comma:
                    return [verbatim(parts_of(item)) for item in items]
                case _:
                    return [node]
        case _:
            return [node]
