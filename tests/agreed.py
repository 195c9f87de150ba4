"""Support for tests: what must hold of the sources of any valid spec, and of the models that they make."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from built import Built, build, channels_last, in_keras_order, outputs
from carried import COUNTER, in_keras, keras_name, predicted
from compared import Pair, Values, farthest, precision

from cnngen.ops.base import Image
from cnngen.program.fixed import fixed_parameters
from cnngen.semantics.network import Network

Shapes = dict[str, tuple[int, ...]]
TOLERANCE = 1e-5  # in float64, though some kernels compute in float32: no mistake passes for a rounding error


def check_torch(built: Built) -> None:
    """Names and shapes of all weights are those that the network foretells, in its order."""
    assert list(state_shapes(built).items()) == list(predicted(built.network).items())


def check_torch_arguments(built: Built, values: Mapping[str, Any], other: Network) -> None:
    """With other arguments the class makes what the spec with these settings foretells."""
    assert state_shapes(built, **values) == predicted(other)


def state_shapes(built: Built, **arguments: Any) -> Shapes:
    import torch

    with torch.device("meta"):
        model = built.torch(**arguments)
        shape = built.network.input
        model.eval()(torch.zeros(2, shape.channels, shape.height, shape.width))
    return {n: tuple(v.shape) for n, v in model.state_dict().items() if not n.endswith(COUNTER)}


def check_keras(built: Built) -> None:
    """Each layer has its name and gives its shape; all weights are those that the network foretells."""
    model = keras_model(built, heads=True)
    layers = {layer.name: layer for layer in model.layers}
    for layer in built.network.layers.values():
        if layer.op.name == "identity":
            continue
        found = layers[keras_name(layer)].output.shape[1:]
        size = layer.output
        expected = (
            (size.height, size.width, size.channels)
            if isinstance(size, Image)
            else (size.features,)
        )  # type: ignore[union-attr]
        flat = layer.op.name in ("global_avg_pool", "global_max_pool") and len(found) == 1
        assert found == (expected[-1:] if flat else expected), layer.path
    assert keras_shapes(model) == foretold_keras(built.network)


def check_keras_arguments(built: Built, values: Mapping[str, Any], other: Network) -> None:
    assert keras_shapes(keras_model(built, heads=True, **values)) == foretold_keras(other)


def keras_model(built: Built, heads: bool, **arguments: Any) -> Any:
    shape = built.network.input
    size = (shape.height, shape.width, shape.channels)
    return built.keras(input_shape=size, **arguments, **(built.heads if heads else {}))


def keras_shapes(model: Any) -> Shapes:
    return {weight.path: tuple(weight.shape) for weight in model.weights}


def foretold_keras(network: Network) -> Shapes:
    zeros = {name: np.zeros(shape, "float16") for name, shape in predicted(network).items()}
    return {name: value.shape for name, value in in_keras(network, zeros).items()}


def check_values(built: Built) -> None:
    """Both models compute the same, in evaluation and with the heads that exist in training only."""
    both = Pair(built, 2, "float64")
    expected, found = both.evaluate()
    assert farthest(found, expected) < TOLERANCE
    if built.heads:
        expected, found = with_heads(both)
        assert farthest(found, expected) < TOLERANCE


def with_heads(both: Pair) -> tuple[Values, Values]:
    import torch

    network, model = both.network, both.torch_model
    model.eval().training = True  # for its own `forward` alone: layers stay in evaluation
    with torch.no_grad():
        y = outputs(network, model(torch.from_numpy(both.x)))
    with precision("float64"):
        found = outputs(
            network, both.keras_model(heads=True)(channels_last(both.x), training=False)
        )
    expected = {n: in_keras_order(network, n, v.numpy()) for n, v in y.items()}
    return expected, {n: np.asarray(v) for n, v in found.items()}


def other_values(
    built: Built, values: Mapping[str, Any], text: str
) -> tuple[dict[str, Any], Network]:
    """Arguments for the generated code, without what is fixed there, and the network that they stand for."""
    fixed = fixed_parameters(built.network)
    free = {n: v for n, v in values.items() if n not in fixed}
    settings = {n: str(v).lower() for n, v in free.items()}
    arguments = {n: tuple(v) if isinstance(v, list) else v for n, v in free.items()}
    return arguments, build(text, settings).network
