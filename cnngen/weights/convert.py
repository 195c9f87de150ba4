"""Convert: the weights of a file that belong to a network, and the same weights for another
framework.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np

from cnngen.semantics.network import Network
from cnngen.targets.torch.names import module_name, weight_key
from cnngen.weights.graph import spell
from cnngen.weights.layout import Array, weight_shapes
from cnngen.weights.places import Framework, Place, places
from cnngen.weights.read_torch import COUNTER
from cnngen.weights.stored import Stored, WeightsFileError, reading, shown

MOST = 10  # lines of one kind


class UnfitError(WeightsFileError):
    """A file holds the weights of another network."""


@dataclass(slots=True)
class Selection:
    """The weights that are carried over, and the reasons why others are not."""

    carried: list[Place] = field(default_factory=list[Place])
    left_out: list[str] = field(default_factory=list[str])


def select(
    network: Network, stored: Stored, changed: Collection[str], *, heads: bool = True
) -> Selection:
    """The weights that can be carried over; `UnfitError` where the file is of another network.

    Layers that are `changed` by options are left out where their weights do not fit. So are layers
    that only training has, if `heads` is false or the file lacks them.
    """
    found, problems = Selection(), list[str]()
    left = {name for name in stored.shapes if not name.endswith(COUNTER)}
    for path, members in _layers(network):
        names = [place.names[stored.framework] for place in members]
        left.difference_update(names)
        absent = not any(name in stored.shapes for name in names)
        if members[0].layer.training and (absent or not heads):
            found.left_out.append(f"`{path}`: only training has it")
            continue
        unfit = [text for place in members if (text := _unfit(place, stored))]
        if not unfit:
            found.carried += members
        elif path in changed:
            found.left_out.append(f"`{path}`: {unfit[0]}")
        else:
            problems += unfit
    elsewhere = tuple(_prefix(path, stored.framework) for path in changed)
    for name in sorted(left):
        if name.startswith(elsewhere):
            found.left_out.append(f"`{shown(name)}`: the spec has no such weight here")
        else:
            problems.append(f"`{shown(name)}` belongs to no layer of the spec")
    if problems:
        raise UnfitError("\n".join(first(problems)))
    if not found.carried:
        raise UnfitError("no layer of the file fits the spec")
    return found


def changed_layers(network: Network, plain: Network) -> set[str]:
    """The layers that exist in only one of two networks, or have weights of other shapes there."""
    ours, theirs = (
        {layer.path: weight_shapes(layer) for layer in each.layers.values()}
        for each in (network, plain)
    )
    return {path for path in {*ours, *theirs} if ours.get(path) != theirs.get(path)}


def convert(selection: Selection, stored: Stored, target: Framework) -> dict[str, Array]:
    """The weights under the names and in the layouts of a framework.

    PyTorch's count of batches, which Keras does not keep, is 0 where the file has none.
    """
    found: dict[str, Array] = {}
    # The largest first, while there is room for copies.
    for place in sorted(selection.carried, key=_size, reverse=True):
        name = place.names[stored.framework]
        value = place.carried(stored.weight(name), stored.framework, target)
        found[place.names[target]] = np.asarray(value, order="C")
        if target == "torch" and place.names[target].endswith(".running_var"):
            counter = weight_key(place.layer, COUNTER)
            found[counter] = _count(stored, counter)
    return {name: found[name] for name in _in_order(selection, found)}


def first(lines: list[str]) -> list[str]:
    """The first few of many lines, and how many more there are."""
    more = len(lines) - MOST
    return lines if more <= 0 else [*lines[:MOST], f"and {more} more"]


def _size(place: Place) -> int:
    return prod(place.shapes["torch"])


def _in_order(selection: Selection, found: Mapping[str, Array]) -> Iterator[str]:
    """The names in the order of the network's layers."""
    for place in selection.carried:
        for name in (*place.names.values(), weight_key(place.layer, COUNTER)):
            if name in found:
                yield name


def _count(stored: Stored, counter: str) -> Array:
    if stored.framework == "torch" and stored.shapes.get(counter) == ():
        with reading(counter):
            value = stored.read(counter)
        if value.dtype == np.int64:
            return np.array(value)
    return np.zeros((), np.int64)


def _prefix(path: str, framework: Framework) -> str:
    """What the names of all weights of a layer have in common."""
    return f"{module_name(path)}." if framework == "torch" else f"{path.replace('.', '_')}/"


def _layers(network: Network) -> Iterator[tuple[str, list[Place]]]:
    found: dict[str, list[Place]] = {}
    for place in places(network):
        found.setdefault(place.layer.path, []).append(place)
    yield from found.items()


def _unfit(place: Place, stored: Stored) -> str:
    """What is wrong with a weight in the file; nothing if it fits."""
    name = place.names[stored.framework]
    ours, theirs = place.shapes[stored.framework], stored.shapes.get(name)
    if theirs == ours:
        return ""
    if theirs is None:
        return f"`{name}` ({spell(ours)}) is missing"
    return f"`{name}` is {spell(theirs)}, not {spell(ours)}"
