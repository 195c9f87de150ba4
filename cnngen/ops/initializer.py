"""Initial distributions: the words that an `init` may say, and their arguments."""

from dataclasses import dataclass
from typing import Any

from cnngen.ops.attribute import Attribute


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the `init` of an op draws: the `weight` of PyTorch's class `layer`, or of `of_vectors`
    where the op reads vectors.

    The weight is a filter, or a `scale` of channels, which has no number of inputs or outputs to be
    scaled by. PyTorch starts the bias beside a scale at zero, and draws that beside a filter unless
    it is told otherwise. Keras' layer may draw more weights than one: `besides` has the argument
    for each further one, and the op as whose weight it is drawn.
    """

    layer: str
    of_vectors: str = ""
    scale: bool = False
    besides: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Initializer:
    """A word and its arguments; `fans` where it asks how many inputs or outputs a weight has.

    Such a word fits the weights of convolutions and linear layers, but not the scale of a norm.
    """

    word: str
    about: str
    arguments: tuple[Attribute[Any], ...] = ()
    fans: bool = False


def _number(
    name: str,
    about: str,
    default: float,
    *,
    minimum: float | None = None,
    above: float | None = None,
) -> Attribute[float]:
    return Attribute("float", about, default, minimum=minimum, above=above, name=name)


_HE = (
    Attribute[str](
        "choice",
        "keep the variance of the values (`fan_in`) or of the gradients (`fan_out`)",
        "fan_in",
        choices=("fan_in", "fan_out"),
        name="mode",
    ),
    _number("slope", "slope for negative values of the activation that follows", 0.0, minimum=0),
)

INITIALIZERS: dict[str, Initializer] = {
    initializer.word: initializer
    for initializer in (
        Initializer("he_normal", "normal, with a variance of 2 / fan (He et al. 2015)", _HE, True),
        Initializer("he_uniform", "uniform, with a variance of 2 / fan", _HE, True),
        Initializer(
            "xavier_normal", "normal, with a variance of 2 / (fan_in + fan_out)", fans=True
        ),
        Initializer("xavier_uniform", "uniform, with the same variance (Glorot 2010)", fans=True),
        Initializer(
            "lecun_normal", "normal, with a variance of 1 / fan_in, as for `selu`", fans=True
        ),
        Initializer("lecun_uniform", "uniform, with a variance of 1 / fan_in", fans=True),
        Initializer("orthogonal", "orthonormal filters (Saxe et al. 2013)", fans=True),
        Initializer(
            "trunc_normal",
            "normal, drawn again beyond two standard deviations",
            (_number("std", "standard deviation before the truncation", 0.02, above=0),),
        ),
        Initializer(
            "normal", "normal around 0", (_number("std", "standard deviation", 0.01, above=0),)
        ),
        Initializer(
            "uniform", "uniform around 0", (_number("bound", "largest value", 0.05, above=0),)
        ),
        Initializer("zeros", "all 0"),
        Initializer("ones", "all 1"),
        Initializer("constant", "all the same", (_number("value", "the value", 0.0),)),
    )
}
