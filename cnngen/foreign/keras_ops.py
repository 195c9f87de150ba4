"""A call of a layer of Keras -> our ops.

A layer with an activation in it is two of them; what pools whole maps to a vector is two as well.
What an operation of `keras.ops` is stands in keras_operations.py.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, cast

from cnngen.foreign.keras_activations import activation, activation_layer
from cnngen.foreign.keras_initial import distribution
from cnngen.foreign.keras_steps import At, Step, features
from cnngen.foreign.keras_values import op_values
from cnngen.ops.base import Image, Shape, Vector
from cnngen.vocabulary.layer import Unsayable

CONVOLUTIONS = {
    "Conv2D": "kernel",
    "Convolution2D": "kernel",
    "Conv2DTranspose": "kernel",
    "Convolution2DTranspose": "kernel",
    "DepthwiseConv2D": "depthwise",
    "SeparableConv2D": "depthwise",
    "SeparableConvolution2D": "depthwise",
    "Dense": "kernel",
}
JOINS = {
    "Add": "add",
    "Average": "mean",
    "Concatenate": "concat",
    "Maximum": "max",
    "Multiply": "multiply",
    "Subtract": "subtract",
}
NORMS = ("BatchNormalization", "LayerNormalization", "GroupNormalization")
NOTHING = ("ActivityRegularization", "Identity")
STANDARDIZED = "StandardizedConv2D"  # as sources of ours define it
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
        return _activated(at, _convolution(at, kind, config, x), config, version)
    if kind in NORMS:
        return _norm(at, kind, config, x)
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
    if kind == "Dot":
        raise Unsayable("no op multiplies matrices of positions")
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


# --- Arguments


def _plain_axis(config: Mapping[str, Any], x: Step) -> Mapping[str, Any]:
    """The configuration with the last axis as -1, which models of Keras 2 count from the first."""
    axis = config.get("axis")
    last = 1 if isinstance(x.shape, Vector) else 3
    if axis in (last, [last], [-1]):
        return {**config, "axis": -1}
    return config


def _activated(at: At, x: Step, config: Mapping[str, Any], version: int) -> Step:
    """The activation that a layer ends with, as a step of its own."""
    found = activation(config.get("activation"), version)
    if found is None:
        return x
    return at.op(found[0], x, suffix=f"_{found[0]}", **found[1])


def _said(kind: str, config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    found = op_values(kind, config)
    assert found is not None, kind
    return found


# --- Convolutions and fully connected layers


def _convolution(at: At, kind: str, config: Mapping[str, Any], x: Step) -> Step:
    more: dict[str, Any] = {}
    if kind == STANDARDIZED:
        more["eps"] = config.get("epsilon", 1e-6)
        config = {name: value for name, value in config.items() if name != "epsilon"}
        kind = "Conv2D"
    elif kind in ("Conv2DTranspose", "Convolution2DTranspose"):
        config, more = _output_padding(config)
    elif kind == "DepthwiseConv2D" and config.get("groups", 1) == 1:  # which Keras 2 writes
        config = {name: value for name, value in config.items() if name not in ("groups", "filters")}
    elif kind.startswith("Separable") and config.get("groups", 1) == 1:
        config = {name: value for name, value in config.items() if name != "groups"}
    word, values = _said(kind, config)
    if "eps" in more:
        word = "standardized_conv"
    values |= more
    values["init"] = _initial(kind, config)
    if word == "linear" and isinstance(x.shape, Image):  # of each position
        word, values = "conv", values | {"kernel": 1}
    if _is_affine(word, values, config):
        return at.op("affine", x, shift=values.get("bias", True), init=_unless_ones(config))
    return at.op(word, x, **values)


def _output_padding(config: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Keras adds rows behind those that a window gives; with `same`, it counts from elsewhere."""
    added = config.get("output_padding")
    if added is None or config.get("padding") != "valid":
        return config, {}
    # without its default, by which Keras adds what the stride exceeds the kernel by
    strides = {"output_padding": None, "strides": 1}
    return {**config, **strides}, {"output_padding": added, "stride": config.get("strides", 1)}


def _initial(kind: str, config: Mapping[str, Any]) -> Any:
    name = CONVOLUTIONS[kind]
    depthwise = config.get("depth_multiplier", 1) if name == "depthwise" else None
    initial = config.get(f"{name}_initializer", config.get("kernel_initializer"))
    drawn = distribution(initial, default="GlorotUniform", multiplier=depthwise)
    if "pointwise_initializer" in config:
        other = distribution(config["pointwise_initializer"], default="GlorotUniform")
        return drawn if drawn == other else None
    return drawn


