"""Nodes that PyTorch code consists of, each made in one line."""

from collections.abc import Sequence

from cnngen.python.construct import dotted, text
from cnngen.python.nodes import (
    Attribute,
    Call,
    Dictionary,
    Display,
    Keyword,
    Name,
    Node,
)

SELF = Name("self")


def call(function: str | Node, *arguments: Node | Keyword, explode: bool = False) -> Call:
    callee = dotted(function) if isinstance(function, str) else function
    return Call(callee, arguments, explode)


def own(name: str) -> Node:
    """`self.name`."""
    return Attribute(SELF, name)


def dictionary(items: Sequence[tuple[str, Node]]) -> Dictionary:
    """`{"name": module, ...}`, one a line."""
    return Dictionary(tuple((text(name), module) for name, module in items), explode=True)


def pairs(items: Sequence[tuple[str, Node]]) -> Display:
    """`[("name", module), ...]`, one a line."""
    listed = tuple(Display("(", (text(name), module)) for name, module in items)
    return Display("[", listed, explode=True)


IDENTITY = call("nn.Identity")
EMPTY = call("nn.Sequential")
CONSTRUCT = Attribute(call("super"), "__init__")
