"""Both targets of a spec are one network: same outputs, gradients and running statistics for the same weights.

Networks are small here; `test_faithful` compares the outputs of whole ones.
"""

from dataclasses import dataclass, field

import pytest
from support.built_models import Built, build
from support.compared_models import Pair

from cnngen.ops import OPS
from cnngen.ops.base import Image
from cnngen.verify.compare import apart, farthest
from cnngen.verify.tolerance import tolerance

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
    Case("lenet5_1998", 32, 32),
    Case("lenet5_1998", 37, 41),
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
FLOAT32 = {
    "gelu": "gelu",
    "leaky_relu": "{leaky_relu: {slope: 0.2}}",
    "hard_sigmoid": "hard_sigmoid",
    "upsample": "{upsample: {scale: 3, mode: bilinear}}",
    "resize": "{resize: {like: input, mode: bilinear}}",
}


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
    assert apart(found.statistics, double.biased(expected.statistics)) < 1e-9
    assert not found.statistics or apart(found.statistics, expected.statistics) > 1e-6


def test_float32_constants_are_tried_wherever_an_op_has_them() -> None:
    assert FLOAT32.keys() == {name for name, op in OPS.items() if op.float32_inside}


@pytest.mark.parametrize(("op", "step"), FLOAT32.items(), ids=FLOAT32)
def test_what_float32_constants_cost(op: str, step: str) -> None:
    """An op says how near the frameworks come where it must; the other tests find those that should."""
    text = f"""
        cnngen: 1
        name: Constants
        about: One op with constants
        input: {{channels: 4, height: 6, width: 7}}
        model: {{first: [{{conv: {{out: 4, kernel: 2}}}}, {{scale: {{by: 3}}}}], then: {step}}}
        """
    pair = Pair(build(text), 8, "float64")
    expected, found = pair.evaluate()
    before, after = pair.train()
    reached = max(farthest(found, expected), apart(after.gradients, before.gradients))
    assert 1e-10 < reached < OPS[op].float32_inside


def test_places_of_a_resize_are_rounded_to_float32() -> None:
    """The further from the first pixel, the worse."""
    text = """
        cnngen: 1
        name: Places
        about: A resize by no whole factor
        input: {channels: 4, height: 65, width: 65}
        model:
          small: {conv: {out: 4, kernel: 3, stride: 2, padding: half}}
          large: {resize: {like: input, mode: MODE}}
        """
    reached: dict[str, float] = {}
    for mode in ("bilinear", "nearest"):
        built = build(text.replace("MODE", mode))
        reached[mode] = farthest(*Pair(built, 2, "float64").evaluate())
        assert reached[mode] < tolerance(built.network, "outputs", "float64")
    assert reached["nearest"] < 1e-10 < OPS["resize"].float32_inside < reached["bilinear"]
