"""Initial weights in Keras: a fresh initializer for one layer."""

from collections.abc import Mapping

from cnngen.expressions.expression import Constant, Expression, Name
from cnngen.ops.base import Op
from cnngen.ops.initializer import INITIALIZERS
from cnngen.python.nodes import Node
from cnngen.syntax.tree import ArgumentValue, Distribution
from cnngen.targets.code import Code, node_of
from cnngen.targets.keras.limits import MIXED
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.use import Initializers
from cnngen.targets.keras.values import Value, is_closed
from cnngen.targets.spelling import Speller

DEFAULT = Constant(None)


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
    word, given = _word_and_arguments(value)
    context = {"multiplier": Code(scope.value(multiplier)), **_arguments(word, given, scope)}
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


def _arguments(word: str, given: dict[str, Expression], scope: Scope) -> dict[str, str]:
    """The arguments of a distribution as code; the words among them as they are."""
    context: dict[str, str] = {}
    for argument in INITIALIZERS[word].arguments:
        expression = given.get(argument.name, Constant(argument.default))
        if argument.kind == "choice":
            context[argument.name] = (
                expression.name if isinstance(expression, Name) else str(argument.default)
            )
        else:
            context[argument.name] = Code(scope.node(expression))
    return context


def _word_and_arguments(value: ArgumentValue) -> tuple[str, dict[str, Expression]]:
    match value:
        case Distribution(word=word, arguments=arguments):
            return word.text, {name.text: expression for name, expression in arguments}
        case Name(name=word):
            return word, {}
        case _:
            raise AssertionError(value)


def is_constant(value: ArgumentValue) -> bool:
    """Whether a distribution depends on no name."""
    if value == DEFAULT:
        return True
    _, given = _word_and_arguments(value)
    return all(is_closed(number) for name, number in given.items() if name != "mode")
