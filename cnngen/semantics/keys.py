"""Keys: the name that each step of a body gets, in every target.

A step's key is its `name`; else its position in a chain, or, beside a join, its snake_case word. A
body of a single unnamed step adds no level: the step takes the place of the body.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

from cnngen.syntax.naming import snake_case
from cnngen.syntax.tree import (
    Body,
    Branches,
    Call,
    Each,
    Reference,
    Repeat,
    Step,
    When,
)

Layout = Literal["empty", "single", "chain", "graph"]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How a body is laid out: `single` takes the place of its body, a `chain` has positions, a
    `graph` has words.

    `keys` has the key of each step of a graph and of each named step of a chain; what is absent has
    a position.
    """

    layout: Layout
    keys: dict[Step, str]


def arrange(body: Body, *, block: bool = False, merging: Container[Step] = ()) -> Arrangement:
    """Lay out a body; `merging` has the calls that read a second tensor.

    Only the body of a block can be a graph: elsewhere joins are containers in a chain.
    """
    named = {step: step.name.text for step in body if step.name}
    if not body:
        return Arrangement("empty", {})
    if block and any(_bends(step, merging) for step in body):
        return Arrangement("graph", _words(body))
    if len(body) == 1 and not named and not (block and isinstance(body[0], When)):
        return Arrangement("single", {})
    return Arrangement("chain", named)


def _bends(step: Step, merging: Container[Step]) -> bool:
    """Whether a step makes a chain into a graph: it joins, or reads something else than the step
    before it.
    """
    return isinstance(step, Branches | Reference) or step.origin is not None or step in merging


def word(step: Step) -> str:
    match step:
        case Call():
            return snake_case(step.callee.text)
        case Branches():
            return step.join.text
        case Repeat():
            return "repeat"
        case Each():
            return "each"
        case When():
            return "when"
        case Reference():
            return "input"


def _words(body: Body) -> dict[Step, str]:
    """A word for each step; of several alike the second is `relu_2`."""
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
