"""Constants: what a default calls is computed once, under a name of its own above the classes."""

from cnngen.python.nodes import Assign, Attribute, Call, Name, Node
from cnngen.python.printer import printed
from cnngen.targets.spelling import Speller


def constant(default: Node, speller: Speller) -> Node:
    """A default that makes an op, as it may stand in a signature: `partial(nn.GroupNorm, 32)` is
    `GroupNorm` there.
    """
    match default:
        case Call(_, (Attribute(name=name) | Name(name), *_)):
            return Name(_defined(name, default, speller))
        case _:
            return default


def _defined(name: str, value: Node, speller: Speller) -> str:
    """The name of a value; the second value under a name gets a number."""
    stem, count = name, 1
    while True:
        called = speller.called(name)
        text = printed([Assign((Name(called),), value)]).text
        if speller.support.setdefault(name, text) == text:
            return called
        count += 1
        name = f"{stem}{count}"
