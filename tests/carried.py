"""Support for tests: random weights for a PyTorch model, and the same weights in the Keras model.

Weights travel by the names of layers: `features.0.conv` in PyTorch is `features_0_conv` in Keras.
"""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from built import Array, order

from cnngen.ops.base import Vector
from cnngen.semantics.network import Layer, Network

NORMS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
PRELU = {"weight": "alpha"}
AFFINE = {"weight": "kernel", "bias": "bias"}
COUNTER = "num_batches_tracked"  # of batch norm, in PyTorch only


def predicted(network: Network) -> dict[str, tuple[int, ...]]:
    """The names and shapes of all weights in PyTorch's layout, as the network tells them."""
    return {
        f"{layer.path}.{name}": shape
        for layer in network.layers.values()
        for name, shape in weights(layer).items()
    }


def expected_in_keras(network: Network) -> dict[str, tuple[int, ...]]:
    """What becomes of the predicted shapes under the paths and in the layouts of Keras."""
    zero = np.zeros(())  # one number in memory, whatever the shape
    given = {name: np.broadcast_to(zero, shape) for name, shape in predicted(network).items()}
    return {path: value.shape for path, value in in_keras(network, given).items()}


def keras_shapes(keras_model: Any) -> dict[str, tuple[int, ...]]:
    shapes = {variable.path: tuple(variable.shape) for variable in keras_model.weights}
    assert len(shapes) == len(keras_model.weights)
    return shapes


def weights(layer: Layer) -> dict[str, tuple[int, ...]]:
    return layer.op.weights(*(x.shape for x in layer.inputs))


def state(torch_model: Any) -> dict[str, Array]:
    """The weights of a PyTorch model, without the counters."""
    found = torch_model.state_dict().items()
    return {name: value.numpy() for name, value in found if not name.endswith(COUNTER)}


def randomize(torch_model: Any, seed: int, x: Any) -> None:
    """Draw all weights so that values keep their scale, with the running statistics that `x` gives."""
    import torch
    from torch import nn

    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in torch_model.named_parameters():
            if weight.ndim > 1:
                weight.normal_(0, (2 / prod(weight.shape[1:])) ** 0.5, generator=draw)
            elif name.endswith("bias"):
                weight.normal_(0, 0.2, generator=draw)
            else:
                weight.uniform_(0.5, 1.5, generator=draw)
        norms = [m for m in torch_model.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
        momenta = [norm.momentum for norm in norms]
        torch_model.eval()
        torch_model.training = True  # with all heads, but without dropout
        for norm in norms:
            norm.train()
            norm.momentum = 1.0
        torch_model(x)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            norm.running_mean.add_(
                norm.running_var.sqrt() * torch.rand(norm.num_features, generator=draw)
            )
            norm.running_var.mul_(0.5 + torch.rand(norm.num_features, generator=draw))
        torch_model.eval()


def carry(network: Network, torch_model: Any, keras_model: Any) -> None:
    """Give a Keras model the weights of a PyTorch model; none may be left over on either side."""
    given = state(torch_model)
    names = {layer.name for layer in keras_model.layers}
    heads = [layer for layer in network.layers.values() if layer.training and weights(layer)]
    if not any(keras_name(layer) in names for layer in heads):
        given = {
            n: v for n, v in given.items() if not any(n.startswith(f"{h.path}.") for h in heads)
        }
    values = in_keras(network, given)
    variables = {variable.path: variable for variable in keras_model.weights}
    assert len(variables) == len(keras_model.weights)
    assert values.keys() == variables.keys()
    for path, variable in variables.items():
        assert tuple(variable.shape) == values[path].shape, path
        variable.assign(values[path])


def keras_name(layer: Layer) -> str:
    return layer.path.replace(".", "_")


def in_keras(network: Network, given: Mapping[str, Array]) -> dict[str, Array]:
    """Weights of PyTorch (or their gradients, by the same names) under the paths and in the layouts of Keras."""
    left = dict(given)
    found: dict[str, Array] = {}
    for layer in network.layers.values():
        own = {
            name: left.pop(f"{layer.path}.{name}")
            for name in weights(layer)
            if f"{layer.path}.{name}" in left
        }
        found |= {
            f"{keras_name(layer)}/{name}": value for name, value in _in_keras(layer, own).items()
        }
    assert not left, f"no layer of the network holds {sorted(left)}"
    return found


def _in_keras(layer: Layer, own: Mapping[str, Array]) -> dict[str, Array]:
    """The weights of a layer; see `cnngen.ops` for their names in PyTorch."""
    x = layer.inputs[0].shape
    features = order(x) if isinstance(x, Vector) else slice(None)
    match layer.op.name:
        case "batch_norm" | "layer_norm" | "group_norm":
            return {NORMS[name]: value[features] for name, value in own.items()}
        case "affine":
            shape = (-1,) if isinstance(x, Vector) else (1, 1, -1, 1)
            named = {AFFINE[name]: value[features] for name, value in own.items()}
            return named | {k: v.reshape(shape) for k, v in named.items() if k == "kernel"}
        case "prelu":
            shape = (-1,) if isinstance(x, Vector) else (1, 1, -1)
            slopes = slice(None) if layer.op.values["shared"] else features
            return {PRELU[name]: value[slopes].reshape(shape) for name, value in own.items()}
        case _:
            return dict(_convolution(layer, name, value, features) for name, value in own.items())


def _convolution(layer: Layer, name: str, value: Array, features: Any) -> tuple[str, Array]:
    match layer.op.name, name:
        case "linear", "weight":
            return "kernel", value[:, features].T
        case "conv" | "transposed_conv", "weight":
            return "kernel", value.transpose(2, 3, 1, 0)
        case "depthwise_conv", "weight":
            return "kernel", _depthwise(layer, value)
        case "separable_conv", "depthwise.weight":
            return "depthwise_kernel", _depthwise(layer, value)
        case "separable_conv", "pointwise.weight":
            return "pointwise_kernel", value.transpose(2, 3, 1, 0)
        case _, "bias" | "pointwise.bias":
            return "bias", value
        case op, _:
            raise AssertionError(f"nobody has said how Keras keeps the `{name}` of `{op}`")


def _depthwise(layer: Layer, value: Array) -> Array:
    multiplier: int = layer.op.values["multiplier"]
    return value.reshape(-1, multiplier, *value.shape[2:]).transpose(2, 3, 0, 1)
