"""Initial weights in Keras: the code of a fresh initializer for one layer."""

from cnngen.ops import OPS
from cnngen.syntax.tree import ArgumentValue
from cnngen.targets.spelled import Printer
from cnngen.targets.spelling import OMIT, Speller
from cnngen.targets.torch_init import DEFAULT, init_context, word_and_arguments


def initializers(
    op: str, value: ArgumentValue, multiplier: str, printer: Printer | None, speller: Speller
) -> dict[str, str]:
    """Expressions that make new initializers each time; nothing where the framework's default
    stays.

    Some layers have more than one; a separable convolution has a second for its 1 x 1 part.
    """
    drawn = OPS[op].drawn
    kinds = {"init": op, **dict(drawn.besides if drawn else ())}
    if value == DEFAULT:
        return dict.fromkeys(kinds, OMIT)
    word, _ = word_and_arguments(value)
    context = {"multiplier": multiplier, **init_context(value, printer)}
    return {name: speller.spell_init(word, {"op": kind, **context}) for name, kind in kinds.items()}
