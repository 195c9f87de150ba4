"""Joins of tensors in a `forward`."""

from collections.abc import Sequence

from cnngen.python.construct import call
from cnngen.python.nodes import Attribute, Display, Node, Number
from cnngen.targets.spelling import Speller


def maximum(inputs: Sequence[Node], speller: Speller) -> Node:
    """The largest value at each place; PyTorch has a function for two tensors."""
    speller.imports("torch")
    if len(inputs) == 2:
        return call("torch.maximum", *inputs)
    stacked = call("torch.stack", Display("[", tuple(inputs)))
    return call(Attribute(stacked, "amax"), dim=Number("0"))
