"""Units of the plan: each block becomes a function."""

from dataclasses import replace

from cnngen.plan.program import Maps, Unit
from cnngen.python.deep_loops import split_deep_loops
from cnngen.python.nodes import Function, Name, Parameter
from cnngen.semantics.network import INPUT
from cnngen.semantics.types import types_of
from cnngen.semantics.walk import loop_variables
from cnngen.targets.keras.calls import parameter, unit_arguments
from cnngen.targets.keras.construct import KERAS_TENSOR, channels_of, channels_of_all
from cnngen.targets.keras.frame import File, Frame
from cnngen.targets.keras.layer_name import GIVEN, LayerName
from cnngen.targets.keras.scope import CHANNELS, Scope
from cnngen.targets.keras.statements import names_read, write_region
from cnngen.targets.keras.suite import Suite, folded_return, with_items
from cnngen.targets.map_lists import given_list
from cnngen.targets.page import about
from cnngen.targets.spelling import Speller

X = Name("x")


def write_unit(unit: Unit, file: File, speller: Speller) -> Function:
    """The function of a block."""
    parameters = file.program.network.resolution.spec.parameters
    types = types_of((*parameters, *unit.block.parameters))
    scope = Scope(speller, types, file.needed)
    own = {scope.called(name) for name in {*types, *loop_variables(unit.block.body)}}
    tensors = {tensor.name: scope.called(tensor.name) for tensor in unit.tensors}
    lists = {each.name: tensors[each.name] for each in unit.tensors if isinstance(each, Maps)}
    x = Name(given_list({*own, *tensors.values()})) if unit.input.listed else X
    if unit.input.listed:
        lists[INPUT] = x.text
        scope = replace(scope, given=x.text)
    else:
        tensors[INPUT] = x.text
    frame = Frame(file, scope, {*file.needed, *own, x.text}, tensors, lists)
    code = Suite()
    if not unit.input.listed and INPUT in names_read(unit.body, file.program.network.resolution):
        frame.tensors[INPUT] = frame.variable("given")
        code.assign(frame.tensors[INPUT], X)
    value = write_region(unit.body, LayerName((GIVEN,)), x.text, "x", code, frame)
    folded_return(code, value)
    code.statements = with_items(code.statements)
    code.define(0, CHANNELS, channels_of_all(x) if unit.input.listed else channels_of(x))
    return split_deep_loops(
        Function(
            file.functions[unit.block],
            _parameters(unit, x, scope, file),
            _annotation(unit.body.gives.listed),
            tuple(code.statements),
            about(unit.about) if unit.about else "",
            origin=unit.block,
        )
    )


def _annotation(listed: bool) -> str:
    return f"list[{KERAS_TENSOR}]" if listed else KERAS_TENSOR


def _parameters(unit: Unit, x: Name, scope: Scope, file: File) -> tuple[Parameter, ...]:
    tensors = [
        Parameter(
            scope.called(each.name),
            _annotation(isinstance(each, Maps)),
        )
        for each in unit.tensors
    ]
    return (
        Parameter(x.text, _annotation(unit.input.listed)),
        *tensors,
        *(parameter(argument, scope) for argument in unit_arguments(unit, scope, file)),
        Parameter("*"),
        Parameter("name", "str"),
    )
