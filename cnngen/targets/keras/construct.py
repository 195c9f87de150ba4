"""Nodes that Keras code consists of, each made in one line."""

from cnngen.python.construct import dotted
from cnngen.python.nodes import (
    Attribute,
    Call,
    Display,
    Keyword,
    Name,
    Node,
    Number,
    Subscript,
)

KERAS_TENSOR = "KerasTensor"
NAME = Name("name")


def call(function: str | Node, *positional: Node | None, **named: Node | None) -> Call:
    """A call without the arguments that are None, for which a default stands."""
    callee = dotted(function) if isinstance(function, str) else function
    given = [argument for argument in positional if argument is not None]
    keywords = [Keyword(name, value) for name, value in named.items() if value is not None]
    return Call(callee, (*given, *keywords))


def applied(layer: Node, x: Node) -> Call:
    """`layer(x)`."""
    return Call(layer, (x,))


def number(value: int) -> Number:
    return Number(str(value))


def tuple_of(*items: Node) -> Display:
    return Display("(", items)


def list_of(*items: Node) -> Display:
    return Display("[", items)


def channels_of(x: Node) -> Node:
    """`x.shape[-1]`."""
    return Subscript(Attribute(x, "shape"), number(-1))
