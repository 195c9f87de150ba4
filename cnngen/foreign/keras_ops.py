"""A call of a layer of Keras -> our ops.

A layer with an activation in it is two of them; what pools whole maps to a vector is two as well.
What an operation of `keras.ops` is stands in keras_operations.py.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cnngen.foreign import keras_shapes as shapes
from cnngen.foreign.keras_activations import activation, activation_layer
from cnngen.foreign.keras_convolutions import CONVOLUTIONS, STANDARDIZED, convolution, einsum
from cnngen.foreign.keras_norms import NORMS, layer_scale, norm, normalization, rescaling
from cnngen.foreign.keras_steps import At, Step
from cnngen.foreign.keras_values import op_values
from cnngen.ops.base import Image, Shape, Vector
from cnngen.vocabulary.layer import Unsayable

JOINS = {
    "Add": "add",
    "Average": "mean",
    "Concatenate": "concat",
    "Maximum": "max",
    "Multiply": "multiply",
    "Subtract": "subtract",
    (SCALED_SUM := "CustomScaleLayer"): "add",  # of InceptionResNetV2
}
NOTHING = ("ActivityRegularization", "Identity")
BY_CLASS = ("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax")
ARBITRARY = "it runs Python that is in the file: write what it computes with layers, or `keras.ops`"


def read_layer(at: At, x: Step, version: int) -> Step:
    """What a layer gives that reads one tensor. Raises `Unsayable`, `ShapeError` and `Invalid`."""
    call = at.call
    kind, config = call.kind, _plain_axis(call.config, x)
    if call.keywords.get("training") is True:
        raise Unsayable("it is called with `training=True`, and so works in inference, too")
    if kind in BY_CLASS:
        found = activation_layer(kind, config, version)
        return at.op(found[0], x, **found[1]) if found else x
    if kind in NOTHING:
        return x
    if kind in CONVOLUTIONS or kind == STANDARDIZED:
        return _activated(at, convolution(at, kind, config, x), config, version)
    if kind in NORMS:
        return norm(at, kind, config, x)
    special = SPECIAL.get(kind)
    if special is not None:
        return special(at, config, x)
    found = op_values(kind, config)
    if found is None:
        raise Unsayable("")
    word, values = found
    return at.op(word, x, **values)


def read_join(at: At, xs: Sequence[Step]) -> Step:
    """What a layer gives that reads several tensors."""
    kind, config = at.call.kind, at.call.config
    if len(xs) == 1:
        return xs[0]
    if kind == "Concatenate":
        return concatenated(at, xs, config.get("axis", -1))
    if kind == SCALED_SUM and len(xs) == 2:
        first, second = xs
        scaled = at.op("scale", second, suffix="_scale", by=config.get("scale", 1))
        return at.op("add", first, scaled)
    return at.op(JOINS[kind], *xs)


def concatenated(at: At, xs: Sequence[Step], axis: Any) -> Step:
    rank = 2 if isinstance(xs[0].shape, Vector) else 4
    if axis in (-1, rank - 1):
        return at.op("concat", *xs)
    if not isinstance(axis, int) or rank == 2 or axis % rank not in (1, 2):
        raise Unsayable("`concat` joins channels, and no op joins along another axis")
    return at.raw("Concatenate", *xs, shape=_joined(xs, axis % rank), axis=axis % rank)


def _joined(xs: Sequence[Step], axis: int) -> Shape | None:
    """The shape of maps that are joined along an axis of positions."""
    images = [x.image for x in xs if x.image]
    if len(images) < len(xs):
        return None
    first = images[0]
    if axis == 1:
        return Image(first.channels, sum(x.height for x in images), first.width)
    return Image(first.channels, first.height, sum(x.width for x in images))


def _plain_axis(config: Mapping[str, Any], x: Step) -> Mapping[str, Any]:
    """The configuration with the last axis as -1, which models of Keras 2 count from the first, and
    with the axes that slopes of features share as those of maps.
    """
    axis = config.get("axis")
    flat = isinstance(x.shape, Vector)
    last = 1 if flat else 3
    if axis in (last, [last], [-1]):
        config = {**config, "axis": -1}
    if "shared_axes" in config and flat:
        shared = [1, 2, 3] if config["shared_axes"] == [1] else [1, 2]
        config = {**config, "shared_axes": shared}
    return config


def _activated(at: At, x: Step, config: Mapping[str, Any], version: int) -> Step:
    """The activation that a layer ends with, as a step of its own."""
    found = activation(config.get("activation"), version)
    if found is None:
        return x
    return at.op(found[0], x, suffix=f"_{found[0]}", **found[1])


def _lambda(at: At, config: Mapping[str, Any], x: Step) -> Step:
    raise Unsayable(ARBITRARY)


SPECIAL = {
    "EinsumDense": einsum,
    "LayerScale": layer_scale,
    "StochasticDepth": shapes.stochastic_depth,
    "Normalization": normalization,
    "Rescaling": rescaling,
    "GlobalAveragePooling2D": shapes.global_pool,
    "GlobalAvgPool2D": shapes.global_pool,
    "GlobalMaxPooling2D": shapes.global_pool,
    "GlobalMaxPool2D": shapes.global_pool,
    "Dropout": shapes.dropout,
    "AlphaDropout": shapes.dropout,
    "Reshape": shapes.reshape,
    "Permute": shapes.permute,
    "Resizing": shapes.resizing,
    "Lambda": _lambda,
}
