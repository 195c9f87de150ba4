"""Calls of ops and of units as expressions."""

from dataclasses import replace

from cnngen.expressions.expression import Expression
from cnngen.plan.program import Call, Unit
from cnngen.python.nodes import Call as PythonCall
from cnngen.python.nodes import Keyword, Name, Node, Parameter
from cnngen.python.signature import Argument, call_arguments, ordered
from cnngen.syntax.tree import Distribution
from cnngen.targets.chosen import shared_arguments
from cnngen.targets.constants import constant
from cnngen.targets.keras.callables import form_call, op_node, parameter_argument
from cnngen.targets.keras.frame import File, Frame
from cnngen.targets.keras.layer_name import LayerName
from cnngen.targets.keras.scope import Scope
from cnngen.targets.spelling import spelling


def op_call(call: Call, name: LayerName, x: str, frame: Frame) -> list[Node]:
    """The code of a layer in each of its forms."""
    scope, file = frame.scope, frame.file
    with spelling(call.step):
        forms = file.forms[call]
        named = file.program.network.resolution.tensors(call.step)
        read = {name: frame.read(other) for name, other in named.items()}
        at = (Name(x), name.node, call.rank)
        return [form_call(form, *at, scope, file, read) for form in forms]


def unit_arguments(unit: Unit, scope: Scope, file: File) -> tuple[Argument, ...]:
    """The arguments of a unit's function, but for its tensors and its name."""
    own = [parameter_argument(parameter, scope, file) for parameter in unit.parameters]
    captured = [parameter_argument(parameter, scope, file) for parameter in unit.captured]
    return tuple(ordered(own, captured))


def parameter(argument: Argument, scope: Scope) -> Parameter:
    """An argument as it stands in a signature."""
    default = None if argument.code is None else constant(argument.code, scope.speller)
    if argument.default is not None:
        default = scope.node(argument.default)
    return Parameter(scope.called(argument.name), argument.annotation, default)


def unit_call(call: Call, unit: Unit, name: LayerName, x: str, frame: Frame) -> Node:
    """A call of a unit's function: arguments go by keyword, except what has the argument's name."""
    scope, file, resolution = frame.scope, frame.file, frame.file.program.network.resolution
    read, lists = resolution.tensors(call.step), resolution.map_lists(call.step)
    tensors = [
        frame.listed(lists[each.name]) if each.name in lists else frame.read(read[each.name])
        for each in unit.tensors
    ]
    given: dict[str, tuple[Expression | None, Node]] = {}
    for each in unit.captured:
        called = scope.called(each.name.text)
        given[called] = (None, Name(called))
    for key, value in resolution.arguments[call.step].items():
        if not isinstance(value, Distribution) and key not in lists:
            given[scope.called(key)] = (value, scope.node(value))
    for key, value in call.layer.ops.items():
        given[scope.called(key)] = (None, op_node(value, scope, file))
    function, arguments = Name(frame.file.functions[unit.block]), unit_arguments(unit, scope, file)
    if call.layer.chosen:
        function = Name(scope.called(call.step.callee.text))
        signatures = [unit_arguments(each, scope, file) for each in call.layer.chosen]
        arguments = shared_arguments(signatures)
    parameters = [replace(each, name=scope.called(each.name)) for each in arguments]
    parts = (Name(x), *tensors, *call_arguments(parameters, given), Keyword("name", name.node))
    return PythonCall(function, parts)
