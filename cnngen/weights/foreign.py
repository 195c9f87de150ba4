"""Files of models that somebody else wrote, read as if they were of ours.

Their model is made, to learn the kinds, shapes and connections of its layers; names do not matter.
Only shapes and numbers are read from the file.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cnngen.ops.base import Shape
from cnngen.semantics.network import Network
from cnngen.weights.convert import UnfitError, first
from cnngen.weights.graph import Dimensions, Weight, WeightedLayer, WeightGraph, spell
from cnngen.weights.layout import Array
from cnngen.weights.match import Match, Pair, match
from cnngen.weights.read_network import read_network
from cnngen.weights.read_torch import COUNTER
from cnngen.weights.reference import Reference
from cnngen.weights.stored import Stored, WeightNames, shown
from cnngen.weights.transfer import TransferError, translation

CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A model that others wrote: its graph of weights, and the names that files may have for
    these.
    """

    reference: Reference
    graph: WeightGraph
    names: WeightNames

    @classmethod
    def of(cls, reference: Reference, network: Network) -> "Foreign":
        """Makes the model for inputs of the network's sizes."""
        inputs = reference.takes(network)
        return cls.made(reference, reference.outline(*inputs), *inputs)

    @classmethod
    def made(cls, reference: Reference, model: Any, *inputs: Shape) -> "Foreign":
        if reference.framework == "keras":
            names = WeightNames({"keras": [x.path for x in model.weights]}, groups=_groups(model))
        else:
            names = WeightNames({"torch": [*model.state_dict()]})
        return cls(reference, reference.graph(model, *inputs), names)


@dataclass(slots=True)
class Adopted:
    """The weights of a file under our names, and notes for the user."""

    stored: Stored
    notes: list[str] = field(default_factory=list[str])


def adopt(
    foreign: Foreign,
    stored: Stored,
    network: Network,
    changed: Collection[str] = (),
    *,
    by_order: bool = False,
) -> Adopted:
    """The weights of a file under our names and in PyTorch's layout.

    Layers that are `changed` by options may be missing or of another size. `UnfitError` where any
    other layer has no counterpart or, unless `by_order`, could be exchanged with another.
    """
    keys = _keys(foreign, stored)
    found = correspond(network, _with_shapes(foreign, stored, keys), changed, by_order=by_order)
    found = _present(found, keys, changed)
    try:
        recipes = translation(found, network, fold_biases=True)
    except TransferError as error:
        raise UnfitError(str(error)) from None
    shapes = {w.key: w.shape for pair in found.pairs for w in pair.ours.weights.values()}
    for pair in found.unlike:
        ours = pair.ours.weights
        shapes |= {ours[n].key: w.shape for n, w in pair.theirs.weights.items() if n in ours}
    counters = dict(_counters(found, keys, stored))
    state = _State(stored, keys)

    def read(name: str) -> Array:
        return stored.read(counters[name]) if name in counters else recipes[name](state)

    shapes |= dict.fromkeys(counters, ())
    adopted = Adopted(Stored("torch", shapes, read, stored.metadata))
    adopted.notes += [
        f"left out {layer}: the spec has no such layer" for layer in found.only_theirs
    ]
    folded = [
        pair for pair in found.pairs if "bias" in pair.theirs.weights.keys() - pair.ours.weights
    ]
    if folded:
        adopted.notes.append(
            f"took the biases of {len(folded)} convolutions from the running means behind them:"
            " the same in evaluation"
        )
    return adopted


def correspond(
    network: Network, graph: WeightGraph, changed: Collection[str] = (), *, by_order: bool = False
) -> Match:
    """Which of their layers is which of ours; `UnfitError` where that cannot be said."""
    found = match(read_network(network), graph)
    unlike = tuple(pair for pair in found.unlike if pair.ours.name not in changed)
    problems = replace(found, unlike=unlike)
    if not problems.complete:
        raise UnfitError(problems.explain())
    if found.by_order and not by_order:
        pairs = [f"could be exchanged with others: {pair}" for pair in found.by_order]
        raise UnfitError("\n".join([*first(pairs), "with --by-order their order decides"]))
    return found


