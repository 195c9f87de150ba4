"""Initial weights in Keras: a fresh initializer for one layer."""

from collections.abc import Mapping

from cnngen.ops.base import Op
from cnngen.python.nodes import Node
from cnngen.syntax.tree import ArgumentValue
from cnngen.targets.code import Code, node_of
from cnngen.targets.distributions import DEFAULT, init_context
from cnngen.targets.keras.limits import MIXED
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.use import Initializers
from cnngen.targets.keras.values import Value
from cnngen.targets.spelling import Speller


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
        code = spell_init(word, kind, context, scope.speller)
        made[name] = node_of(code) if code else None
    return made


def spell_init(word: str, kind: str, context: Mapping[str, str], speller: Speller) -> Code:
    """A distribution for a layer of a kind; what a user's template can express, it knows itself."""
    if word in MIXED.words and kind in MIXED.ops and speller.is_ours(f"init/{word}"):
        MIXED.refuse()
    return speller.spell_init(word, {"op": kind, **context})
