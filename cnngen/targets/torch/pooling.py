"""Pooling: PyTorch's layers, and classes of the file for paddings that those do not know."""

from cnngen.python.construct import call, dotted
from cnngen.python.nodes import Call, Display, Node, Unary
from cnngen.targets.torch.use import Use
from cnngen.targets.values import Sides


def avg_pool(made: Use) -> Node:
    padding, use = made.values["padding"], made.speller.use
    if padding == "same":
        return call(use("SameAvgPool2d"), **_window(made))
    named = {
        "ceil_mode": made.unless("ceil", False),
        "count_include_pad": made.unless("count_include_pad", True),
    }
    if isinstance(padding, Sides):
        sides = made.node("padding")
        return call(use("PaddedAvgPool2d"), sides=sides, **_window(made), **named)
    return call("nn.AvgPool2d", **_window(made), padding=made.unless("padding", 0), **named)


def max_pool(made: Use) -> Node:
    padding = made.values["padding"]
    if padding == "same":
        return call(made.speller.use("SameMaxPool2d"), **_window(made))
    ceil = made.unless("ceil", False)
    if isinstance(padding, Sides):
        pool = call("nn.MaxPool2d", **_window(made), ceil_mode=ceil)
        return call("nn.Sequential", _border(padding, made), pool)
    pads = made.unless("padding", 0)
    return call("nn.MaxPool2d", **_window(made), padding=pads, ceil_mode=ceil)


def _window(made: Use) -> dict[str, Node | None]:
    return {"kernel_size": made.node("kernel"), "stride": made.unless("stride", None)}


def _border(sides: Sides, made: Use) -> Call:
    """A border that never wins."""
    made.speller.imports("torch")
    pads = (sides.left, sides.right, sides.top, sides.bottom)
    lowest = Unary("-", dotted("torch.inf"))
    return call("nn.ConstantPad2d", Display("(", tuple(map(made.as_node, pads))), lowest)
