"""Activations whose arguments a flag decides, which may be a parameter."""

from cnngen.python.construct import call, text
from cnngen.python.nodes import Conditional, Node, Number
from cnngen.targets.torch.use import Use
from cnngen.targets.values import is_constant


def prelu(made: Use) -> Node:
    """One slope in all, which is PyTorch's default, or one for each channel."""
    shared, slopes = made.values["shared"], made.as_node(made.channels)
    each: Node | None = Conditional(made.node("shared"), Number("1"), slopes)
    if is_constant(shared, True):
        each = None
    elif is_constant(shared, False):
        each = slopes
    return call("nn.PReLU", each, init=made.unless("start", 0.25))


def gelu(made: Use) -> Node:
    approximate, tanh = made.values["approximate"], text("tanh")
    how: Node | None = Conditional(made.node("approximate"), tanh, text("none"))
    if is_constant(approximate, True):
        how = tanh
    elif is_constant(approximate, False):
        how = None
    return call("nn.GELU", approximate=how)
