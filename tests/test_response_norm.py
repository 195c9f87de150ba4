"""A response norm of any window in its documented range is that of PyTorch."""

from pathlib import Path

import numpy as np
import pytest
from support.built_models import build

pytest.importorskip("torch")
pytest.importorskip("keras")
pytestmark = [pytest.mark.torch, pytest.mark.keras]

SPEC = """
cnngen: 1
name: Window
about: A window of so many of twelve channels.
input: {{channels: 12, height: 3, width: 2}}
model:
  norm: {{local_response_norm: {{size: {size}, alpha: 0.7, beta: 0.6, k: 2}}}}
"""


@pytest.mark.parametrize("word", ["float32", "float64"])
@pytest.mark.parametrize("size", [*range(1, 9), 23, 24, 1000, 65535])
def test_windows(size: int, word: str) -> None:
    import torch

    from cnngen.verify.compare import distance
    from cnngen.verify.models import channels_last, precision

    built = build(SPEC.format(size=size))
    x = np.random.default_rng(size).normal(0, 3, (2, 12, 3, 2)).astype(word)
    expected = torch.nn.functional.local_response_norm(torch.from_numpy(x), size, 0.7, 0.6, 2)
    with precision(word):
        found = built.keras(input_shape=(None, None, 12))(channels_last(x))
    difference = distance(np.asarray(found), channels_last(expected.numpy()))
    assert difference < {"float32": 1e-6, "float64": 1e-14}[word]
    assert np.array_equal(built.torch()(torch.from_numpy(x)).numpy(), expected.numpy())


def test_a_model_with_a_large_window_is_saved(tmp_path: Path) -> None:
    import keras

    model = build(SPEC.format(size=1000)).keras()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = np.ones((1, 3, 2, 12), "float32")
    assert np.array_equal(np.asarray(model(x)), np.asarray(loaded(x)))
