"""What each call of an op is in Keras: the plan, lowered to Keras' ops and values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cnngen.expressions.algebra import free_names, substitute
from cnngen.expressions.expression import Expression, Field, ListOf, Name
from cnngen.expressions.expression import walk as walk_expression
from cnngen.ops.base import Op
from cnngen.ops.convolution import Conv, DepthwiseConv, SeparableConv, StandardizedConv
from cnngen.plan.program import Bind, Call, Layer, Program, Region, Unit, walk
from cnngen.semantics.op_values import OpValue, named_ops
from cnngen.semantics.types import Types, is_pair, types_of
from cnngen.syntax.tree import ArgumentValue, Distribution
from cnngen.syntax.tree import Call as CallStep
from cnngen.targets.keras.depthwise import (
    changing_variables,
    depthwise_arguments,
    is_always_depthwise,
    wanted_steps,
)
from cnngen.targets.keras.odd import odd_names
from cnngen.targets.keras.values import Value, pads_half, with_same
from cnngen.targets.spelling import spelling
from cnngen.targets.values import attribute_values

CONVOLUTIONS = (Conv, StandardizedConv, DepthwiseConv, SeparableConv)
SIZES = ("size", "padding")


@dataclass(frozen=True, slots=True)
class Form:
    """An op with its arguments in the terms of the spec, and what their values are in Keras; `step`
    is where it is used. `square` says that no size in it is a pair, and `half` that a convolution
    is padded by half of an odd window.
    """

    op: type[Op]
    arguments: Mapping[str, ArgumentValue]
    values: Mapping[str, Value]
    step: CallStep
    square: bool
    half: bool = False


def keras_forms(program: Program) -> dict[Call, tuple[Form, ...]]:
    """The form of each call of an op; two where only the channels that a model is made with tell
    whether it is a depthwise convolution or a grouped one.
    """
    wanted, odd = wanted_steps(program), odd_names(program)
    forms: dict[Call, tuple[Form, ...]] = {}
    for unit, region, entry in _parts(program):
        types = parameter_types(program, unit)
        changing, known = changing_variables(region), dict[str, Expression]()
        for node in walk(region):
            match node:
                case Bind(variable=Name(name), channels=channels) if name not in changing:
                    known[name] = substitute(channels, known, None)
                case Call(layer=Layer(made, arguments)) if not isinstance(made, Unit):
                    ops = [(made, arguments)]
                    if node.step in wanted:
                        grouped = [] if is_always_depthwise(node, entry, known) else ops
                        ops = [(DepthwiseConv, depthwise_arguments(arguments)), *grouped]
                    with spelling(node.step):
                        forms[node] = tuple(
                            form(*each, node.step, types, odd[unit]) for each in ops
                        )
                case _:
                    pass
    return forms


def named_forms(program: Program) -> dict[CallStep, Form]:
    """The form of each op that is named as a value."""
    resolution, odd = program.network.resolution, odd_names(program)
    found: dict[CallStep, Form] = {}

    def note(values: Iterable[OpValue], types: Types, names: frozenset[str]) -> None:
        for step in (step for value in values for step in named_ops(value)):
            if step in resolution.block_uses.named:
                continue
            with spelling(step):
                arguments = resolution.arguments[step]
                found[step] = form(resolution.ops[step], arguments, step, types, names)

    owners = (resolution.spec.parameters, *(unit.parameters for unit in program.units))
    defaults = resolution.op_uses.defaults
    note((defaults[p] for each in owners for p in each if p in defaults), {}, frozenset())
    for unit, region, _ in _parts(program):
        given = (node.layer.ops for node in walk(region) if isinstance(node, Call))
        values = (value for ops in given for value in ops.values())
        note(values, parameter_types(program, unit), odd[unit])
    return found


def form(
    op: type[Op],
    arguments: Mapping[str, ArgumentValue],
    step: CallStep,
    types: Types,
    odd: frozenset[str],
) -> Form:
    values = attribute_values(op, arguments, types)
    sizes = [name for name, attribute in op.attributes.items() if attribute.kind in SIZES]
    square = not any(_may_be_pair(arguments[name], types) for name in sizes)
    if op not in CONVOLUTIONS:
        return Form(op, arguments, values, step, square)
    half = pads_half(values, arguments, odd)
    return Form(op, arguments, with_same(values, arguments, odd), step, square, half)


def _may_be_pair(value: ArgumentValue, types: Types) -> bool:
    match value:
        case ListOf(items):
            return not all(item == items[0] for item in items)
        case Distribution():
            return False
        case _:
            pairs = any(types.get(name) in ("size", "ints") for name in free_names(value))
            return pairs or any(_is_list(part, types) for part, _ in walk_expression(value))


def _is_list(part: Expression, types: Types) -> bool:
    """Whether a part of a value is a list that is written out, or a field that may be a pair."""
    return isinstance(part, ListOf) or (isinstance(part, Field) and is_pair(part, types))


def parameter_types(program: Program, unit: Unit | None) -> Types:
    """The types of the parameters that can be read in a unit, or in the model."""
    own = () if unit is None else unit.block.parameters
    return types_of((*program.network.resolution.spec.parameters, *own))


def _parts(program: Program) -> list[tuple[Unit | None, Region, Expression | None]]:
    """The bodies of units and stages, with the channels that `input.channels` means in a stage."""
    stages = [(None, stage.body, stage.entry) for stage in program.stages]
    return [*((unit, unit.body, None) for unit in program.units), *stages]
