"""Reshaping: what moves, adds or leaves out values, and computes next to nothing."""

from collections.abc import Mapping

from cnngen.expressions.expression import Binary, Constant, Expression
from cnngen.ops.attribute import (
    Padding,
    Sides,
    choice,
    flag,
    integer,
    number,
    padding,
    size,
    tensor,
)
from cnngen.ops.base import Image, Op, Shape, ShapeError, Vector, image, times
from cnngen.ops.movement import Enlarge, Movements, Slide, Stretch
from cnngen.ops.window import axes


class Flatten(Op, name="flatten", group="reshaping"):
    """Feature maps as one vector; a vector passes through.

    PyTorch flattens channel by channel and Keras pixel by pixel; what carries weights across knows.
    """

    gives = "vector"
    flattens = True
    passes = "always"
    keeps = "nothing"

    def infer(self, x: Shape) -> Vector:
        if isinstance(x, Vector):
            return x
        pixels = x.height * x.width
        return Vector(x.channels * pixels, (x if pixels > 1 else x.channels,))


class Reshape(Op, name="reshape", group="reshaping"):
    """The same numbers as maps of another shape: those next to each other become a row of a map.

    It takes what both frameworks have in one order: a vector that was not flattened from maps,
    maps of 1 x 1, or one map alone, of any size.
    """

    gives = "image"
    ranked = True
    refuses_flattened = True
    passes = "always"
    keeps = "nothing"

    channels_ = integer("channels of the output")
    height = integer("height of the output")
    width = integer("width of the output")

    sizing = ("height", "width")
    sets_size = True

    def infer(self, x: Shape) -> Image:
        if isinstance(x, Image) and x.reordered:
            raise ShapeError(
                f"`reshape` takes one map, or maps of 1 x 1, and not {x}",
                help="put `global_avg_pool` or `channel_mean` before it: PyTorch goes through maps"
                " one by one, and Keras through positions",
            )
        if isinstance(x, Vector) and x.flattened:
            raise ShapeError(
                "`reshape` needs features that were not flattened from feature maps",
                help="put a `linear` between `flatten` and `reshape`, or keep the feature maps",
            )
        output = Image(self.channels_, self.height, self.width)
        if output.numbers != x.numbers:
            given = f"{x} features" if isinstance(x, Vector) else x
            raise ShapeError(
                f"`reshape` cannot make {output} of {given}",
                help=f"the product of channels, height and width must be {x.numbers}",
            )
        return output

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return arguments["channels"]


class ZeroPad(Op, name="zero_pad", group="reshaping"):
    """Zeros around each map."""

    gives = "image"
    keeps = "nothing"

    padding = padding("rows and columns to add", words=())

    sizing = ("padding",)

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        top, bottom, left, right = _sides(self, self.padding)
        return Image(x.channels, x.height + top + bottom, x.width + left + right)

    def moves(self, x: Image) -> Movements:
        (top, _), (left, _) = axes(self.padding)
        return Slide(before=top), Slide(before=left)


class Crop(Op, name="crop", group="reshaping"):
    """Each map without its border."""

    gives = "image"
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

    def moves(self, x: Image) -> Movements:
        (top, _), (left, _) = axes(self.padding)
        return Slide(before=-top), Slide(before=-left)


class Upsample(Op, name="upsample", group="reshaping"):
    """Each map enlarged by whole factors.

    `bilinear` takes pixels as areas: the corners of input and output coincide, not the centres of
    their corner pixels; with `align_corners` it is the other way round.
    """

    gives = "image"
    keeps = "nothing"

    scale = size("factors of the height and the width")
    mode = choice("how values between pixels are found", "nearest", "bilinear", default="nearest")
    align_corners = flag("let `bilinear` leave the centres of corner pixels in place", False)

    sizing = ("scale",)
    float32_inside = 1e-6  # bilinear

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        if self.align_corners and self.mode == "nearest":
            raise _no_corners()
        return Image(x.channels, x.height * self.scale[0], x.width * self.scale[1])

    def rounding(self, x: Image) -> float:
        return self.float32_inside if self.mode == "bilinear" else 0.0

    def moves(self, x: Image) -> Movements:
        (rows, columns), linear = self.scale, self.mode == "bilinear"
        if self.align_corners:
            return Enlarge(rows, linear, x.height), Enlarge(columns, linear, x.width)
        return Enlarge(rows, linear), Enlarge(columns, linear)


