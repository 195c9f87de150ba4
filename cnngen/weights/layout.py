"""Where Keras keeps the weights of a layer, and in which layout; docs/semantics.md has a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from cnngen.ops.base import Image, Vector
from cnngen.semantics.network import Layer, Network
from cnngen.targets.keras.depthwise import is_depthwise

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Form:
    """A layout of Keras: how a tensor gets there, and back."""

    to_keras: Callable[[Array], Array]
    to_torch: Callable[[Array], Array]


AS_IS = Form(lambda v: v, lambda v: v)
MATRIX = Form(lambda v: v.T, lambda v: v.T)
FILTERS = Form(lambda v: v.transpose(2, 3, 1, 0), lambda v: v.transpose(3, 2, 0, 1))


def depthwise(multiplier: int) -> Form:
    """Filters of each channel by itself."""
    return Form(
        lambda v: v.reshape(-1, multiplier, *v.shape[2:]).transpose(2, 3, 0, 1),
        lambda v: v.transpose(2, 3, 0, 1).reshape(-1, 1, *v.shape[:2]),
    )


def spread(*shape: int) -> Form:
    """One number per channel, with axes of size 1 for the positions."""
    return Form(lambda v: v.reshape(shape), lambda v: v.reshape(-1))


NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


class Axes(NamedTuple):
    """Where the features of a flattened input stand in a weight, in the order of each framework."""

    torch: int
    keras: int


PER_FEATURE = Axes(0, 0)
COLUMNS = Axes(1, 0)


class Kept(NamedTuple):
    """The variable of Keras for a weight."""

    name: str
    form: Form = AS_IS
    axes: Axes | None = None


def kept(layer: Layer, weight: str) -> Kept:
    """Where Keras keeps a weight of a layer, by its name in PyTorch."""
    values = layer.op.values
    image = isinstance(layer.inputs[0].shape, Image)
    match layer.op.name, weight:
        case "batch_norm" | "layer_norm" | "group_norm", _:
            return Kept(NORM[weight], AS_IS, PER_FEATURE)
        case "affine", "weight":
            return Kept("kernel", spread(1, 1, -1, 1) if image else AS_IS, PER_FEATURE)
        case "affine", "bias":
            return Kept("bias", AS_IS, PER_FEATURE)
        case "prelu", _:
            form = spread(1, 1, -1) if image else AS_IS
            return Kept("alpha", form, None if values["shared"] else PER_FEATURE)
        case "linear", "weight":
            return Kept("kernel", MATRIX, COLUMNS)
        case "depthwise_conv", "weight":
            return Kept("kernel", depthwise(values["multiplier"]))
        case "conv", "weight" if is_depthwise(layer):
            return Kept("kernel", depthwise(values["out"] // values["groups"]))
        case "conv" | "transposed_conv", "weight":
            return Kept("kernel", FILTERS)
        case "separable_conv", "depthwise.weight":
            return Kept("depthwise_kernel", depthwise(values["multiplier"]))
        case "separable_conv", "pointwise.weight":
            return Kept("pointwise_kernel", FILTERS)
        case _, "bias" | "pointwise.bias":
            return Kept("bias")
        case op, _:
            raise AssertionError(f"nobody has said how Keras keeps the `{weight}` of `{op}`")


def keras_name(layer: Layer) -> str:
    return layer.path.replace(".", "_")


def weight_shapes(layer: Layer) -> dict[str, tuple[int, ...]]:
    """The shapes of the weights of a layer, by their names in PyTorch and in its layout."""
    return layer.op.weights(*(x.shape for x in layer.inputs))


def in_keras(network: Network, state: Mapping[str, Array]) -> dict[str, Array]:
    """Weights of PyTorch (or their gradients, by the same names) under the paths and in the layouts
    of Keras; some may be missing."""
    left = dict(state)
    found: dict[str, Array] = {}
    for layer in network.layers.values():
        for weight in weight_shapes(layer):
            if (value := left.pop(f"{layer.path}.{weight}", None)) is not None:
                where = kept(layer, weight)
                found[f"{keras_name(layer)}/{where.name}"] = to_keras(layer, where, value)
    if left:
        raise ValueError(f"no layer of the network holds {', '.join(sorted(left))}")
    return found


def in_torch(network: Network, variables: Mapping[str, Array]) -> dict[str, Array]:
    """The way back: weights of Keras by their paths, under the names of PyTorch."""
    left = dict(variables)
    found: dict[str, Array] = {}
    for layer in network.layers.values():
        for weight in weight_shapes(layer):
            where = kept(layer, weight)
            if (value := left.pop(f"{keras_name(layer)}/{where.name}", None)) is not None:
                found[f"{layer.path}.{weight}"] = to_torch(layer, where, value)
    if left:
        raise ValueError(f"no layer of the network holds {', '.join(sorted(left))}")
    return found


def to_keras(layer: Layer, where: Kept, value: Array) -> Array:
    """A weight of PyTorch in the layout of Keras."""
    value = where.form.to_keras(value)
    x = layer.inputs[0].shape
    if where.axes is None or not isinstance(x, Vector) or not x.flattened:
        return value
    return _reordered(x, where.axes.keras, value, channels=(0, 2))


def to_torch(layer: Layer, where: Kept, value: Array) -> Array:
    """The way back."""
    return in_torch_order(layer, where, where.form.to_torch(value))


def in_torch_order(layer: Layer, where: Kept, value: Array) -> Array:
    """A weight in PyTorch's layout, whose features are in the order of Keras."""
    x = layer.inputs[0].shape
    if where.axes is None or not isinstance(x, Vector) or not x.flattened:
        return value
    return _reordered(x, where.axes.torch, value, channels=(2, 0))


def _reordered(shape: Vector, axis: int, value: Array, channels: tuple[int, int]) -> Array:
    """The features along an axis, with the channels of each flattened image moved, as one of three
    axes, to another place.

    By views, so that a large weight is copied once.
    """
    runs: list[Array] = []
    start, around = 0, (value.shape[:axis], value.shape[axis + 1 :])
    source, target = channels
    for part in shape.parts:
        size = part.channels * part.height * part.width if isinstance(part, Image) else part
        run = value[(*[slice(None)] * axis, slice(start, start + size))]
        if isinstance(part, Image):
            sizes = [part.height, part.width]
            sizes.insert(source, part.channels)
            split = run.reshape(*around[0], *sizes, *around[1])
            run = np.moveaxis(split, axis + source, axis + target)
            run = run.reshape(*around[0], size, *around[1])
        runs.append(run)
        start += size
    return runs[0] if len(runs) == 1 else np.concatenate(runs, axis)


def keras_order(shape: Vector) -> Array:
    """For each feature in Keras the index that it has in PyTorch, which flattens channels first."""
    runs: list[Array] = []
    start = 0
    for part in shape.parts:
        if isinstance(part, Image):
            size = part.channels * part.height * part.width
            maps = np.arange(size).reshape(part.channels, part.height, part.width)
            run = maps.transpose(1, 2, 0).ravel()
        else:
            size = part
            run = np.arange(size)
        runs.append(start + run)
        start += size
    return np.concatenate(runs)
