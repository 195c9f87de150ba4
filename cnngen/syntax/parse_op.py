"""The default of a parameter that is an op: `relu`, or `{leaky_relu: {slope: 0.1}}`.

Whether there is such an op, and one that a parameter can be, is left to `resolve`.
"""

from cnngen.diagnostics.model import Report
from cnngen.diagnostics.suggest import suggest
from cnngen.diagnostics.synonyms import OPS as OTHER_OPS
from cnngen.diagnostics.synonyms import translate
from cnngen.expressions.expression import Name
from cnngen.ops import OPS
from cnngen.syntax.parse_value import IDENTIFIER, parse_distribution
from cnngen.syntax.tree import ArgumentValue
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, brief


def is_op(node: Node) -> bool:
    """Whether a default is an op: no parameter has another word for its default, and no other
    mapping.
    """
    match node:
        case Scalar(text=word):
            return word in OPS
        case Mapping(entries=((key, value),)):
            return key.text in OPS or isinstance(value, Mapping)
        case _:
            return False


def may_be_op(node: Node) -> bool:
    """Whether an unknown word may be an op: it resembles one, or is written as classes are."""
    if not isinstance(node, Scalar) or not IDENTIFIER.fullmatch(node.text):
        return False
    word = node.text
    resembles = translate(word, OTHER_OPS, OPS) is not None or suggest(word, OPS) is not None
    return resembles or word[:1].isupper()


def parse_op(name: str, node: Node, report: Report) -> ArgumentValue | None:
    """The default of the parameter `name`."""
    if isinstance(node, Scalar):
        return Name(node.text, node.span)
    assert isinstance(node, Mapping)
    return parse_distribution(node, f"`{brief(name)}`", report, of_op=True)
