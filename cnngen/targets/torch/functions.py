"""Functions: ops that read several tensors, each an expression in a `forward`."""

from cnngen.expressions.expression import Constant
from cnngen.expressions.expression import Name as Word
from cnngen.plan.program import Call, Choice, Node, Unit
from cnngen.python import nodes
from cnngen.python.nodes import Assign, with_origin
from cnngen.targets.spelling import spelling
from cnngen.targets.torch.construct import own
from cnngen.targets.torch.forward import Forward, first_node, read
from cnngen.targets.torch.modules import Made
from cnngen.targets.torch.scope import Scope
from cnngen.targets.torch.spell import spell_function
from cnngen.targets.torch.use import Reading
from cnngen.targets.values import attribute_values, value_node


def is_function(node: Node | None) -> bool:
    """Whether a node is no module but an expression: an op that reads several tensors, or one of
    two such.
    """
    match node:
        case Call(layer=layer):
            return not isinstance(layer.made, Unit) and bool(layer.made.tensors)
        case Choice(then=then):
            return is_function(first_node(then))
        case _:
            return False


def function(
    node: Node | None, key: str, value: nodes.Node, scope: Scope, forward: Forward
) -> Made:
    """What such a node gives. What depends on parameters in it, the constructor keeps in attributes
    that begin with the key.
    """
    if isinstance(node, Choice):
        assert node.otherwise is not None
        then, otherwise = first_node(node.then), first_node(node.otherwise)
        flag = own(scope.attribute(f"{key}_{_word(then, otherwise)}"))
        yield Assign((flag,), scope.node(node.test))
        first = yield from function(then, key, value, scope, forward)
        second = yield from function(otherwise, key, value, scope, forward)
        return nodes.Conditional(flag, first, second)
    assert isinstance(node, Call) and not isinstance(node.layer.made, Unit)
    file, op = scope.file, node.layer.made
    values = attribute_values(op, node.layer.arguments, scope.types)
    given: dict[str, nodes.Node] = {}
    for name, each in values.items():
        given[name] = value_node(each, scope.node, file.speller.use)
        if not isinstance(each, str | Constant):
            kept = own(scope.attribute(f"{key}_{name}"))
            yield Assign((kept,), given[name])
            given[name] = kept
    named = file.network.resolution.tensors(node.step)
    tensors = {name: read(other, forward, scope) for name, other in named.items()}
    with spelling(node.step):
        made = spell_function(Reading(op, values, given, value, tensors, file.speller))
    return with_origin(made, node.step)


def _word(then: Node | None, otherwise: Node | None) -> str:
    """The word of the attribute in which two calls differ."""
    match then, otherwise:
        case Call(layer=one), Call(layer=other):
            pairs = ((one.arguments[name], value) for name, value in other.arguments.items())
            words = (a.name for a, b in pairs if a != b and isinstance(a, Word))
            return next(words, "first")
        case _:
            return "first"
