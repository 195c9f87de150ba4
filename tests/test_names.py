"""The names and shapes of all weights, as the network tells them, are those of the generated models."""

import pytest
from built import SPECS, build
from carried import expected_in_keras, keras_shapes, predicted

from cnngen.weights.read_torch import COUNTER

NAMES = sorted(path.stem for path in SPECS.glob("*.yaml"))

NARROWER = {
    "alexnet": {"hidden": "64"},
    "vgg16": {"hidden": "64"},
}  # drawing 10**8 weights takes long


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
@pytest.mark.parametrize("name", NAMES)
def test_names_and_shapes_in_keras(name: str) -> None:
    pytest.importorskip("keras")
    built = build(name, NARROWER.get(name))
    assert keras_shapes(built.keras(**built.heads)) == expected_in_keras(built.network)


@pytest.mark.keras
def test_the_keras_model_for_inference_has_no_heads() -> None:
    pytest.importorskip("keras")
    built = build("googlenet")
    shapes = expected_in_keras(built.network)
    heads = ("aux1_", "aux2_")
    assert any(name.startswith(heads) for name in shapes)
    inference = {name: shape for name, shape in shapes.items() if not name.startswith(heads)}
    assert keras_shapes(built.keras()) == inference
