"""Units of the plan: each block becomes a function."""

from cnngen.plan.program import Unit
from cnngen.python.deep_loops import split_deep_loops
from cnngen.python.nodes import Function, Name, Parameter
from cnngen.semantics.network import INPUT
from cnngen.semantics.types import types_of
from cnngen.semantics.walk import loop_variables
from cnngen.targets.keras.calls import parameter, unit_arguments
from cnngen.targets.keras.construct import KERAS_TENSOR, channels_of
from cnngen.targets.keras.frame import File, Frame
from cnngen.targets.keras.layer_name import GIVEN, LayerName
from cnngen.targets.keras.scope import CHANNELS, Scope
from cnngen.targets.keras.statements import names_read, write_region
from cnngen.targets.keras.suite import Suite, folded_return
from cnngen.targets.page import about
from cnngen.targets.spelling import Speller

X = Name("x")


def write_unit(unit: Unit, file: File, speller: Speller) -> Function:
    """The function of a block."""
    parameters = file.program.network.resolution.spec.parameters
    types = types_of((*parameters, *unit.block.parameters))
    scope = Scope(speller, types, file.needed)
    own = map(scope.called, {*types, *loop_variables(unit.block.body)})
    tensors = {tensor.name: scope.called(tensor.name) for tensor in unit.tensors}
    frame = Frame(file, scope, {*file.needed, *own}, {INPUT: "x"} | tensors)
    code = Suite()
    if INPUT in names_read(unit.body):
        frame.tensors[INPUT] = frame.variable("given")
        code.assign(frame.tensors[INPUT], X)
    value = write_region(unit.body, LayerName((GIVEN,)), "x", "x", code, frame)
    folded_return(code, value)
    code.define(0, CHANNELS, channels_of(X))
    return split_deep_loops(
        Function(
            file.functions[unit.block],
            _parameters(unit, scope, file),
            KERAS_TENSOR,
            tuple(code.statements),
            about(unit.about) if unit.about else "",
            origin=unit.block,
        )
    )


def _parameters(unit: Unit, scope: Scope, file: File) -> tuple[Parameter, ...]:
    names = ("x", *(scope.called(tensor.name) for tensor in unit.tensors))
    tensors = [Parameter(name, KERAS_TENSOR) for name in names]
    return (
        *tensors,
        *(parameter(argument, scope) for argument in unit_arguments(unit, scope, file)),
        Parameter("*"),
        Parameter("name", "str"),
    )
