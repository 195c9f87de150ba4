"""Where two models part: the first step of each whose result the other does not have.

Steps need no common names, nor be equally many: each result is looked for among all results of the
other model. A padding that is a step of one model and part of a convolution in the other is no
difference, as the results behind it agree.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from cnngen.semantics.network import Network
from cnngen.targets.torch.names import module_name
from cnngen.verify.trace import Fingerprint, Step, Trace
from cnngen.weights.layout import keras_name

MISSING = "no such step"


@dataclass(frozen=True, slots=True)
class Parting:
    """The first step of each model that the other does not make, as text."""

    ours: str
    theirs: str


def parting(ours: Trace, theirs: Trace, network: Network, allowed: float) -> Parting | None:
    """None where each model has all results of the other that lead to its outputs."""
    first = _first(ours, theirs, allowed), _first(theirs, ours, allowed)
    if not any(first):
        return None
    return Parting(
        _ours(first[0], network) if first[0] else MISSING,
        str(first[1]) if first[1] else MISSING,
    )


def _first(trace: Trace, other: Trace, allowed: float) -> Step | None:
    """The first step on a way to an output on which no result is found in the other model."""
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
    """A step of ours, with the line of the spec that its layer comes from."""
    names = {layer.path: layer for layer in network.layers.values()}
    names |= {module_name(layer.path): layer for layer in network.layers.values()}
    names |= {keras_name(layer): layer for layer in network.layers.values()}
    layer = names.get(step.layer)
    if layer is None:
        return str(step)
    return f"{step}, from `{layer.op.name}` in line {layer.span.line}"
