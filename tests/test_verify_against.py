"""`cnngen verify --against` compares all outputs, and says where two networks part first."""

from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.ops.base import Image
from cnngen.semantics.network import Network
from cnngen.targets.generate import generate
from cnngen.verify.against import compare_with
from cnngen.verify.compare import Comparison
from cnngen.verify.where import Parting
from cnngen.weights.graph import WeightGraph
from cnngen.weights.read_keras import read_keras
from cnngen.weights.read_torch import read_torch
from cnngen.weights.transfer import TransferError

pytest.importorskip("torch")
pytest.importorskip("keras")
pytestmark = [pytest.mark.torch, pytest.mark.keras]

SPEC = dedent("""
    cnngen: 1
    name: Ours
    about: Maps and scores.
    input: {channels: 3, height: 12, width: 16}
    model:
      features:
        - conv: {out: 8, kernel: 3, padding: half, bias: false}
        - batch_norm
        - relu6
        - avg_pool: {kernel: 3, stride: 1, padding: 1, count_include_pad: false}
      maps: [{from: features}, {conv: {out: 4, kernel: 1}}, sigmoid]
      scores: [{from: features}, global_avg_pool, flatten, {linear: {out: 5}}]
    outputs: {maps: maps, scores: scores}
""").lstrip()


@dataclass(frozen=True)
class Other:
    """A model that somebody else wrote, which is no package's."""

    framework: str
    make: Any

    def model(self, input: Image) -> Any:
        return self.make()

    def graph(self, model: Any, input: Image) -> WeightGraph:
        return read_keras(model) if self.framework == "keras" else read_torch(model, input)

    def __str__(self) -> str:
        return "theirs"


def compared(other: Other, folder: Path) -> tuple[Network, list[Comparison], Parting | None]:
    path = folder / "ours.yaml"
    path.write_text(SPEC, encoding="utf-8")
    network = analyse_file(path, Report())
    assert network
    texts = {target: generate(network, target, Report()) or "" for target in ("torch", "keras")}
    reference: Any = other
    return network, *compare_with(reference, network, texts, folder)


def torch_model(
    pack: Any = None, activation: Any = None, shift: float = 0.0, **pooling: Any
) -> Other:
    """Theirs in PyTorch, with functions where ours has modules; `pack` is how outputs are returned."""
    from torch import nn
    from torch.nn import functional as F

    class Theirs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)  # its bias ends in our norm
            self.norm = nn.BatchNorm2d(8)
            self.activation = activation() if activation else nn.ReLU6(inplace=True)
            self.maps = nn.Conv2d(8, 4, 1)
            self.scores = nn.Linear(8, 5)

        def forward(self, x: Any) -> Any:
            x = self.activation(self.norm(self.conv(x)))
            given = {"count_include_pad": False} | pooling
            x = F.avg_pool2d(x, 3, stride=1, padding=1, **given)
            maps, scores = self.maps(x).sigmoid(), self.scores(x.mean((2, 3)))
            return (pack or dict)(maps=maps, scores=scores + shift)

    return Other("torch", Theirs)


PACKS = {
    "names": None,
    "other names": lambda maps, scores: {"out": maps, "aux": scores},
    "a tuple": lambda maps, scores: (maps, scores),
    "nested": lambda maps, scores: {"maps": [maps], "more": (scores, None)},
    "another order": lambda maps, scores: {"scores": scores, "maps": maps},
}


@pytest.mark.parametrize("name", PACKS)
def test_all_outputs_are_compared(name: str, tmp_path: Path) -> None:
    _, found, where = compared(torch_model(PACKS[name]), tmp_path)
    assert [(each.quantity, each.precision) for each in found] == [
        ("torch outputs", "float32"),
        ("keras outputs", "float32"),
        ("torch outputs", "float64"),
        ("keras outputs", "float64"),
    ]
    assert all(each.equal for each in found) and where is None


def test_a_difference_in_the_second_output_only(tmp_path: Path) -> None:
    _, found, where = compared(torch_model(shift=1e-8), tmp_path)
    assert [each.equal for each in found] == [True, True, False, False]
    assert where == Parting("no such step", "add(1e-08)")


def test_an_output_that_ours_lacks(tmp_path: Path) -> None:
    pack = lambda maps, scores: (maps, scores, scores)  # noqa: E731
    with pytest.raises(
        TransferError, match=r"it gives 3 outputs \(0, 1, 2\), ours 2 \(maps, scores\)"
    ):
        compared(torch_model(pack), tmp_path)


def test_a_relu_for_a_relu6(tmp_path: Path) -> None:
    from torch import nn

    _, found, where = compared(torch_model(activation=nn.ReLU), tmp_path)
    assert not any(each.equal for each in found)
    assert where == Parting("`features.2`, ReLU6(), from `relu6` in line 9", "`activation`, ReLU()")


def test_the_arguments_of_a_function(tmp_path: Path) -> None:
    _, _, where = compared(torch_model(count_include_pad=True), tmp_path)
    assert where
    assert where.ours.startswith("`features.3`, AvgPool2d(kernel_size=3, stride=1, padding=1)")
    assert where.theirs == "avg_pool2d(3, stride=1, padding=1, count_include_pad=True)"


def test_an_epsilon_in_keras(tmp_path: Path) -> None:
    def make(epsilon: float = 1.001e-5, limit: float = 6.0) -> Any:
        from keras import Input, Model, layers

        image = Input((12, 16, 3))
        x = layers.ZeroPadding2D(1)(image)
        x = layers.Conv2D(8, 3)(x)
        x = layers.BatchNormalization(epsilon=epsilon, name="norm")(x)
        x = layers.ReLU(limit, name="bend")(x)
        x = layers.AveragePooling2D(3, 1, "same")(layers.Cropping2D(0)(x))
        maps = layers.Conv2D(4, 1, activation="sigmoid")(x)
        scores = layers.Dense(5)(layers.GlobalAveragePooling2D()(x))
        return Model(image, [maps, scores])

    _, _, where = compared(Other("keras", make), tmp_path)
    assert where and where.ours.startswith("`features.1`, BatchNorm2d(8, eps=1e-05")
    assert where.theirs.startswith("`norm`, BatchNormalization(") and "1.001e-05" in where.theirs
    _, _, where = compared(Other("keras", lambda: make(1e-5, 4.0)), tmp_path)
    assert where and where.ours.startswith("`features.2`, ReLU6()")
    assert where.theirs.startswith("`bend`, ReLU(max_value=4.0")
