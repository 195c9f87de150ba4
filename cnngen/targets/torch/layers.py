"""Layers: the expression that makes the module of one call."""

from cnngen.expressions.expression import Expression
from cnngen.plan.program import Call, Unit
from cnngen.python import nodes
from cnngen.python.construct import call
from cnngen.python.nodes import Node, with_origin
from cnngen.python.signature import call_arguments
from cnngen.syntax.tree import Distribution
from cnngen.targets.spelling import spelling
from cnngen.targets.torch.initial_weights import drawn
from cnngen.targets.torch.limits import NO_CALL
from cnngen.targets.torch.names import CHANNELS, block_class_name, called, own_argument
from cnngen.targets.torch.scope import Scope
from cnngen.targets.torch.spell import spell
from cnngen.targets.torch.use import Use
from cnngen.targets.values import attribute_values, mapped


def layer(made: Call, scope: Scope) -> Node:
    """The module of a call, with its initial weights."""
    if made not in scope.calls:
        scope.calls[made] = with_origin(_layer(made, scope), made.step)
    return scope.calls[made]


def _layer(made: Call, scope: Scope) -> Node:
    if isinstance(made.layer.made, Unit):
        return unit_layer(made, made.layer.made, scope)
    plain = op_layer(made, scope)
    draw = drawn(made, scope.file.rules, scope.node, scope.file.speller)
    if draw is None:
        return plain
    return call(scope.file.speller.use("initialized"), plain, *draw)


def op_layer(made: Call, scope: Scope) -> Node:
    """The module of an op, with the initial weights that PyTorch draws."""
    op = made.layer.made
    assert not isinstance(op, Unit)
    file = scope.file
    with spelling(made.step):
        values = attribute_values(op, made.layer.arguments, scope.types)
        return spell(
            Use(
                op,
                {name: mapped(value, scope.resolve) for name, value in values.items()},
                scope.resolve(made.reads.channels),
                made.rank,
                file.speller,
                in_place=made in file.overwriting.calls,
                common=file.common.get(op, {}),
            )
        )


def unit_layer(made: Call, unit: Unit, scope: Scope) -> nodes.Call:
    """The module of a block."""
    parameters = scope.file.classes[unit].arguments
    names = {parameter.name for parameter in parameters}
    captured = {parameter.name.text for parameter in unit.captured}
    given: dict[str, tuple[Expression | None, Node]] = {}
    for key, value in made.layer.handed.items():
        name = called(key) if key in captured else own_argument(key, scope.file.speller.taken)
        if name in names:
            given[name] = (None, scope.node(value))
    for key, value in made.layer.arguments.items():
        if called(key) in names and not isinstance(value, Distribution):
            given[called(key)] = (value, scope.node(value))
    first = 1 if parameters and parameters[0].name == CHANNELS else 0
    name = block_class_name(unit.name, scope.file.network.resolution.spec)
    return call(name, *call_arguments(parameters, given, first))


def as_call(made: Node) -> nodes.Call:
    """The call that a template has printed."""
    if not isinstance(made, nodes.Call):
        NO_CALL.refuse()
    return made
