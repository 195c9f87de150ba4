"""Weights from the layout of one framework to that of the other, as their ops describe them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, assert_never

import numpy as np

from cnngen.ops.base import Image, Vector
from cnngen.ops.keras_layout import AS_IS, Axes, EachChannel, Layout, Spread, Transposed
from cnngen.semantics.network import Layer, Network
from cnngen.targets.torch.names import weight_key

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Form:
    """A layout of Keras: how a tensor gets there, and back."""

    to_keras: Callable[[Array], Array]
    to_torch: Callable[[Array], Array]


def form(layout: Layout) -> Form:
    """What carries out the layout that an op describes."""
    match layout:
        case Transposed(()):
            return Form(lambda v: v, lambda v: v)
        case Transposed(axes):
            back = tuple(sorted(range(len(axes)), key=axes.__getitem__))
            return Form(lambda v: v.transpose(axes), lambda v: v.transpose(back))
        case EachChannel(multiplier):
            return Form(
                lambda v: v.reshape(-1, multiplier, *v.shape[2:]).transpose(2, 3, 0, 1),
                lambda v: v.transpose(2, 3, 0, 1).reshape(-1, 1, *v.shape[:2]),
            )
        case Spread(shape):
            return Form(lambda v: v.reshape(shape), lambda v: v.reshape(-1))
        case _:
            assert_never(layout)


UNCHANGED = form(AS_IS)
ONE_ROW = Form(lambda v: v[:, :, 0], lambda v: v[:, :, None])  # filters that have no height


class Kept(NamedTuple):
    """The variable of Keras for a weight."""

    name: str
    form: Form
    axes: Axes | None


def kept(layer: Layer, weight: str) -> Kept:
    """Where Keras keeps a weight of a layer, by its name in PyTorch."""
    where = layer.op.in_keras(weight, layer.inputs[0].shape)
    return Kept(where.variable, form(where.layout), where.features)


def keras_name(layer: Layer) -> str:
    return layer.path.replace(".", "_")


def weight_shapes(layer: Layer) -> dict[str, tuple[int, ...]]:
    """The shapes of the weights of a layer, by their names in PyTorch and in its layout."""
    return layer.weights


def in_keras(network: Network, state: Mapping[str, Array]) -> dict[str, Array]:
    """Weights of PyTorch (or their gradients, by the same names) under the paths and in the layouts
    of Keras; some may be missing."""
    left = dict(state)
    found: dict[str, Array] = {}
    for layer in network.layers.values():
        for weight in weight_shapes(layer):
            if (value := left.pop(weight_key(layer, weight), None)) is not None:
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
                found[weight_key(layer, weight)] = to_torch(layer, where, value)
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
    """The features along an axis in another order: the channels of each flattened image, one of its
    three axes, are moved to another place.

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
