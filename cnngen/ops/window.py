"""Sliding windows: how a kernel, a stride and a padding turn a height and a width into others."""

from cnngen.ops.attribute import Padding, Pair
from cnngen.ops.base import Image, Op, ShapeError
from cnngen.ops.movement import Movements, Slide


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
        else _positions(op, length, pads, (window - 1) * spread + 1, step, ceil)
        for length, window, step, pads, spread in zip(
            (x.height, x.width), kernel, stride, axes(padding), dilation, strict=True
        )
    )
    return height, width


def slides(
    x: Image, kernel: Pair, stride: Pair, padding: Padding, dilation: Pair = (1, 1)
) -> Movements:
    """What a window reads that slides over `x`."""
    before = [first for first, _ in axes(padding)]
    if padding == "same":
        before = [
            max((-(-n // step) - 1) * step + (window - 1) * spread + 1 - n, 0) // 2
            for n, step, window, spread in zip(
                (x.height, x.width), stride, kernel, dilation, strict=True
            )
        ]
    return (
        Slide(kernel[0], stride[0], dilation[0], before[0]),
        Slide(kernel[1], stride[1], dilation[1], before[1]),
    )


def axes(padding: Padding) -> tuple[Pair, Pair]:
    """The pads before and after along the height, and along the width; `same` has no fixed ones."""
    return ((0, 0), (0, 0)) if padding == "same" else (padding[:2], padding[2:])


def _positions(op: Op, length: int, pads: Pair, window: int, step: int, ceil: bool) -> int:
    """How many windows there are. With `ceil` the last one may reach beyond the padded input, but
    starts before the end of the input itself.
    """
    padded = length + sum(pads)
    room = padded - window + (step - 1 if ceil else 0)
    if room < 0:
        raise ShapeError(
            f"the window of `{op.name}` covers {window}, its padded input only {padded}",
            code="empty-output",
            attribute="kernel",
            help="use a smaller kernel, a larger padding, or a smaller stride before it",
        )
    positions = room // step + 1
    return min(positions, (pads[0] + length - 1) // step + 1) if ceil else positions
