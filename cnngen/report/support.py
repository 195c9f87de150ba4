"""Support: which target can express which op, as the target itself declares."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from cnngen.ops import OPS
from cnngen.targets import keras, torch
from cnngen.targets.keras import spell as keras_spell
from cnngen.targets.keras.variance_scaling import DISTRIBUTIONS
from cnngen.targets.limits import Limit
from cnngen.targets.spelling import Speller
from cnngen.targets.torch import spell as torch_spell

BUILT: Mapping[str, frozenset[str]] = {
    "torch": frozenset((*torch_spell.BUILDERS, *torch_spell.FUNCTIONS, *torch_spell.JOINS)),
    "keras": frozenset(keras_spell.BUILDERS),
}
"""The ops of which a target has no template, but a function."""

BUILT_INITIALIZERS: Mapping[str, frozenset[str]] = {
    "torch": frozenset(),
    "keras": frozenset(DISTRIBUTIONS),
}
"""The same of initial distributions."""

LIMITS: Mapping[str, tuple[Limit, ...]] = {"torch": torch.LIMITS, "keras": keras.LIMITS}


@dataclass(frozen=True, slots=True)
class Support:
    """Whether a target knows an op, and the reasons for which it refuses some uses of it."""

    known: bool
    limits: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.known:
            return "no"
        return f"partly: {'; '.join(self.limits)}" if self.limits else "yes"


def op_support(op: str) -> dict[str, Support]:
    """The support of an op by each of our targets."""
    return {
        target: Support(
            op in BUILT[target] or _speller(target).knows(op),
            tuple(limit.reason for limit in limits if op in limit.ops and not limit.words),
        )
        for target, limits in LIMITS.items()
    }


def init_support(word: str) -> dict[str, Support]:
    """The support of an initial distribution by each of our targets."""
    return {
        target: Support(
            word in BUILT_INITIALIZERS[target] or _speller(target).knows_init(word),
            tuple(limit.reason for limit in limits if word in limit.words),
        )
        for target, limits in LIMITS.items()
    }


@cache
def _speller(target: str) -> Speller:
    return Speller(target)


def all_ops() -> dict[str, list[str]]:
    """The names of all ops by group, in alphabetical order."""
    groups: dict[str, list[str]] = {}
    for name, op in sorted(OPS.items(), key=lambda item: (item[1].group, item[0])):
        groups.setdefault(op.group, []).append(name)
    return groups
