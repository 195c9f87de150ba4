"""Regularization: what drops values in training, scales up the rest, and rests in inference."""

from cnngen.ops.attribute import number
from cnngen.ops.base import Image, Op, Shape, ShapeError, image


class Regularizer(Op, group="regularization"):
    """What passes its input on in inference, and then keeps what it multiplied by."""

    gives = "same"
    passes = "inference"
    keeps = "nothing"


class Dropout(Regularizer, name="dropout"):
    """Drop single values."""

    rate = number("share of the values to drop", 0.5, min=0, max=1)

    def infer(self, x: Shape) -> Shape:
        return x

    def saves(self, output: Shape, x: Shape) -> int:
        return output.numbers


class ChannelDropout(Regularizer, name="channel_dropout"):
    """Drop whole feature maps, as suits neighbouring pixels that say much the same."""

    rate = number("share of the maps to drop", 0.5, min=0, max=1)

    def infer(self, x: Shape) -> Image:
        return image(self, x)


class AlphaDropout(Regularizer, name="alpha_dropout"):
    """Set single values to the least that `selu` gives, such that mean and variance stay theirs."""

    rate = number("share of the values to drop", 0.5, min=0, max=1)

    def infer(self, x: Shape) -> Shape:
        if self.rate == 1:
            raise ShapeError(
                "`alpha_dropout` cannot keep the variance of values that it drops all",
                code="out-of-range",
                attribute="rate",
                help="write, say, `0.5`",
            )
        return x

    def saves(self, output: Shape, x: Shape) -> int:
        return output.numbers


class DropPath(Regularizer, name="drop_path"):
    """Drop whole samples: at the end of a residual branch, this is stochastic depth."""

    ranked = True

    rate = number("share of the samples to drop", 0.1, min=0, max=1)

    def infer(self, x: Shape) -> Shape:
        return x
