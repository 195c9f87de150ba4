"""Activations: functions of each value, and softmax."""

from cnngen.ops.attribute import flag, number
from cnngen.ops.base import Image, Op, Shape, Weights
from cnngen.ops.keras_layout import AS_IS, PER_FEATURE, InKeras, Spread


class Activation(Op, group="activation"):
    """What gives the shape that it is given."""

    gives = "same"

    def infer(self, x: Shape) -> Shape:
        return x


class Relu(Activation, name="relu"):
    """`max(x, 0)`."""

    keeps = "output"
    in_place = True


class Relu6(Activation, name="relu6"):
    """`min(max(x, 0), 6)`."""

    in_place = True


class Abs(Activation, name="abs"):
    """The absolute value."""


class LeakyRelu(Activation, name="leaky_relu"):
    """`x` where it is positive, `slope * x` elsewhere."""

    slope = number("slope for negative values", 0.01, min=0)

    float32_inside = 1e-7


class Prelu(Activation, name="prelu"):
    """A `leaky_relu` that learns its slope: one per channel (of a vector: feature), or only one."""

    shared = flag("learn one slope for all channels", False)
    start = number("initial slope", 0.25)

    ranked = True

    def weights(self, x: Shape) -> Weights:
        features = x.channels if isinstance(x, Image) else x.features
        return {"weight": (1 if self.shared else features,)}

    def in_keras(self, weight: str, x: Shape) -> InKeras:
        layout = Spread((1, 1, -1)) if isinstance(x, Image) else AS_IS
        return InKeras("alpha", layout, None if self.shared else PER_FEATURE)


class Elu(Activation, name="elu"):
    """`x` where it is positive, `alpha * (exp(x) - 1)` elsewhere."""

    alpha = number("the limit for negative values is `-alpha`", 1.0)


class Selu(Activation, name="selu"):
    """The `elu` that keeps mean 0 and variance 1, scaled by 1.0507 with an alpha of 1.6733."""


class Gelu(Activation, name="gelu"):
    """`x` times the normal distribution function of `x`."""

    approximate = flag("use the approximation by tanh, as GPT-2 does", False)

    float32_inside = 1e-7


class Silu(Activation, name="silu"):
    """`x * sigmoid(x)`, also known as swish."""


class Sigmoid(Activation, name="sigmoid"):
    """`1 / (1 + exp(-x))`."""

    keeps = "output"


class Tanh(Activation, name="tanh"):
    """Hyperbolic tangent."""

    keeps = "output"


class HardTanh(Activation, name="hard_tanh"):
    """`min(max(x, -1), 1)`."""

    in_place = True


class HardSwish(Activation, name="hard_swish"):
    """`x * relu6(x + 3) / 6`, as in MobileNetV3."""


class HardSigmoid(Activation, name="hard_sigmoid"):
    """`relu6(x + 3) / 6`, as in MobileNetV3."""

    float32_inside = 1e-7


class Mish(Activation, name="mish"):
    """`x * tanh(softplus(x))`, as in YOLOv4."""


class Softplus(Activation, name="softplus"):
    """`log(1 + exp(x))`."""


class Softmax(Activation, name="softmax"):
    """Positive numbers that sum to 1 over the channels of each position (of a vector: features).

    Classifiers rarely need it: the loss functions of both frameworks can take logits.
    """

    keeps = "output"


class LogSoftmax(Activation, name="log_softmax"):
    """The logarithm of `softmax`, found without computing that, so that no probability becomes 0.

    Losses that take logits take it themselves; PyTorch's `NLLLoss` takes its output.
    """

    keeps = "output"
