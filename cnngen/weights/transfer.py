"""Transfer: the weights of a matched model under our names, and into our models."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from cnngen.semantics.network import Network
from cnngen.targets.torch.names import weight_key
from cnngen.weights.graph import Weight, WeightGraph, join
from cnngen.weights.keras_layers import is_counter, settle
from cnngen.weights.layout import Array, in_keras, in_torch_order, kept, keras_name, weight_shapes
from cnngen.weights.match import Match, Pair
from cnngen.weights.read_torch import COUNTER

State = Mapping[str, Array]
Recipe = Callable[[State], Array]  # makes one of our weights from their state


class TransferError(ValueError):
    """A weight of the other model has no place in ours, or the other way round."""


def torch_state(model: Any) -> dict[str, Array]:
    """The weights of a PyTorch model, without the counters of batches."""
    state = model.state_dict().items()
    return {key: value.cpu().numpy() for key, value in state if not key.endswith(COUNTER)}


def keras_state(model: Any) -> dict[str, Array]:
    """The weights of a Keras model by the paths of its variables, without counters."""
    weights = [variable for variable in model.weights if not is_counter(variable.path)]
    state = {variable.path: np.asarray(variable) for variable in weights}
    if len(state) != len(weights):
        raise TransferError(f"two variables of `{model.name}` have the same path")
    return state


def translate(
    match: Match, network: Network, state: Mapping[str, Array], *, fold_biases: bool = False
) -> dict[str, Array]:
    """The weights of the other model's state, under our names and in PyTorch's layout."""
    recipes = translation(match, network, fold_biases=fold_biases)
    return {key: recipe(state) for key, recipe in recipes.items()}


def translation(match: Match, network: Network, *, fold_biases: bool = False) -> dict[str, Recipe]:
    """How to make each weight of ours from the other model's state.

    A norm or bias of ours without a counterpart becomes one that changes nothing: 1 or 0. With
    `fold_biases`, a bias that ours lacks is subtracted from the running mean of the batch norms
    behind it. That is exact in evaluation; in training, these norms would have cancelled any bias.
    """
    found: dict[str, Recipe] = {}
    biases: list[tuple[Pair, Weight]] = []
    for pair in match.pairs:
        theirs = dict(pair.theirs.weights)
        for name, weight in pair.ours.weights.items():
            other = theirs.pop(name, None)
            if other is None:
                found[weight.key] = _neutral(pair, name)
            else:
                found[weight.key] = _recipe(pair, name, network, match.graphs[1])
        if fold_biases and "bias" in theirs:
            biases.append((pair, theirs.pop("bias")))
        if theirs:
            has, lacks = pair.theirs, pair.ours
            raise TransferError(f"{has} has a {' and a '.join(theirs)}, which {lacks} lacks")
    for pair, bias in biases:
        _fold(bias, pair, match, found)
    return found


def _recipe(pair: Pair, name: str, network: Network, theirs: WeightGraph) -> Recipe:
    """Makes a weight in PyTorch's layout and in the shape of ours from their layer."""
    weight, shape = pair.theirs.weights[name], pair.ours.weights[name].shape
    layer = network.layers.get(pair.ours.name)

    def recipe(state: State) -> Array:
        value = weight.form.to_torch(state[weight.key]).reshape(shape)
        if theirs.channels_last and layer and pair.ours.kind == pair.theirs.kind:
            return in_torch_order(layer, kept(layer, name), value)
        return value

    return recipe


def _neutral(pair: Pair, name: str) -> Recipe:
    """A weight of ours without a counterpart, in the precision of the others."""
    shape, beside = pair.ours.weights[name].shape, next(iter(pair.theirs.weights.values()))
    if name == "bias":
        return lambda state: np.zeros(shape, state[beside.key].dtype)
    if name == "weight" and pair.ours.kind.endswith("_norm"):
        return lambda state: np.ones(shape, state[beside.key].dtype)
    raise TransferError(f"{pair.theirs} has no {name} for {pair.ours}")


def _fold(bias: Weight, pair: Pair, match: Match, found: dict[str, Recipe]) -> None:
    """Move a bias into the batch norms that alone read this layer."""
    graph, alone = match.graphs[0], (frozenset([pair.ours.name]),)
    readers = [x for x in graph.layers.values() if pair.ours.name in join([graph.reads[x.name]])[0]]
    if not readers or any(
        "running_mean" not in x.weights or graph.reads[x.name] != alone for x in readers
    ):
        has, lacks = pair.theirs, pair.ours
        raise TransferError(f"{has} has a bias, which {lacks} lacks, and no batch norm can take it")
    for reader in readers:
        key = reader.weights["running_mean"].key
        found[key] = _less(found[key], bias)


def _less(mean: Recipe, bias: Weight) -> Recipe:
    return lambda state: mean(state) - bias.form.to_torch(state[bias.key])


def load_torch(model: Any, state: Mapping[str, Array], *, assign: bool = False) -> tuple[str, ...]:
    """Give a generated PyTorch model these weights; gives the names of those that it keeps.

    With `assign`, they become the model's without being copied.
    """
    import torch

    tensors = {key: torch.as_tensor(value) for key, value in state.items()}
    report = model.load_state_dict(tensors, strict=False, assign=assign)
    if report.unexpected_keys:
        raise TransferError(f"the model has no {', '.join(report.unexpected_keys)}")
    return tuple(key for key in report.missing_keys if not key.endswith(COUNTER))


def load_keras(network: Network, model: Any, state: Mapping[str, Array]) -> tuple[str, ...]:
    """The same for a generated Keras model, which may lack the heads that only training has."""
    variables = {variable.path: variable for variable in model.weights}
    paths = {path.rpartition("/")[0] for path in variables}
    absent = [x for x in network.layers.values() if x.training and keras_name(x) not in paths]
    heads = {weight_key(layer, name) for layer in absent for name in weight_shapes(layer)}
    values = in_keras(network, {key: v for key, v in state.items() if key not in heads})
    if unknown := sorted(values.keys() - variables.keys()):
        raise TransferError(f"`{model.name}` has no {', '.join(unknown)}")
    for path, value in values.items():
        if variables[path].shape[2:] == (1, prod(value.shape[2:])):  # depthwise, as built in groups
            value = value.reshape(variables[path].shape)
        if tuple(variables[path].shape) != value.shape:
            raise TransferError(f"{path} is {tuple(variables[path].shape)}, not {value.shape}")
        variables[path].assign(value)
    settle(model)
    return tuple(path for path in variables if path not in values and not is_counter(path))
