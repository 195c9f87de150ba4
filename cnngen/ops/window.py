"""Sliding windows: how a kernel, a stride and a padding turn a height and a width into others."""

from cnngen.ops.attribute import Padding, Pair
from cnngen.ops.base import Image, Op, ShapeError


def slide(
    op: Op,
    x: Image,
    kernel: Pair,
    stride: Pair,
    padding: Padding,
    dilation: Pair = (1, 1),
    *,
    ceil: bool = False,
) -> Pair:
    """Height and width of what a window gives that slides over `x`."""
    height, width = (
        -(-length // step)
        if padding == "same"
        else _positions(op, length + sum(pads), (window - 1) * spread + 1, step, ceil)
        for length, window, step, pads, spread in zip(
            (x.height, x.width), kernel, stride, axes(padding), dilation, strict=True
        )
    )
    return height, width


def axes(padding: Padding) -> tuple[Pair, Pair]:
    """The pads before and after along the height, and along the width; `same` has no fixed ones."""
    return ((0, 0), (0, 0)) if padding == "same" else (padding[:2], padding[2:])


def _positions(op: Op, length: int, window: int, step: int, ceil: bool) -> int:
    room = length - window + (step - 1 if ceil else 0)
    if room < 0:
        raise ShapeError(
            f"the window of `{op.name}` covers {window}, its padded input only {length}",
            code="empty-output",
            attribute="kernel",
            help="use a smaller kernel, a larger padding, or a smaller stride before it",
        )
    return room // step + 1
