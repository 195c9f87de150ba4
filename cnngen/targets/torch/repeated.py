"""Repeated: channels that take long to say, and that several layers of a block are told, are
computed once, in a variable.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from cnngen.expressions.algebra import free_names, mentions_input
from cnngen.expressions.expression import Expression, Name
from cnngen.ops.base import Op
from cnngen.plan.program import Call, Region, Unit
from cnngen.python.flat import flat
from cnngen.python.nodes import Assign, Statement
from cnngen.targets.torch.scope import Scope
from cnngen.targets.torch.variables import CHANNELS

LONG = 20  # characters, from which on an expression is worth a variable
OFTEN = 3  # times


def repeated(unit: Unit, scope: Scope) -> Iterator[Statement]:
    """The assignments of such variables, which from now on stand for what they have."""
    calls = [*_calls(unit.body)]
    own = {parameter.name.text for parameter in (*unit.parameters, *unit.captured)}
    told = Counter(
        scope.resolve(value) for call in calls for value in _told(call) if _is_constant(value, own)
    )
    read = (call.reads.channels for call in calls)
    for channels in dict.fromkeys(scope.resolve(each) for each in read if _is_constant(each, own)):
        made = scope.node(channels)
        if told[channels] >= OFTEN and len(flat(made)) >= LONG:
            variable = scope.variables.new(CHANNELS)
            scope.variables.channels.add(variable.text)
            scope.variables.repeated[channels] = Name(variable.text)
            yield Assign((variable,), made)


def _calls(region: Region) -> Iterator[Call]:
    """The layers with weights that a block has whatever its parameters are."""
    for node in region.nodes:
        match node:
            case Call(layer=layer) if not isinstance(layer.made, Unit):
                if layer.made.weights is not Op.weights:
                    yield node
            case _:
                pass


def _told(call: Call) -> Sequence[Expression]:
    values = call.layer.arguments.values()
    return [call.reads.channels, *(value for value in values if isinstance(value, Expression))]


def _is_constant(value: Expression, own: set[str]) -> bool:
    """Whether a value follows from parameters; a variable may change from layer to layer."""
    return not mentions_input(value) and bool(names := free_names(value)) and names <= own
