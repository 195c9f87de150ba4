"""The weights that a network should have in either framework."""

from typing import Any

import numpy as np

from cnngen.semantics.network import Network
from cnngen.targets.torch.names import weight_key
from cnngen.weights.layout import in_keras, weight_shapes
from cnngen.weights.transfer import keras_state, load_keras, torch_state


def predicted(network: Network) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all weights in PyTorch's layout, as the network predicts them."""
    return {
        weight_key(layer, name): shape
        for layer in network.layers.values()
        for name, shape in weight_shapes(layer).items()
    }


def expected_in_keras(network: Network) -> dict[str, tuple[int, ...]]:
    """The predicted shapes under the paths and in the layouts of Keras."""
    zero = np.zeros(())  # one number in memory, whatever the shape
    given = {name: np.broadcast_to(zero, shape) for name, shape in predicted(network).items()}
    return {path: value.shape for path, value in in_keras(network, given).items()}


def keras_shapes(keras_model: Any) -> dict[str, tuple[int, ...]]:
    return {path: value.shape for path, value in keras_state(keras_model).items()}


def carry(network: Network, torch_model: Any, keras_model: Any) -> None:
    """Give a Keras model the weights of a PyTorch model; none may be left over on either side."""
    assert load_keras(network, keras_model, torch_state(torch_model)) == ()
