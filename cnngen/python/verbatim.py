"""Text of templates: its brackets, items and operators, told apart by a scan of its characters.

It is not parsed: a scan knows where strings begin and end, which brackets belong together, and
which words and signs stand between operands. The nodes in a text are kept as they are.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cnngen.python.nodes import (
    Attribute,
    Display,
    Keyword,
    Name,
    Node,
    Number,
    String,
    Verbatim,
)


@dataclass(frozen=True, slots=True)
class Operator:
    """A sign or a word between two operands; `if` and `else` too."""

    text: str
    tight: bool = False


@dataclass(frozen=True, slots=True)
class Bracketed:
    """Brackets with items between commas; `comma` says that one stands behind the last."""

    left: str
    items: "tuple[Pieces, ...]"
    comma: bool
    right: str


Piece: TypeAlias = "str | Node | Bracketed | Operator"
Pieces: TypeAlias = "tuple[Piece, ...]"

_PLACE = "\0"  # stands for a node while its text is scanned
_TOKEN = re.compile(
    r"""(?P<string>\b[bfrBFR]{1,2}"(?:[^"\\]|\\.)*"|\b[bfrBFR]{1,2}'(?:[^'\\]|\\.)*'"""
    r"""|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>,\s*)"
    r"|(?P<operator>\s(?:not in|is not|and|or|if|else|in|is|\*\*|//|<<|>>|[=!<>]=|[-+*/%@&|^<>])\s)"
    r"|(?P<power>\*\*(?=[^,)=\s]))(?<=[\w)\]}\0]\*\*)"
    r"|(?P<other>[^\W\d]\w*|.)",
    re.DOTALL,
)
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_WORD = re.compile(r"[^\W\d]\w*")
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_STRING = re.compile(r'"([^"\\]*)"')
_F_STRING = re.compile(r'f"((?:[^"\\{}]|\{[^{}"\\:!]+\})*)"')
_KEYWORD = re.compile(r"([^\W\d]\w*)=(?!=)(.+)", re.DOTALL)
CONSTANTS = ("None", "True", "False")


def read(text: str) -> Node:
    """A node for the text of a template: a name, a number, a string, else the text as it is.

    >>> read("nn.Conv2d"), read("1e-5"), read('"same"')
    (Attribute(value=Name(text='nn'), name='Conv2d'), Number(text='1e-5'), String(parts=('same',)))
    """
    if text in CONSTANTS or _NUMBER.fullmatch(text):
        return Number(text)
    if _DOTTED.fullmatch(text):
        first, *rest = text.split(".")
        node: Node = Name(first)
        for name in rest:
            node = Attribute(node, name)
        return node
    if found := _STRING.fullmatch(text):
        return String((found[1],) if found[1] else ())
    if found := _F_STRING.fullmatch(text):
        parts = re.split(r"\{([^{}]+)\}", found[1])  # texts, and expressions between them
        return String(tuple(read(p) if n % 2 else p for n, p in enumerate(parts) if p))
    return Verbatim((text,))


def argument(text: str) -> Node | Keyword:
    """A node for the text of an argument, which may be named."""
    found = _KEYWORD.fullmatch(text)
    return Keyword(found[1], read(found[2])) if found else read(text)


def verbatim(parts: Iterable[str | Node]) -> Node:
    """Texts and nodes in a row as a node: the only one alone, else all as they are, on one line."""
    kept: list[str | Node] = []
    for part in parts:
        if isinstance(part, str) and kept and isinstance(kept[-1], str):
            kept[-1] += part
        elif part != "":
            kept.append(part)
    texts = [_on_one_line(part) if isinstance(part, str) else part for part in kept]
    if texts and isinstance(texts[0], str):
        texts[0] = texts[0].lstrip()
    if texts and isinstance(texts[-1], str):
        texts[-1] = texts[-1].rstrip()
    match [part for part in texts if part != ""]:
        case [str(text)]:
            return read(text)
        case [node] if not isinstance(node, str):
            return node
        case rest:
            return Verbatim(tuple(rest))


def _on_one_line(text: str) -> str:
    text = re.sub(r"(?<=[(\[{])\s*\n\s*|\s*\n\s*(?=[)\]}])", "", text)
    return re.sub(r"\s*\n\s*", " ", text)


def grouped(node: Node) -> Verbatim:
    """A node in parentheses that it does not need, or whose need its place cannot tell."""
    return Verbatim(("(", node, ")"))


def pieces(text: Verbatim) -> Pieces:
    """The pieces of a text; where brackets do not match, its parts as they are."""
    parts = _flattened(text)
    nodes = [part for part in parts if not isinstance(part, str)]
    joined = "".join(part if isinstance(part, str) else _PLACE for part in parts)
    return _scanned(joined, nodes) or tuple(parts)


def _flattened(text: Verbatim) -> list[str | Node]:
    parts: list[str | Node] = []
    for part in text.parts:
        parts += _flattened(part) if isinstance(part, Verbatim) else [part]
    return parts


def _scanned(text: str, nodes: list[Node]) -> "Pieces | None":
    """None where brackets do not match."""
    places = iter(nodes)
    closing: list[str] = []  # of the brackets that are open
    lefts: list[str] = []
    items: list[list[list[Piece]]] = [[[]]]  # of each of them, and of the text itself
    for token in _TOKEN.finditer(text):
        shown, current = token[0], items[-1][-1]
        match token.lastgroup:
            case "open":
                closing.append(_PAIRS[shown])
                lefts.append(shown)
                items.append([[]])
            case "close":
                if not closing or closing.pop() != shown:
                    return None
                *inside, last = items.pop()
                inside += [last] if last else []
                made = Bracketed(lefts.pop(), _frozen(inside), bool(inside) and not last, shown)
                items[-1][-1].append(made)
            case "comma" if closing:
                items[-1].append([])
            case "operator":
                current.append(Operator(shown.strip()))
            case "power":
                current.append(Operator(shown, tight=True))
            case _:
                for part in re.split(f"({_PLACE})", shown):
                    if part == _PLACE:
                        current.append(next(places))
                    elif part and current and isinstance(current[-1], str):
                        current[-1] += part
                    elif part:
                        current.append(part)
    return None if closing else tuple(items[0][0])


def _frozen(items: Sequence[Sequence[Piece]]) -> tuple[Pieces, ...]:
    return tuple(tuple(item) for item in items)


def rejoined(row: Sequence[Piece]) -> Node:
    """Pieces as a node again."""
    return verbatim(part for piece in row for part in _parts(piece))


def _parts(piece: Piece) -> list[str | Node]:
    match piece:
        case Operator(text, tight):
            return [text if tight else f" {text} "]
        case Bracketed(left, items, comma, right):
            parts: list[str | Node] = [left]
            for n, item in enumerate(items):
                parts += [", "] if n else []
                parts += [part for inner in item for part in _parts(inner)]
            return [*parts, "," if comma else "", right]
        case _:
            return [piece]


def elements(node: Node) -> list[Node]:
    """The elements of a tuple; anything else is its own only element."""
    match node:
        case Display("(" | "bare", items):
            return list(items)
        case Verbatim():
            match pieces(node):
                case [Bracketed("(", items, comma)] if len(items) > 1 or comma or not items:
                    return [rejoined(item) for item in items]
                case _:
                    return [node]
        case _:
            return [node]


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
