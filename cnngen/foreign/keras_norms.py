"""Norms of Keras, and what else scales or shifts each channel -> ops.

Numbers that are no weights in Keras are constants of the op.
"""

from collections.abc import Mapping
from typing import Any, cast

from cnngen.foreign.keras_initial import distribution, unless_ones
from cnngen.foreign.keras_steps import At, Step, features
from cnngen.foreign.keras_values import said
from cnngen.vocabulary.layer import Unsayable

NORMS = ("BatchNormalization", "LayerNormalization", "GroupNormalization")


def layer_scale(at: At, config: Mapping[str, Any], x: Step) -> Step:
    initial = {"class_name": "Constant", "config": {"value": config.get("init_values")}}
    return at.op("affine", x, shift=False, init=distribution(initial))


def norm(at: At, kind: str, config: Mapping[str, Any], x: Step) -> Step:
    """A norm that only scales or only shifts has what it lacks as a constant."""
    scale, shift = config.get("scale", True), config.get("center", True)
    constants: dict[str, tuple[float, ...]] = {}
    count = features(x.shape) or 1
    if scale is not shift:
        constants = {"bias": (0.0,) * count} if scale else {"weight": (1.0,) * count}
        config = {**config, "scale": True, "center": True}
    if kind == "GroupNormalization" and _each_channel(config, x):
        word, values = said(kind, {**config, "groups": 1})
        word = "instance_norm"
        del values["groups"]
    else:
        word, values = said(kind, config)
    if word == "batch_norm":
        values["init"] = unless_ones(config, "gamma_initializer") if scale else None
    values.setdefault("affine", True)
    return at.op(word, x, constants=constants, **values)


def _each_channel(config: Mapping[str, Any], x: Step) -> bool:
    """Whether there is a group for each channel of maps that have several positions."""
    image = x.image
    if image is None or image.height * image.width == 1:
        return False
    return config.get("groups") in (-1, image.channels)


def normalization(at: At, config: Mapping[str, Any], x: Step) -> Step:
    """With a mean and a variance of its own, its numbers are constants."""
    mean, variance = config.get("mean"), config.get("variance")
    if mean is None and variance is None:
        return at.op("standardize", x)
    if config.get("axis") != -1 or config.get("invert"):
        raise Unsayable("`standardize` takes a mean of each channel away")
    count = features(x.shape) or 1
    statistics = {"mean": _numbers(mean, count), "variance": _numbers(variance, count)}
    return at.op("standardize", x, constants=statistics)


def rescaling(at: At, config: Mapping[str, Any], x: Step) -> Step:
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
    values = [value]
    while len(values) == 1 and isinstance(values[0], list):
        values = cast("list[Any]", values[0])
    if len(values) == 1:
        values = values * count
    if len(values) != count or not all(map(_is_number, values)):
        raise Unsayable("its numbers are not one for each channel")
    return tuple(map(float, values))


def _is_number(value: Any) -> bool:
    whole = isinstance(value, int | float) and not isinstance(value, bool)
    return whole and abs(value) < 1e30
