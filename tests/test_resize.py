"""`resize` gives maps the height and width of others: as `F.interpolate` does, in both targets, for
known sizes and for any.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.built_models import Built, build
from support.compared_models import Pair
from support.op_examples import make

from cnngen.ops.base import Image, ShapeError, Vector
from cnngen.ops.movement import Slide, Stretch
from cnngen.semantics.network import Network
from cnngen.sizes.field import PIXEL, Field, moved
from cnngen.sizes.find import explore
from cnngen.sizes.follow import Maps
from cnngen.sizes.outputs import outputs
from cnngen.verify.compare import apart, farthest
from cnngen.weights.match import match
from cnngen.weights.read_keras import read_keras
from cnngen.weights.read_network import read_network

SPEC = """
cnngen: 1
name: Resized
about: Maps with the height and width of others.
params: {{corners: {corners}, smooth: {smooth}}}
inputs: {{maps: {{channels: 3, height: {0}, width: {1}}}, like: {{channels: 2, height: {2}, width: {3}}}}}
model:
  known: {{resize: {{like: like, mode: {mode}, align_corners: {corners}}}, from: maps}}
  chosen: {{resize: {{like: like, mode: bilinear if smooth else nearest}}, from: maps}}
  aligned: {{resize: {{like: like, mode: bilinear, align_corners: corners}}, from: maps}}
  other: {{conv: {{out: 3, kernel: 1}}, from: like}}
outputs: {{known: known, chosen: chosen, aligned: aligned, other: other}}
"""
SIDES = st.tuples(*[st.integers(1, 24)] * 4)
WAYS = [("nearest", False), ("bilinear", False), ("bilinear", True)]

LOAD = """
import sys, numpy, keras
model = keras.models.load_model(sys.argv[1])
given = dict(numpy.load(sys.argv[2]))
numpy.savez(sys.argv[3], **{k: keras.ops.convert_to_numpy(v) for k, v in model(given).items()})
"""


def spec(sides: tuple[int, ...], mode: str, corners: bool) -> str:
    smooth = str(mode == "bilinear").lower()
    return SPEC.format(*sides, mode=mode, corners=str(corners).lower(), smooth=smooth)


def expected(x: Any, like: Any, mode: str, corners: bool) -> dict[str, Any]:
    from torch.nn import functional as F  # noqa: N812

    def resized(mode: str, corners: bool) -> Any:
        aligned = corners if mode == "bilinear" else None
        return F.interpolate(x, size=like.shape[2:], mode=mode, align_corners=aligned)

    return {
        "known": resized(mode, corners),
        "chosen": resized(mode, False),
        "aligned": resized("bilinear", corners),
    }


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize(("mode", "corners"), WAYS)
@settings(max_examples=8, deadline=None)
@given(sides=SIDES, known=st.booleans())
def test_both_targets_compute_what_interpolate_does(
    mode: str, corners: bool, sides: tuple[int, ...], known: bool
) -> None:
    torch = pytest.importorskip("torch")
    keras = pytest.importorskip("keras")
    built = build(spec(sides, mode, corners))
    height, width, *size = sides
    x, like = torch.randn(2, 3, height, width), torch.randn(2, 2, *size)
    reference = expected(x, like, mode, corners)
    found = built.torch()(x, like)
    shapes: tuple[int | None, ...] = sides if known else (None,) * 4
    made = keras_model(built, shapes)
    given = {"maps": x.movedim(1, -1).numpy(), "like": like.movedim(1, -1).numpy()}
    ours = made(given)
    for name, value in reference.items():
        assert torch.equal(getattr(found, name), value)
        y = np.moveaxis(keras.ops.convert_to_numpy(ours[name]), -1, 1)
        np.testing.assert_allclose(y, value.numpy(), rtol=1e-5, atol=2e-5)
        assert made.output[name].shape[1:] == (*shapes[2:], 3)


def keras_model(built: Built, shapes: tuple[int | None, ...]) -> Any:
    return built.keras(maps_shape=(*shapes[:2], 3), like_shape=(*shapes[2:], 2))


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize("known", [True, False])
def test_a_fresh_process_loads_the_model(known: bool, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    built = build(spec((5, 7, 9, 4), "bilinear", True))
    model = keras_model(built, (5, 7, 9, 4) if known else (None,) * 4)
    assert all(type(layer).__module__.startswith("keras.") for layer in model.layers)
    model.save(tmp_path / "model.keras")
    draw = np.random.default_rng(0)
    given: dict[str, Any] = {
        "maps": draw.normal(size=(2, 5, 7, 3)).astype("float32"),
        "like": draw.normal(size=(2, 9, 4, 2)).astype("float32"),
    }
    np.savez(tmp_path / "given.npz", **given)
    files = [tmp_path / name for name in ("model.keras", "given.npz", "found.npz")]
    subprocess.run([sys.executable, "-c", LOAD, *files], check=True, timeout=300)
    found = np.load(files[-1])
    for name, value in model(given).items():
        np.testing.assert_allclose(found[name], keras.ops.convert_to_numpy(value), rtol=1e-5)


DECODER = """
cnngen: 1
name: Decoder
about: Maps of three sizes, joined at the largest.
params: {sharp: false}
input: {channels: 3, height: 33, width: 47}
blocks:
  Pooled:
    about: The mean of the image at each position.
    body:
      - global_avg_pool
      - conv: {out: 4, kernel: 1}
      - resize: {like: input, mode: bilinear}
  Up:
    about: Maps at the size of a skip, and the skip.
    params: {skip: tensor}
    body:
      - conv: {out: 6, kernel: 3, padding: half}
      - {resize: {like: skip, mode: nearest if sharp else bilinear}, name: larger}
      - branches:
          up: {from: larger}
          skip: {from: skip}
          given: {resize: {like: skip, mode: bilinear, align_corners: not sharp}, from: input}
        join: concat
