"""Grouped convolutions with a group for each channel are depthwise layers in Keras."""

from pathlib import Path

import numpy as np
import pytest
from support.built_models import build
from support.carried_weights import expected_in_keras, keras_shapes, predicted

from cnngen.targets.registry import find_target
from cnngen.targets.spelling import Unsupported
from cnngen.verify.compare import compare
from cnngen.weights.layout import in_keras, in_torch
from cnngen.weights.transfer import load_keras

SPEC = """
cnngen: 1
name: Grouped
about: A group for each channel, known or not, and other groups.
params: {width: 8, times: 3}
input: {channels: 4, height: 12, width: 12}
defaults: {conv: {kernel: 3, padding: half}}
blocks:
  Unit:
    about: Nothing tells that the groups are as many as the channels.
    params: {ch: int, stride: 1}
    body: [conv: {out: ch, groups: ch, stride: stride, init: he_normal}, relu]
  Inverted:
    about: Known to be equal.
    params: {hidden: int, kernel: 3}
    body:
      - conv: {out: hidden, kernel: 1}
      - conv: {out: 2 * hidden, groups: hidden, kernel: kernel, stride: [2, 1], init: lecun_normal}
      - conv: {out: hidden, kernel: 1, bias: false}
  Once:
    about: Equal in one use, and not in the other.
    params: {groups: int}
    body: {conv: {out: input.channels * 2, groups: groups, dilation: 2}}
model:
  stem: [conv: {out: width}, Unit: {ch: width}, Unit: {ch: width, stride: 2}]
  inverted: {Inverted: {hidden: 6}}
  equal: {Once: {groups: 6}}
  other: {Once: {groups: 3}}
  drawn: [conv: {out: 24, groups: 24, init: orthogonal}, conv: {out: times * 24, groups: 24}]
  loop: {each: {w: [12, 18]}, do: [conv: {out: w, kernel: 1}, conv: {out: w, groups: w, padding: same, stride: 2}, relu]}
  head: [global_avg_pool, flatten, linear: {out: 3}]
"""
DEPTHWISE = {"stem_1_0", "stem_2_0", "inverted_1", "equal", "drawn_1", "loop_0_1", "loop_1_1"}
GROUPED = {"other", "drawn_0"}

pytestmark = [pytest.mark.torch, pytest.mark.keras]


def test_both_sources_are_one_network(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    network = build(SPEC).network
    texts = {target: find_target(target).render(network) for target in ("torch", "keras")}
    assert all(each.equal for each in compare(network, texts, tmp_path))


def test_the_layer_is_that_for_which_keras_is_fast() -> None:
    keras = pytest.importorskip("keras")
    built = build(SPEC)
    model = built.keras()
    depthwise = [x for x in model.layers if isinstance(x, keras.layers.DepthwiseConv2D)]
    grouped = [x for x in model.layers if isinstance(x, keras.layers.Conv2D) and x.groups > 1]
    assert {layer.name for layer in depthwise} == DEPTHWISE
    assert {layer.name for layer in grouped} == GROUPED
    assert keras_shapes(model) == expected_in_keras(built.network)


def test_weights_there_and_back() -> None:
    network = build(SPEC).network
    draw = np.random.default_rng(0)
    state = {name: draw.random(shape) for name, shape in predicted(network).items()}
    again = in_torch(network, in_keras(network, state))
    assert all(np.array_equal(again[name], value) for name, value in state.items())


def test_initial_weights_have_the_spread_of_a_grouped_convolution() -> None:
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    model = build(SPEC, {"width": "800"}).keras()
    kernel = np.asarray(model.get_layer("stem_1_0").kernel)  # fan in of 3 x 3 x 1
    assert kernel.std() == pytest.approx((2 / 9) ** 0.5, rel=0.05)


def test_weights_go_into_what_was_built() -> None:
    """Other arguments may bring a group for each channel where the source has not thought of one."""
    pytest.importorskip("keras")
    text = """
    cnngen: 1
    name: Two
    about: Two groups, unless told otherwise.
    params: {groups: 2}
    input: {channels: 4, height: 6, width: 6}
    model: {stem: {conv: {out: 8, kernel: 3, groups: groups}}}
    """
    other = build(text, {"groups": "4"})
    state = {n: np.random.rand(*s).astype("float32") for n, s in predicted(other.network).items()}
    x = np.random.rand(2, 6, 6, 4).astype("float32")
    outputs = []
    for model in (build(text).keras(groups=4), other.keras()):
        assert load_keras(other.network, model, state) == ()
        outputs.append(np.asarray(model(x)))
    np.testing.assert_allclose(*outputs, rtol=1e-4, atol=1e-5)


def test_what_keras_refuses_is_told_where_it_is_used() -> None:
    built = build("""
        cnngen: 1
        name: Refused
        about: Orthogonal weights of a depthwise kernel.
        input: {channels: 4, height: 8, width: 8}
        model:
          first: {conv: {out: 4, kernel: 3}}
          second: {depthwise_conv: {kernel: 3, init: orthogonal}}
    """)
    with pytest.raises(Unsupported) as refused:
        find_target("keras").render(built.network)
    assert refused.value.call is built.network.layers["second"].step
