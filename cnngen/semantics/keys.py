"""Keys: the name that each step of a body gets, in every target.

The key of a step is its `name`. Without one, it is the position of the step if the body is a chain,
and a word in snake_case if the body is a graph. A body of a single step without a name adds no
level to paths: the step takes the place of the body.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

from cnngen.syntax.naming import snake_case
from cnngen.syntax.tree import (
    Body,
    Branches,
    BranchLoop,
    Call,
    Each,
    Reference,
    Repeat,
    Reuse,
    Step,
    When,
)

Layout = Literal["empty", "single", "chain", "graph"]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How the steps of a body are arranged: a `single` step takes the place of its body, a `chain`
    has positions, a `graph` has words.

    `keys` has the key of each step of a graph and of each named step of a chain; the key of any
    other step is its position.
    """

    layout: Layout
    keys: dict[Step, str]


def arrange(
    body: Body,
    *,
    block: bool = False,
    merging: Container[Step] = (),
    choosing: Container[Step] = (),
) -> Arrangement:
    """The arrangement of a body; `merging` has the calls that read a second tensor, `choosing`
    those that may be one of two layers.

    Only the body of a block can be a graph: elsewhere, a join is one link of a chain.
    """
    named = {step: step.name.text for step in body if step.name}
    if not body:
        return Arrangement("empty", {})
    if block and any(_bends(step, merging) for step in body):
        return Arrangement("graph", _words(body))
    chooses = isinstance(body[0], When) or body[0] in choosing
    if len(body) == 1 and not named and not (block and chooses):
        return Arrangement("single", {})
    return Arrangement("chain", named)


def _bends(step: Step, merging: Container[Step]) -> bool:
    """Whether a step makes a graph of a chain: it joins branches, or it reads something else than
    the output of the step before it, or is used again.
    """
    return (
        isinstance(step, Branches | BranchLoop | Reference | Reuse)
        or step.origin is not None
        or step in merging
    )


def word(step: Step) -> str:
    match step:
        case Call():
            return snake_case(step.callee.text)
        case Branches():
            return step.join.text
        case BranchLoop():
            return "branches"
        case Repeat():
            return "repeat"
        case Each():
            return "each"
        case When():
            return "when"
        case Reference():
            return "input"
        case Reuse():
            return step.target.text


def _words(body: Body) -> dict[Step, str]:
    """A word for each step; of several with the same word, the second is called `relu_2`."""
    keys: dict[Step, str] = {}
    taken = {step.name.text for step in body if step.name}
    for step in body:
        if step.name:
            keys[step] = step.name.text
        elif not isinstance(step, Reference):
            stem, count = word(step), 1
            while (key := stem if count == 1 else f"{stem}_{count}") in taken:
                count += 1
            taken.add(key)
            keys[step] = key
    return keys
