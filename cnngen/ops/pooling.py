"""Pooling: one value for each window, for a whole map, or for all channels of a position."""

from collections.abc import Mapping

from cnngen.expressions.expression import Constant, Expression
from cnngen.ops.attribute import choice, flag, integer, optional_size, padding, size
from cnngen.ops.base import Image, Op, Shape, ShapeError, image
from cnngen.ops.movement import Movements, Slide
from cnngen.ops.window import axes, slide, slides

INDEX = 2  # the place of a largest value takes as much as two numbers of float32


class Pool(Op, group="pooling"):
    """What the poolings with a sliding window have in common."""

    kernel = size("height and width of the window")
    stride = optional_size("step of the window; null means the kernel's size")
    padding = padding("border around the input, at most half the kernel wide")
    ceil = flag("round the output's size up: a last window may reach beyond the input", False)

    gives = "image"
    sizing = ("kernel", "stride", "padding", "ceil")

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        stride = self.stride or self.kernel
        alike = all(before == after for before, after in axes(self.padding))
        for window, step, pads in zip(self.kernel, stride, axes(self.padding), strict=True):
            self._check_axis(window, step, pads, alike)
        positions = slide(self, x, self.kernel, stride, self.padding, ceil=self.ceil)
        return Image(x.channels, *positions)

    def moves(self, x: Image) -> Movements:
        return slides(x, self.kernel, self.stride or self.kernel, self.padding)

    def _check_axis(self, window: int, step: int, pads: tuple[int, int], alike: bool) -> None:
        """Make sure that every window covers something of the input. Frameworks see to that where
        they pad themselves: opposite sides `alike`.
        """
        if self.ceil and self.padding == "same":
            raise ShapeError(
                "`ceil` has no meaning with `padding: same`, which rounds up already",
                code="out-of-range",
                attribute="ceil",
                help="leave out one of the two",
            )
        if 2 * max(pads) > window:
            raise ShapeError(
                f"`{self.name}` pads {max(pads)}, more than half of its kernel of {window}",
                code="out-of-range",
                attribute="padding",
                help=f"pad at most {window // 2} here; a `zero_pad` before it may add more",
            )
        if self.ceil and not alike and pads[1] and step + pads[1] > window:
            raise ShapeError(
                f"with `ceil`, a window of `{self.name}` may start beyond the input",
                code="out-of-range",
                attribute="ceil",
                help=f"use a kernel of at least {step + pads[1]}, a smaller stride, no `ceil`, or"
                " a padding that is alike on opposite sides",
            )


class MaxPool(Pool, name="max_pool"):
    """The largest value in each window; the border never wins, whatever the input."""

    def saves(self, output: Image, x: Image) -> int:
        return INDEX * output.numbers


class AvgPool(Pool, name="avg_pool"):
    """The average of each window.

    With `padding: same` the border is never counted: edges average over what they cover. What
    `ceil` adds at the end is not counted either.
    """

    count_include_pad = flag("count the zeros of an explicit padding in the average", True)


class BlurPool(Op, name="blur_pool", group="pooling"):
    """Blur each map by binomial weights (1 2 1 for a kernel of 3), then take every n-th pixel.

    So much lies around the map that `ceil(size / stride)` rows and columns are left (Zhang 2019,
    Making convolutional networks shift-invariant again).
    """

    kernel = integer("rows and columns of the window", 3, min=2, max=31)
    stride = integer("step of the window", 2)
    border = choice(
        "what lies around the map: its pixels as in a mirror, or zeros",
        *("reflect", "zeros"),
        default="reflect",
    )

    gives = "image"
    sizing = ("kernel", "stride", "border")

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        if self.border == "reflect" and self.kernel // 2 >= min(x.height, x.width):
            raise ShapeError(
                f"`blur_pool` with a kernel of {self.kernel} reflects {self.kernel // 2} rows and"
                f" columns beside the outermost, and there are {x.height} x {x.width}",
                code="empty-output",
                attribute="kernel",
                help="use a smaller kernel, or `border: zeros`",
            )
        return Image(x.channels, -(-x.height // self.stride), -(-x.width // self.stride))

    def moves(self, x: Image) -> Movements:
        slide = Slide(self.kernel, self.stride, before=(self.kernel - 1) // 2)
        return slide, slide

    def macs(self, output: Image, x: Image) -> int:
        return output.numbers * self.kernel**2

    def saves(self, output: Image, x: Image) -> int:
        more = self.kernel - 1
        return x.channels * (x.height + more) * (x.width + more)  # with its border


class AdaptivePool(Op, group="pooling"):
    """What the poolings to a given size have in common."""

    size = size("height and width of the output")

    gives = "image"
    sizing = ("size",)
    sets_size = True

    def infer(self, x: Shape) -> Image:
        return Image(image(self, x).channels, *self.size)


class AdaptiveAvgPool(AdaptivePool, name="adaptive_avg_pool"):
    """The average of each of `size` windows that cover the input.

    Window `i` of `m` reaches from `floor(i * n / m)` to `ceil((i + 1) * n / m)` in an input of `n`.
    """


class AdaptiveMaxPool(AdaptivePool, name="adaptive_max_pool"):
    """The largest value in each of `size` windows, which are those of `adaptive_avg_pool`."""

    def saves(self, output: Image, x: Image) -> int:
        return INDEX * output.numbers


class GlobalPool(Op, group="pooling"):
    """What the poolings of whole maps have in common."""

    gives = "image"
    sets_size = True

    def infer(self, x: Shape) -> Image:
        return Image(image(self, x).channels, 1, 1)


class GlobalAvgPool(GlobalPool, name="global_avg_pool"):
    """The average of each map, as C x 1 x 1; write `flatten` after it for a vector."""

    keeps = "nothing"
    flat_in_keras = "GlobalAveragePooling2D"


class GlobalMaxPool(GlobalPool, name="global_max_pool"):
    """The largest value of each map, as C x 1 x 1; write `flatten` after it for a vector."""

    keeps = "both"  # backward looks for the output in the input
    flat_in_keras = "GlobalMaxPooling2D"


class ChannelPool(Op, group="pooling"):
    """What the poolings over channels have in common."""

    gives = "image"

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        return Image(1, x.height, x.width)

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return Constant(1)


class ChannelMean(ChannelPool, name="channel_mean"):
    """The average over the channels at each position, as 1 x H x W."""

    keeps = "nothing"


class ChannelMax(ChannelPool, name="channel_max"):
    """The largest value over the channels at each position, as 1 x H x W."""

    keeps = "both"
