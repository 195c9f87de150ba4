"""Ranks: whether what a unit or a region gives are maps or a vector."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from cnngen.ops.base import Op
from cnngen.plan.program import (
    Arm,
    Bind,
    Call,
    Choice,
    Gather,
    Join,
    JoinLoop,
    Loop,
    Pass,
    Region,
    Reuse,
    Unit,
)
from cnngen.semantics.network import Rank


@dataclass(slots=True)
class Ranks:
    """A unit says itself what it gives for the rank with which it was lowered; `others` has what it
    gives for the other one, for which its body is followed again.
    """

    others: dict[Unit, Rank] = field(default_factory=dict[Unit, Rank])

    def after(self, unit: Unit, rank: Rank) -> Rank:
        """What a unit gives for images or for vectors."""
        if rank == unit.input.rank:
            return unit.body.gives.rank
        if unit not in self.others:
            self.others[unit] = self.behind(unit.body, rank)
        return self.others[unit]

    def behind(self, region: Region, rank: Rank) -> Rank:
        """What a region gives for images or for vectors."""
        for node in region.nodes:
            match node:
                case Call():
                    made = node.layer.made
                    unit = isinstance(made, Unit)
                    rank = self.after(made, rank) if unit else after_op(made, rank)
                case Join():
                    rank = self.behind(representative(node.arms).region, rank)
                case Loop() | JoinLoop():
                    rank = self.behind(node.body, rank)
                case Choice():
                    rank = self.behind(node.then, rank)
                case Reuse():
                    rank = self.behind(node.part, rank)
                case Gather():
                    rank = node.maps.rank
                case Pass() | Bind():
                    pass
                case _:
                    assert_never(node)
        return rank


def after_op(op: type[Op], rank: Rank) -> Rank:
    return rank if op.gives == "same" else op.gives


def representative(arms: Sequence[Arm]) -> Arm:
    """A branch that is there whatever the parameters are, if there is one."""
    return next((arm for arm in arms if arm.test is None), arms[0])
