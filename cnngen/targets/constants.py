"""Constants: what a default calls is computed once, under a name of its own above the classes."""

from collections.abc import Callable

from cnngen.python.nodes import Assign, Attribute, Call, Name, Node, Statement, String
from cnngen.python.printer import printed
from cnngen.targets.spelling import Speller


def constant(default: Node, speller: Speller) -> Node:
    """A default that makes an op, as it may stand in a signature: `partial(nn.GroupNorm, 32)` is
    `GroupNorm` there, and `partial(layers.Activation, "silu")` is `Silu`.
    """
    match default:
        case Call(_, (Attribute(), String((str(word),)))):
            name = "".join(part.capitalize() for part in word.split("_"))
            return Name(defined(name, lambda name: Assign((Name(name),), default), speller))
        case Call(_, (Attribute(name=name) | Name(name), *_)):
            return Name(defined(name, lambda name: Assign((Name(name),), default), speller))
        case _:
            return default


def defined(stem: str, define: Callable[[str], Statement], speller: Speller) -> str:
    """What a definition is called, which is written into the file; the second one under a name gets
    a number.
    """
    name, count = stem, 1
    while True:
        called = speller.called(name)
        text = printed([define(called)]).text
        if speller.support.setdefault(name, text) == text:
            return called
        count += 1
        name = f"{stem}{count}"
