"""What carries lists: the steps and blocks that give a list of maps, not one map.

`join: list` leaves the maps of branches apart. What follows is given the list: a block whose input
is one (`input: tensors`), or a loop of such.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cnngen.syntax.forms import APART
from cnngen.syntax.tree import (
    Block,
    Body,
    Branches,
    BranchLoop,
    Call,
    Each,
    Identifier,
    ListName,
    Reference,
    Repeat,
    Reuse,
    Spec,
    Stage,
    Step,
    When,
)

INPUT = "input"


@dataclass(slots=True, eq=False)
class Carried:
    """The `blocks`, `stages` and `steps` that give a list of maps."""

    blocks: set[str] = field(default_factory=set[str])
    stages: set[str] = field(default_factory=set[str])
    steps: set[Step] = field(default_factory=set[Step])

    def named(self, block: Block) -> list[str]:
        """The steps of a block by whose names a list is read; so is its input, if it is one."""
        own = [step.name.text for step in block.body if step.name and step in self.steps]
        return [INPUT, *own] if block.takes_list else own


def find_carried(spec: Spec) -> Carried:
    """Follow all bodies; those of blocks until nothing new is found, as blocks use each other."""
    found = Carried()
    known = -1
    while known < len(found.blocks):
        known = len(found.blocks)
        for name, block in spec.blocks.items():
            lists = {INPUT: block.takes_list}
            if _follow(block.body, block.takes_list, lists, found):
                found.blocks.add(name)
    lists: dict[str, bool] = {}
    given = False
    for stage in spec.stages:
        given = _follow_stage(stage, given, lists, found)
    return found


def _follow_stage(stage: Stage, given: bool, lists: dict[str, bool], found: Carried) -> bool:
    at_start = _named(stage.origin, lists) if stage.origin else given
    gives = _follow(stage.body, at_start, dict(lists), found)
    lists[stage.name.text] = gives
    if gives:
        found.stages.add(stage.name.text)
    return given if stage.training else gives


def _named(name: Identifier, lists: Mapping[str, bool]) -> bool:
    """Whether what a name reads is a list, not one of its maps."""
    whole = not isinstance(name, ListName) or name.index is None
    return whole and lists.get(name.text, False)


def _follow(body: Body, given: bool, lists: dict[str, bool], found: Carried) -> bool:
    """Whether a body gives a list, whose steps can read `lists` by name."""
    for step in body:
        if step.origin:
            given = _named(step.origin, lists)
        given = _gives(step, given, lists, found)
        if given:
            found.steps.add(step)
        if step.name:
            lists[step.name.text] = given
    return given


def _gives(step: Step, given: bool, lists: dict[str, bool], found: Carried) -> bool:
    match step:
        case Call():
            return step.callee.text in found.blocks
        case Reference():
            return given
        case Repeat() | Each():
            return _follow(step.body, given, dict(lists), found)
        case When():
            then = _follow(step.body, given, dict(lists), found)
            return _follow(step.orelse or (), given, dict(lists), found) or then
        case Branches():
            for arm in step.arms:
                _follow(arm.body, given, dict(lists), found)
            return step.join.text == APART
        case BranchLoop():
            _follow(step.loop.body, given, dict(lists), found)
            return step.join.text == APART
        case Reuse():
            return False
