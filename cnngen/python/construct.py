"""Nodes that are made in one line."""

from collections.abc import Sequence

from cnngen.python.document import WIDTH
from cnngen.python.flat import flat
from cnngen.python.nodes import (
    Assign,
    Attribute,
    Call,
    Conditional,
    If,
    Keyword,
    Name,
    Node,
    Statement,
    String,
    with_origin,
)


def dotted(path: str) -> Node:
    """`nn.Conv2d`."""
    first, *rest = path.split(".")
    node: Node = Name(first)
    for name in rest:
        node = Attribute(node, name)
    return node


def call(function: str | Node, *arguments: Node | Keyword | None, **named: Node | None) -> Call:
    """A call without the arguments that are None, for which a default stands."""
    callee = dotted(function) if isinstance(function, str) else function
    given = [argument for argument in arguments if argument is not None]
    keywords = [Keyword(name, value) for name, value in named.items() if value is not None]
    return Call(callee, (*given, *keywords))


def text(value: str) -> String:
    """`"value"`."""
    return String((value,))


def suffixed(name: Node, suffix: str) -> String:
    """A name with something behind it: `"stem_0_pad"`, or `f"{name}_pad"` of a variable."""
    match name:
        case String((*parts, str(last))):
            return String((*parts, last + suffix))
        case String(parts):
            return String((*parts, suffix))
        case _:
            return String((name, suffix))


def if_else(test: Node, then: Sequence[Statement], otherwise: Sequence[Statement]) -> If:
    """`if` and `else`; `elif`, where another `if` is all there is behind `else`."""
    match otherwise:
        case [If(branches)]:
            return If(((test, tuple(then)), *branches))
        case _:
            return If(((test, tuple(then)), (None, tuple(otherwise))))


def joined_choice(
    test: Node, then: Sequence[Statement], otherwise: Sequence[Statement], depth: int
) -> Assign | None:
    """One assignment of two to one name, if it fits in a line inside of so many bodies."""
    match then, otherwise:
        case [Assign(targets) as first], [Assign(others) as second] if targets == others:
            joined = Assign(targets, Conditional(test, _value(first), _value(second)))
            line = " = ".join(flat(part) for part in (*targets, joined.value))
            return joined if 4 * depth + len(line) <= WIDTH else None
        case _:
            return None


def _value(assignment: Assign) -> Node:
    """The value, which takes over what its statement was made from."""
    origin = assignment.origin
    return assignment.value if origin is None else with_origin(assignment.value, origin)
