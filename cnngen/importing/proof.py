"""Proof: what `build` makes of an imported spec has the weights of the original, and computes what
it computes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from cnngen.foreign.graph import Node
from cnngen.frameworks import MissingFrameworkError
from cnngen.importing.original import Original
from cnngen.semantics.network import Network
from cnngen.verify.against import RUNS, in_precision, paired
from cnngen.verify.compare import Say, farthest
from cnngen.verify.models import Inputs, import_sources, running
from cnngen.verify.tolerance import Precision, tolerance
from cnngen.weights.graph import WeightGraph
from cnngen.weights.layout import Array
from cnngen.weights.match import match
from cnngen.weights.places import NAMES
from cnngen.weights.read_network import read_network
from cnngen.weights.transfer import TransferError, translate

BUFFERS = {"running_mean", "running_var"}


class DifferentError(Exception):
    """The imported network is another one than the original; the message says in what."""


@dataclass(frozen=True, slots=True)
class Proof:
    """By how much outputs differ, relative to their largest value, for each target; what could not
    be run and why; the parameters of both.
    """

    word: Precision
    differences: Mapping[str, float]
    left_out: Mapping[str, str]
    parameters: int

    def __str__(self) -> str:
        apart = ", ".join(f"{NAMES[t]} {x:.0e}" for t, x in self.differences.items())  # pyright: ignore[reportArgumentType]
        return f"{self.parameters:,} parameters; outputs differ by at most: {apart} ({self.word})"


def weights_of(original: Original, network: Network) -> dict[str, Array]:
    """The weights of the original under our names, in PyTorch's layout: all of them, and no other.

    Raises `DifferentError`.
    """
    ours = read_network(network)
    numbers = dict(_without_weights(original, ours))
    found = match(ours.without(numbers), original.graph)
    if not found.complete:
        raise DifferentError(found.explain())
    fixed = sum(len(values) for node in original.fixed for values in node.constants.values())
    counts = parameters(ours) - fixed, parameters(original.graph)
    if counts[0] != counts[1]:
        raise DifferentError(f"it has {counts[0]:,} parameters, and the original {counts[1]:,}")
    try:
        state = translate(found, network, original.state)
    except TransferError as error:
        raise DifferentError(str(error)) from None
    for name, node in numbers.items():
        for word, weight in ours.layers[name].weights.items():
            state[weight.key] = np.array(node.constants[word], "float32")
    return state


def _without_weights(original: Original, ours: WeightGraph) -> Iterator[tuple[str, Node]]:
    """Our layers that are numbers only in the original, with the node of each."""
    whole = [node for node in original.fixed if not node.weights]
    for kind in dict.fromkeys(node.op.name for node in whole):
        nodes = [node for node in whole if node.op.name == kind]
        layers = [name for name, layer in ours.layers.items() if layer.kind == kind]
        if len(nodes) == len(layers):
            yield from zip(layers, nodes, strict=True)


def prove(
    original: Original,
    network: Network,
    texts: Mapping[str, str],
    left_out: Mapping[str, str],
    inputs: Inputs,
    folder: Path,
    say: Say,
) -> Proof:
    """Raises `DifferentError`, and `SourceError` where something does not run."""
    state = weights_of(original, network)
    given = in_precision(inputs, original.word)
    say("the original runs")
    with running("the original"):
        expected = paired(original.run(given), original.layouts, network)
    found: dict[str, float] = {}
    missing = dict(left_out)
    for target, text in texts.items():
        say(f"the source for {target} runs")
        try:
            sources = import_sources(network, {target: text}, folder)
            values = RUNS[target][1](sources, state, given, original.word)[1]
        except MissingFrameworkError as error:
            missing[target] = str(error)
            continue
        found[target] = farthest(values, expected)
        allowed = tolerance(network, "outputs", original.word)
        if not found[target] <= max(allowed, AGREED):
            raise DifferentError(
                f"its outputs in {target} differ from those of the original by {found[target]:.1e},"
                " relative to the largest"
            )
    return Proof(original.word, found, missing, parameters(original.graph))


AGREED = 1e-5
"""Float32 inside an original, or a norm of nearly equal numbers, is no difference."""


def parameters(graph: WeightGraph) -> int:
    """How many numbers are learned by gradients."""
    return sum(
        prod(weight.shape)
        for layer in graph.layers.values()
        for name, weight in layer.weights.items()
        if name.rpartition(".")[2] not in BUFFERS
    )
