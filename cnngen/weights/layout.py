"""Where Keras keeps the weights of a layer, and in which layout; docs/semantics.md has a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from cnngen.ops.base import Image, Vector
from cnngen.semantics.network import Layer, Network

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


class Kept(NamedTuple):
    """The variable of Keras for a weight, and the axis of features that it has in its own order."""

    name: str
    form: Form = AS_IS
    axis: int | None = None


def kept(layer: Layer, weight: str) -> Kept:
    """Where Keras keeps a weight of a layer, by its name in PyTorch."""
    values = layer.op.values
    image = isinstance(layer.inputs[0].shape, Image)
    match layer.op.name, weight:
        case "batch_norm" | "layer_norm" | "group_norm", _:
            return Kept(NORM[weight], AS_IS, 0)
        case "affine", "weight":
            return Kept("kernel", spread(1, 1, -1, 1) if image else AS_IS, 0)
        case "affine", "bias":
            return Kept("bias", AS_IS, 0)
        case "prelu", _:
            form = spread(1, 1, -1) if image else AS_IS
            return Kept("alpha", form, None if values["shared"] else 0)
        case "linear", "weight":
            return Kept("kernel", MATRIX, 1)
        case "conv" | "transposed_conv", "weight":
            return Kept("kernel", FILTERS)
        case "depthwise_conv", "weight":
            return Kept("kernel", depthwise(values["multiplier"]))
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
                found[f"{keras_name(layer)}/{where.name}"] = where.form.to_keras(
                    in_keras_order(layer, where.axis, value)
                )
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
                value = in_torch_order(layer, where.axis, where.form.to_torch(value))
                found[f"{layer.path}.{weight}"] = value
    if left:
        raise ValueError(f"no layer of the network holds {', '.join(sorted(left))}")
    return found


def in_keras_order(layer: Layer, axis: int | None, value: Array) -> Array:
    """Features of a vector, in the order in which Keras has flattened them."""
    x = layer.inputs[0].shape
    if axis is None or not isinstance(x, Vector) or not x.flattened:
        return value
    return value.take(keras_order(x), axis)


def in_torch_order(layer: Layer, axis: int | None, value: Array) -> Array:
    """The way back."""
    x = layer.inputs[0].shape
    if axis is None or not isinstance(x, Vector) or not x.flattened:
        return value
    return value.take(np.argsort(keras_order(x)), axis)


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
