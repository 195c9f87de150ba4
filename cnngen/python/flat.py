"""Flat text: an expression on one line, with the spaces and parentheses of `ruff format`."""

from typing import assert_never

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
    Slice,
    Starred,
    String,
    Subscript,
    Unary,
    Verbatim,
)
from cnngen.python.precedence import (
    ATOM,
    BIT_OR,
    CONDITIONAL,
    OR,
    TUPLE,
    level,
    operand_levels,
    unary_level,
)


def flat(node: Node | Keyword, minimum: int = TUPLE) -> str:
    """The text of a node, in parentheses if it binds less than its place asks for.

    >>> from cnngen.python.nodes import Binary, Name
    >>> flat(Binary("*", Name("a"), Binary("+", Name("b"), Name("c"))))
    'a * (b + c)'
    """
    if isinstance(node, Keyword):
        return f"{node.name}={flat(node.value, CONDITIONAL)}"
    text = _text(node)
    return f"({text})" if level(node) < minimum else text


def _text(node: Node) -> str:
    match node:
        case Name(text) | Number(text):
            return text
        case String(parts):
            return string(parts)
        case Attribute(value, name):
            return f"{flat(value, ATOM)}.{name}"
        case Subscript(value, index):
            return f"{flat(value, ATOM)}[{flat(index)}]"
        case Slice():
            return _slice(node)
        case Starred(value):
            return f"*{flat(value, BIT_OR)}"
        case Call(function, arguments):
            return f"{flat(function, ATOM)}({_listed(arguments, node.explode)})"
        case Unary(operator, operand):
            sign = "-" if operator == "-" else "not "
            return f"{sign}{flat(operand, unary_level(operator, operand))}"
        case Binary(operator, left, right):
            first, second = operand_levels(operator)
            sign = operator if hugs(node) else f" {operator} "
            return f"{flat(left, first)}{sign}{flat(right, second)}"
        case Conditional(test, then, otherwise):
            return f"{flat(then, OR)} if {flat(test, OR)} else {flat(otherwise, CONDITIONAL)}"
        case Display(kind, items):
            inside = _listed(items, node.explode or (kind != "[" and len(items) == 1))
            return inside if kind == "bare" else f"{kind}{inside}{')' if kind == '(' else ']'}"
        case Dictionary(items):
            entries = [f"{flat(k, CONDITIONAL)}: {flat(v, CONDITIONAL)}" for k, v in items]
            return f"{{{', '.join(entries)}{',' if node.explode and items else ''}}}"
        case Comprehension(kind, element, target, iterable):
            inside = f"{flat(element, CONDITIONAL)} for {flat(target)} in {flat(iterable, OR)}"
            return f"{kind}{inside}{CLOSING[kind]}"
        case Verbatim(parts):
            return "".join(part if isinstance(part, str) else flat(part) for part in parts)
        case _:
            assert_never(node)


CLOSING = {"[": "]", "(": ")", "": ""}


def _listed(items: tuple[Node | Keyword, ...], comma: bool) -> str:
    """Items of a call or a display; a comma behind the last asks for one a line."""
    inside = ", ".join(flat(item, CONDITIONAL) for item in items)
    return f"{inside}," if comma and items else inside


def string(parts: "tuple[str | Node, ...]") -> str:
    """A string between double quotes, unless single ones save escapes."""
    formatted = any(not isinstance(part, str) for part in parts)
    texts = [part for part in parts if isinstance(part, str)]
    quote = "'" if any('"' in text for text in texts) and not any("'" in t for t in texts) else '"'
    inside = "".join(
        _escaped(part, quote, formatted) if isinstance(part, str) else f"{{{flat(part)}}}"
        for part in parts
    )
    return f"{'f' if formatted else ''}{quote}{inside}{quote}"


def _escaped(text: str, quote: str, formatted: bool) -> str:
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    )
    return shown.replace("{", "{{").replace("}", "}}") if formatted else shown


def _slice(node: Slice) -> str:
    bounds = [bound for bound in (node.start, node.stop, node.step) if bound is not None]
    first, last, step = (
        flat(bound, CONDITIONAL) if bound is not None else ""
        for bound in (node.start, node.stop, node.step)
    )
    if all(_is_short_bound(bound) for bound in bounds):
        return f"{first}:{last}:{step}" if step else f"{first}:{last}"
    ends = f" {last} " if last else ""
    return f"{first} :{ends}: {step}".strip() if step else f"{first} :{ends}".strip()


def _is_short_bound(bound: Node) -> bool:
    match bound:
        case Name() | Number() | String():
            return True
        case Unary("-", operand):
            return _is_short_bound(operand)
        case _:
            return False


def hugs(power: Binary) -> bool:
    """Whether no spaces surround the operator: that of a power of names and numbers."""
    right = power.right
    if isinstance(right, Binary) and right.operator == "**" and level(right.left) == ATOM:
        right = right.left
    left = power.left
    return power.operator == "**" and level(left) == ATOM and _is_simple(left) and _is_simple(right)


def _is_simple(operand: Node) -> bool:
    match operand:
        case Name() | Number():
            return True
        case Attribute(value):
            return _is_simple(value)
        case Unary("-", inner):
            return _is_simple(inner)
        case _:
            return False
