"""Both targets of a spec are one network: same outputs, gradients and running statistics for the same weights."""

from dataclasses import dataclass, field

import pytest
from built import Built, build
from compared import Pair, Step, apart, distance, farthest

from cnngen.ops.base import Image

pytest.importorskip("torch")
pytest.importorskip("keras")
pytestmark = [pytest.mark.torch, pytest.mark.keras]


@dataclass(frozen=True)
class Case:
    """A spec, made small where it can be without losing a kind of layer."""

    name: str
    height: int
    width: int
    settings: dict[str, str] = field(default_factory=dict[str, str])
    batch: int = 2

    def __str__(self) -> str:
        return f"{self.name}-{self.height}x{self.width}"

    def build(self) -> Built:
        channels = build(self.name).network.input.channels
        return build(self.name, self.settings, Image(channels, self.height, self.width))


ALEXNET = {"classes": "7", "hidden": "32"}
DENSENET = {"classes": "7", "growth": "8", "stages": "[2, 1, 3, 2]"}
RESNET50 = {"classes": "7", "depths": "[2, 1, 2, 1]", "widths": "[8, 16, 8, 24]"}
VGG = {"classes": "7", "hidden": "32", "widths": "[8, 16, 24, 16, 32]"}

# Batches are such that the last batch norm sees at least 32 values of each channel: with few, a step is chaotic.
CASES = [
    Case("lenet5", 28, 28),
    Case("lenet5", 29, 33),
    Case("alexnet", 96, 96, ALEXNET),
    Case("alexnet", 95, 127, ALEXNET),
    Case("alexnet_2012", 68, 68, {"classes": "7"}),
    Case("alexnet_2012", 67, 99, {"classes": "7"}),
    Case("vgg16", 64, 64, VGG),
    Case("vgg16", 47, 65, VGG),
    Case("googlenet", 96, 96, {"classes": "7"}),
    Case("googlenet", 97, 113, {"classes": "7"}),
    Case("nin_cifar10", 32, 32),
    Case("nin_cifar10", 29, 33),
    Case("resnet20_cifar10", 32, 32),
    Case("resnet20_cifar10", 33, 27),
    Case("resnet50", 64, 64, RESNET50, batch=8),
    Case("resnet50", 65, 97, RESNET50, batch=6),
    Case("densenet121", 64, 64, DENSENET, batch=8),
    Case("densenet121", 65, 97, DENSENET, batch=6),
    Case("unet", 32, 32, {"width": "4"}, batch=8),
    Case("unet", 32, 48, {"width": "4"}, batch=6),
]
EXACT = ["lenet5", "googlenet", "unet"]  # as the specs have them; torchvision's are in its own tests


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture(scope="module")
def single(case: Case) -> Pair:
    return Pair(case.build(), case.batch, "float32")


@pytest.fixture(scope="module")
def double(case: Case) -> Pair:
    return Pair(case.build(), case.batch, "float64")


def test_evaluation_in_float32(single: Pair) -> None:
    expected, found = single.evaluate()
    assert farthest(found, expected) < 1e-5


def test_evaluation_in_float64(double: Pair) -> None:
    expected, found = double.evaluate()
    assert farthest(found, expected) < 1e-10


def test_training_in_float32(single: Pair) -> None:
    expected, found = single.train()
    assert farthest(found.outputs, expected.outputs) < 1e-3


def test_training_in_float64(double: Pair) -> None:
    expected, found = double.train()
    assert farthest(found.outputs, expected.outputs) < 1e-9
    assert apart(found.gradients, expected.gradients) < 1e-9
    check_statistics(double, expected, found)


@pytest.mark.parametrize("name", EXACT)
def test_evaluation_of_the_whole_network(name: str) -> None:
    expected, found = Pair(build(name), batch=1).evaluate()
    assert farthest(found, expected) < 1e-5


def check_statistics(pair: Pair, expected: Step, found: Step) -> None:
    """Running statistics agree, but for the variance: Keras' new share is that of PyTorch times (N - 1) / N."""
    assert found.statistics.keys() == expected.statistics.keys()
    weights = pair.weights
    for layer in pair.network.layers.values():
        if layer.op.name != "batch_norm":
            continue
        x = layer.inputs[0].shape
        values = len(pair.x) * (x.height * x.width if isinstance(x, Image) else 1)
        kept = 1 - layer.op.values["momentum"]
        name = layer.path.replace(".", "_")
        mean, variance = f"{name}/moving_mean", f"{name}/moving_variance"
        old = kept * weights[variance]
        biased = old + (expected.statistics[variance] - old) * (values - 1) / values
        assert distance(found.statistics[mean], expected.statistics[mean]) < 1e-9
        assert distance(found.statistics[variance], biased) < 1e-9
        assert distance(found.statistics[variance], expected.statistics[variance]) > 1e-9
