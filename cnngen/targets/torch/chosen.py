"""Chosen: a parameter that is a block is the class of one, `block: type[Basic | Bottleneck]`. How
many channels its modules give, these say themselves where the classes differ.
"""

from typing import assert_never

from cnngen.plan.program import Call, Program, Unit, walk
from cnngen.python.nodes import Conditional, Name, Node
from cnngen.python.signature import Argument
from cnngen.semantics.op_values import Chosen, OpValue, Passed
from cnngen.syntax.tree import Call as CallStep
from cnngen.syntax.tree import Parameter
from cnngen.targets.chosen import shared_arguments
from cnngen.targets.torch.names import block_class_name, called
from cnngen.targets.torch.scope import File, Scope


def asked_units(program: Program) -> frozenset[Unit]:
    """The units that say how many channels they give."""
    bodies = [part.body for part in (*program.units, *program.stages)]
    nodes = (node for body in bodies for node in walk(body))
    chosen = {u for n in nodes if isinstance(n, Call) and n.asked for u in n.layer.units}
    return frozenset(chosen | {unit for unit in program.units if unit.channels is None})


def block_argument(parameter: Parameter, file: File) -> Argument:
    """The argument for a parameter that is a block."""
    uses = file.network.resolution.block_uses
    classes = [_class(block.name.text, file).text for block in uses.candidates[parameter]]
    default = uses.defaults.get(parameter)
    code = _class(default.callee.text, file) if isinstance(default, CallStep) else None
    annotation = f"type[{' | '.join(classes)}]"
    return Argument(called(parameter.name.text), annotation, None, parameter.about, code)


def block_node(value: OpValue, scope: Scope) -> Node:
    """What a parameter of a block is given."""
    match value:
        case Passed(parameter):
            return Name(called(parameter.name.text))
        case Chosen(test, then, otherwise):
            first, second = (block_node(each, scope) for each in (then, otherwise))
            return Conditional(scope.node(test), first, second)
        case CallStep():
            return _class(value.callee.text, scope.file)
        case _:
            assert_never(value)


def class_of(made: Call, unit: Unit, file: File) -> tuple[Name, list[Argument]]:
    """The class of a call of a unit, and the arguments that it takes."""
    if not made.layer.chosen:
        return _class(unit.name, file), [*file.classes[unit].arguments]
    arguments = shared_arguments([file.classes[each].arguments for each in made.layer.chosen])
    return Name(called(made.step.callee.text)), arguments


def _class(block: str, file: File) -> Name:
    return Name(block_class_name(block, file.network.resolution.spec))
