"""Initial weights in Keras: a fresh initializer for one layer."""

from cnngen.ops.base import Op
from cnngen.python.nodes import Node
from cnngen.syntax.tree import ArgumentValue
from cnngen.targets.code import Code, node_of
from cnngen.targets.distributions import DEFAULT, init_context
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.use import Initializers
from cnngen.targets.keras.values import Value


def initializers(
    op: type[Op], value: ArgumentValue, multiplier: Value, scope: Scope
) -> Initializers:
    """Expressions that make new initializers each time.

    Some layers have more than one; a separable convolution has a second for its 1 x 1 part.
    """
    besides = op.drawn.besides if op.drawn else ()
    kinds = {"init": op.name, **dict(besides)}
    if value == DEFAULT:
        return dict.fromkeys(kinds)
    word, context = init_context(value, lambda number: Code(scope.node(number)))
    context["multiplier"] = Code(scope.value(multiplier))
    made: dict[str, Node | None] = {}
    for name, kind in kinds.items():
        code = scope.speller.spell_init(word, {"op": kind, **context})
        made[name] = node_of(code) if code else None
    return made
