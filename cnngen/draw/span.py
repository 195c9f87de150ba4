"""Spans: a number for several uses of a block as one text that is true of all."""

from collections.abc import Collection

from cnngen.ops.base import Image, Shape


def spanned(numbers: Collection[int]) -> str:
    """`64`, or `16–256`."""
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low}–{high}"


def spanned_shape(shapes: Collection[Shape]) -> str:
    """`64 x 56 x 56`, or `64–224 x 56 x 56`; shapes of one rank. Empty where there are none."""
    if not shapes:
        return ""
    images = [shape for shape in shapes if isinstance(shape, Image)]
    if images:
        axes = zip(*((each.channels, each.height, each.width) for each in images), strict=True)
        return " x ".join(map(spanned, axes))
    return spanned([shape.numbers for shape in shapes])
