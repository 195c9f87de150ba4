"""Words of attributes under a condition: `padding: half if pad else 0`."""

from collections.abc import Callable, Collection, Iterator, Mapping

from cnngen.expressions.expression import Conditional, Constant, Expression, ListOf, Name, Value
from cnngen.ops.attribute import PADDING_WORDS, Attribute
from cnngen.ops.base import Op
from cnngen.ops.initializer import INITIALIZERS
from cnngen.semantics.types import Types, is_pair
from cnngen.syntax.tree import ArgumentValue


def arms(value: ArgumentValue) -> Iterator[ArgumentValue]:
    """What a value may be, whatever its conditions are."""
    if isinstance(value, Conditional):
        yield from arms(value.then)
        yield from arms(value.otherwise)
    else:
        yield value


def words_of(attribute: Attribute[object]) -> Collection[str]:
    """The words of an attribute; what a padding may be elsewhere is a word, too."""
    match attribute.kind:
        case "padding":
            return PADDING_WORDS
        case "init":
            return INITIALIZERS
        case _:
            return attribute.choices


def word(attribute: Attribute[object], value: ArgumentValue) -> str | None:
    """The word of an attribute that a value is."""
    match value:
        case Constant(str() as found) | Name(found) if found in words_of(attribute):
            return found
        case _:
            return None


def chooses_word(attribute: Attribute[object], value: ArgumentValue) -> bool:
    """Whether a condition decides which word a value is, or whether it is one."""
    if not isinstance(value, Conditional) or attribute.kind not in ("padding", "choice", "init"):
        return False
    return any(word(attribute, arm) for arm in arms(value))


def chosen(value: Conditional, evaluate: Callable[[Expression], Value]) -> Expression:
    """What the conditions of a value choose."""
    found: Expression = value
    while isinstance(found, Conditional):
        test = evaluate(Conditional(found.test, Constant(True), Constant(False)))
        found = found.then if test else found.otherwise
    return found


def needs_two_layers(
    op: type[Op], name: str, arguments: Mapping[str, ArgumentValue], types: Types
) -> bool:
    """Whether no single layer has both values of a choice between words. Half of a window is a
    number like others, where the window is one.
    """
    attribute, value = op.attributes[name], arguments[name]
    if not chooses_word(attribute, value):
        return False
    found = [*arms(value)]
    sizes = [arguments[size] for size in ("kernel", "dilation") if size in arguments]
    written = any(isinstance(part, ListOf) for part in (*found, *sizes))
    pairs = any(isinstance(size, Expression) and is_pair(size, types) for size in sizes)
    return written or pairs or any(word(attribute, arm) not in ("half", None) for arm in found)
