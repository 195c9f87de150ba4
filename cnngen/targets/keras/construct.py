"""Nodes that Keras code consists of, each made in one line."""

from cnngen.python.nodes import (
    Attribute,
    Call,
    Display,
    Keyword,
    Name,
    Node,
    Number,
    String,
    Subscript,
)

KERAS_TENSOR = "KerasTensor"
NAME = Name("name")


def dotted(path: str) -> Node:
    """`layers.Dense`."""
    first, *rest = path.split(".")
    node: Node = Name(first)
    for name in rest:
        node = Attribute(node, name)
    return node


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


def text(value: str) -> String:
    return String((value,))


def tuple_of(*items: Node) -> Display:
    return Display("(", items)


def list_of(*items: Node) -> Display:
    return Display("[", items)


def channels_of(x: Node) -> Node:
    """`x.shape[-1]`."""
    return Subscript(Attribute(x, "shape"), number(-1))


def suffixed(name: Node, suffix: str) -> Node:
    """The name of a layer with something behind it: `f"{name}_pad"`."""
    if not isinstance(name, String):
        return String((name, suffix))
    *parts, last = name.parts
    if isinstance(last, str):
        return String((*parts, last + suffix))
    return String((*parts, last, suffix))
