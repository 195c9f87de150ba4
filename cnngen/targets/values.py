"""The values of an op's attributes, for targets to decide on before anything is spelled: sizes, and
paddings that opposite sides share.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cnngen.expressions.algebra import simplify
from cnngen.expressions.expression import (
    Binary,
    Conditional,
    Constant,
    Expression,
    ListOf,
    Name,
)
from cnngen.ops.base import Op
from cnngen.python.construct import call, text
from cnngen.python.nodes import Display, Node
from cnngen.semantics.types import Types, is_pair
from cnngen.semantics.words import arms
from cnngen.syntax.tree import ArgumentValue, Distribution
from cnngen.targets.limits import PAIR

ONE = Constant(1)


@dataclass(frozen=True, slots=True)
class Sides:
    """Padding of which opposite sides differ."""

    top: Expression
    bottom: Expression
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Half:
    """Half of what a window reaches, where a parameter may be one number or a pair."""

    kernel: Expression
    dilation: Expression


AttributeValue = Expression | Sides | Half | str
"""The value of an attribute; a word, such as `same`, is text."""


def attribute_values(
    op: type[Op], arguments: Mapping[str, ArgumentValue], types: Types
) -> dict[str, AttributeValue]:
    """The attributes of an op but for its initial distribution, and for tensors that it reads."""
    values: dict[str, AttributeValue] = {}
    for name, attribute in op.attributes.items():
        value = arguments[name]
        if attribute.kind in ("init", "tensor") or isinstance(value, Distribution):
            continue
        match attribute.kind:
            case "choice":
                values[name] = (
                    value.name if isinstance(value, Name) else str(getattr(value, "value", ""))
                )
            case "padding":
                if "kernel" not in op.attributes and is_pair(value, types):
                    PAIR.refuse()
                values[name] = _padding(value, arguments, types)
            case "ints" | "table":
                values[name] = value
            case _:
                values[name] = _size(value)
    return values


def _size(value: Expression) -> Expression:
    """A number, or a pair where its halves differ."""
    if isinstance(value, ListOf) and len(value.items) == 2 and value.items[0] == value.items[1]:
        return value.items[0]
    return value


def _padding(
    value: Expression, arguments: Mapping[str, ArgumentValue], types: Types
) -> AttributeValue:
    if isinstance(value, Conditional) and Constant("half") in arms(value):
        then, otherwise = (_padding(arm, arguments, types) for arm in (value.then, value.otherwise))
        if isinstance(then, Expression) and isinstance(otherwise, Expression):
            return simplify(Conditional(value.test, then, otherwise), count=False)
    if value == Constant("same"):
        return "same"
    if value == Constant("half"):
        return _half(arguments["kernel"], arguments.get("dilation", ONE), types)
    if isinstance(value, ListOf) and len(value.items) == 4:
        top, bottom, left, right = value.items
        if top == bottom and left == right:
            return _size(ListOf((top, left)))
        return Sides(top, bottom, left, right)
    return _size(value)


def _half(kernel: ArgumentValue, dilation: ArgumentValue, types: Types) -> AttributeValue:
    """`dilation * (kernel - 1) // 2`, for each direction where they differ."""
    assert not isinstance(kernel, Distribution) and not isinstance(dilation, Distribution)
    if is_pair(kernel, types) or is_pair(dilation, types):
        return Half(kernel, dilation)
    kernels = kernel.items if isinstance(kernel, ListOf) else (kernel, kernel)
    dilations = dilation.items if isinstance(dilation, ListOf) else (dilation, dilation)
    pairs = zip(kernels, dilations, strict=True)
    return _size(ListOf(tuple(_half_of(window, spread) for window, spread in pairs)))


def _half_of(kernel: Expression, dilation: Expression) -> Expression:
    reach: Expression = Binary("-", kernel, ONE)
    if dilation != ONE:
        reach = Binary("*", dilation, reach)
    return simplify(Binary("//", reach, Constant(2)))


# --- What is done with a value


def mapped(value: AttributeValue, change: Callable[[Expression], Expression]) -> AttributeValue:
    """A value whose expressions are changed."""
    match value:
        case str():
            return value
        case Sides(top, bottom, left, right):
            return Sides(change(top), change(bottom), change(left), change(right))
        case Half(kernel, dilation):
            return Half(change(kernel), change(dilation))
        case _:
            return change(value)


def value_node(
    value: AttributeValue, node: Callable[[Expression], Node], use: Callable[[str], str]
) -> Node:
    """A value as a node of Python: `node` makes one of an expression, and `use` asks for a piece of
    support.
    """
    match value:
        case str():
            return text(value)
        case Sides(top, bottom, left, right):
            return Display("(", tuple(map(node, (top, bottom, left, right))))
        case Half(kernel, dilation) if dilation == ONE:
            return call(use("half"), node(kernel))
        case Half(kernel, dilation):
            return call(use("dilated_half"), node(kernel), node(dilation))
        case _:
            return node(value)


def is_constant(value: object, expected: float | bool | None) -> bool:
    """Whether a value is this constant: `1e-05` is `1e-5`, but `true` is not 1."""
    match value:
        case Constant(found):
            return isinstance(found, bool) == isinstance(expected, bool) and found == expected
        case _:
            return False


def numbers(value: object) -> tuple[int, int] | None:
    """The numbers that a size stands for, where it is constant."""
    match value:
        case Constant(int() as both) if not isinstance(both, bool):
            return both, both
        case ListOf((Constant(int() as height), Constant(int() as width))):
            return height, width
        case _:
            return None
