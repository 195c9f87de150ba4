"""Activations of Keras: functions by name, and layers that stand where a function may."""

from collections.abc import Mapping
from typing import Any, cast

from cnngen.foreign.keras_values import op_values
from cnngen.ops import OPS
from cnngen.vocabulary.layer import Unsayable

# Functions that are called otherwise here, or whose defaults are not those of our ops.
FUNCTIONS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "swish": ("silu", {}),
    "hard_silu": ("hard_swish", {}),
    "leaky_relu": ("leaky_relu", {"slope": 0.2}),
    "absolute": ("abs", {}),
}
NOTHING = ("linear", None)
OLD_SIGMOID = (
    "the `hard_sigmoid` of Keras 2 is `min(max(0.2 x + 0.5, 0), 1)`, and not that of Keras 3, which"
    " the op `hard_sigmoid` is: load the model with Keras 3, and see whether it still does its work"
)


def activation(said: Any, version: int) -> tuple[str, dict[str, Any]] | None:
    """The op of an activation, as layers are given one; None where it does nothing. Raises
    `Unsayable`.
    """
    match said:
        case None | "linear":
            return None
        case str():
            return _function(said, version)
        case {"class_name": "function", "config": str(name), **rest}:
            if rest.get("registered_name") not in (None, "function"):
                raise Unsayable(f"`{name[:60]}` is a function of its author")
            return None if name == "linear" else _function(name, version)
        case {"class_name": str(kind)} if isinstance(said.get("config"), dict):
            return activation_layer(kind, cast("dict[str, Any]", said["config"]), version)
        case _:
            raise Unsayable("its activation is no function that Keras has")


def activation_layer(
    kind: str, config: Mapping[str, Any], version: int
) -> tuple[str, dict[str, Any]] | None:
    """The op of a layer that is an activation."""
    if kind == "Activation":
        return activation(config.get("activation"), version)
    if kind == "ReLU":
        return _relu(config)
    if kind == "LeakyReLU" and "alpha" in config:  # in Keras 2
        config = {"negative_slope": config["alpha"]}
    if kind == "PReLU":
        config = {**config, "alpha_initializer": _start(config.get("alpha_initializer"))}
        found = op_values(kind, {**config, "alpha_initializer": "zeros"})
        return (found[0], found[1] | {"start": config["alpha_initializer"]}) if found else None
    found = op_values(kind, config)
    if found is None or OPS[found[0]].group != "activation":
        raise Unsayable("its activation is no function that Keras has")
    return found


def _function(name: str, version: int) -> tuple[str, dict[str, Any]]:
    if name == "hard_sigmoid" and version == 2:
        raise Unsayable(OLD_SIGMOID)
    word, values = FUNCTIONS.get(name, (name, {}))
    op = OPS.get(word)
    if op is None or op.group != "activation" or op.name == "prelu":
        raise Unsayable(f"no op is the activation `{name[:60]}`")
    return word, values


def _relu(config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The one layer that is several ops."""
    most, slope = config.get("max_value"), config.get("negative_slope", 0)
    threshold = config.get("threshold", 0)
    match most, slope or 0, threshold or 0:
        case None, 0, 0:
            return "relu", {}
        case 6, 0, 0:
            return "relu6", {}
        case None, int() | float(), 0:
            return "leaky_relu", {"slope": slope}
        case _:
            raise Unsayable(
                "`relu` is `max(x, 0)` and `relu6` ends at 6: no op has another end or threshold"
            )


def _start(initializer: Any) -> float:
    """The number at which all slopes start."""
    match initializer:
        case {"class_name": "Constant", "config": {"value": int() | float() as value}}:
            return float(value)
        case {"class_name": "Zeros"} | "zeros" | None:
            return 0.0
        case {"class_name": "Ones"} | "ones":
            return 1.0
        case _:
            raise Unsayable("the slopes of `prelu` start at one number")
