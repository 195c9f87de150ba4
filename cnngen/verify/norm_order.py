"""The order in which Keras runs the uses of a batch norm that has several.

PyTorch runs them line by line. Keras runs a functional model from its deepest layers on, and of
equally deep ones that first which its search for the inputs comes to last. The later a use, the
more it counts in the running statistics, so both can be compared in one order only.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from cnngen.frameworks import framework
from cnngen.targets.torch.names import module_name
from cnngen.verify.models import Models, drop_nothing, for_keras, for_torch, precision, running
from cnngen.weights.keras_layers import keras_layers
from cnngen.weights.layout import Array, keras_name

Seen = dict[str, list[Array]]  # the mean of each use, by the path of the norm
Orders = Mapping[str, tuple[int, ...]]
"""Of each norm, the uses of PyTorch in the order of Keras, by the name of its module."""


def norm_orders(models: Models) -> Orders:
    """Found by running both models once on the same images; their weights are reset before use."""
    shared = {layer.shares for layer in models.network.layers.values() if layer.op.buffers}
    names = {
        layer.path: (module_name(layer.path), keras_name(layer))
        for layer in models.network.layers.values()
        if layer.path in shared
    }
    if not names:
        return {}
    torch = framework("torch")
    torch_model, keras_model = models.torch_model(), models.keras_model(heads=True)
    drop_nothing(torch_model, keras_model)
    expected, found = Seen(), Seen()
    modules: dict[str, Any] = dict(torch_model.named_modules())
    handles = [
        modules[name].register_forward_pre_hook(_keep(path, expected))
        for path, (name, _) in names.items()
    ]
    with running("the torch source"), torch.no_grad():
        torch_model.train()(*for_torch(models.inputs))
    for handle in handles:
        handle.remove()
    layers = {layer.name: layer for layer in keras_layers(keras_model)}
    watched = {path: layers[name] for path, (_, name) in names.items()}
    with running("the keras source"), precision(models.word), _watched(watched, found):
        keras_model(for_keras(models.inputs), training=True)
    return {names[path][0]: _order(expected[path], found[path]) for path in names}


def _keep(path: str, seen: Seen) -> Callable[..., None]:
    def keep(_: Any, inputs: Any) -> None:
        x = inputs[0].detach().numpy()
        seen.setdefault(path, []).append(x.mean(axis=(0, *range(2, x.ndim))))

    return keep


@contextmanager
def _watched(layers: Mapping[str, Any], seen: Seen) -> Generator[None]:
    def watching(path: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watch(inputs: Any, *args: Any, **named: Any) -> Any:
            x = np.asarray(inputs)
            seen.setdefault(path, []).append(x.mean(axis=tuple(range(x.ndim - 1))))
            return call(inputs, *args, **named)

        return watch

    calls = {path: layer.call for path, layer in layers.items()}
    for path, layer in layers.items():
        layer.call = watching(path, calls[path])
    try:
        yield
    finally:
        for path, layer in layers.items():
            layer.call = calls[path]


def _order(expected: list[Array], found: list[Array]) -> tuple[int, ...]:
    """For each mean that was found, the number of the expected one that is nearest."""
    left = dict(enumerate(expected))
    order: list[int] = []
    for mean in found:
        nearest = min(left, key=lambda i: float(np.abs(left[i] - mean).max()), default=None)
        if nearest is not None:
            order.append(nearest)
            del left[nearest]
    return (*order, *left)
