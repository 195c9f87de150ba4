"""The layers of a Keras model, and what is to be done when their weights have changed."""

from collections.abc import Iterator
from typing import Any


def keras_layers(model: Any) -> Iterator[Any]:
    """All layers of a Keras model that are no models."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from keras_layers(layer)
        else:
            yield layer


def settle(model: Any) -> None:
    """Let layers that compute with copies of their weights, such as `Normalization`, take them."""
    for layer in keras_layers(model):
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def is_counter(path: str) -> bool:
    """Whether a variable is that of `Normalization` which is no weight."""
    return path.endswith("/count")
