"""Scan: the text of a template -> its brackets, items and operators.

A scan knows where strings begin and end, which brackets belong together, and which words and signs
stand between operands. The nodes in a text are kept as they are.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cnngen.python.nodes import Node, Verbatim


@dataclass(frozen=True, slots=True)
class Operator:
    """A sign or a word between two operands (`if`, `else`, `for` and `:` too), and as it stands
    there.
    """

    text: str
    shown: str


@dataclass(frozen=True, slots=True)
class Bracketed:
    """Brackets with items between commas; `comma` says that one stands behind the last."""

    left: str
    items: "tuple[Pieces, ...]"
    comma: bool
    right: str


Piece: TypeAlias = "str | Node | Bracketed | Operator"
Pieces: TypeAlias = "tuple[Piece, ...]"

_PLACE = "\0"  # stands for a node while the text around it is scanned
_TOKEN = re.compile(
    r"""(?P<string>(?:\b[bfrBFR]{1,2})?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))"""
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>,\s*)"
    r"|(?P<operator>\s(?:not in|is not|and|or|if|else|in|is|for)\s"
    r"|\s(?:\*\*|//|<<|>>|[=!<>]=|[-+*/%@&|^<>])\s|(?<=[\w)\]}\0])\*\*(?=[-\w(\[\0])|\s?:\s?)"
    r"|(?P<other>[^\W\d]\w*|.)",
    re.DOTALL,
)
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_WORD = re.compile(r"[^\W\d]\w*")


def pieces(parts: Sequence[str | Node]) -> Pieces:
    """The pieces of texts and nodes in a row; where brackets do not match, these as they are."""
    flattened = list(_flattened(parts))
    nodes = [part for part in flattened if not isinstance(part, str)]
    text = "".join(part if isinstance(part, str) else _PLACE for part in flattened)
    return _scanned(text, iter(nodes)) or tuple(flattened)


def _flattened(parts: Sequence[str | Node]) -> Iterator[str | Node]:
    for part in parts:
        if isinstance(part, Verbatim) and part.origin is None:
            yield from _flattened(part.parts)
        else:
            yield part


def _scanned(text: str, nodes: Iterator[Node]) -> "Pieces | None":
    """None where brackets do not match."""
    lefts: list[str] = []  # of the brackets that are open
    items: list[list[list[Piece]]] = [[[]]]  # of the text, and of each of these brackets
    for token in _TOKEN.finditer(text):
        shown, current = token[0], items[-1][-1]
        match token.lastgroup:
            case "open":
                lefts.append(shown)
                items.append([[]])
            case "close":
                if not lefts or _PAIRS[lefts[-1]] != shown:
                    return None
                *inside, last = map(tuple, items.pop())
                comma = bool(inside) and not last
                inside += [last] if last else []
                items[-1][-1].append(Bracketed(lefts.pop(), tuple(inside), comma, shown))
            case "comma" if lefts:
                items[-1].append([])
            case "operator":
                current.append(Operator(shown.strip(), shown))
            case _:
                for part in filter(None, re.split(f"({_PLACE})", shown)):
                    if part == _PLACE:
                        current.append(next(nodes))
                    elif current and isinstance(before := current[-1], str):
                        current[-1] = before + part
                    else:
                        current.append(part)
    return None if lefts else tuple(items[0][0])


def parts_of(row: Sequence[Piece]) -> Iterator[str | Node]:
    """The texts and nodes that pieces stand for."""
    for piece in row:
        match piece:
            case Operator(_, shown):
                yield shown
            case Bracketed(left, items, comma, right):
                yield left
                for n, item in enumerate(items):
                    yield from [", "] if n else []
                    yield from parts_of(item)
                yield from [","] if comma else []
                yield right
            case _:
                yield piece


def words(text: str) -> set[str]:
    """The names that a text may read: its words outside of strings, and those in f-strings, but
    not the names of attributes and of arguments.
    """
    found: set[str] = set()
    for token in _TOKEN.finditer(text):
        shown, start, end = token[0], token.start(), token.end()
        if token.lastgroup == "string":
            if "f" in shown[:2].lower() and "{" in shown:
                inside = re.findall(r"\{([^{}]*)\}", shown)
                found |= {word for code in inside for word in words(code)}
        elif _WORD.fullmatch(shown) and not text[:start].endswith("."):
            named = text[end : end + 1] == "=" and text[end : end + 2] != "=="
            found |= set() if named else {shown}
    return found
