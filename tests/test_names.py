"""The names and shapes of all weights, as the network tells them, are those of the generated models.

`test_faithful` makes the Keras models of all specs, and finds in each what the PyTorch model has.
"""

import pytest
from support.built_models import SPECS, build
from support.carried_weights import expected_in_keras, keras_shapes, predicted

from cnngen.weights.read_torch import COUNTER

NAMES = sorted(path.stem for path in SPECS.glob("*.yaml"))


@pytest.mark.torch
@pytest.mark.parametrize("name", NAMES)
def test_names_and_shapes_in_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    built = build(name)
    with torch.device("meta"):
        found = built.torch().state_dict()
    shapes = [
        (key, tuple(value.shape)) for key, value in found.items() if not key.endswith(COUNTER)
    ]
    assert shapes == list(predicted(built.network).items())


@pytest.mark.keras
def test_the_keras_model_for_inference_has_no_heads() -> None:
    pytest.importorskip("keras")
    built = build("googlenet")
    shapes = expected_in_keras(built.network)
    heads = ("aux1_", "aux2_")
    assert any(name.startswith(heads) for name in shapes)
    inference = {name: shape for name, shape in shapes.items() if not name.startswith(heads)}
    assert keras_shapes(built.keras()) == inference
