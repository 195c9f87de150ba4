"""Grouped convolutions with a group for each channel, for which Keras has a layer of its own.

Its `Conv2D` computes them, too, but 5 to 25 times as slowly on a CPU, and a training step with a
multiplier some 800 times (`benchmarks/groups.py`).
"""

from collections.abc import Iterator, Mapping

from cnngen.expressions.algebra import equal, multiply, simplify, substitute
from cnngen.expressions.expression import Binary, Constant, Expression, Name
from cnngen.ops.base import Op
from cnngen.ops.convolution import Conv, DepthwiseConv
from cnngen.plan.program import Bind, Call, Choice, Loop, Node, Program, Region, Unit, regions
from cnngen.plan.program import Layer as PlanLayer
from cnngen.semantics.network import Layer
from cnngen.syntax.tree import ArgumentValue, Distribution

MOST = 16  # a multiplier that is seen to be a number
Form = tuple[type[Op], Mapping[str, ArgumentValue]]


def is_depthwise(layer: Layer) -> bool:
    """Whether Keras computes a layer as a depthwise convolution."""
    return layer.op.depthwise_in_keras(layer.inputs[0].shape)


def keras_forms(program: Program) -> dict[Call, tuple[Form, ...]]:
    """What each call of an op is in Keras: one op, or (where only the channels that a model is made
    with tell) a depthwise convolution or else a grouped one.
    """
    layers = program.network.layers.values()
    wanted = {layer.step for layer in layers if isinstance(layer.op, Conv) and is_depthwise(layer)}
    forms: dict[Call, tuple[Form, ...]] = {}
    for region, entry in _parts(program):
        changing, known = _changing(region), dict[str, Expression]()
        for node in _nodes(region):
            match node:
                case Bind(variable=Name(name), channels=channels) if name not in changing:
                    known[name] = substitute(channels, known, None)
                case Call(layer=PlanLayer(made, arguments)) if not isinstance(made, Unit):
                    forms[node] = ((made, arguments),)
                    if node.step in wanted:
                        grouped = () if _always(node, entry, known) else forms[node]
                        depthwise = (DepthwiseConv, _depthwise_arguments(arguments))
                        forms[node] = (depthwise, *grouped)
                case _:
                    pass
    return forms


def _parts(program: Program) -> Iterator[tuple[Region, Expression | None]]:
    """The bodies of units and stages, with the channels that `input.channels` means in a stage."""
    yield from ((unit.body, None) for unit in program.units)
    yield from ((stage.body, stage.entry) for stage in program.stages)


def _nodes(region: Region) -> Iterator[Node]:
    for node in region.nodes:
        yield node
        for inner in regions(node):
            yield from _nodes(inner)


def _changing(region: Region) -> set[str]:
    """The variables of channels that loops and choices change."""
    nodes = (node for node in _nodes(region) if isinstance(node, Loop | Choice))
    return {node.variable.name for node in nodes if node.variable is not None}


def _always(call: Call, entry: Expression | None, known: Mapping[str, Expression]) -> bool:
    """Whether the groups are as many as the channels whatever the parameters are."""
    groups = call.layer.arguments["groups"]
    assert not isinstance(groups, Distribution)
    own = None if entry is None else substitute(entry, known, None)
    return equal(substitute(groups, {}, own), substitute(call.reads.channels, known, None))


def _depthwise_arguments(arguments: Mapping[str, ArgumentValue]) -> Mapping[str, ArgumentValue]:
    """The attributes of the depthwise convolution that a grouped one is."""
    out, groups = arguments["out"], arguments["groups"]
    assert not isinstance(out, Distribution) and not isinstance(groups, Distribution)
    factors = (Constant(n) for n in range(1, MOST + 1))
    multiplier = next((n for n in factors if equal(out, multiply(n, groups))), None)
    shared = {n: arguments[n] for n in DepthwiseConv.attributes if n in Conv.attributes}
    return shared | {"multiplier": multiplier or simplify(Binary("//", out, groups))}
