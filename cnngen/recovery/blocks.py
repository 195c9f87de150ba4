"""Blocks: their parameters with the values at each use, and what they are called."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from cnngen.diagnostics.terminal import one_line
from cnngen.recovery.columns import Column, Record
from cnngen.recovery.names import Names, spelled
from cnngen.recovery.tree import Apply, Body, Loop, Merge, Use, nodes

MOST_SHOWN = 5
LONGEST_KIND = 100


@dataclass(eq=False, slots=True)
class Block:
    """A block: its name, its parameters with their values at each use, and its body."""

    name: str
    uses: list[Use]
    parameters: dict[str, Column] = field(default_factory=dict[str, Column])
    defaults: dict[str, Any] = field(default_factory=dict[str, Any])
    takes: tuple[str, ...] = ()
    body: Any = None

    def arguments(self, use: Use) -> dict[str, Any]:
        row = next(i for i, each in enumerate(self.uses) if each is use)
        return {name: column[row] for name, column in self.parameters.items()}

    def find_defaults(self) -> None:
        """A stride is 1 unless it is said, as everywhere."""
        for name, column in self.parameters.items():
            common, count = Counter(column).most_common(1)[0]
            if name.startswith(("stride", "dilation")) and common == 1 and count > 1:
                self.defaults[name] = common

    def written(self) -> dict[str, Any]:
        """The block as a spec has it."""
        types: dict[str, Any] = dict.fromkeys(self.takes, "tensor")
        for name, column in self.parameters.items():
            types[name] = self.defaults.get(name, _type(column))
        params = {"params": types} if types else {}
        return {"about": _about(self.uses), **params, "body": self.body}


def title(uses: Sequence[Use], taken: Names) -> str:
    """What the model calls a part, or what it is."""
    return taken.add(spelled(uses[0].kind, "block") or _described(uses[0].body))


def _described(body: Body) -> str:
    ops = [item.node.op.name for item in body if isinstance(item, Apply)]
    match body:
        case (Merge(node=node), *_) if node.op.name == "add":
            return "Residual"
        case (Merge(node=node), *_) if node.op.gates:
            return "Gate"
        case (Merge(node=node, arms=arms), *_) if node.op.concatenates:
            return "Branches" if all(arm.body for arm in arms) else "DenseLayer"
        case (Loop(), *_):
            return "Stack"
        case _:
            pass
    if "depthwise_conv" in ops:
        return "DepthwiseUnit"
    if "separable_conv" in ops:
        return "SeparableUnit"
    return "ConvUnit" if "conv" in ops else "Unit"


def _about(uses: Sequence[Use]) -> str:
    """What a block consists of, and where the model has it."""
    ops = [*dict.fromkeys(node.op.name for node in nodes(uses[0].body))]
    more = len(ops) > MOST_SHOWN
    first, last = (ops[:MOST_SHOWN], "others") if more else (ops[:-1], ops[-1])
    made = f"{', '.join(first)} and {last}" if first else last
    kind = one_line(uses[0].kind)[:LONGEST_KIND]
    if kind:
        return f"The model's `{kind}`, made of {made}."
    return f"{made[0].upper()}{made[1:]}, which the model has in {len(uses)} places."


def _type(column: Sequence[Any]) -> Any:
    """The type of a parameter with these values."""
    if all(isinstance(x, bool) for x in column):
        return "bool"
    if all(isinstance(x, int) for x in column):
        return "int"
    if all(isinstance(x, int | float) for x in column):
        return "float"
    if not all(isinstance(x, tuple) for x in column):
        return "size"
    elements = [*chain.from_iterable(column)]
    if any(isinstance(x, Record) for x in elements):
        return [{"value": _type([x.value for x in elements])}]
    return {"bool": "bools", "int": "ints"}.get(_type(elements), "floats")
