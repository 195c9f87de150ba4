"""Regularization: what drops values in training, scales up the rest, and rests in inference."""

from cnngen.ops.base import Image, Op, Shape, image, number


class Dropout(Op, name="dropout", group="regularization"):
    """Drop single values."""

    rate = number("share of the values to drop", 0.5, min=0, max=1)

    def infer(self, x: Shape) -> Shape:
        return x


class ChannelDropout(Op, name="channel_dropout", group="regularization"):
    """Drop whole feature maps, as suits neighbouring pixels that say much the same."""

    rate = number("share of the maps to drop", 0.5, min=0, max=1)

    def infer(self, x: Shape) -> Image:
        return image(self, x)


class DropPath(Op, name="drop_path", group="regularization"):
    """Drop whole samples: at the end of a residual branch, this is stochastic depth."""

    ranked = True

    rate = number("share of the samples to drop", 0.1, min=0, max=1)

    def infer(self, x: Shape) -> Shape:
        return x
