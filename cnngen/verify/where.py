"""Where two models part: the first step of each that the other does not make.

Steps need no names in common, nor be the same in number: what a step gives is looked for in all
that the other model computes. A padding that one makes by itself and the other within its
convolution is none of the differences, as what follows is the same in both.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from cnngen.semantics.network import Network
from cnngen.verify.trace import Fingerprint, Step, Trace
from cnngen.weights.layout import keras_name

MISSING = "no such step"


@dataclass(frozen=True, slots=True)
class Parting:
    """What each model does first that the other does not, as text."""

    ours: str
    theirs: str


def parting(ours: Trace, theirs: Trace, network: Network, allowed: float) -> Parting | None:
    """None where all that matters in one is found in the other."""
    first = _first(ours, theirs, allowed), _first(theirs, ours, allowed)
    if not any(first):
        return None
    return Parting(
        _ours(first[0], network) if first[0] else MISSING,
        str(first[1]) if first[1] else MISSING,
    )


def _first(trace: Trace, other: Trace, allowed: float) -> Step | None:
    """The first step that leads to something that the other does not have."""
    there: Mapping[tuple[int, ...], list[Fingerprint]] = defaultdict(list)
    for step in other.steps:
        there[step.gives.shape].append(step.gives)
    readers: Mapping[int, list[int]] = defaultdict(list)
    for i, step in enumerate(trace.steps):
        for read in step.reads:
            readers[read].append(i)
    found: Step | None = None
    lost: set[int] = set()
    for i in reversed(range(len(trace.steps))):
        step = trace.steps[i]
        if any(step.gives.equals(gives, allowed) for gives in there[step.gives.shape]):
            continue
        if i in trace.outputs or any(reader in lost for reader in readers[i]):
            lost.add(i)
            found = step
    return found


def _ours(step: Step, network: Network) -> str:
    """A step of ours, with the line of the spec from which its layer is."""
    names = {layer.path: layer for layer in network.layers.values()}
    names |= {keras_name(layer): layer for layer in network.layers.values()}
    layer = names.get(step.layer)
    if layer is None:
        return str(step)
    return f"{step}, from `{layer.op.name}` in line {layer.span.line}"