class Resize(Op, name="resize", group="reshaping"):
    """Each map with the height and width of other maps, whatever these are.

    `bilinear` takes pixels as areas, unless the centres of corner pixels are aligned; `nearest`
    copies the pixel in which the first corner of the new one lies.
    """

    gives = "image"
    sized_like = True
    keeps = "nothing"
    float32_inside = 1e-6  # bilinear

    like = tensor("the maps whose height and width it takes; of them it reads nothing else")
    mode = choice("how values between pixels are found", "nearest", "bilinear", default="nearest")
    align_corners = flag("let `bilinear` leave the centres of corner pixels in place", False)

    def infer(self, x: Shape, like: Shape) -> Image:
        x = image(self, x)
        if not isinstance(like, Image):
            raise ShapeError(
                f"`like` needs feature maps (C x H x W), not a vector of {like}",
                attribute="like",
                label="a vector",
                help="name what is there before `flatten`",
            )
        if self.align_corners and self.mode == "nearest":
            raise _no_corners()
        return Image(x.channels, like.height, like.width)

    def rounding(self, x: Image, like: Image) -> float:
        """TensorFlow finds places in float32: the further from the first pixel, the worse."""
        place = 2.0**-23 * max(x.height, x.width)
        return max(self.float32_inside, place) if self.mode == "bilinear" else 0.0

    def moves(self, x: Image, like: Image) -> Movements:
        linear, aligned = self.mode == "bilinear", self.align_corners
        return (
            Stretch(x.height, like.height, linear, aligned),
            Stretch(x.width, like.width, linear, aligned),
        )


class PixelShuffle(Op, name="pixel_shuffle", group="reshaping"):
    """Maps `factor` times larger, each from the pixels of `factor ** 2` adjacent channels."""

    gives = "image"
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

    def moves(self, x: Image) -> Movements:
        return Enlarge(self.factor), Enlarge(self.factor)

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return Binary("//", inputs[0], Binary("**", arguments["factor"], Constant(2)))


class PixelUnshuffle(Op, name="pixel_unshuffle", group="reshaping"):
    """Maps `factor` times smaller, of which `factor ** 2` adjacent ones have the pixels of one map.

    It is the inverse of `pixel_shuffle`, and makes maps smaller without losing a value.
    """

    gives = "image"
    keeps = "nothing"

    factor = integer("divisor of the height and the width", max=65535)

    sizing = ("factor",)

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        bottom, right = -x.height % self.factor, -x.width % self.factor
        if bottom or right:
            raise ShapeError(
                f"`pixel_unshuffle` cannot divide maps of {x.height} x {x.width} by {self.factor}",
                attribute="factor",
                help=f"write `zero_pad: {{padding: [0, {bottom}, 0, {right}]}}` before it, which"
                f" gives {x.height + bottom} x {x.width + right}",
            )
        return Image(x.channels * self.factor**2, x.height // self.factor, x.width // self.factor)

    def moves(self, x: Image) -> Movements:
        slide = Slide(window=self.factor, step=self.factor)
        return slide, slide

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return times(inputs[0], Binary("**", arguments["factor"], Constant(2)))


class Identity(Op, name="identity", group="reshaping"):
    """The input as it is."""

    gives = "same"
    is_identity = True
    passes = "always"
    keeps = "nothing"

    def infer(self, x: Shape) -> Shape:
        return x


class Scale(Op, name="scale", group="reshaping"):
    """The input times a constant."""

    gives = "same"
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


def _no_corners() -> ShapeError:
    return ShapeError(
        "`nearest` copies pixels, so it has no corners to align",
        code="out-of-range",
        attribute="align_corners",
        help="write `mode: bilinear`, or leave `align_corners` out",
    )
