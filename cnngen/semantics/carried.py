"""What carries lists: the steps and blocks that give a list of maps, not one map.

`join: list` leaves the maps of branches apart. What follows is given the list: a block whose input
is one (`input: tensors`), or a loop of such. Whether it is a list that a step is given follows from
the tree alone, whatever the parameters are.
"""

from dataclasses import dataclass, field
from typing import Literal, assert_never

from cnngen.semantics.walk import steps, takes_input
from cnngen.syntax.forms import APART
from cnngen.syntax.tree import (
    Block,
    Body,
    Branch,
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

Kind = Literal["map", "list", "unknown"]
"""What flows from step to step. It is unknown behind a mistake."""
Kinds = dict[str, Kind]


@dataclass(slots=True, eq=False)
class Carried:
    """The `blocks`, `stages` and `steps` that give a list of maps; of `unsure` blocks that is not
    known, because of a mistake.
    """

    blocks: set[str] = field(default_factory=set[str])
    unsure: set[str] = field(default_factory=set[str])
    stages: set[str] = field(default_factory=set[str])
    steps: set[Step] = field(default_factory=set[Step])

    def named(self, block: Block) -> list[str]:
        """The steps of a block by whose names a list is read; so is its input, if it is one."""
        own = [step.name.text for step in block.body if step.name and step in self.steps]
        return [INPUT, *own] if block.takes_list else own


def find_carried(spec: Spec) -> Carried:
    """Follow all bodies; those of blocks until nothing new is found, as blocks use each other."""
    found = Carried()
    if not has_lists(spec):
        return found
    following = Following(spec, found)
    known = -1
    while known < len(found.blocks) + len(found.unsure):
        known = len(found.blocks) + len(found.unsure)
        following.blocks()
    following.stages()
    return found


def has_lists(spec: Spec) -> bool:
    """Whether a step may be given a list of maps."""
    bodies = (part.body for part in (*spec.blocks.values(), *spec.stages))
    return any(map(_is_given_list, spec.blocks.values())) or any(
        isinstance(step, Branches | BranchLoop) and step.join.text == APART
        for body in bodies
        for step in steps(body)
    )


def _is_given_list(block: Block) -> bool:
    return block.takes_list or any(each.type == "tensors" for each in block.parameters)


class Following:
    """Follows the bodies of a spec, and notes in `found` what gives a list. What is said where a
    step is given the wrong kind is up to a subclass, which has the resolved names.
    """

    def __init__(self, spec: Spec, found: Carried) -> None:
        self.spec, self.found = spec, found
        self.before: dict[Step, str] = {}  # what a step is given, where that has a name

    def blocks(self) -> None:
        for name, block in self.spec.blocks.items():
            lists: Kinds = {INPUT: "list" if block.takes_list else "map"}
            lists |= {p.name.text: "map" for p in block.parameters if p.type == "tensor"}
            lists |= {p.name.text: "list" for p in block.parameters if p.type == "tensors"}
            names = (INPUT, *(step.name.text if step.name else "" for step in block.body))
            self.before |= dict(zip(block.body, names, strict=False))
            gives = self._body(block.body, lists[INPUT], lists)
            if gives == "list":
                self.found.blocks.add(name)
            elif gives == "unknown":
                self.found.unsure.add(name)

    def stages(self) -> None:
        kinds: Kinds = {each.name.text: "map" for each in self.spec.inputs}
        running: Kind = "map"
        last = ""
        for stage in self.spec.stages:
            if stage.body:
                self.before[stage.body[0]] = last
            given = self.read(stage.origin, kinds) if stage.origin else running
            self.enters(stage, self._start(stage.body, given, kinds))
            gives = self._body(stage.body, given, dict(kinds))
            kinds[stage.name.text] = gives
            if gives == "list":
                self.found.stages.add(stage.name.text)
            if not stage.training:
                running, last = gives, stage.name.text

    def _start(self, body: Body, given: Kind, kinds: Kinds) -> Kind:
        """What a body begins with."""
        origin = body[0].origin if body else None
        return self.read(origin, kinds) if origin else given

    def read(self, name: Identifier, kinds: Kinds) -> Kind:
        """What `from` reads: a list, or one of its maps."""
        if isinstance(name, ListName) and name.index is not None:
            return "map"
        return kinds.get(name.text, "unknown")

    def _body(self, body: Body, given: Kind, kinds: Kinds) -> Kind:
        """What a body gives, whose steps can read these kinds by name."""
        for step in body:
            if step.origin:
                given = self.read(step.origin, kinds)
            self.takes(step, given, kinds)
            given = self._step(step, given, kinds)
            if given == "list":
                self.found.steps.add(step)
            if step.name:
                kinds[step.name.text] = given
        return given

    def _step(self, step: Step, given: Kind, kinds: Kinds) -> Kind:
        match step:
            case Call():
                return self.call(step, given)
            case Reference():
                return given
            case Repeat() | Each():
                return self._loop(step, given, kinds)
            case When():
                then = self._body(step.body, given, dict(kinds))
                otherwise = self._body(step.orelse or (), given, dict(kinds))
                return self._agreed(step, then, otherwise)
            case Branches():
                for arm in step.arms:
                    self.branch(step, arm, self._body(arm.body, given, dict(kinds)))
                return "list" if step.join.text == APART else "map"
            case BranchLoop():
                inner = _inside(step.loop, kinds)
                self.branch(step, None, self._body(step.loop.body, given, inner))
                return "list" if step.join.text == APART else "map"
            case Reuse():
                return self.read(step.target, kinds)
            case _:
                assert_never(step)

    def _loop(self, loop: Repeat | Each, given: Kind, kinds: Kinds) -> Kind:
        inner = _inside(loop, kinds)
        between = loop.between if isinstance(loop, Each) else None
        gives = self._body(loop.body, given, dict(inner))
        if takes_input(loop.body):
            self.turn(loop.body, given, gives)
        if between is not None:
            entered = self._body(between, gives, dict(inner))
            if takes_input(loop.body):
                self.turn(between, gives, entered)
        return gives

    def _agreed(self, step: When, then: Kind, otherwise: Kind) -> Kind:
        if then == otherwise:
            return then
        if "unknown" not in (then, otherwise):
            self.sides(step, then, otherwise)
        return "unknown"

    # --- What a subclass knows, and says

    def call(self, call: Call, given: Kind) -> Kind:
        """What a call gives, from what it is given."""
        name = call.callee.text
        if name in self.spec.blocks:
            return self.of_block(name)
        return "unknown" if not name or name[:1].isupper() else "map"

    def of_block(self, name: str) -> Kind:
        if name in self.found.blocks:
            return "list"
        return "unknown" if name in self.found.unsure else "map"

    def enters(self, stage: Stage, given: Kind) -> None:
        """A stage is given this."""

    def takes(self, step: Step, given: Kind, kinds: Kinds) -> None:
        """A step is given this, and may read these."""

    def branch(self, step: Branches | BranchLoop, arm: Branch | None, gives: Kind) -> None:
        """A branch gives this: one by name, or each of a loop."""

    def turn(self, body: Body, given: Kind, gives: Kind) -> None:
        """A body of a loop is given this and gives that, which the one behind it is given."""

    def sides(self, step: When, then: Kind, otherwise: Kind) -> None:
        """The sides of a condition differ."""


def _inside(loop: Repeat | Each, kinds: Kinds) -> Kinds:
    """What can be read in an iteration: the variables, too, of which some are maps."""
    variables = loop.lists if isinstance(loop, Each) else ()
    maps: Kinds = {name.text: "map" for name, _ in variables}
    return kinds | maps
