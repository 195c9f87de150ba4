"""Layers: the expression that makes the module of one call."""

from cnngen.expressions.expression import Expression
from cnngen.ops.any_of import AnyOp
from cnngen.ops.base import Op
from cnngen.plan.program import Call, Unit
from cnngen.python import nodes
from cnngen.python.construct import call
from cnngen.python.nodes import Node, with_origin
from cnngen.python.signature import call_arguments
from cnngen.syntax.tree import Distribution
from cnngen.targets.torch.callables import applied_op, op_node
from cnngen.targets.torch.chosen import block_node, class_of
from cnngen.targets.torch.limits import NO_CALL
from cnngen.targets.torch.names import CHANNELS, called, own_argument
from cnngen.targets.torch.ops import MadeOp
from cnngen.targets.torch.scope import Scope


def layer(made: Call, scope: Scope) -> Node:
    """The module of a call, with its initial weights."""
    if made not in scope.calls:
        scope.calls[made] = with_origin(_layer(made, scope), made.step)
    return scope.calls[made]


def _layer(made: Call, scope: Scope) -> Node:
    op = made.layer.made
    if isinstance(op, Unit):
        return unit_layer(made, op, scope)
    if issubclass(op, AnyOp):
        return applied_op(op, made.step, scope.node(made.reads.channels))
    return _made(made, op, scope).initialized()


def op_layer(made: Call, op: type[Op], scope: Scope) -> Node:
    """The module of an op, with the initial weights that PyTorch draws."""
    return _made(made, op, scope).plain()


def _made(made: Call, op: type[Op], scope: Scope) -> MadeOp:
    return MadeOp(
        op,
        made.layer.arguments,
        made.step,
        scope.resolve(made.reads.channels),
        made.rank,
        scope.file,
        scope.types,
        scope.resolve,
        in_place=made in scope.file.overwriting.calls,
    )


def unit_layer(made: Call, unit: Unit, scope: Scope) -> nodes.Call:
    """The module of a block."""
    name, parameters = class_of(made, unit, scope.file)
    names = {parameter.name for parameter in parameters}
    captured = {parameter.name.text for parameter in unit.captured}
    given: dict[str, tuple[Expression | None, Node]] = {}
    for key, value in made.layer.handed.items():
        argument = called(key) if key in captured else own_argument(key, scope.file.speller.taken)
        if argument in names:
            given[argument] = (None, scope.node(value))
    for key, value in made.layer.arguments.items():
        if called(key) in names and not isinstance(value, Distribution):
            given[called(key)] = (value, scope.node(value))
    taken = {p.name.text: p for each in made.layer.units for p in each.parameters}
    for key, value in made.layer.ops.items():
        if called(key) in names:
            is_block = taken[key].type == "block"
            node = block_node(value, scope) if is_block else op_node(value, taken[key], scope)
            given[called(key)] = (None, node)
    first = 1 if parameters and parameters[0].name == CHANNELS else 0
    return call(name.text, *call_arguments(parameters, given, first))


def as_call(made: Node) -> nodes.Call:
    """The call that a template has printed."""
    if not isinstance(made, nodes.Call):
        NO_CALL.refuse()
    return made
