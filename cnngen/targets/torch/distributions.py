"""Initial distributions, as they stand in a spec: their words and arguments."""

from cnngen.expressions.algebra import free_names, mentions_input
from cnngen.expressions.expression import Constant, Expression, Name
from cnngen.ops.initializer import INITIALIZERS
from cnngen.python.expression import python
from cnngen.syntax.tree import ArgumentValue, Distribution
from cnngen.targets.torch.attributes import Printer

DEFAULT = Constant(None)


def same(left: ArgumentValue, right: ArgumentValue) -> bool:
    if left == DEFAULT or right == DEFAULT:
        return left == right
    return word_and_arguments(left) == word_and_arguments(right)


def varies(value: ArgumentValue) -> bool:
    """Whether a distribution depends on parameters, or on the channels that a block is given."""
    if value == DEFAULT:
        return False
    _, given = word_and_arguments(value)
    numbers = [expression for name, expression in given.items() if name != "mode"]
    return any(free_names(number) or mentions_input(number) for number in numbers)


def init_context(value: ArgumentValue, printer: Printer | None) -> dict[str, str]:
    """The arguments of a distribution as code; the words among them as they are."""
    word, given = word_and_arguments(value)
    context: dict[str, str] = {}
    for argument in INITIALIZERS[word].arguments:
        expression = given.get(argument.name, Constant(argument.default))
        if argument.kind == "choice":
            context[argument.name] = (
                expression.name if isinstance(expression, Name) else argument.default
            )
        else:
            context[argument.name] = printer.code(expression) if printer else python(expression)
    return context


def word_and_arguments(value: ArgumentValue) -> tuple[str, dict[str, Expression]]:
    match value:
        case Distribution(word=word, arguments=arguments):
            return word.text, {name.text: expression for name, expression in arguments}
        case Name(name=word):
            return word, {}
        case _:
            raise AssertionError(value)
