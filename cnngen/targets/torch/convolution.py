"""Convolutions: PyTorch's layers, and classes of the file for paddings that those do not know."""

from dataclasses import replace

from cnngen.expressions.expression import Constant, Expression, ListOf
from cnngen.ops.base import times
from cnngen.ops.convolution import Conv
from cnngen.python.construct import call
from cnngen.python.nodes import Call, Node
from cnngen.targets.torch.template import from_template, has_template
from cnngen.targets.torch.use import Use
from cnngen.targets.values import Sides, is_constant, numbers


def conv(made: Use) -> Node:
    padding = made.values["padding"]
    if computes_pads(made):
        return _layer(made, made.speller.use("SameConv2d"))
    if isinstance(padding, Sides):
        return _layer(made, made.speller.use("PaddedConv2d"), sides=made.node("padding"))
    return conv2d(made)


def standardized_conv(made: Use) -> Node:
    padding, use, eps = made.values["padding"], made.speller.use, made.unless("eps", 1e-6)
    if computes_pads(made):
        return _layer(made, use("SameStandardizedConv2d"), eps=eps)
    if isinstance(padding, Sides):
        sides = made.node("padding")
        return _layer(made, use("PaddedStandardizedConv2d"), sides=sides, eps=eps)
    pads = made.unless("padding", 0)
    return _layer(made, use("StandardizedConv2d"), padding=pads, eps=eps)


def conv2d(made: Use) -> Call:
    """A convolution whose padding PyTorch knows."""
    return _layer(made, "nn.Conv2d", padding=made.unless("padding", 0))


def computes_pads(made: Use) -> bool:
    """Whether "same" hangs on the input's size: PyTorch knows it for a stride of 1 alone."""
    return made.values["padding"] == "same" and not is_constant(made.values["stride"], 1)


def depthwise_conv(made: Use) -> Node:
    """A user's template of `conv` is for it, too."""
    grouped = as_grouped(made)
    return from_template(grouped) if has_template(grouped) else conv(grouped)


def as_grouped(made: Use) -> Use:
    """A convolution with a group for each channel as the `conv` that it is."""
    values = {**made.values, "out": depthwise_channels(made), "groups": made.channels}
    return replace(made, op=Conv, values=values)


def depthwise_channels(made: Use) -> Expression:
    """What a convolution of each channel by itself gives."""
    multiplier = made.values["multiplier"]
    assert isinstance(multiplier, Expression)
    return times(made.channels, multiplier)


def transposed_conv(made: Use) -> Node:
    padding, added = made.unless("padding", 0), made.unless("output_padding", 0)
    layer = "nn.ConvTranspose2d"
    if made.values["padding"] == "same":
        if (rests := _rests(made)) is None:
            layer, padding = made.speller.use("SameConvTranspose2d"), None
        else:
            padding = _size(made, [max(rest, 0) // 2 for rest in rests])
            added = _size(made, [max(-rest, 0) for rest in rests])
    return call(
        layer,
        made.as_node(made.channels),
        made.node("out"),
        kernel_size=made.node("kernel"),
        stride=made.unless("stride", 1),
        padding=padding,
        output_padding=added,
        groups=made.unless("groups", 1),
        bias=made.unless("bias", True),
        dilation=made.unless("dilation", 1),
    )


def _rests(made: Use) -> list[int] | None:
    """By how much the window reaches beyond the stride, along both axes; None where that hangs on
    parameters, or where it cannot be taken from both ends alike.
    """
    sizes = [numbers(made.values[name]) for name in ("kernel", "stride", "dilation")]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return None
    rests = [spread * (window - 1) + 1 - step for window, step, spread in zip(*known, strict=True)]
    return None if any(rest > 0 and rest % 2 for rest in rests) else rests


def _size(made: Use, pair: list[int]) -> Node | None:
    """A number for both axes, or a pair; nothing for zeros."""
    first, second = map(Constant, pair)
    if not any(pair):
        return None
    return made.as_node(first if first == second else ListOf((first, second)))


def _layer(
    made: Use,
    layer: str,
    *,
    sides: Node | None = None,
    padding: Node | None = None,
    eps: Node | None = None,
) -> Call:
    return call(
        layer,
        made.as_node(made.channels),
        made.node("out"),
        sides=sides,
        kernel_size=made.node("kernel"),
        stride=made.unless("stride", 1),
        padding=padding,
        dilation=made.unless("dilation", 1),
        groups=made.unless("groups", 1),
        bias=made.unless("bias", True),
        eps=eps,
    )
