"""Templates of ops, and what they are given."""

from cnngen.python.nodes import Node
from cnngen.targets.code import Code
from cnngen.targets.torch.use import Use
from cnngen.targets.values import Sides


def has_template(made: Use) -> bool:
    return made.speller.knows(made.op.name)


def from_template(made: Use) -> Node:
    """What the template of an op prints. Each attribute is a code to it, or a word; a padding whose
    opposite sides differ is `sides`, and another variable of that name has them.
    """
    context: dict[str, str] = {
        "channels": Code(made.as_node(made.channels)),
        "rank": made.rank,
        "in_place": str(made.in_place),
    }
    for name, value in made.values.items():
        match value:
            case str():
                context[name] = value
            case Sides():
                context |= {name: "sides", "sides": Code(made.as_node(value))}
            case _:
                context[name] = Code(made.as_node(value))
    return made.speller.spell(made.op.name, context).node
