"""Networks that torchvision has too: its weights, copied in their order, give its outputs in both targets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from built import SPECS, Built, build, channels_last
from carried import COUNTER, randomize
from compared import distance, images, keras_model

pytest.importorskip("torch")
pytestmark = pytest.mark.slow

FIXTURES = Path(__file__).parent / "fixtures"
MODELS: dict[str, Callable[[Any], Any]] = {
    "alexnet": lambda models: models.alexnet(),
    "vgg16": lambda models: models.vgg16(init_weights=False),
    "resnet50": lambda models: models.resnet50(),
    "densenet121": lambda models: models.densenet121(),
    "googlenet_torchvision": lambda models: models.googlenet(init_weights=False),
}


@pytest.fixture(scope="module", params=MODELS)
def copied(request: pytest.FixtureRequest, torchvision: Any) -> tuple[Built, Any, Any, Any]:
    """A network, its model with torchvision's random weights, an input, and what torchvision gives for it."""
    import torch

    name: str = request.param
    folder = SPECS if (SPECS / f"{name}.yaml").exists() else FIXTURES
    built = build(folder / f"{name}.yaml")
    theirs = MODELS[name](torchvision.models)
    x = torch.from_numpy(images(built.network.input, 1, "float32"))
    randomize(theirs, 0, torch.cat([x, -x]))
    with torch.device("meta"):
        ours = built.torch()
    copy(theirs, ours)
    with torch.no_grad():
        return built, ours.eval(), x, theirs.eval()(x).numpy()


def copy(theirs: Any, ours: Any) -> None:
    """Take over all weights in their order; each has the shape of the other model's."""
    source, target = (
        [(n, v) for n, v in m.state_dict().items() if not n.endswith(COUNTER)]
        for m in (theirs, ours)
    )
    assert len(source) == len(target)
    for (name, value), (own, expected) in zip(source, target, strict=True):
        assert value.shape == expected.shape, f"{own} is not torchvision's {name}"
    named = {own: value for (own, _), (_, value) in zip(target, source, strict=True)}
    ours.load_state_dict(named, strict=False, assign=True)


@pytest.mark.torch
def test_pytorch(copied: tuple[Built, Any, Any, Any]) -> None:
    import torch

    _, ours, x, expected = copied
    with torch.no_grad():
        assert distance(ours(x).numpy(), expected) < 1e-6


@pytest.mark.keras
def test_keras(copied: tuple[Built, Any, Any, Any]) -> None:
    pytest.importorskip("keras")
    built, ours, x, expected = copied
    found = keras_model(built, ours)(channels_last(x.numpy()), training=False)
    assert distance(np.asarray(found), expected) < 1e-5
