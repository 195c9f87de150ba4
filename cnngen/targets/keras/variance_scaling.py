"""Normal and uniform distributions whose variance follows from a kernel's fans, as PyTorch counts
them.

A depthwise kernel (height, width, channels, multiplier) has one input channel for each output in
PyTorch, and feeds all of them. Keras takes the last two axes for its inputs and outputs: for a
multiplier of 1 the fans are swapped, and for others only newer versions of Keras (3.15) can be told
the axes.
"""

from collections.abc import Mapping

from cnngen.expressions.expression import Expression
from cnngen.python.construct import call, text
from cnngen.python.nodes import Binary, Node, Number
from cnngen.targets.keras.construct import number, tuple_of
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.values import Value, is_number

NORMAL, UNIFORM = "untruncated_normal", "uniform"
DISTRIBUTIONS = {
    "he_normal": NORMAL,
    "he_uniform": UNIFORM,
    "lecun_normal": NORMAL,
    "lecun_uniform": UNIFORM,
    "xavier_normal": NORMAL,
    "xavier_uniform": UNIFORM,
}
DEPTHWISE = ("depthwise_conv", "separable_conv")
SWAPPED = {"fan_in": "fan_out", "fan_out": "fan_in", "fan_avg": "fan_avg"}
INPUTS = tuple_of(number(0), number(1))
OUTPUTS = tuple_of(number(0), number(1), number(2), number(3))


def variance_scaling(
    word: str,
    arguments: Mapping[str, Expression | str],
    kind: str,
    multiplier: Value,
    scope: Scope,
) -> Node | None:
    """The initializer for a layer of a kind; None where Keras draws so of its own accord."""
    depthwise = kind in DEPTHWISE
    if word == "xavier_uniform" and not depthwise:
        return None
    mode = "fan_avg" if word.startswith("xavier") else str(arguments.get("mode", "fan_in"))
    inputs: Node | None = None
    outputs: Node | None = None
    if depthwise and is_number(multiplier, 1):
        mode = SWAPPED[mode]
    elif depthwise:
        inputs, outputs = INPUTS, OUTPUTS
    scope.speller.imports("keras.initializers", "VarianceScaling")
    return call(
        "VarianceScaling",
        _gain(arguments["slope"], scope) if "slope" in arguments else None,
        mode=None if mode == "fan_in" else text(mode),
        distribution=text(DISTRIBUTIONS[word]),
        input_axes=inputs,
        output_axes=outputs,
    )


def _gain(slope: Expression | str, scope: Scope) -> Node:
    """The variance that He initialization asks for, times the fan: `2 / (1 + slope**2)`."""
    assert not isinstance(slope, str)
    if is_number(slope, 0):
        return Number("2.0")
    square = Binary("**", scope.node(slope), number(2))
    return Binary("/", Number("2.0"), Binary("+", number(1), square))
