"""Nodes that PyTorch code consists of, each made in one line."""

from collections.abc import Sequence

from cnngen.python.construct import call, dotted, text
from cnngen.python.nodes import (
    Attribute,
    Dictionary,
    Display,
    Name,
    Node,
)

SELF = Name("self")


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
SEQUENTIAL = dotted("nn.Sequential")
EMPTY = call(SEQUENTIAL)
EMPTY_LIST = call("nn.ModuleList")
CONSTRUCT = Attribute(call("super"), "__init__")
