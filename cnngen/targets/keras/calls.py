"""Calls of ops and of units as expressions."""

from dataclasses import replace

from cnngen.expressions.expression import Expression
from cnngen.plan.program import Call, Unit
from cnngen.python.nodes import Call as PythonCall
from cnngen.python.nodes import Keyword, Name, Node, Parameter
from cnngen.python.records import Records
from cnngen.python.signature import Argument, argument, call_arguments, ordered
from cnngen.syntax.tree import Distribution
from cnngen.targets.keras.forms import Form
from cnngen.targets.keras.frame import Frame
from cnngen.targets.keras.initializers import initializers
from cnngen.targets.keras.layer_name import LayerName
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.spell import spell, support_called
from cnngen.targets.keras.use import Asked, Common, Initializers, Use
from cnngen.targets.spelling import spelling
from cnngen.targets.values import ONE


def op_call(call: Call, name: LayerName, x: str, frame: Frame) -> list[Node]:
    """The code of a layer in each of its forms."""
    with spelling(call.step):
        return [_form(form, call, name, x, frame) for form in frame.file.forms[call]]


def _form(form: Form, call: Call, name: LayerName, x: str, frame: Frame) -> Node:
    made: Initializers = {}
    if (init := form.arguments.get("init")) is not None:
        made = initializers(form.op, init, form.values.get("multiplier", ONE), frame.scope)
    asked = (form.op, form.values, made, form.square)
    support = support_called(Asked(*asked))
    common = frame.file.common[support] if support else Common()
    named = frame.file.program.network.resolution.tensors(call.step)
    tensors = {name: frame.read(other) for name, other in named.items()}
    return spell(Use(*asked, Name(x), name.node, call.rank, frame.scope, common, tensors))


def unit_arguments(unit: Unit, records: Records) -> tuple[Argument, ...]:
    """The arguments of a unit's function, but for its tensors and its name."""
    own = [argument(parameter, records) for parameter in unit.parameters]
    return tuple(ordered(own, [argument(parameter, records) for parameter in unit.captured]))


def parameter(argument: Argument, scope: Scope) -> Parameter:
    """An argument as it stands in a signature."""
    default = None if argument.default is None else scope.node(argument.default)
    return Parameter(scope.called(argument.name), argument.annotation, default)


def unit_call(call: Call, unit: Unit, name: LayerName, x: str, frame: Frame) -> Node:
    """A call of a unit's function: arguments go by keyword, except what has the argument's name."""
    scope, resolution = frame.scope, frame.file.program.network.resolution
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
    arguments = unit_arguments(unit, scope.speller.records)
    parameters = [replace(each, name=scope.called(each.name)) for each in arguments]
    parts = (Name(x), *tensors, *call_arguments(parameters, given), Keyword("name", name.node))
    return PythonCall(Name(frame.file.functions[unit.block]), parts)
