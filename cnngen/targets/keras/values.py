"""What is known of the values of attributes: numbers, odd sizes, and paddings that are "same".

Decisions are made on expressions here, before anything is spelled.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cnngen.expressions.algebra import free_names, mentions_input
from cnngen.expressions.expression import (
    Conditional,
    Constant,
    Expression,
    Field,
    ListOf,
    Name,
)
from cnngen.syntax.tree import ArgumentValue, Distribution
from cnngen.targets.values import ONE, AttributeValue, Half, Sides, is_constant, numbers

ZERO = Constant(0)
SAME = "same"
HALF = "half"
"""Paddings in words: that of Keras, and half of an odd window, whatever strides."""


@dataclass(frozen=True, slots=True)
class SameOr:
    """Padding that is "same" where the stride is 1, and else these zeros on opposite sides."""

    stride: Expression
    zeros: "Expression | Half"


Value = AttributeValue | SameOr
"""The value of an attribute in Keras."""


def with_same(
    values: Mapping[str, Value], arguments: Mapping[str, ArgumentValue], odd: Collection[str]
) -> dict[str, Value]:
    """The attributes of a convolution with "same" where that is what its padding is. `odd` are the
    names of sizes that are odd whatever the parameters of the model are.
    """
    padding, stride = values["padding"], values["stride"]
    if isinstance(padding, str | Sides | SameOr) or is_size(padding, 0):
        return dict(values)
    if not _is_half(values, arguments, odd):
        return dict(values)
    if is_size(stride, 1):
        padding = "same"
    elif isinstance(stride, Name | Field) and numbers(padding) is not None:
        padding = SameOr(stride, padding)
    return {**values, "padding": padding}


def pads_half(
    values: Mapping[str, Value], arguments: Mapping[str, ArgumentValue], odd: Collection[str]
) -> bool:
    """Whether a convolution can be told by window and stride how it is padded: half of an odd
    window on each side, which is "same" where the stride is 1.
    """
    padding, unit = values["padding"], is_size(values["stride"], 1)
    if padding == "same":
        return unit or is_size(values["kernel"], 1)
    plain = unit or is_size(values["dilation"], 1)
    return plain and not isinstance(padding, str | Sides) and _is_half(values, arguments, odd)


def _is_half(
    values: Mapping[str, Value], arguments: Mapping[str, ArgumentValue], odd: Collection[str]
) -> bool:
    """Whether the padding on each side is half of what an odd window reaches."""
    kernel = values["kernel"]
    if arguments.get("padding") == Constant("half") and is_always_odd(kernel, odd):
        return True
    return is_centred(kernel, values["padding"], values["dilation"])


def is_always_odd(size: Value, odd: Collection[str]) -> bool:
    """Whether a size is odd numbers, given the names of others that are."""
    match size:
        case Constant(int() as number):
            return number % 2 == 1
        case ListOf(items):
            return all(is_always_odd(item, odd) for item in items)
        case Conditional(_, then, otherwise):
            return is_always_odd(then, odd) and is_always_odd(otherwise, odd)
        case Name(name):
            return name in odd
        case _:
            return False


# --- What is known of a value


def is_number(value: Value, expected: float) -> bool:
    """Whether a value is this number."""
    return is_constant(value, expected)


def is_size(value: Value, expected: int) -> bool:
    """Whether a size is this number in both directions."""
    return numbers(value) == (expected, expected)


def is_true(value: Value) -> bool:
    return is_constant(value, True)


def is_false(value: Value) -> bool:
    return is_constant(value, False)


def is_centred(kernel: Value | None, padding: Value | None, dilation: Value | None = ONE) -> bool:
    """Whether all are numbers, and the padding on each side is half of what the window reaches
    beyond its centre.
    """
    windows, pads, spreads = numbers(kernel), numbers(padding), numbers(dilation)
    if windows is None or pads is None or spreads is None:
        return False
    return all(
        2 * pad == spread * (window - 1)
        for window, pad, spread in zip(windows, pads, spreads, strict=True)
    )


def is_odd(kernel: Value) -> bool:
    """Whether the sides of a window are odd numbers."""
    sides = numbers(kernel)
    return sides is not None and all(side % 2 for side in sides)


def is_closed(value: ArgumentValue | Value) -> bool:
    """Whether a value depends on no name."""
    match value:
        case str():
            return True
        case Sides(top, bottom, left, right):
            return all(map(is_closed, (top, bottom, left, right)))
        case Half() | SameOr():
            return False
        case Distribution(arguments=arguments):
            return all(is_closed(part) for _, part in arguments)
        case _:
            return not free_names(value) and not mentions_input(value)
