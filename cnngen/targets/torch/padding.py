"""Borders that are added or taken away: a number for all sides, one for each axis, or four."""

from cnngen.expressions.expression import ListOf
from cnngen.python.construct import call
from cnngen.python.nodes import Display, Node
from cnngen.targets.torch.use import Use
from cnngen.targets.values import AttributeValue, Sides


def zero_pad(made: Use) -> Node:
    """PyTorch pads the last axis first."""
    match made.values["padding"]:
        case Sides() | ListOf():
            top, bottom, left, right = _sides(made)
            pads = Display("(", tuple(map(made.as_node, (left, right, top, bottom))))
        case number:
            pads = made.as_node(number)
    return call("nn.ZeroPad2d", pads)


def crop(made: Use) -> Node:
    return call(made.speller.use("Crop2d"), *map(made.as_node, _sides(made)))


def _sides(made: Use) -> tuple[AttributeValue, AttributeValue, AttributeValue, AttributeValue]:
    """The padding at the top, the bottom, the left and the right."""
    match made.values["padding"]:
        case Sides(top, bottom, left, right):
            return top, bottom, left, right
        case ListOf((rows, columns)):
            return rows, rows, columns, columns
        case number:
            return number, number, number, number
