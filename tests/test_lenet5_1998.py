"""The LeNet-5 of 1998 against the paper: its tables, its numbers of parameters, and its formulas in plain NumPy."""

import re
from typing import Any

import numpy as np
import pytest
from support.built_models import SPECS, build
from support.compared_models import Pair

from cnngen.report.summary import summarize
from cnngen.verify.compare import distance
from cnngen.weights.layout import Array

# Table I: the maps of S2 that each map of C3 sees.
SEEN = [
    *([0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [0, 4, 5], [0, 1, 5]),
    *([0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5], [0, 3, 4, 5], [0, 1, 4, 5], [0, 1, 2, 5]),
    *([0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5]),
    [0, 1, 2, 3, 4, 5],
]
PARAMETERS = {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48120, "f6": 10164, "output": 0}
BRANCHES = ("three_in_a_row.1", "four_in_a_row.1", "two_pairs.1", "all_six.0")
Weights = dict[str, Array]


def test_parameters_of_each_layer_are_those_of_the_paper() -> None:
    stages = summarize(build("lenet5_1998").network).stages
    assert {stage.name: stage.parameters for stage in stages} == PARAMETERS
    assert sum(PARAMETERS.values()) == 60_000


def test_the_bitmaps_are_those_of_the_picture() -> None:
    assert [row for point in bitmaps() for row in point] == [
        int(row.replace(".", "0").replace("#", "1"), 2) for rows in pictures() for row in rows
    ]
    assert len({tuple(rows) for rows in pictures()}) == 10


def pictures() -> list[list[str]]:
    """The rows of each digit, as a comment in the spec draws them."""
    text = (SPECS / "lenet5_1998.yaml").read_text(encoding="utf-8")
    lines = [line.split() for line in re.findall(r"^ *# +((?:[.#]{7} ?){10})$", text, re.MULTILINE)]
    assert len(lines) == 12
    return [list(rows) for rows in zip(*lines, strict=True)]


def bitmaps() -> tuple[tuple[int, ...], ...]:
    return build("lenet5_1998").network.layers["output"].op.values["codes"]


@pytest.fixture(scope="module")
def pair() -> Pair:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    return Pair(build("lenet5_1998"), batch=3, word="float64")


@pytest.mark.torch
@pytest.mark.keras
def test_both_targets_compute_what_the_paper_says(pair: Pair) -> None:
    weights = {name: value.numpy() for name, value in pair.torch_model.state_dict().items()}
    expected = lenet5(pair.inputs["input"], weights)
    for found in pair.evaluate():
        assert distance(found["output"], expected) < 1e-12


@pytest.mark.torch
def test_the_points_are_constants_that_move_with_the_model() -> None:
    torch = pytest.importorskip("torch")
    model = build("lenet5_1998").torch()
    assert sum(weight.numel() for weight in model.state_dict().values()) == 60_000
    assert sorted(model.output.points.unique().tolist()) == [-1, 1]
    assert model.output.points.shape == (10, 84)
    assert model.double()(torch.zeros(1, 1, 32, 32).double()).dtype == torch.float64
    assert model.c3.two_pairs[0].channels.dtype == torch.int64


@pytest.mark.torch
@pytest.mark.keras
def test_the_subsampling_starts_as_in_the_paper() -> None:
    """At +-2.4 / fan_in, and without an offset."""
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    built = build("lenet5_1998")
    layer, subsampling = built.keras().get_layer("s4_2"), built.torch().s4[2]
    in_torch = [parameter.detach().numpy() for parameter in subsampling.parameters()]
    for factor, offset in (in_torch, layer.get_weights()):
        assert 0.3 < np.abs(factor).max() < 0.6 and factor.std() > 0.1
        assert not offset.any()


def lenet5(x: Array, w: Weights) -> Array:
    """The network by the formulas of the paper, for images of N x 1 x 32 x 32."""
    c1 = squash(convolve(x, w["c1.0.weight"], w["c1.0.bias"]))
    s2 = subsample(c1, w["s2.2.weight"], w["s2.2.bias"])
    kernels = [kernel for name in BRANCHES for kernel in w[f"c3.{name}.weight"]]
    biases = np.concatenate([w[f"c3.{name}.bias"] for name in BRANCHES])
    maps = [
        convolve(s2[:, seen], kernel[None], bias[None])
        for seen, kernel, bias in zip(SEEN, kernels, biases, strict=True)
    ]
    s4 = subsample(squash(np.concatenate(maps, 1)), w["s4.2.weight"], w["s4.2.bias"])
    c5 = squash(convolve(s4, w["c5.0.weight"], w["c5.0.bias"]))
    f6 = squash(c5[:, :, 0, 0] @ w["f6.1.weight"].T + w["f6.1.bias"])
    points = [[1 if pixel == "#" else -1 for row in rows for pixel in row] for rows in pictures()]
    return np.stack([np.square(f6 - np.array(point)).sum(1) for point in points], 1)


def convolve(x: Array, kernel: Array, bias: Array) -> Array:
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], axis=(2, 3))
    summed: Any = np.einsum("nchwyx,ocyx->nohw", windows, kernel)
    return summed + bias[:, None, None]


def subsample(x: Array, factor: Array, offset: Array) -> Array:
    total = x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]
    return squash(factor[:, None, None] * total + offset[:, None, None])


def squash(x: Array) -> Array:
    return 1.7159 * np.tanh(2 / 3 * x)
