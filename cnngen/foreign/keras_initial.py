"""Initial distributions of Keras -> ours; none where it is Keras' own, or we have no word for."""

from collections.abc import Callable, Mapping
from math import isclose
from typing import Any, cast

from cnngen.ops.attribute import Distribution

SWAPPED = {"fan_in": "fan_out", "fan_out": "fan_in", "fan_avg": "fan_avg"}
# Those of Keras that draw from a truncated normal distribution have the variance of ours.
SCALED: Mapping[str, tuple[float, str, str]] = {
    "HeNormal": (2.0, "fan_in", "truncated_normal"),
    "HeUniform": (2.0, "fan_in", "uniform"),
    "GlorotNormal": (1.0, "fan_avg", "truncated_normal"),
    "GlorotUniform": (1.0, "fan_avg", "uniform"),
    "LecunNormal": (1.0, "fan_in", "truncated_normal"),
    "LecunUniform": (1.0, "fan_in", "uniform"),
}


def distribution(
    config: Any, *, default: str = "", multiplier: int | None = None
) -> Distribution | None:
    """The distribution that an initializer draws from.

    `multiplier` is that of a depthwise kernel, whose fans Keras takes the other way round.
    """
    name, values = _read(config)
    if name == default:
        return None
    if name in SCALED:
        scale, mode, kind = SCALED[name]
        return _scaled(scale, mode, kind, multiplier)
    if name == "VarianceScaling":
        mode, kind = values.get("mode", "fan_in"), values.get("distribution", "truncated_normal")
        return _scaled(values.get("scale", 1.0), mode, kind, _uncounted(values, multiplier))
    return SIMPLE[name](values) if name in SIMPLE else None


def unless_ones(config: Mapping[str, Any], name: str = "depthwise_initializer") -> Any:
    """What a scale begins with, which is 1 of its own accord."""
    return distribution(config.get(name), default="Ones")


def _read(config: Any) -> tuple[str, Mapping[str, Any]]:
    """The class of an initializer, whatever of its many names is used, and its arguments."""
    match config:
        case str():
            return "".join(part[:1].upper() + part[1:] for part in config.split("_")), {}
        case {"class_name": str(name)} if isinstance(config.get("config"), dict):
            return name, cast("dict[str, Any]", config["config"])
        case _:
            return "", {}


def _uncounted(values: Mapping[str, Any], multiplier: int | None) -> int | None:
    """The multiplier, unless the initializer is told which axes are inputs."""
    return None if values.get("input_axes") else multiplier


def _scaled(scale: Any, mode: Any, kind: Any, multiplier: int | None) -> Distribution | None:
    if not isinstance(mode, str) or mode not in SWAPPED or not _is_number(scale) or scale <= 0:
        return None
    if multiplier is not None:
        if multiplier != 1:
            return None  # the inputs that Keras counts are no fan of ours
        mode = SWAPPED[mode]
    word = "uniform" if kind == "uniform" else "normal"
    if mode == "fan_avg":
        return Distribution(f"xavier_{word}") if isclose(scale, 1) else None
    if mode == "fan_in" and isclose(scale, 1):
        return Distribution(f"lecun_{word}")
    square = 2 / scale - 1  # of the slope of the activation behind it
    if square < -1e-9:
        return None
    slope = round(max(square, 0.0) ** 0.5, 9)
    return Distribution(f"he_{word}", (("mode", mode), ("slope", slope)))


def _normal(values: Mapping[str, Any]) -> Distribution | None:
    return _spread("normal", values.get("mean", 0.0), values.get("stddev", 0.05))


def _truncated(values: Mapping[str, Any]) -> Distribution | None:
    return _spread("trunc_normal", values.get("mean", 0.0), values.get("stddev", 0.05))


def _spread(word: str, mean: Any, std: Any) -> Distribution | None:
    fits = mean == 0 and _is_number(std) and std > 0
    return Distribution(word, (("std", float(std)),)) if fits else None


def _uniform(values: Mapping[str, Any]) -> Distribution | None:
    low, high = values.get("minval", -0.05), values.get("maxval", 0.05)
    if not _is_number(low) or not _is_number(high) or low != -high or high <= 0:
        return None
    return Distribution("uniform", (("bound", float(high)),))


def _constant(values: Mapping[str, Any]) -> Distribution | None:
    value = values.get("value", 0.0)
    return Distribution("constant", (("value", float(value)),)) if _is_number(value) else None


def _orthogonal(values: Mapping[str, Any]) -> Distribution | None:
    return Distribution("orthogonal") if values.get("gain", 1.0) == 1 else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e30


SIMPLE: Mapping[str, Callable[[Mapping[str, Any]], Distribution | None]] = {
    "RandomNormal": _normal,
    "TruncatedNormal": _truncated,
    "RandomUniform": _uniform,
    "Constant": _constant,
    "Orthogonal": _orthogonal,
    "Zeros": lambda _: Distribution("zeros"),
    "Ones": lambda _: Distribution("ones"),
}
