"""The traps between the frameworks, one small spec each: both targets must give what the spec says.

Where a spec of `traps.py` is wrong in one target, its outputs or gradients differ; what both could get wrong alike is
asserted by the tests at the end.
"""

from collections.abc import Iterator
from itertools import combinations
from random import Random
from typing import Any

import numpy as np
import pytest
from support.built_models import Built, build
from support.compared_models import Pair, exactness
from support.trap_networks import SIZES, braced, network, spec
from support.traps import BLOCKS, CONVOLUTIONS, JOINS, OTHERS, POOLS, VECTORS

from cnngen.verify.compare import apart, farthest
from cnngen.verify.models import channels_last

pytest.importorskip("torch")
pytest.importorskip("keras")
pytestmark = [pytest.mark.torch, pytest.mark.keras]


def check(built: Built) -> None:
    """The targets agree in evaluation and in a step of training."""
    pair = Pair(built, batch=4, word="float64")
    tolerance = exactness(built.network)
    expected, found = pair.evaluate()
    assert farthest(found, expected) < tolerance
    before, after = pair.train()
    assert farthest(after.outputs, before.outputs) < tolerance
    assert apart(after.gradients, before.gradients) < tolerance
    assert apart(after.statistics, pair.biased(before.statistics)) < tolerance


WINDOWS = [*CONVOLUTIONS.values(), *POOLS.values()]
WITH_WINDOWS = sorted({step.partition(":")[0] for step in WINDOWS if "stride" in step})
FORMS = OTHERS | VECTORS | JOINS


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("trap", CONVOLUTIONS)
def test_convolutions(trap: str, size: str) -> None:
    check(network(CONVOLUTIONS[trap], SIZES[size]))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("trap", POOLS)
def test_pools_of_negative_values(trap: str, size: str) -> None:
    check(network(f"[sigmoid, {{scale: {{by: -1}}}}, {braced(POOLS[trap])}]", SIZES[size]))


@pytest.mark.parametrize("trap", FORMS)
def test_other_layers(trap: str) -> None:
    check(network(FORMS[trap], SIZES["odd"]))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(12))
def test_many_in_one_file(seed: int, size: str) -> None:
    """What a target writes for an op depends on what the other uses of the op in the file have in common."""
    random = Random(seed)
    op = random.choice(WITH_WINDOWS)
    check(network(mixed(random, op), SIZES[size]))


def mixed(random: Random, op: str) -> str:
    """Several of the traps of an op, side by side."""
    steps = [step for step in WINDOWS if step.startswith(f"{op}:")]
    arms = [
        f"      branch{i}: [{{{step}}}, {{adaptive_avg_pool: {{size: [3, 2]}}}}]"
        for i, step in enumerate(random.sample(steps, random.randint(2, 4)))
    ]
    return "\n".join(["- branches:", *arms, "  join: concat"])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("block", BLOCKS)
def test_attributes_that_are_parameters(block: str, size: str) -> None:
    check(network(BLOCKS[block], SIZES[size]))


@pytest.mark.parametrize("stem", ["identity", "{conv: {out: 4, kernel: 1}}"])
@pytest.mark.parametrize(
    "layer",
    [
        "conv: {out: 4, kernel: 3, padding: half, init: he_normal}",
        "depthwise_conv: {kernel: 3, stride: 2, padding: half, init: he_normal}",
        "transposed_conv: {out: 4, kernel: 3, init: he_normal}",
        "batch_norm: {init: {normal: {std: 1}}}",
        "batch_norm: {eps: 1e-3, init: {uniform: {bound: 1}}}",
        "affine: {init: {normal: {std: 1}}}",
    ],
)
def test_equal_layers_start_with_unequal_weights(layer: str, stem: str) -> None:
    """Keras gives all layers that share an initializer object the same weights."""
    body = f"[{{{layer}}}, {{{layer}}}, {{repeat: 2, do: {{{layer}}}}}]"
    model = build(spec(body, SIZES["even"], stem)).keras()
    weights = [model.get_layer(f"trap_{i}").weights[0].numpy() for i in range(4)]
    assert all(np.abs(a - b).max() > 0.1 for a, b in combinations(weights, 2))


def test_dropout_scales_what_it_keeps() -> None:
    for y in in_training("dropout: {rate: 0.75}"):
        assert set(np.unique(y)) == {0, 4}
        assert 0.2 < (y > 0).mean() < 0.3


def test_channel_dropout_drops_whole_maps() -> None:
    for y in in_training("channel_dropout: {rate: 0.75}"):
        assert {tuple(np.unique(channel)) for image in y for channel in image} == {(0,), (4,)}


def test_drop_path_drops_whole_samples() -> None:
    for y in in_training("drop_path: {rate: 0.75}"):
        assert {tuple(np.unique(image)) for image in y} == {(0,), (4,)}


def in_training(step: str) -> Iterator[Any]:
    """What a stage gives for ones in training: channels first from PyTorch, then from Keras."""
    import keras
    import torch

    built = build(spec(f"[{{{step}}}]", SIZES["even"], stem="identity"))
    torch.manual_seed(0)
    keras.utils.set_random_seed(0)
    x = np.ones((64, 4, 8, 8), "float32")
    yield built.torch()(torch.from_numpy(x)).numpy()
    yield np.asarray(built.keras()(channels_last(x), training=True)).transpose(0, 3, 1, 2)
