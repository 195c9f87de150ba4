"""Nodes that Keras code consists of, each made in one line."""

from cnngen.python.nodes import (
    Attribute,
    Call,
    Comprehension,
    Display,
    Name,
    Node,
    Number,
    Subscript,
)

KERAS_TENSOR = "KerasTensor"
NAME = Name("name")


def applied(layer: Node, x: Node) -> Call:
    """`layer(x)`."""
    return Call(layer, (x,))


def number(value: int) -> Number:
    return Number(str(value))


def tuple_of(*items: Node) -> Display:
    return Display("(", items)


def list_of(*items: Node) -> Display:
    return Display("[", items)


def channels_of_all(maps: Node) -> Node:
    """`[each.shape[-1] for each in maps]`."""
    each = Name("each")
    return Comprehension("[", channels_of(each), each, maps)


def channels_of(x: Node) -> Node:
    """`x.shape[-1]`."""
    return Subscript(Attribute(x, "shape"), number(-1))
