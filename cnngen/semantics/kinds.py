"""Kinds: whether each step is given what it takes: one map, or a list of them.

This is checked on the tree, so that a block need not be used, nor a condition hold, nor a loop make
an iteration, for a mistake in it to be found.
"""

from typing import assert_never

from cnngen.diagnostics.model import Label, Report
from cnngen.semantics.carried import INPUT, Following, Kind, Kinds, has_lists
from cnngen.semantics.channel_kinds import check_channels
from cnngen.semantics.map_lists import lone_loop, loops_of, names_in
from cnngen.semantics.resolve import Resolution
from cnngen.source import Span
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
    Stage,
    Step,
    When,
)

KINDS = {"map": "one map", "list": "a list of maps", "unknown": ""}
AGAIN = "write the steps again, with weights of their own"


def check_kinds(resolution: Resolution, report: Report) -> None:
    """Report steps that are given or give a list where one map is needed, and the reverse."""
    spec, checking = resolution.spec, _Checking(resolution, report)
    if has_lists(spec):
        checking.blocks()
        checking.stages()
    for block in spec.blocks.values():
        check_channels(block, "list" if block.takes_list else "map", resolution, report)
    for stage in spec.stages:
        check_channels(stage, checking.given.get(stage, "map"), resolution, report)


class _Checking(Following):
    def __init__(self, resolution: Resolution, report: Report) -> None:
        super().__init__(resolution.spec, resolution.carried)
        self.resolution, self.report = resolution, report
        self.given: dict[Stage | Step, Kind] = {}
        spec = resolution.spec
        named = [name for block in spec.blocks.values() for name in loops_of(block.body)]
        self.loops = {*named, *(s.name.text for s in spec.stages if lone_loop(s.body))}

    def call(self, call: Call, given: Kind) -> Kind:
        block = self.resolution.blocks.get(call)
        if block is not None:
            return self.of_block(block.name.text)
        return given if given == "map" and call in self.resolution.ops else "unknown"

    def enters(self, stage: Stage, given: Kind) -> None:
        self.given[stage] = given

    def takes(self, step: Step, given: Kind, kinds: Kinds) -> None:
        self.given[step] = given
        if isinstance(step, Call):
            block = self.resolution.blocks.get(step)
            if block is not None and block.takes_list:
                if given == "map" and _is_called(step, self.resolution):
                    self._map_to_block(step, block)
            elif given == "list" and _is_called(step, self.resolution):
                self._list_to_one(step.callee, step)
            for name in self.resolution.tensors(step).values():
                self._one(name, kinds)
        elif isinstance(step, Reuse):
            self._again(step, given)
        for maps in self.resolution.map_lists(step).values():
            for name in names_in(maps):
                if not isinstance(name, ListName):
                    self._one(name, kinds, "put lists behind each other by `+`")

    def _one(self, name: Identifier, kinds: Kinds, way: str = "") -> None:
        """Report a list where one map is read by name."""
        if self.read(name, kinds) == "list":
            way = way or f"join them: `branches: {name.text}` with `join: concat`"
            self.report.add(
                "wrong-type",
                f"`{name.text}` is a list of maps, and one is needed",
                name.span,
                help=f'write `"{name.text}[0]"` to read one of them, or {way}',
            )

    def _list_to_one(self, name: Identifier, step: Call | Reuse) -> None:
        """Report a list where a step of this name takes one map."""
        others = "join them, or let a block with `input: tensors` take the list"
        if step.origin is not None:
            given = step.origin.text
            self.report.add(
                "wrong-type",
                f"`{name.text}` takes one map, and `{given}` is a list of them",
                step.origin.span,
                secondary=[Label(name.span, "what takes one map")],
                help=f'write `"{given}[0]"` to read one of them, {others}',
            )
            return
        way = "read one of them by `from`"
        if given := self.before.get(step):
            way = f'write `from: "{given}[0]"` beside it to read one of them'
            if step.span.text == name.text:
                way = f'write `{{{name.text}: {{}}, from: "{given}[0]"}}` to read one of them'
        self.report.add(
            "wrong-type",
            f"`{name.text}` takes one map, and is given a list of them",
            name.span,
            help=f"{way}, {others}",
        )

    def _map_to_block(self, call: Call, block: Block) -> None:
        help = "give it what `branches` with `join: list` gives"
        if call.origin and call.origin.text in self.loops:
            help = f"make a list of what the loop gave, `branches: {call.origin.text}` with"
            help += f" `join: {APART}`, and let `{call.callee.text}` read that"
        self.report.add(
            "wrong-type",
            f"`{call.callee.text}` takes a list of maps, and is given one map",
            call.callee.span,
            secondary=[Label(block.name.span, "its input is declared as tensors")],
            help=help,
        )

    def _again(self, step: Reuse, given: Kind) -> None:
        part, name = self.resolution.shared.get(step), step.target.text
        if part is None:  # which was reported
            return
        does = "gives" if self._gives(part) else "takes"
        if does == "gives" or self.given.get(part) == "list":
            self.report.add(
                "wrong-type",
                f"`{name}` {does} a list of maps, so it cannot be used again",
                step.target.span,
                secondary=[Label(part.name.span, "the first use")] if part.name else (),
                help=AGAIN,
            )
        elif given == "list":
            self._list_to_one(step.target, step)

    def _gives(self, part: Stage | Step) -> bool:
        if isinstance(part, Stage):
            return part.name.text in self.found.stages
        return part in self.found.steps

    def branch(self, step: Branches | BranchLoop, arm: Branch | None, gives: Kind) -> None:
        if gives != "list":
            return
        which, at = "each branch", step.join.span
        if arm is not None:
            which, at = f"the branch `{arm.name.text}`", arm.name.span
        elif isinstance(step, BranchLoop):
            at = _place(step.loop.body)
        apart = step.join.text == APART
        self.report.add(
            "wrong-type",
            f"{which} gives a list of maps, and a branch gives one",
            at,
            help='join them, or put lists behind each other: `branches: "first + second"`'
            if apart
            else "join the maps of the branch first, or read one of them by `from`",
        )

    def turn(self, body: Body, given: Kind, gives: Kind) -> None:
        if given == gives or "unknown" in (given, gives):
            return
        self.report.add(
            "wrong-type",
            f"an iteration of this loop takes {KINDS[given]} and gives {KINDS[gives]}, which the"
            " next would be given",
            _place(body),
            help="keep the maps apart with `join: list`, or take this step out of the loop"
            if given == "list"
            else "join the maps, or take this step out of the loop",
        )

    def sides(self, step: When, then: Kind, otherwise: Kind) -> None:
        labels = [Label(_place(step.body), KINDS[then])]
        if step.orelse:
            labels.append(Label(_place(step.orelse), KINDS[otherwise]))
        passes = "" if step.orelse else "; without `else`, it gives what it is given"
        self.report.add(
            "wrong-type",
            f"this gives {KINDS[then]} if the condition holds, and {KINDS[otherwise]} if not"
            + passes,
            step.test.span or step.span,
            secondary=labels,
            help="let both sides give a list, or both one map",
        )


def _is_called(call: Call, resolution: Resolution) -> bool:
    """Whether what a step calls is given what the step is given, and not by mistake an argument."""
    known = call in resolution.ops or call in resolution.blocks
    return known and not any(argument.name.text == INPUT for argument in call.arguments)


def _place(body: Body) -> Span:
    """What gives the output of a body."""
    step = body[-1]
    match step:
        case Call():
            return step.callee.span
        case Reuse():
            return step.target.span
        case Reference():
            return step.origin.span
        case Repeat():
            return step.times.span or step.span
        case Each():
            return step.lists[0][0].span
        case When():
            return step.test.span or step.span
        case Branches() | BranchLoop():
            return step.join.span
        case _:
            assert_never(step)