class _State(Mapping[str, Array]):
    """The weights of a file by the keys of their model; each is read when it is asked for."""

    def __init__(self, stored: Stored, keys: Mapping[str, str]) -> None:
        self.stored, self.keys_in_file = stored, keys

    def __getitem__(self, key: str) -> Array:
        return self.stored.weight(self.keys_in_file[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys_in_file)

    def __len__(self) -> int:
        return len(self.keys_in_file)


def _keys(foreign: Foreign, stored: Stored) -> dict[str, str]:
    """The name in the file for each key of the model. Dots may differ: older versions of
    torchvision called `norm1` of a DenseNet `norm.1`.
    """
    plain = {_plain(key): key for key in stored.shapes}
    names = foreign.names.keys[foreign.reference.framework]
    found = {name: name if name in stored.shapes else plain.get(_plain(name), "") for name in names}
    found = {name: key for name, key in found.items() if key}
    unknown = [k for k in stored.shapes.keys() - found.values() if not k.endswith(COUNTER)]
    if unknown:
        lines = [
            f"`{shown(key)}` belongs to no layer of {foreign.reference}" for key in sorted(unknown)
        ]
        raise UnfitError("\n".join(first(lines)))
    return found


def _plain(key: str) -> str:
    return key.replace(".", "").replace("_", "")


def _with_shapes(foreign: Foreign, stored: Stored, keys: Mapping[str, str]) -> WeightGraph:
    """Their graph with the shapes in the file, without the heads for training that the file lacks.

    Whatever else it lacks keeps the shape that the package gives it.
    """
    layers: dict[str, WeightedLayer] = {}
    absent: set[str] = set()
    problems: list[str] = []
    for name, layer in foreign.graph.layers.items():
        if layer.training and not any(w.key in keys for w in layer.weights.values()):
            absent.add(name)
        weights: dict[str, Weight] = {}
        for word, weight in layer.weights.items():
            if weight.key not in keys:
                weights[word] = weight
            elif (shape := _shape(weight, stored.shapes[keys[weight.key]])) is None:
                there = spell(stored.shapes[keys[weight.key]])
                problems.append(f"`{weight.key}` is {there}, which has other dimensions")
            else:
                weights[word] = replace(weight, shape=shape)
        layers[name] = replace(layer, weights=weights)
    if problems:
        raise UnfitError("\n".join(first(problems)))
    return replace(foreign.graph, layers=layers).without(absent)


def _present(found: Match, keys: Mapping[str, str], changed: Collection[str]) -> Match:
    """The match without what the file lacks; only `changed` layers may be missing."""

    def lacks(pair: Pair) -> list[str]:
        return [weight.key for weight in pair.theirs.weights.values() if weight.key not in keys]

    missing = [
        f"`{key}` is missing"
        for pair in found.pairs
        if pair.ours.name not in changed
        for key in lacks(pair)
    ]
    if missing:
        raise UnfitError("\n".join(first(missing)))
    pairs, unlike = (
        tuple(pair for pair in all if not lacks(pair)) for all in (found.pairs, found.unlike)
    )
    return replace(found, pairs=pairs, unlike=unlike)


def _shape(weight: Weight, there: Dimensions) -> Dimensions | None:
    """The shape in PyTorch's layout of what the file has; None if it has not as many dimensions."""
    was = weight.form.to_keras(np.broadcast_to(np.False_, weight.shape))
    if was.ndim != len(there):
        return None
    return weight.form.to_torch(np.broadcast_to(np.False_, there)).shape


def _counters(found: Match, keys: Mapping[str, str], stored: Stored) -> Iterator[tuple[str, str]]:
    """PyTorch's counts of batches: our name and the key in the file."""
    for pair in found.pairs:
        ours, theirs = (x.weights.get("running_var") for x in (pair.ours, pair.theirs))
        if ours and theirs and (key := keys.get(_counter(theirs.key), "")):
            yield _counter(ours.key), key


def _counter(key: str) -> str:
    return key.removesuffix("running_var") + COUNTER


def _groups(model: Any) -> dict[str, list[str]]:
    """The variables of each layer, by the names that Keras gives layers in files."""
    seen: dict[str, int] = {}
    found: dict[str, list[str]] = {}
    for layer in model.layers:
        word = CAPITAL.sub("_", type(layer).__name__).lower()  # `conv2d`, `batch_normalization`
        number = seen[word] = seen.get(word, -1) + 1
        found[f"{word}_{number}" if number else word] = [x.path for x in layer.weights]
    return found