def _is_affine(word: str, values: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Whether a depthwise convolution of size 1 scales channels: it starts with equal weights."""
    if word != "depthwise_conv" or values.get("multiplier", 1) != 1:
        return False
    ones = [values.get(name, 1) in (1, (1, 1)) for name in ("kernel", "stride", "dilation")]
    drawn = distribution(config.get("depthwise_initializer"))
    return all(ones) and drawn is not None and drawn.word in ("ones", "constant", "zeros")


def _unless_ones(config: Mapping[str, Any], name: str = "depthwise_initializer") -> Any:
    return distribution(config.get(name), default="Ones")


def _einsum(at: At, config: Mapping[str, Any], x: Step) -> Step:
    """Of all that it can compute, what scales each feature by itself."""
    if config.get("equation") != "bc,c->bc" or config.get("bias_axes") not in (None, "c"):
        raise Unsayable("of its equations, `bc,c->bc` is `affine`, and others are no op")
    if activation(config.get("activation"), 3):
        raise Unsayable("write its activation as a layer of its own")
    shift, init = config.get("bias_axes") == "c", _unless_ones(config, "kernel_initializer")
    return at.op("affine", x, shift=shift, init=init)


def _layer_scale(at: At, config: Mapping[str, Any], x: Step) -> Step:
    initial = {"class_name": "Constant", "config": {"value": config.get("init_values")}}
    return at.op("affine", x, shift=False, init=distribution(initial))


# --- Norms


def _norm(at: At, kind: str, config: Mapping[str, Any], x: Step) -> Step:
    """A norm that only scales or only shifts has what it lacks as a constant."""
    scale, shift = config.get("scale", True), config.get("center", True)
    constants: dict[str, tuple[float, ...]] = {}
    count = features(x.shape) or 1
    if scale is not shift:
        constants = {"bias": (0.0,) * count} if scale else {"weight": (1.0,) * count}
        config = {**config, "scale": True, "center": True}
    groups = config.get("groups")
    if kind == "GroupNormalization" and groups in (-1, features(x.shape)):
        word, values = _said(kind, {**config, "groups": 1})
        word = "instance_norm"
        del values["groups"]
    else:
        word, values = _said(kind, config)
    if word == "batch_norm":
        values["init"] = _unless_ones(config, "gamma_initializer") if scale else None
    values.setdefault("affine", True)
    return at.op(word, x, constants=constants, **values)


def _normalization(at: At, config: Mapping[str, Any], x: Step) -> Step:
    """With a mean and a variance of its own, its numbers are constants."""
    mean, variance = config.get("mean"), config.get("variance")
    if mean is None and variance is None:
        return at.op("standardize", x)
    if config.get("axis") != -1 or config.get("invert"):
        raise Unsayable("`standardize` takes a mean of each channel away")
    count = features(x.shape) or 1
    statistics = {"mean": _numbers(mean, count), "variance": _numbers(variance, count)}
    return at.op("standardize", x, constants=statistics)


def _rescaling(at: At, config: Mapping[str, Any], x: Step) -> Step:
    """What it multiplies by, and what it adds; the latter makes a `standardize` of it."""
    count = features(x.shape) or 1
    factors = _numbers(config.get("scale"), count)
    offsets = _numbers(config.get("offset", 0.0), count)
    if not any(offsets):
        if len(set(factors)) > 1:
            return at.raw("Factors", x, shape=x.shape, factors=factors)
        return at.op("scale", x, by=factors[0])
    if not all(factors):
        raise Unsayable("it multiplies by 0")
    mean = tuple(-o / f for o, f in zip(offsets, factors, strict=True))
    statistics = {"mean": mean, "variance": tuple(1 / f**2 for f in factors)}
    if min(factors) < 0:
        raise Unsayable("it multiplies by a negative number and adds another")
    return at.op("standardize", x, constants=statistics)


def _numbers(value: Any, count: int) -> tuple[float, ...]:
    """A number for each channel."""
    while isinstance(value, list) and len(cast("list[Any]", value)) == 1:
        value = value[0]
    values = cast("list[Any]", value) if isinstance(value, list) else [value] * count
    if len(values) != count or not all(map(_is_number, values)):
        raise Unsayable("its numbers are not one for each channel")
    return tuple(map(float, values))


def _is_number(value: Any) -> bool:
    whole = isinstance(value, int | float) and not isinstance(value, bool)
    return whole and abs(value) < 1e30 and isfinite(value)


# --- Pooling, dropout and shapes


def _global_pool(at: At, config: Mapping[str, Any], x: Step) -> Step:
    word, _ = _said(at.call.kind, {**config, "keepdims": True})
    pooled = at.op(word, x)
    if config.get("keepdims"):
        return pooled
    return at.op("flatten", pooled, suffix="_flatten")


def _dropout(at: At, config: Mapping[str, Any], x: Step) -> Step:
    """What drops whole samples, or whole maps, is told so by the shape of its noise."""
    noise, rate = config.get("noise_shape"), config.get("rate")
    if noise is None:
        word, values = _said(at.call.kind, config)
        return at.op(word, x, **values)
    sizes = cast("list[Any]", noise)[1:] if isinstance(noise, list) else []
    if sizes and at.call.kind == "Dropout" and all(n == 1 for n in sizes):
        return at.op("drop_path", x, rate=rate)
    if at.call.kind == "Dropout" and sizes[:2] == [1, 1] and len(sizes) == 3:
        return at.op("channel_dropout", x, rate=rate)
    raise Unsayable("`drop_path` drops samples, `channel_dropout` maps, and `dropout` values")


def _stochastic_depth(at: At, config: Mapping[str, Any], x: Step) -> Step:
    return at.op("drop_path", x, rate=config.get("drop_path_rate"))


def _reshape(at: At, config: Mapping[str, Any], x: Step) -> Step:
    return reshaped(at, x, config.get("target_shape"))


def reshaped(at: At, x: Step, target: Any) -> Step:
    """A tensor of another shape, whose sizes may be one that follows from the others."""
    sizes = cast("list[Any]", target) if isinstance(target, list | tuple) else [target]
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in sizes) or len(sizes) > 8:
        raise Unsayable("its shape is no list of sizes")
    return at.raw("Reshape", x, sizes=_whole(sizes, x), shape=None)


def _whole(sizes: Sequence[int], x: Step) -> tuple[int, ...]:
    """The sizes with the one that is -1, which follows from the others."""
    if -1 not in sizes or x.shape is None:
        return tuple(sizes)
    rest = 1
    for n in sizes:
        rest *= n if n != -1 else 1
    if rest <= 0 or x.shape.numbers % rest:
        raise Unsayable("its sizes do not divide what it is given")
    return tuple(x.shape.numbers // rest if n == -1 else n for n in sizes)


def _permute(at: At, config: Mapping[str, Any], x: Step) -> Step:
    order = config.get("dims")
    if not isinstance(order, list):
        raise Unsayable("its `dims` are no list")
    return turned(at, x, (0, *cast("list[int]", order)))


def turned(at: At, x: Step, order: tuple[int, ...]) -> Step:
    """A tensor with its axes in another order."""
    shape = None
    if x.image and sorted(order) == [0, 1, 2, 3] and order[0] == 0:
        sizes = (x.image.height, x.image.width, x.image.channels)
        height, width, channels = (sizes[i - 1] for i in order[1:])
        shape = Image(channels, height, width)
    return at.raw("Transpose", x, shape=shape, order=order)


def _resizing(at: At, config: Mapping[str, Any], x: Step) -> Step:
    size = (config.get("height"), config.get("width"))
    return resized(at, x, size, config)


def resized(at: At, x: Step, size: Any, config: Mapping[str, Any]) -> Step:
    if config.get("antialias") or any(
        config.get(name) for name in ("crop_to_aspect_ratio", "pad_to_aspect_ratio")
    ):
        raise Unsayable("`resize` neither crops, pads nor smooths")
    mode = config.get("interpolation", "bilinear")
    if mode != "bilinear":  # of Keras' nearest, which takes another pixel, there is no op
        raise Unsayable("`resize` has Keras' `bilinear` only: its `nearest` copies other pixels")
    match size:
        case [int(height), int(width)] | (int(height), int(width)):
            shape = Image(x.image.channels, height, width) if x.image else None
            return at.raw("Resize", x, shape=shape, size=(height, width), mode=mode)
        case _:
            raise Unsayable("its size is no pair of numbers")


def _lambda(at: At, config: Mapping[str, Any], x: Step) -> Step:
    raise Unsayable(ARBITRARY)


SPECIAL = {
    "EinsumDense": _einsum,
    "LayerScale": _layer_scale,
    "StochasticDepth": _stochastic_depth,
    "Normalization": _normalization,
    "Rescaling": _rescaling,
    "GlobalAveragePooling2D": _global_pool,
    "GlobalAvgPool2D": _global_pool,
    "GlobalMaxPooling2D": _global_pool,
    "GlobalMaxPool2D": _global_pool,
    "Dropout": _dropout,
    "AlphaDropout": _dropout,
    "Reshape": _reshape,
    "Permute": _permute,
    "Resizing": _resizing,
    "Lambda": _lambda,
}
