"""Normalization."""

from collections.abc import Iterator
from decimal import Decimal

from cnngen.ops.attribute import flag, init, integer, number
from cnngen.ops.base import Doubt, Image, Op, Shape, ShapeError, Weights, check_groups, image
from cnngen.ops.initializer import Drawn
from cnngen.ops.keras_layout import AS_IS, PER_FEATURE, InKeras, Spread

NORM_IN_KERAS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
MOST_OF_A_BATCH = 0.5  # in running statistics; Keras' usual 0.9 and 0.99 are the other share


class Normalization(Op, group="normalization"):
    """What gives the shape that it is given, and keeps its weights as Keras' norms do."""

    gives = "same"

    def in_keras(self, weight: str, x: Shape) -> InKeras:
        return InKeras(NORM_IN_KERAS[weight], AS_IS, PER_FEATURE)


class BatchNorm(Normalization, name="batch_norm"):
    """Normalize each channel (of a vector: feature) over the batch, then scale and shift it.

    `momentum` is the share of the new batch in the running statistics, as in PyTorch (Keras counts
    the other share). PyTorch's running variance is unbiased and Keras' is not: in training, the new
    share differs by `N / (N - 1)`, where `N` is the number of values per channel in a batch.
    """

    ranked = True

    eps = number("what is added to the variance", 1e-5, above=0)
    momentum = number("share of the new batch in the running statistics", 0.1, min=0, max=1)
    affine = flag("learn a scale and a shift per channel", True)
    init = init("initial distribution of the scale, which is 1 otherwise")

    buffers = ("running_mean", "running_var")
    drawn = Drawn("nn.BatchNorm2d", of_vectors="nn.BatchNorm1d", scale=True)

    def doubts(self) -> Iterator[Doubt]:
        if self.momentum > MOST_OF_A_BATCH:
            other = 1 - Decimal(str(self.momentum))
            yield Doubt(
                "momentum",
                f"with a `momentum` of {self.momentum}, the newest batch outweighs all before it in"
                " the running statistics",
                f"use {other.normalize():f} if {self.momentum} is meant as in Keras, which counts"
                " the share of the old ones",
            )

    def infer(self, x: Shape) -> Shape:
        if self.init is not None and not self.affine:
            raise ShapeError(
                "without `affine` there is no scale to draw",
                code="out-of-range",
                attribute="init",
                help="remove `init`, or set `affine: true`",
            )
        return x

    def weights(self, x: Shape) -> Weights:
        running: Weights = dict.fromkeys(self.buffers, (_features(x),))
        return _affine(self.affine, x) | running


class LayerNorm(Normalization, name="layer_norm"):
    """Normalize over the channels at each position (of a vector: all features), as in ConvNeXt."""

    ranked = True
    counts_features = True

    eps = number("what is added to the variance", 1e-5, above=0)
    affine = flag("learn a scale and a shift per channel", True)

    def infer(self, x: Shape) -> Shape:
        return x

    def together(self, x: Shape) -> int:
        return _features(x)

    def weights(self, x: Shape) -> Weights:
        return _affine(self.affine, x)


class GroupNorm(Normalization, name="group_norm"):
    """Normalize over groups of adjacent channels and all their positions.

    One group normalizes each sample as a whole, and as many as there are channels is instance norm.
    """

    groups = integer("groups of channels that are normalized together")
    eps = number("what is added to the variance", 1e-5, above=0)
    affine = flag("learn a scale and a shift per channel", True)

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        check_groups(self.groups, input=x.channels)
        return x

    def together(self, x: Image) -> int:
        return x.numbers // self.groups

    def weights(self, x: Image) -> Weights:
        return _affine(self.affine, x)


class InstanceNorm(Normalization, name="instance_norm"):
    """Normalize each map of each sample over its positions, as networks for images' styles do."""

    needs_positions = True

    eps = number("what is added to the variance", 1e-5, above=0)
    affine = flag("learn a scale and a shift per channel", False)

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        if x.height * x.width == 1:
            raise ShapeError(
                "`instance_norm` would make 0 of maps of 1 x 1, whatever they hold",
                help="put it where maps have several positions; `layer_norm` normalizes over"
                " channels",
            )
        return x

    def together(self, x: Image) -> int:
        return x.height * x.width

    def weights(self, x: Image) -> Weights:
        return _affine(self.affine, x)

    def counterpart(self, part: str, x: Image) -> tuple[str, int]:
        return "group_norm", 1


class LocalResponseNorm(Normalization, name="local_response_norm"):
    """Divide by `(k + alpha * mean) ** beta`, the mean being over the squares of near channels.

    TensorFlow and the AlexNet paper take the sum, not the mean: multiply their `alpha` by `size`.
    """

    size = integer("channels in the sum: `size // 2` before, `(size - 1) // 2` after", max=65535)
    alpha = number("factor of the mean of the squares", 1e-4, min=0)
    beta = number("exponent", 0.75, min=0)
    k = number("what is added to the mean", 1.0, above=0)

    def infer(self, x: Shape) -> Image:
        return image(self, x)

    def saves(self, output: Image, x: Image) -> int:
        return 3 * output.numbers  # squares, their sums, and powers of these


class L2Norm(Normalization, name="l2_norm"):
    """Divide the channels at each position by their Euclidean length (of a vector: all features).

    An `affine` behind it learns how large they are, as in SSD.
    """

    eps = number("the least length that they are divided by", 1e-12, min=1e-18)

    def infer(self, x: Shape) -> Shape:
        return x

    def saves(self, output: Shape, x: Shape) -> int:
        positions = x.height * x.width if isinstance(x, Image) else 1
        return 2 * positions  # lengths, and what is divided by


class Affine(Normalization, name="affine"):
    """Scale and shift each channel (of a vector: feature) by learnt amounts, as a norm ends.

    It starts as the identity: the scale at 1, unless `init` says otherwise, and the shift at 0.
    Without `shift` it is the layer scale of ConvNeXt.
    """

    ranked = True

    shift = flag("learn a shift, too", True)
    init = init("initial distribution of the scale, which is 1 otherwise")

    drawn = Drawn("Affine", scale=True)

    def infer(self, x: Shape) -> Shape:
        return x

    def weights(self, x: Shape) -> Weights:
        names = ("weight", "bias") if self.shift else ("weight",)
        return dict.fromkeys(names, (_features(x),))

    def in_keras(self, weight: str, x: Shape) -> InKeras:
        if weight == "bias":
            return InKeras("bias", AS_IS, PER_FEATURE)
        layout = Spread((1, 1, -1, 1)) if isinstance(x, Image) else AS_IS
        return InKeras("kernel", layout, PER_FEATURE)


class Standardize(Normalization, name="standardize"):
    """Less a mean of each channel (of a vector: feature), and divided by a standard deviation.

    Both are statistics of the data, which are stored with the weights, and neither learnt nor
    updated: until they are loaded or set, the mean is 0 and the variance 1. Models that are given
    pixels as they are begin with it.
    """

    keeps = "nothing"

    buffers = ("mean", "variance")

    def infer(self, x: Shape) -> Shape:
        return x

    def weights(self, x: Shape) -> Weights:
        return dict.fromkeys(self.buffers, (_features(x),))

    def in_keras(self, weight: str, x: Shape) -> InKeras:
        return InKeras(weight, AS_IS, PER_FEATURE)


def _features(x: Shape) -> int:
    return x.channels if isinstance(x, Image) else x.features


def _affine(present: bool, x: Shape) -> Weights:
    return {"weight": (_features(x),), "bias": (_features(x),)} if present else {}
