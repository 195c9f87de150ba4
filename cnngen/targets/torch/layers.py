"""Layers: the expression that makes the module of one call."""

from collections.abc import Iterator

from cnngen.expressions.expression import Constant, Expression, ListOf
from cnngen.plan.program import Call, Unit
from cnngen.python import nodes
from cnngen.python.nodes import Keyword, Name, Node, with_origin
from cnngen.python.signature import Argument
from cnngen.syntax.tree import Distribution
from cnngen.targets.code import Code
from cnngen.targets.spelling import spelling
from cnngen.targets.torch.construct import call
from cnngen.targets.torch.initial_weights import drawn
from cnngen.targets.torch.limits import NO_CALL
from cnngen.targets.torch.names import CHANNELS, block_class_name, called, own_argument
from cnngen.targets.torch.scope import Scope


def layer(made: Call, scope: Scope) -> Node:
    """The module of a call, with its initial weights."""
    if made not in scope.calls:
        scope.calls[made] = with_origin(_layer(made, scope), made.step)
    return scope.calls[made]


def _layer(made: Call, scope: Scope) -> Node:
    if isinstance(made.layer.made, Unit):
        return unit_layer(made, made.layer.made, scope)
    plain = op_layer(made, scope)
    draw = drawn(made, scope.file.rules, scope.printer, scope.file.speller)
    if draw is None:
        return plain
    return call(scope.file.speller.use("initialized"), plain, *draw)


def op_layer(made: Call, scope: Scope) -> Node:
    """The module of an op, with the initial weights that PyTorch draws."""
    op = made.layer.made
    assert not isinstance(op, Unit)
    channels = Code(scope.node(made.reads.channels))
    attributes = scope.printer.attributes(op, dict(made.layer.arguments))
    with spelling(made.step):
        in_place = str(made in scope.file.overwriting.calls)
        context = {"channels": channels, "rank": made.rank, "in_place": in_place, **attributes}
        return scope.file.speller.spell(op.name, context).node


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
    return call(name, *_arguments(parameters, given, first))


def _arguments(
    parameters: tuple[Argument, ...],
    given: dict[str, tuple[Expression | None, Node]],
    positional: int,
) -> Iterator[Node | Keyword]:
    """By keyword, except for the first `positional` ones and where the value is the parameter's own
    name. What equals its default is left out.
    """
    named = False
    for i, parameter in enumerate(parameters):
        if parameter.name not in given:
            named = True
            continue
        expression, node = given[parameter.name]
        if parameter.default is not None and _is_same(expression, parameter.default):
            named = True
        elif i < positional or (node == Name(parameter.name) and not named):
            yield node
        else:
            named = True
            yield Keyword(parameter.name, node)


def _is_same(left: Expression | None, right: Expression) -> bool:
    """Whether two constants are the same value of the same type."""
    match left, right:
        case Constant(), Constant():
            return left == right and type(left.value) is type(right.value)
        case ListOf(), ListOf():
            pairs = zip(left.items, right.items, strict=False)
            return len(left.items) == len(right.items) and all(_is_same(a, b) for a, b in pairs)
        case _:
            return False


def as_call(made: Node) -> nodes.Call:
    """The call that a template has printed."""
    if not isinstance(made, nodes.Call):
        NO_CALL.refuse()
    return made
