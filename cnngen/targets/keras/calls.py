"""Calls of ops and of units as expressions."""

from cnngen.expressions.expression import Constant, Expression, ListOf
from cnngen.plan.program import Call, Unit
from cnngen.python.nodes import Call as PythonCall
from cnngen.python.nodes import Keyword, Name, Node, Parameter
from cnngen.python.signature import Argument, argument, ordered
from cnngen.syntax.tree import Distribution
from cnngen.targets.keras.forms import Form
from cnngen.targets.keras.frame import Frame
from cnngen.targets.keras.initializers import initializers
from cnngen.targets.keras.layer_name import LayerName
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.spell import spell
from cnngen.targets.keras.use import Initializers, Use
from cnngen.targets.keras.values import ONE
from cnngen.targets.spelling import spelling


def op_call(call: Call, name: LayerName, x: str, frame: Frame) -> list[Node]:
    """The code of a layer in each of its forms."""
    with spelling(call.step):
        return [_form(form, call, name, x, frame) for form in frame.file.forms[call]]


def _form(form: Form, call: Call, name: LayerName, x: str, frame: Frame) -> Node:
    made: Initializers = {}
    if (init := form.arguments.get("init")) is not None:
        made = initializers(form.op, init, form.values.get("multiplier", ONE), frame.scope)
    common = frame.file.common[form.op]
    rank, scope = call.rank, frame.scope
    return spell(Use(form.op, form.values, made, Name(x), name.node, rank, scope, common))


def unit_arguments(unit: Unit) -> tuple[Argument, ...]:
    """The arguments of a unit's function, but for its tensors and its name."""
    own = [argument(parameter) for parameter in unit.parameters]
    return tuple(ordered(own, [argument(parameter) for parameter in unit.captured]))


def parameter(argument: Argument, scope: Scope) -> Parameter:
    """An argument as it stands in a signature."""
    default = None if argument.default is None else scope.node(argument.default)
    return Parameter(scope.called(argument.name), argument.annotation, default)


def unit_call(call: Call, unit: Unit, name: LayerName, x: str, frame: Frame) -> Node:
    """A call of a unit's function: arguments go by keyword, except what has the argument's name."""
    tensors = [Name(frame.tensors[call.tensors[tensor.name].name]) for tensor in unit.tensors]
    given: dict[str, Expression | None] = dict.fromkeys(p.name.text for p in unit.captured)
    resolved = frame.file.program.network.resolution.arguments[call.step]
    given |= {n: v for n, v in resolved.items() if not isinstance(v, Distribution)}
    printed: list[Node | Keyword] = []
    named = False
    for each in unit_arguments(unit):
        if each.name not in given or _is_default(given[each.name], each):
            named = True
            continue
        value = given[each.name]
        called = frame.scope.called(each.name)
        code = Name(called) if value is None else frame.scope.node(value)
        if code == Name(called) and not named:
            printed.append(code)
        else:
            named = True
            printed.append(Keyword(called, code))
    parts = (Name(x), *tensors, *printed, Keyword("name", name.node))
    return PythonCall(Name(frame.file.functions[unit.block]), parts)


def _is_default(value: Expression | None, parameter: Argument) -> bool:
    return parameter.default is not None and _same(value, parameter.default)


def _same(left: Expression | None, right: Expression) -> bool:
    """Whether two constants are the same value of the same type."""
    match left, right:
        case Constant(), Constant():
            return left == right and type(left.value) is type(right.value)
        case ListOf(), ListOf():
            pairs = zip(left.items, right.items, strict=False)
            return len(left.items) == len(right.items) and all(_same(a, b) for a, b in pairs)
        case _:
            return False
