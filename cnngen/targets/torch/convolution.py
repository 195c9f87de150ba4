"""Convolutions: PyTorch's layer, and classes of the file for paddings that it does not know."""

from dataclasses import replace

from cnngen.expressions.expression import Expression
from cnngen.ops.base import times
from cnngen.ops.convolution import Conv
from cnngen.python.construct import call
from cnngen.python.nodes import Call, Node
from cnngen.targets.torch.template import from_template, has_template
from cnngen.targets.torch.use import Use
from cnngen.targets.values import Sides, is_constant


def conv(made: Use) -> Node:
    padding = made.values["padding"]
    if computes_pads(made):
        return _layer(made, made.speller.use("SameConv2d"))
    if isinstance(padding, Sides):
        return _layer(made, made.speller.use("PaddedConv2d"), sides=made.node("padding"))
    return conv2d(made)


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


def _layer(
    made: Use, layer: str, *, sides: Node | None = None, padding: Node | None = None
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
    )
