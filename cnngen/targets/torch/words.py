"""Words: what a variable is called that has a module to which the author gave no name.

The layers inside name it, as far as their names end alike: `bottlenecks`, or `units` for a
`FirstUnit` and more of `Unit`. What they do not name is called `layers`, as in torchvision.
"""

from collections.abc import Iterator, Sequence
from itertools import takewhile

from cnngen.plan.program import (
    Bind,
    Call,
    Choice,
    Gather,
    Join,
    JoinLoop,
    Loop,
    Node,
    Pass,
    Region,
    Reuse,
    regions,
)
from cnngen.syntax.naming import snake_case

NESTED = ""  # stands for a module that is no layer, but has some


def word(made: Region | Loop | Choice) -> str:
    """A word for the Sequential of a chain or a loop, or for the module that a choice is."""
    if isinstance(made, Choice):
        return common(list(_of_node(made))) or "layer"
    return plural(common(list(_items(made)))) or "layers"


def common(names: Sequence[str]) -> str:
    """The words with which all names end, if there are any to be spoken of.

    >>> common(["first_unit", "unit"]), common(["max_pool", "avg_pool"]), common(["residual_a"])
    ('unit', 'pool', '')
    """
    ends = zip(*(reversed(name.split("_")) for name in names), strict=False)
    words = [end[0] for end in takewhile(lambda end: len(set(end)) == 1, ends)]
    is_word = bool(words) and words[0].isalpha() and len(words[0]) > 1
    return "_".join(reversed(words)) if is_word else ""


def plural(name: str) -> str:
    """The regular plural of a noun, which may be one already.

    >>> [plural(name) for name in ("basic_block", "branch", "proxy", "relay", "layers", "")]
    ['basic_blocks', 'branches', 'proxies', 'relays', 'layers', '']
    """
    if name.endswith(("ss", "x", "z", "ch", "sh")):
        return f"{name}es"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return name if not name or name.endswith("s") else f"{name}s"


def _items(made: Region | Loop) -> Iterator[str]:
    """The names of the layers that a Sequential has as its items."""
    if isinstance(made, Loop):
        for region in regions(made):
            yield from _of_region(region)
        return
    for node in made.nodes:
        if isinstance(node, Loop) and not isinstance(node.key, str):
            yield from _items(node)
        else:
            yield from _of_node(node)


def _of_region(region: Region) -> Iterator[str]:
    """The name of the layer that a region is; several where a condition decides."""
    if region.layout in ("chain", "graph"):
        yield NESTED
        return
    for node in region.nodes:
        yield from _of_node(node)


def _of_node(node: Node) -> Iterator[str]:
    match node:
        case Call():
            layer = node.layer
            yield node.step.callee.text if layer.chosen else snake_case(layer.made.name)
        case Choice():
            for region in regions(node):
                yield from _of_region(region)
        case Loop() | Join() | JoinLoop():
            yield NESTED
        case Gather() | Reuse() | Pass() | Bind():
            return
