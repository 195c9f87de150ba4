"""Find what may work in place: calls that may overwrite the tensor that they read, and sums that
may overwrite what one of their branches gives.

A data-flow analysis with one fact for each tensor: it is `free` if nobody else reads it, neither
another node nor the backward pass of the layer that gave it. What a unit is given belongs to its
user, so that it is never free.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from cnngen.ops.base import Op
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
    Program,
    Region,
    Reuse,
    Unit,
    regions,
)
from cnngen.syntax.tree import Stage, Step


@dataclass(frozen=True, slots=True)
class InPlace:
    """The calls of ops that may work in place; of the joins that may, the branch whose tensor they
    may overwrite.
    """

    calls: frozenset[Call] = frozenset()
    joins: Mapping[Join, int] = field(default_factory=dict[Join, int])


def find_in_place(program: Program) -> InPlace:
    """What can work in place, and may."""
    calls: set[Call] = set()
    joins: dict[Join, int] = {}
    gives: dict[Unit, bool] = {}
    parts = program.network.resolution.parts
    for unit in program.units:
        analysis = _Analysis(gives, frozenset(_read_again(unit.body)), parts, calls, joins)
        gives[unit] = analysis.after(unit.body, free=False)
        analysis.note(unit.body, free=False)
    shared = {x.number for x in program.inputs}
    previous = program.inputs[0].number
    for stage in program.stages:
        shared |= {stage.gives.number} if stage.kept else set()
        shared |= {stage.body.given.number} - {previous}
        shared |= set(_read_again(stage.body))
        previous = previous if stage.training else stage.gives.number
    analysis, free = _Analysis(gives, frozenset(shared), parts, calls, joins), False
    for stage in program.stages:
        given = free and stage.body.given.number not in shared and not stage.training
        given = given and stage.step not in parts
        analysis.note(stage.body, given)
        if not stage.training:
            free = analysis.after(stage.body, given)
    return InPlace(frozenset(calls), joins)


def _read_again(region: Region) -> Iterator[int]:
    """The tensors that are read by name. Most are read once, by the node that follows: these are
    left out.
    """
    running = region.given.number
    for node in region.nodes:
        match node:
            case Bind():
                continue
            case Call():
                yield from (tensor.number for tensor in node.tensors.values())
                yield from (number for maps in node.lists.values() for number in maps.numbers)
            case Gather():
                yield from node.maps.numbers
                running = node.gives.number
                continue
            case Loop():
                for walked in node.walks:
                    yield from (*walked.maps.numbers, walked.value.number)
            case Join():
                yield node.reads.number
                yield from (arm.region.given.number for arm in node.arms)
            case JoinLoop():
                yield from (node.reads.number, node.body.given.number)
                for walked in node.walks:
                    yield from (*walked.maps.numbers, walked.value.number)
            case Choice() | Reuse() | Pass():
                pass
            case _:
                assert_never(node)
        if node.reads.number != running:
            yield node.reads.number
        for inner in regions(node):
            yield from _read_again(inner)
        running = node.gives.number


@dataclass(slots=True)
class _Analysis:
    """Of one unit, or of the model; `gives` says of each unit whether what it gives is free, and
    `calls` and `joins` have what was found. What `parts` are given may not be free where they are
    used again.
    """

    gives: dict[Unit, bool]
    shared: frozenset[int]
    parts: frozenset[Stage | Step]
    calls: set[Call]
    joins: dict[Join, int]
    known: dict[tuple[Region, bool], bool] = field(default_factory=dict[tuple[Region, bool], bool])

    def after(self, region: Region, free: bool) -> bool:
        """Whether what a region gives is free, if what it is given is."""
        key = (region, free)
        if key not in self.known:
            for node in region.nodes:
                free = self._after_node(node, free)
            self.known[key] = free
        return self.known[key]

    def note(self, region: Region, free: bool) -> None:
        """Note what may work in place in a region."""
        for node in region.nodes:
            given = self._given(node, free)
            match node:
                case Call(layer=layer):
                    made = layer.made
                    if given and not isinstance(made, Unit) and made.in_place:
                        self.calls.add(node)
                case Join(op=op) if op is not None and op.in_place:
                    if (taker := next(self._takers(node), None)) is not None:
                        self.joins[node] = taker
                case _:
                    pass
            for inner, start in self._inner(node, given):
                self.note(inner, start)
            free = self._after_node(node, free)

    def _takers(self, node: Join) -> Iterator[int]:
        """The branches whose tensor a sum may overwrite. An optional one may not be there; and
        where some are, the sum of the others is added to, which is a tensor of its own if there are
        several.
        """
        sum_is_new = len(node.arms) > len(node.always) > 1
        takes_two = node.op is not None and node.op.takes_two
        for i, arm in enumerate(node.arms[:1] if takes_two else node.arms):
            if arm.test is None and (sum_is_new or self.after(arm.region, False)):
                yield i

    def _given(self, node: Node, free: bool) -> bool:
        if isinstance(node, Bind | Gather) or node.step in self.parts:
            return False
        return free and node.reads.number not in self.shared

    def _inner(self, node: Node, given: bool) -> Iterator[tuple[Region, bool]]:
        """The regions in a node, with whether what each is given is free."""
        match node:
            case Loop():
                start = self._start_of_turn(node, given)
                yield node.body, start
                if node.between is not None:
                    yield node.between, node.keeps is None and self.after(node.body, start)
            case Choice():
                yield from ((region, given) for region in regions(node))
            case Join() | JoinLoop():
                yield from ((region, False) for region in regions(node))
            case Call() | Gather() | Reuse() | Pass() | Bind():
                pass
            case _:
                assert_never(node)

    def _start_of_turn(self, node: Loop, given: bool) -> bool:
        """Whether what an iteration is given is free: in the first one what the loop is given, and
        in the others what the iteration before gives, or what stands between them. One step reaches
        the fixpoint: it is false from then on, or was true. Nothing is free that is kept in a list,
        or walked through.
        """
        running = node.reads if node.between is None else node.between.gives
        if node.keeps is not None or node.body.given.number != running.number:
            return False
        again = self.after(node.body, given)
        if node.between is not None:
            again = self.after(node.between, again)
        return given and again

    def _after_node(self, node: Node, free: bool) -> bool:
        given = self._given(node, free)
        match node:
            case Bind():
                return free
            case Pass():
                return False
            case Call():
                made = node.layer.made
                units = node.layer.units
                after = (
                    _after_op(made, given)
                    if not isinstance(made, Unit)
                    else all(self.gives[unit] for unit in units)
                )
            case Gather():
                after = _is_new(node.op) and len(node.maps.numbers) > 1
            case Loop():
                after = (
                    given
                    and node.keeps is None
                    and self.after(node.body, self._start_of_turn(node, given))
                )
            case Choice():
                arms = [self.after(region, given) for region in regions(node)]
                after = all(arms) and (node.otherwise is not None or given)
            case Join():
                after = _is_new(node.op) and self._is_new(node)
            case JoinLoop():  # of one iteration, some joins give what that gives
                joins = node.op is not None and node.op.concatenates
                after = _is_new(node.op) and (joins or self.after(node.body, False))
            case Reuse():
                after = self.after(node.part, False)
            case _:
                assert_never(node)
        return after and node.gives.number not in self.shared

    def _is_new(self, node: Join) -> bool:
        """Whether nobody else reads what a join gives, though a branch may be left alone in it."""
        alone = node.always or node.arms
        return len(node.always) > 1 or all(self.after(arm.region, False) for arm in alone)


def _is_new(op: type[Op] | None) -> bool:
    """Whether nobody else reads what a join gives; maps that stay apart may be read by others."""
    return op is not None and op.keeps not in ("output", "both")


def _after_op(op: type[Op], given: bool) -> bool:
    """Whether what an op gives is free, given whether its input is. Working in place overwrites the
    input, and an op that keeps neither for the backward pass may give a view of it.
    """
    if op.in_place and given:
        return False
    match op.keeps:
        case "input":
            return True
        case "output" | "both":
            return False
        case "nothing":
            return given
        case _:
            assert_never(op.keeps)
