"""Initial weights in Keras: the code of a fresh initializer for one layer."""

from cnngen.syntax.tree import ArgumentValue
from cnngen.targets.distributions import DEFAULT, init_context, word_and_arguments
from cnngen.targets.spelled import Printer
from cnngen.targets.spelling import OMIT, Speller


def initializers(
    op: str, value: ArgumentValue, multiplier: str, printer: Printer | None, speller: Speller
) -> dict[str, str]:
    """Expressions that make new initializers each time; nothing where the framework's default
    stays.

    A separable convolution has a second one, for its 1 x 1 part.
    """
    kinds = {"init": op} | ({"pointwise_init": "conv"} if op == "separable_conv" else {})
    if value == DEFAULT:
        return dict.fromkeys(kinds, OMIT)
    word, _ = word_and_arguments(value)
    context = {"multiplier": multiplier, **init_context(value, printer)}
    return {name: speller.spell_init(word, {"op": kind, **context}) for name, kind in kinds.items()}
