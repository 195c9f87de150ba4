"""Limits: the uses that a target refuses, as data for its reference and for the diagnostic."""

from dataclasses import dataclass
from typing import NoReturn

from cnngen.ops import OPS
from cnngen.targets.spelling import Unsupported


@dataclass(frozen=True, slots=True)
class Limit:
    """Some uses of these ops are refused; where there are `words`, those with such initial weights.
    One without ops comes with a whole network, or with a template of the user.
    """

    reason: str
    ops: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()

    def refuse(self) -> NoReturn:
        raise Unsupported(self.reason)


OUTGROWN = Limit("the expressions for its channels outgrow what can be printed")
"""Of every target: none can print what `lower` cannot say."""

PADDED = {
    name
    for name, op in OPS.items()
    if "kernel" not in op.attributes and "padding" in (a.kind for a in op.attributes.values())
}
PAIR = Limit("its padding cannot be a parameter that may be a pair", frozenset(PADDED))
"""Of every target: its code would have to find out which of the two it is, when it runs."""
