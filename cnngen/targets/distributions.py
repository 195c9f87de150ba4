"""Initial distributions, as they stand in a spec: their words and arguments."""

from collections.abc import Callable

from cnngen.expressions.algebra import free_names, mentions_input
from cnngen.expressions.expression import Constant, Expression, Name
from cnngen.ops.initializer import INITIALIZERS
from cnngen.syntax.tree import ArgumentValue, Distribution

DEFAULT = Constant(None)


def same(left: ArgumentValue, right: ArgumentValue) -> bool:
    """Whether two distributions are one, wherever they stand in a spec."""
    if left == DEFAULT or right == DEFAULT:
        return left == right
    return _word_and_arguments(left) == _word_and_arguments(right)


def varies(value: ArgumentValue) -> bool:
    """Whether a distribution depends on parameters, or on the channels that a block is given."""
    if value == DEFAULT:
        return False
    _, given = _word_and_arguments(value)
    numbers = [expression for name, expression in given.items() if name != "mode"]
    return any(free_names(number) or mentions_input(number) for number in numbers)


def init_context(
    value: ArgumentValue, code: Callable[[Expression], str]
) -> tuple[str, dict[str, str]]:
    """The word of a distribution, and its arguments for a template: numbers as code, words as they
    are.
    """
    word, given = _word_and_arguments(value)
    context: dict[str, str] = {}
    for argument in INITIALIZERS[word].arguments:
        expression = given.get(argument.name, Constant(argument.default))
        if argument.kind == "choice":
            context[argument.name] = (
                expression.name if isinstance(expression, Name) else str(argument.default)
            )
        else:
            context[argument.name] = code(expression)
    return word, context


def _word_and_arguments(value: ArgumentValue) -> tuple[str, dict[str, Expression]]:
    match value:
        case Distribution(word=word, arguments=arguments):
            return word.text, {name.text: expression for name, expression in arguments}
        case Name(name=word):
            return word, {}
        case _:
            raise AssertionError(value)
