"""Generated Keras models go through what people do with models."""

from pathlib import Path

import numpy as np
import pytest
from support.built_models import build
from support.citizenship import (
    CLOSE,
    SMALL,
    gives_features,
    has_stock_layers_only,
    keras_model,
    load_elsewhere,
    save,
    trains,
)

pytest.importorskip("keras")
pytestmark = pytest.mark.keras


@pytest.mark.parametrize("name", SMALL)
def test_a_model_has_stock_layers_gives_features_and_trains(name: str):
    model, x = keras_model(name, *SMALL[name])
    has_stock_layers_only(model)
    layer = next(layer for layer in build(name).network.layers.values() if layer.op.name == "conv")
    gives_features(model, x, layer.path.replace(".", "_"))
    trains(model, x)


def test_models_are_loaded_in_a_fresh_process_without_the_generated_code(tmp_path: Path):
    saved = [save(*keras_model(name, *SMALL[name]), tmp_path, name) for name in SMALL]
    differences = load_elsewhere(saved, "tensorflow")
    assert set(differences) == set(SMALL)
    assert max(differences.values()) < CLOSE, differences


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "nin_cifar10", "unet"])
def test_networks_that_allow_it_take_images_of_any_size(name: str):
    settings, (height, width) = SMALL[name]
    fixed, x = keras_model(name, settings, (height, width))
    free = build(name, settings).keras(input_shape=(None, None, x.shape[-1]))
    free.set_weights(fixed.get_weights())
    assert np.allclose(free(x), fixed(x), atol=1e-5)
    assert np.isfinite(np.asarray(free(np.tile(x, (1, 2, 1, 1))))).all()