model:
  stem: [{conv: {out: 4, kernel: 3, stride: 2, padding: half}}, relu]
  deep: [{conv: {out: 8, kernel: 3, stride: 2, padding: half}}, relu]
  pooled:
    branches: {maps: identity, pool: Pooled, fine: {resize: {like: deep}, from: stem}}
    join: concat
  up: {Up: {skip: stem}}
  head: {conv: {out: 3, kernel: 1}}
  out: {resize: {like: input, mode: bilinear}}
"""


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize("sharp", ["false", "true"])
def test_gradients_are_equal(sharp: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    pair = Pair(build(DECODER, {"sharp": sharp}), 2, "float64")
    evaluated, trained = pair.evaluate(), pair.train()
    assert farthest(evaluated[1], evaluated[0]) < 1e-5
    assert farthest(trained[1].outputs, trained[0].outputs) < 1e-5
    assert trained[0].gradients
    assert apart(trained[1].gradients, trained[0].gradients) < 1e-5


@pytest.mark.keras
def test_the_structure_of_the_keras_model_is_that_of_the_spec() -> None:
    """Whether sizes are known or not: they carry no weights from one layer to another."""
    pytest.importorskip("keras")
    built = build(DECODER)
    for shape in ((33, 47, 3), (None, None, 3)):
        found = match(read_network(built.network), read_keras(built.keras(input_shape=shape)))
        assert found.complete and not found.only_ours and not found.only_theirs


def sized(height: int, width: int, text: str = DECODER) -> Network:
    return build(text, input=Image(3, height, width)).network


def test_every_size_is_taken() -> None:
    for side in range(1, 40):
        assert sized(side, 41 - side).stages["out"].shape == Image(3, side, 41 - side)


def test_sizes_are_those_of_the_other_maps() -> None:
    exploration = explore(sized(33, 47))
    sizes = exploration.built()
    assert sizes and not sizes.because
    (out,) = outputs(exploration, sizes)
    assert out.shape == ("3", "H", "W")
    up, stem = (exploration.course.tensors[path] for path in ("up.concat", "stem.1"))
    assert isinstance(up, Maps) and isinstance(stem, Maps)
    assert up.tracks == stem.tracks


@given(
    before=st.integers(1, 12),
    after=st.integers(1, 12),
    linear=st.booleans(),
    aligned=st.booleans(),
    window=st.integers(1, 4),
    step=st.integers(1, 3),
)
def test_a_field_is_what_an_element_depends_on(
    before: int, after: int, linear: bool, aligned: bool, window: int, step: int
) -> None:
    """Against the places that PyTorch's documentation gives, element by element."""
    x = moved(Slide(window, step), PIXEL)
    aligned = aligned and linear and min(before, after) > 1
    stretched = moved(Stretch(before, after, linear, aligned), x) if x else None
    assert stretched is not None
    for i in range(3 * after):
        at, turn = (i, 0) if aligned else (i % after, i // after)
        if aligned:
            place = at * (before - 1) / (after - 1)
        elif linear:
            place = (at + 0.5) * before / after - 0.5
        else:
            place = at * before // after
        place += turn * before
        low, high = int(np.floor(round(place, 9))), int(np.ceil(round(place, 9)))
        assert stretched.at(i) == (low * step, high * step + window - 1)


def test_a_field_stays_small_or_is_the_whole() -> None:
    assert moved(Stretch(4099, 4097, True), Field(((0, 0),), 1)) is None


def test_a_vector_has_no_size() -> None:
    resize = make("resize", like="seen")
    assert resize.infer(Image(3, 5, 6), Image(1, 2, 9)) == Image(3, 2, 9)
    with pytest.raises(ShapeError, match="`like` needs feature maps") as caught:
        resize.infer(Image(3, 5, 6), Vector(4, (4,)))
    assert caught.value.attribute == "like" and "flatten" in (caught.value.help or "")
    with pytest.raises(ShapeError, match="`resize` needs feature maps"):
        resize.infer(Vector(4, (4,)), Image(3, 5, 6))
    with pytest.raises(ShapeError, match="no corners to align"):
        make("resize", like="seen", align_corners=True).infer(Image(3, 5, 6), Image(3, 5, 6))
