"""Reshaping: what moves, adds or leaves out values, and computes next to nothing."""

from collections.abc import Mapping

from cnngen.expressions.expression import Apply, Binary, Constant, Expression
from cnngen.ops.attribute import Padding, Sides, choice, integer, integers, number, padding, size
from cnngen.ops.base import Image, Op, Shape, ShapeError, Vector, check_groups, image, plus, vector


class Flatten(Op, name="flatten", group="reshaping"):
    """Feature maps as one vector; a vector passes through.

    PyTorch flattens channel by channel and Keras pixel by pixel; what carries weights across knows.
    """

    passes = "always"
    keeps = "nothing"

    def infer(self, x: Shape) -> Vector:
        if isinstance(x, Vector):
            return x
        pixels = x.height * x.width
        return Vector(x.channels * pixels, (x if pixels > 1 else x.channels,))

    # `channels` leaves out the height and width, which only concrete shapes know.


class Reshape(Op, name="reshape", group="reshaping"):
    """A vector as feature maps: features next to each other become a row of a map.

    The vector must not come from larger maps than 1 x 1, which the frameworks flatten differently.
    """

    passes = "always"
    keeps = "nothing"

    channels_ = integer("channels of the output")
    height = integer("height of the output")
    width = integer("width of the output")

    sizing = ("height", "width")

    def infer(self, x: Shape) -> Image:
        x = vector(self, x)
        if x.flattened:
            raise ShapeError(
                "`reshape` needs features that were not flattened from feature maps",
                help="put a `linear` between `flatten` and `reshape`, or keep the feature maps",
            )
        output = Image(self.channels_, self.height, self.width)
        if output.channels * output.height * output.width != x.features:
            raise ShapeError(
                f"`reshape` cannot make {output} of {x} features",
                help="the product of channels, height and width must be the number of features",
            )
        return output

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return arguments["channels"]


class ZeroPad(Op, name="zero_pad", group="reshaping"):
    """Zeros around each map."""

    keeps = "nothing"

    padding = padding("rows and columns to add", words=())

    sizing = ("padding",)

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        top, bottom, left, right = _sides(self, self.padding)
        return Image(x.channels, x.height + top + bottom, x.width + left + right)


class Crop(Op, name="crop", group="reshaping"):
    """Each map without its border."""

    keeps = "nothing"

    padding = padding("rows and columns to leave out", words=())

    sizing = ("padding",)

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        top, bottom, left, right = _sides(self, self.padding)
        height, width = x.height - top - bottom, x.width - left - right
        if height < 1 or width < 1:
            raise ShapeError(
                f"`crop` leaves nothing of {x}",
                code="empty-output",
                attribute="padding",
                help="crop less, or use a smaller stride before it",
            )
        return Image(x.channels, height, width)


class Upsample(Op, name="upsample", group="reshaping"):
    """Each map enlarged by whole factors.

    `bilinear` takes pixels as areas: the corners of input and output coincide, not the centres of
    their corner pixels (`align_corners=False`).
    """

    keeps = "nothing"

    scale = size("factors of the height and the width")
    mode = choice("how values between pixels are found", "nearest", "bilinear", default="nearest")

    sizing = ("scale",)

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        return Image(x.channels, x.height * self.scale[0], x.width * self.scale[1])


class PixelShuffle(Op, name="pixel_shuffle", group="reshaping"):
    """Maps `factor` times larger, each from the pixels of `factor ** 2` adjacent channels."""

    keeps = "nothing"

    factor = integer("factor of the height and the width", max=65535)

    sizing = ("factor",)

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        if x.channels % self.factor**2:
            raise ShapeError(
                f"`pixel_shuffle` by {self.factor} cannot divide {x.channels} channels"
                f" by {self.factor**2}",
                code="indivisible-channels",
                attribute="factor",
                help=f"give it a multiple of {self.factor**2} channels",
            )
        return Image(x.channels // self.factor**2, x.height * self.factor, x.width * self.factor)

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return Binary("//", inputs[0], Binary("**", arguments["factor"], Constant(2)))


class ChannelShuffle(Op, name="channel_shuffle", group="reshaping"):
    """The first channel of each group, then the second of each, and so on, as in ShuffleNet."""

    keeps = "nothing"

    groups = integer("groups of adjacent channels that are mixed")

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        check_groups(self.groups, input=x.channels)
        return x


class SliceChannels(Op, name="slice_channels", group="reshaping"):
    """The channels from `start` to `stop`, the latter excluded."""

    keeps = "nothing"

    start = integer("first channel, counted from 0", 0, min=0)
    stop = integer("channel after the last")

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        if self.stop > x.channels:
            raise ShapeError(
                f"`slice_channels` stops at {self.stop}, but there are only {x.channels} channels",
                attribute="stop",
                help=f"use `stop: {x.channels}` for all that follow `start`",
            )
        if self.stop <= self.start:
            raise ShapeError(
                f"no channel lies between {self.start} and {self.stop}",
                code="empty-output",
                attribute="stop",
                help="use a `stop` that is larger than `start`",
            )
        return Image(self.stop - self.start, x.height, x.width)

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        start, stop = arguments["start"], arguments["stop"]
        return stop if start == Constant(0) else Binary("-", stop, start)


class GatherChannels(Op, name="gather_channels", group="reshaping"):
    """The channels that a list names, in its order; it may name one several times.

    With a `conv` of as many groups behind it, each output channel reads channels of its own choice.
    """

    keeps = "nothing"

    channels_ = integers("the channels to take, counted from 0")

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        if not self.channels_:
            raise ShapeError(
                "`gather_channels` takes no channel",
                code="empty-output",
                attribute="channels",
                help="list one at least",
            )
        if max(self.channels_) >= x.channels:
            raise ShapeError(
                f"`gather_channels` takes channel {max(self.channels_)},"
                f" but there are only {x.channels} channels",
                code="out-of-range",
                attribute="channels",
                help=f"channels are counted from 0, so the last one is {x.channels - 1}",
            )
        return Image(len(self.channels_), x.height, x.width)

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return Apply("len", (arguments["channels"],))


class PadChannels(Op, name="pad_channels", group="reshaping"):
    """Channels of zeros before and after those of the input."""

    keeps = "nothing"

    before = integer("channels to add before the first", 0, min=0)
    after = integer("channels to add after the last", 0, min=0)

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        return Image(x.channels + self.before + self.after, x.height, x.width)

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return plus(plus(inputs[0], arguments["before"]), arguments["after"])


class Identity(Op, name="identity", group="reshaping"):
    """The input as it is."""

    passes = "always"
    keeps = "nothing"

    def infer(self, x: Shape) -> Shape:
        return x


class Scale(Op, name="scale", group="reshaping"):
    """The input times a constant."""

    keeps = "nothing"

    by = number("the constant")

    def infer(self, x: Shape) -> Shape:
        return x


def _sides(op: Op, padding: Padding) -> Sides:
    if padding != "same":
        return padding
    raise ShapeError(
        f"`{op.name}` has no window, so `same` has no meaning for it",
        code="out-of-range",
        attribute="padding",
        help="write a number, `[height, width]` or `[top, bottom, left, right]`",
    )
