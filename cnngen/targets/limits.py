"""Limits: the uses that a target refuses, as data for its reference and for the diagnostic."""

from dataclasses import dataclass
from typing import NoReturn

from cnngen.ops import OPS
from cnngen.targets.spelling import Unsupported


@dataclass(frozen=True, slots=True)
class Limit:
    """A reason to refuse some uses of `ops`; with `words`, those with one of these initial
    distributions.

    A limit without ops is about a whole network, or about a template of the user.
    """

    reason: str
    ops: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()

    def refuse(self) -> NoReturn:
        raise Unsupported(self.reason)


OUTGROWN = Limit("the expressions for its channels outgrow what can be printed")
"""Every target has it: `lower` itself could not say how many channels there are."""

LISTED = Limit("it joins a list of branches, and a template of yours takes each by itself")
"""Every target has it: how many there are, generated code knows when it runs."""

PADDED = {
    name
    for name, op in OPS.items()
    if "kernel" not in op.attributes and "padding" in (a.kind for a in op.attributes.values())
}
PAIR = Limit("its padding cannot be a parameter that may be a pair", frozenset(PADDED))
"""Every target has it: generated code would have to find out which of the two it is."""
