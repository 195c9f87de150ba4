"""Initial distributions, as they stand in a spec: their words and arguments."""

from collections.abc import Callable, Mapping

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


def init_arguments(value: ArgumentValue) -> tuple[str, dict[str, Expression | str]]:
    """The word of a distribution, and all its arguments: numbers, and words as text."""
    word, given = _word_and_arguments(value)
    arguments: dict[str, Expression | str] = {}
    for argument in INITIALIZERS[word].arguments:
        expression = given.get(argument.name, Constant(argument.default))
        if argument.kind != "choice":
            arguments[argument.name] = expression
        elif isinstance(expression, Name):
            arguments[argument.name] = expression.name
        else:
            arguments[argument.name] = str(argument.default)
    return word, arguments


def init_context(
    arguments: Mapping[str, Expression | str], code: Callable[[Expression], str]
) -> dict[str, str]:
    """Arguments for a template: numbers as code, words as they are."""
    return {
        name: value if isinstance(value, str) else code(value) for name, value in arguments.items()
    }


def _word_and_arguments(value: ArgumentValue) -> tuple[str, dict[str, Expression]]:
    match value:
        case Distribution(word=word, arguments=arguments):
            return word.text, {n.text: v for n, v in arguments if isinstance(v, Expression)}
        case Name(name=word):
            return word, {}
        case _:
            raise AssertionError(value)
