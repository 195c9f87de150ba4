"""Initial weights in Keras: a fresh initializer for one layer."""

from collections.abc import Mapping

from cnngen.expressions.expression import Expression
from cnngen.ops.base import Op
from cnngen.python.nodes import Node
from cnngen.syntax.tree import ArgumentValue
from cnngen.targets.code import Code, node_of
from cnngen.targets.distributions import DEFAULT, init_arguments, init_context
from cnngen.targets.keras.limits import MIXED
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.use import Initializers
from cnngen.targets.keras.values import Value
from cnngen.targets.keras.variance_scaling import DISTRIBUTIONS, variance_scaling


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
    word, arguments = init_arguments(value)
    return {
        name: spell_init(word, arguments, kind, multiplier, scope) for name, kind in kinds.items()
    }


def spell_init(
    word: str,
    arguments: Mapping[str, Expression | str],
    kind: str,
    multiplier: Value,
    scope: Scope,
) -> Node | None:
    """A distribution for a layer of a kind; what a user's template can express, it knows itself."""
    speller = scope.speller
    if word in DISTRIBUTIONS and not speller.knows_init(word):
        return variance_scaling(word, arguments, kind, multiplier, scope)
    if word in MIXED.words and kind in MIXED.ops and speller.is_ours(f"init/{word}"):
        MIXED.refuse()
    context = init_context(arguments, lambda number: Code(scope.node(number)))
    context |= {"op": kind, "multiplier": Code(scope.value(multiplier))}
    code = speller.spell_init(word, context)
    return node_of(code) if code else None
