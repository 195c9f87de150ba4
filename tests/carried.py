"""Support for tests: random weights for a PyTorch model, and the same weights in the Keras model.

Weights travel by the names of layers: `features.0.conv` in PyTorch is `features_0_conv` in Keras.
"""

from math import prod
from typing import Any

import numpy as np

from cnngen.semantics.network import Network
from cnngen.weights.layout import in_keras, weight_shapes
from cnngen.weights.transfer import load_keras, torch_state


def predicted(network: Network) -> dict[str, tuple[int, ...]]:
    """The names and shapes of all weights in PyTorch's layout, as the network tells them."""
    return {
        f"{layer.path}.{name}": shape
        for layer in network.layers.values()
        for name, shape in weight_shapes(layer).items()
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
    assert load_keras(network, keras_model, torch_state(torch_model)) == ()
