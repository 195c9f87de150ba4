"""Axis: which elements of its input an op reads along one axis, and how long its output is."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from cnngen.ops.base import Image, Op, Shape, ShapeError, Vector
from cnngen.ops.convolution import Conv, DepthwiseConv, SeparableConv, TransposedConv
from cnngen.ops.pooling import AdaptivePool, GlobalPool, Pool
from cnngen.ops.reshaping import Crop, PixelShuffle, Reshape, Upsample, ZeroPad
from cnngen.ops.window import axes


@dataclass(frozen=True, slots=True)
class Slide:
    """Output `i` reads `window` elements that lie `spread` apart, from `i * step - before` on."""

    window: int = 1
    step: int = 1
    spread: int = 1
    before: int = 0


@dataclass(frozen=True, slots=True)
class Enlarge:
    """Output `i` reads element `i // factor`; if `linear`, the two elements around its place."""

    factor: int
    linear: bool = False


@dataclass(frozen=True, slots=True)
class Scatter:
    """Element `t` goes to `window` outputs, from `t * step - before` on."""

    window: int
    step: int
    before: int


@dataclass(frozen=True, slots=True)
class Fixed:
    """The output has the same length, whatever that of the input."""


Movement = Slide | Enlarge | Scatter | Fixed
POINTWISE = Slide()


def movements(op: Op, x: Shape) -> tuple[Movement, Movement]:
    """How an op moves along the height and the width of an input of this shape."""
    match op:
        case Conv() | DepthwiseConv() | SeparableConv():
            return _slides(op, x, op.kernel, op.stride, op.dilation)
        case Pool():
            return _slides(op, x, op.kernel, op.stride or op.kernel, (1, 1))
        case TransposedConv():
            pads = axes(op.padding)
            return (
                Scatter(op.kernel[0], op.stride[0], pads[0][0]),
                Scatter(op.kernel[1], op.stride[1], pads[1][0]),
            )
        case Upsample():
            linear = op.mode == "bilinear"
            return Enlarge(op.scale[0], linear), Enlarge(op.scale[1], linear)
        case PixelShuffle():
            return Enlarge(op.factor), Enlarge(op.factor)
        case ZeroPad():
            (top, _), (left, _) = axes(op.padding)
            return Slide(before=top), Slide(before=left)
        case Crop():
            (top, _), (left, _) = axes(op.padding)
            return Slide(before=-top), Slide(before=-left)
        case GlobalPool() | AdaptivePool() | Reshape():
            return Fixed(), Fixed()
        case _:
            assert not op.sizing, f"nobody has said how `{op.name}` moves"
            return POINTWISE, POINTWISE


def growth(movement: Movement) -> tuple[int, int]:
    """A pair (a, b): an input with `a` more elements along the axis has an output with `b` more."""
    match movement:
        case Slide(step=step):
            return step, 1
        case Enlarge(factor=factor):
            return 1, factor
        case Scatter(step=step):
            return 1, step
        case Fixed():
            return 1, 0
        case _:
            assert_never(movement)


def _slides(
    op: Conv | DepthwiseConv | SeparableConv | Pool,
    x: Shape,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> tuple[Slide, Slide]:
    assert isinstance(x, Image)
    pads = [before for before, _ in axes(op.padding)]
    if op.padding == "same":
        lengths = x.height, x.width
        pads = [
            max((-(-n // step) - 1) * step + (window - 1) * spread + 1 - n, 0) // 2
            for n, step, window, spread in zip(lengths, stride, kernel, dilation, strict=True)
        ]
    return (
        Slide(kernel[0], stride[0], dilation[0], pads[0]),
        Slide(kernel[1], stride[1], dilation[1], pads[1]),
    )


Lengths = tuple[int | None, ...]  # None: too short


@dataclass(frozen=True, slots=True)
class Rulers:
    """How long an op's output is for each length of its input: the op is asked once for each."""

    known: dict[tuple[Any, ...], dict[int | None, int | None]] = field(
        default_factory=dict[tuple[Any, ...], dict[int | None, int | None]]
    )

    def measure(self, op: Op, x: Image, axis: int, lengths: Sequence[int | None]) -> Lengths:
        """The lengths of the output along an axis, where `x` is an input that the op takes."""
        key = (type(op), axis, *(op.values[name] for name in op.sizing))
        ruler = self.known.setdefault(key, {None: None})
        for length in set(lengths) - ruler.keys():
            assert length is not None
            ruler[length] = _length(op, x, axis, length)
        return tuple([ruler[length] for length in lengths])


def _length(op: Op, x: Image, axis: int, length: int) -> int | None:
    changed = replace(x, width=length) if axis else replace(x, height=length)
    try:
        output = op.infer(changed)
    except ShapeError:
        return None
    assert not isinstance(output, Vector)
    return output.width if axis else output.height
