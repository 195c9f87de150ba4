"""Configurations of Keras models as `to_json` writes them, of the least that says something."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Read = str | Sequence[str]  # the layers that a layer is given


def tensor(layer: str, call: int = 0, index: int = 0) -> dict[str, Any]:
    history = {"dtype": "float32", "keras_history": [layer, call, index]}
    return {"class_name": "__keras_tensor__", "config": history}


def given(*arguments: Any, **keywords: Any) -> dict[str, Any]:
    """What a call is given; a text is a layer."""
    return {"args": [_tensors(x) for x in arguments], "kwargs": keywords}


def _tensors(value: Any) -> Any:
    if isinstance(value, str):
        return tensor(value)
    return [_tensors(x) for x in value] if isinstance(value, list) else value


def layer(kind: str, name: str, *calls: Any, **config: Any) -> dict[str, Any]:
    """A layer; each of its calls is a layer that it reads, a list of these, or what `given` gives."""
    nodes = [x if isinstance(x, dict) else given(x) for x in calls]
    entry = {"class_name": kind, "config": {"name": name, **config}, "name": name}
    return {**entry, "module": "keras.layers", "inbound_nodes": nodes, "registered_name": None}


def operation(kind: str, name: str, *arguments: Any, **config: Any) -> dict[str, Any]:
    entry = layer(kind, name, given(*arguments), **config)
    return {**entry, "module": "keras.src.ops.numpy", "registered_name": kind}


def image(name: str = "image", *sizes: int | None) -> dict[str, Any]:
    return layer("InputLayer", name, batch_shape=[None, *(sizes or (8, 8, 4))])


def conv(name: str, *calls: Any, **config: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"filters": 4, "kernel_size": [3, 3], "strides": [1, 1]}
    usual |= {"padding": "valid", "data_format": "channels_last", "dilation_rate": [1, 1]}
    usual |= {"groups": 1, "activation": "linear", "use_bias": True}
    return layer("Conv2D", name, *calls, **usual | config)


def functional(
    *layers: Mapping[str, Any], outputs: Any = None, name: str = "model"
) -> dict[str, Any]:
    """A model whose inputs are its input layers, and whose output is the last layer's."""
    inputs = [[x["name"], 0, 0] for x in layers if x["class_name"] == "InputLayer"]
    config = {"name": name, "trainable": True, "layers": list(layers), "input_layers": inputs}
    config["output_layers"] = outputs or [[layers[-1]["name"], 0, 0]]
    found = {"module": "keras.src.models.functional", "class_name": "Functional"}
    return {**found, "config": config, "registered_name": "Functional"}


def sequential(*layers: Mapping[str, Any], name: str = "model") -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": name, "layers": list(layers)}}


def text(model: Mapping[str, Any]) -> str:
    return json.dumps(model)
