"""Models of other packages are made without trained weights: nothing is downloaded."""

import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest

from cnngen.ops.base import Image
from cnngen.weights.published import PublishedModel

pytest.importorskip("torch")
pytestmark = pytest.mark.torch


class AskedError(Exception):
    """Somebody wanted to speak to another machine."""


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AskedError

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    for name in ("TORCH_HOME", "HF_HOME", "KERAS_HOME"):
        monkeypatch.setenv(name, str(tmp_path))  # where nothing is


def test_the_fixture_refuses() -> None:
    with pytest.raises(AskedError):
        socket.create_connection(("localhost", 80))


def test_torchvision(torchvision: Any) -> None:
    """Whatever it has but videos: classifiers, segmentation, detection, the backbones of both."""
    import torch

    models = torchvision.models
    names = [
        *models.list_models(module=models.segmentation),
        *models.list_models(module=models.detection),
        *("resnet18", "googlenet", "efficientnet_b0", "vit_b_16"),
    ]
    assert len(names) > 15
    with torch.device("meta"):
        for name in names:
            assert PublishedModel("torchvision", name).model(Image(3, 224, 224)) is not None


def test_a_backbone_gets_no_trained_weights(torchvision: Any) -> None:
    reference = PublishedModel("torchvision", "lraspp_mobilenet_v3_large")
    assert list(reference.model(Image(3, 64, 64)).state_dict())


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_b0", "resnet18d", "convnext_atto"])
def test_timm(name: str, torchvision: Any) -> None:
    import torch

    pytest.importorskip("timm")
    with torch.device("meta"):
        assert PublishedModel("timm", name).model(Image(3, 224, 224)) is not None


@pytest.mark.keras
@pytest.mark.parametrize("name", ["MobileNet"])
def test_keras(name: str) -> None:
    pytest.importorskip("keras")
    assert PublishedModel("keras.applications", name).model(Image(3, 64, 64)).count_params()
