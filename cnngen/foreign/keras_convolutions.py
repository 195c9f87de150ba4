"""Convolutions and fully connected layers of Keras, and scales that are written as one -> ops."""

from collections.abc import Mapping
from typing import Any

from cnngen.foreign.keras_activations import activation
from cnngen.foreign.keras_initial import distribution, unless_ones
from cnngen.foreign.keras_steps import At, Step
from cnngen.foreign.keras_values import said
from cnngen.ops.base import Image
from cnngen.ops.initializer import INITIALIZERS
from cnngen.vocabulary.layer import Unsayable

# Which of their weights an `init` of ours draws.
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
GLOROT = "GlorotUniform"  # of Keras where nothing is said
STANDARDIZED = "StandardizedConv2D"  # as sources of ours define it


def convolution(at: At, kind: str, config: Mapping[str, Any], x: Step) -> Step:
    more: dict[str, Any] = {}
    if kind == STANDARDIZED:
        more["eps"] = config.get("epsilon", 1e-6)
        config = {name: value for name, value in config.items() if name != "epsilon"}
        kind = "Conv2D"
    elif kind in ("Conv2DTranspose", "Convolution2DTranspose"):
        config, more = _output_padding(config)
    elif kind == "DepthwiseConv2D" and config.get("groups", 1) == 1:  # which Keras 2 writes
        config = {
            name: value for name, value in config.items() if name not in ("groups", "filters")
        }
    elif kind.startswith("Separable") and config.get("groups", 1) == 1:
        config = {name: value for name, value in config.items() if name != "groups"}
    word, values = said(kind, config)
    if "eps" in more:
        word = "standardized_conv"
    values |= more
    values["init"] = _initial(kind, config)
    if word == "linear" and isinstance(x.shape, Image):  # of each position
        word, values["kernel"] = "conv", 1
    if _is_affine(word, values):
        return at.op("affine", x, shift=values.get("bias", True), init=unless_ones(config))
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
    drawn = distribution(initial, default=GLOROT, multiplier=depthwise)
    if "pointwise_initializer" in config and drawn is not None:
        return drawn if drawn == distribution(config["pointwise_initializer"]) else None
    return drawn


def _is_affine(word: str, values: Mapping[str, Any]) -> bool:
    """Whether a depthwise convolution is one of size 1 that starts as no convolution does."""
    if word != "depthwise_conv" or values.get("multiplier", 1) != 1:
        return False
    ones = [values.get(name, 1) in (1, (1, 1)) for name in ("kernel", "stride", "dilation")]
    drawn = values["init"]
    return all(ones) and drawn is not None and not INITIALIZERS[drawn.word].fans


def einsum(at: At, config: Mapping[str, Any], x: Step) -> Step:
    """Of all that it can compute, what scales each feature by itself."""
    if config.get("equation") != "bc,c->bc" or config.get("bias_axes") not in (None, "c"):
        raise Unsayable("of its equations, `bc,c->bc` is `affine`, and others are no op")
    if activation(config.get("activation"), 3):
        raise Unsayable("write its activation as a layer of its own")
    shift, init = config.get("bias_axes") == "c", unless_ones(config, "kernel_initializer")
    return at.op("affine", x, shift=shift, init=init)
