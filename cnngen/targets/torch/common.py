"""What all uses of an op in a file have in common, so that the class of ours that makes its layers
needs no parameter for it.
"""

from collections.abc import Collection, Mapping, Sequence

from cnngen.expressions.algebra import free_names, mentions_input
from cnngen.expressions.expression import Constant, Expression
from cnngen.ops.base import Op
from cnngen.ops.convolution import SeparableConv
from cnngen.ops.normalization import Affine
from cnngen.plan.program import Call, Program, walk
from cnngen.semantics.op_values import all_named
from cnngen.syntax.tree import ArgumentValue
from cnngen.targets.spelling import Speller
from cnngen.targets.torch import affine, separable
from cnngen.targets.torch.use import Values
from cnngen.targets.values import attribute_values, value_node

Arguments = Mapping[str, ArgumentValue]
CLASSES: Mapping[type[Op], tuple[str, Collection[str]]] = {
    SeparableConv: (separable.NAME, separable.PARAMETERS),
    Affine: (affine.NAME, affine.PARAMETERS),
}
"""Of each of these ops the class, and the attributes that it may have parameters for."""


def find_common(program: Program, speller: Speller) -> Mapping[type[Op], Values]:
    """The attributes for which all uses of an op in a file give one constant."""
    bodies = [part.body for part in (*program.units, *program.stages)]
    calls = [node for body in bodies for node in walk(body) if isinstance(node, Call)]
    made = [(each.layer.made, each.layer.arguments) for each in calls]
    resolution = program.network.resolution
    parts = (*resolution.order, *resolution.spec.stages)
    for named in all_named(resolution.op_uses, resolution.spec.parameters, parts):
        made.append((resolution.ops[named], resolution.arguments[named]))
    return {
        op: _common(op, [arguments for each, arguments in made if each is op], speller)
        for op in CLASSES
    }


def _common(op: type[Op], uses: Sequence[Arguments], speller: Speller) -> Values:
    written, attributes = CLASSES[op]
    if not uses or speller.knows_support(written):  # a user's class has all parameters
        return {}
    names = [name for name in attributes if _is_common(name, uses)]
    if not names:
        return {}
    values = attribute_values(op, uses[0], {})
    for value in values.values():
        value_node(value, speller.node, speller.use)  # whose functions stand above all classes
    return {name: values[name] for name in names}


def _is_common(name: str, uses: Sequence[Arguments]) -> bool:
    """Whether an attribute has one constant value everywhere; half a window also hangs on that."""
    names = ("kernel", "dilation", name) if uses[0][name] == Constant("half") else (name,)
    return all(
        _is_constant(arguments[each]) and arguments[each] == uses[0][each]
        for arguments in uses
        for each in names
    )


def _is_constant(value: ArgumentValue) -> bool:
    return isinstance(value, Expression) and not (free_names(value) or mentions_input(value))
