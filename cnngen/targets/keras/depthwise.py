"""Grouped convolutions with a group for each channel, for which Keras has a layer of its own.

Its `Conv2D` computes them, too, but 5 to 25 times as slowly on a CPU, and a training step with a
multiplier some 800 times (`benchmarks/groups.py`).
"""

from collections.abc import Mapping

from cnngen.expressions.algebra import equal, multiply, simplify, substitute
from cnngen.expressions.expression import Binary, Constant, Expression
from cnngen.ops.convolution import Conv, DepthwiseConv
from cnngen.plan.program import Call, Choice, Loop, Program, Region
from cnngen.semantics.network import Layer
from cnngen.syntax.tree import ArgumentValue, Distribution, Step
from cnngen.targets.keras.odd import walk

MOST = 16  # a multiplier that is seen to be a number


def is_depthwise(layer: Layer) -> bool:
    """Whether Keras computes a layer as a depthwise convolution."""
    return layer.op.depthwise_in_keras(layer.inputs[0].shape)


def wanted_steps(program: Program) -> set[Step]:
    """The steps of which some layer is a depthwise convolution in Keras."""
    layers = program.network.layers.values()
    return {layer.step for layer in layers if isinstance(layer.op, Conv) and is_depthwise(layer)}


def changing_variables(region: Region) -> set[str]:
    """The variables of channels that loops and choices change."""
    nodes = (node for node in walk(region) if isinstance(node, Loop | Choice))
    return {node.variable.name for node in nodes if node.variable is not None}


def is_always_depthwise(
    call: Call, entry: Expression | None, known: Mapping[str, Expression]
) -> bool:
    """Whether the groups are as many as the channels whatever the parameters are."""
    groups = call.layer.arguments["groups"]
    assert not isinstance(groups, Distribution)
    own = None if entry is None else substitute(entry, known, None)
    return equal(substitute(groups, {}, own), substitute(call.reads.channels, known, None))


def depthwise_arguments(arguments: Mapping[str, ArgumentValue]) -> Mapping[str, ArgumentValue]:
    """The attributes of the depthwise convolution that a grouped one is."""
    out, groups = arguments["out"], arguments["groups"]
    assert not isinstance(out, Distribution) and not isinstance(groups, Distribution)
    factors = (Constant(n) for n in range(1, MOST + 1))
    multiplier = next((n for n in factors if equal(out, multiply(n, groups))), None)
    shared = {n: arguments[n] for n in DepthwiseConv.attributes if n in Conv.attributes}
    return shared | {"multiplier": multiplier or simplify(Binary("//", out, groups))}
