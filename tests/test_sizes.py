"""`cnngen sizes`: what it says about small networks, and that PyTorch and `cnngen check` agree."""

import json
import math
import tempfile
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from support.built_models import build
from support.op_examples import IMAGES, SINGLE, ops
from support.random_specs import random_spec

from cnngen.analysis import Options, analyse_file
from cnngen.cli import cli
from cnngen.diagnostics.model import Report
from cnngen.ops.base import Image, ShapeError
from cnngen.ops.movement import growth
from cnngen.report.size_answer import as_text
from cnngen.sizes.answer import Answer, answer, reads_sizes
from cnngen.sizes.axis import Rulers
from cnngen.sizes.find import Exploration, explore
from cnngen.sizes.sets import Lengths, in_words, lengths_of
from cnngen.sizes.together import common_size, resized

HEAD = "cnngen: 1\nname: Net\nabout: A network.\ninput: {channels: 4, height: 32, width: 32}\n"

STRIDED = """
    model:
      stem:
        - conv: {out: 4, kernel: 7, stride: 2, padding: half}
        - max_pool: {kernel: 3, stride: 2, ceil: true}
      body:
        - conv: {out: 4, kernel: 3, stride: 3, padding: same}
        - conv: {out: 4, kernel: [3, 2], dilation: [1, 2], padding: [1, 2]}
"""
SEGMENTS = """
    model:
      encode: {conv: {out: 8, kernel: 3, padding: half}}
      down: [max_pool: {kernel: 2}, max_pool: {kernel: 2}]
      up:
        branches:
          deep: {upsample: {scale: 4}}
          skip: {from: encode}
        join: concat
"""
FLATTENED = """
    model:
      features: [conv: {out: 4, kernel: 5}, max_pool: {kernel: 4}]
      head: [flatten, linear: {out: 10}]
"""
GATED = """
    model:
      features: {conv: {out: 4, kernel: 3, stride: 2}}
      scaled:
        branches:
          maps: identity
          gate: [avg_pool: {kernel: 15}, sigmoid]
        join: multiply
"""
GLOBAL_GATE = """
    model:
      scaled:
        - conv: {out: 4, kernel: 3}
        - branches:
            maps: identity
            gate: [global_avg_pool, sigmoid]
          join: multiply
      enlarged: [pixel_shuffle: {factor: 2}]
"""
INCEPTION = """
    model:
      both:
        branches:
          pooled: {max_pool: {kernel: 3, stride: 2, padding: 1}}
          odd: [zero_pad: {padding: [1, 0, 1, 0]}, conv: {out: 4, kernel: 2, stride: 2}]
        join: concat
"""
ENLARGED = """
    model:
      down: {conv: {out: 4, kernel: 3, stride: 2}}
      up:
        - transposed_conv: {out: 4, kernel: 4, stride: 2, padding: 1, output_padding: 1}
        - crop: {padding: [1, 2, 0, 1]}
        - upsample: {scale: [3, 2]}
"""
ADAPTIVE = """
    model:
      features: {conv: {out: 4, kernel: 3, stride: 2}}
      pooled: {adaptive_avg_pool: {size: [2, 3]}}
      head: [flatten, linear: {out: 5}]
"""
FEATURES = """
    model:
      features: [conv: {out: 4, kernel: 3, stride: 2}, max_pool: {kernel: 2}, flatten]
"""
DIVIDED = """
    model:
      stem: {conv: {out: 4, kernel: 3}}
      down:
        - pixel_unshuffle: {factor: 2}
        - conv: {out: 8, kernel: 3, padding: half}
        - pixel_unshuffle: {factor: 3}
"""
NETWORKS = {
    "strided": STRIDED,
    "segments": SEGMENTS,
    "flattened": FLATTENED,
    "gated": GATED,
    "global_gate": GLOBAL_GATE,
    "inception": INCEPTION,
    "enlarged": ENLARGED,
    "adaptive": ADAPTIVE,
    "features": FEATURES,
    "divided": DIVIDED,
}


def text(model: str) -> str:
    return HEAD + dedent(model)


def explored(model: str) -> Exploration:
    return explore(build(text(model)).network)


def said(model: str) -> str:
    return as_text(answer(build(text(model)).network))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (
            SEGMENTS,
            """\
            Net, made for 4 x 32 x 32
              sizes            multiples of 4 from 4 x 4
              because          `up.concat`: joins maps that otherwise differ in size
              output           16 x H x W
              total stride     1
              receptive field  6 x 6
            """,
        ),
        (
            FLATTENED,
            """\
            Net, made for 4 x 32 x 32
              sizes            only 32 to 35
              because          `head.1` (linear): has weights for maps of 7 x 7
              with --input     any size from 8 x 8
              output           10
              last maps        4 x 7 x 7, from `features.1`
              total stride     4
              receptive field  8 x 8, then the whole image
            """,
        ),
        (
            ENLARGED,
            """\
            Net, made for 4 x 32 x 32
              sizes            height any from 5; width any from 3
              because          `up.1` (crop), `down` (conv): nothing is left of smaller ones
              output           4 x (6 * floor((H - 3) / 2)) x (4 * floor((W - 1) / 2))
              total stride     1/3 x 1/2
              receptive field  5 x 5
            """,
        ),
        (
            FEATURES,
            """\
            Net, made for 4 x 32 x 32
              sizes            any size from 5 x 5
              because          `features.1` (max_pool): nothing is left of smaller ones
              output           4 * floor((H - 1) / 4) * floor((W - 1) / 4)
              last maps        4 x floor((H - 1) / 4) x floor((W - 1) / 4), from `features.1`
              total stride     4
              receptive field  5 x 5
            """,
        ),
        (
            DIVIDED,
            """\
            Net, made for 4 x 32 x 32
              sizes            multiples of 6 plus 2, from 8 x 8
              because          `down.0` (pixel_unshuffle): takes only multiples of 2 x 2
              because          `down.2` (pixel_unshuffle): takes only multiples of 3 x 3
              because          `stem` (conv): nothing is left of smaller ones
              output           72 x ((H - 2) / 6) x ((W - 2) / 6)
              total stride     6
              receptive field  12 x 12
            """,
        ),
    ],
)
def test_text(model: str, expected: str):
    assert said(model) == dedent(expected)


def test_each_image_is_followed_to_the_last_maps_that_see_it():
    """Behind a join of two embeddings, neither is bounded by windows; and what only says how large maps are is not
    seen.
    """
    twins = """
        cnngen: 1
        name: Twins
        about: Two images and one encoder.
        inputs:
          left: {channels: 4, height: 32, width: 32}
          right: {channels: 4, height: 32, width: 32}
        model:
          encoder: [{conv: {out: 4, kernel: 3, stride: 2}, from: left}, global_avg_pool]
          other: {use: encoder, from: right}
          both:
            branches: {left: {from: encoder}, right: {from: other}}
            join: multiply
          head: [flatten, {linear: {out: 2}}]
        """
    (only,) = answer(build(dedent(twins)).network).outputs
    assert {name: view.path for name, view in only.views.items()} == {
        "left": "encoder.0",
        "right": "other.0",
    }
    assert only.whole == {"left", "right"}
    pooled = """
        model:
          large: {conv: {out: 4, kernel: 3, padding: half}}
          small: {conv: {out: 4, kernel: 3, stride: 2}}
          pooled: global_avg_pool
          again: {resize: {like: large}}
        """
    (only,) = answer(build(HEAD + dedent(pooled)).network).outputs
    assert only.views["input"].path == "small"


def test_several_specs_and_one_with_errors(tmp_path: Path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(text(SEGMENTS))
    bad.write_text(text(SEGMENTS.replace("scale: 4", "scales: 4")))
    done = run("sizes", str(good), str(bad), "--format", "json")
    assert done.exit_code == 1
    assert "unknown-attribute" in done.stderr
    (found,) = json.loads(done.stdout)
    pattern = {"ranges": [], "from": 4, "period": 4, "residues": [0], "tried": None}
    assert found["spec"] == str(good)
    assert found["sizes"]["height"] == found["sizes"]["width"] == pattern
    assert found["outputs"]["up"]["shape"] == ["16", "H", "W"]
    assert run("sizes", "no_such_spec").exit_code == 2


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(data=st.data())
@pytest.mark.parametrize("name", SINGLE)
def test_ops_grow_as_their_movements_say(name: str, data: st.DataObject):
    """From the first length that an op takes, the output grows by the same with as many more; what
    it refuses repeats in the same way.
    """
    op, x = data.draw(ops(name)), data.draw(IMAGES)
    try:
        assert isinstance(op.infer(x), Image)
    except (ShapeError, AssertionError):
        return
    for axis, movement in enumerate(op.moves(x) if not op.refuses_flattened else ()):
        step, grown = growth(movement)
        made = Rulers().measure(op, x, axis, range(1, 40))
        made = made[next(i for i, length in enumerate(made) if length) :]
        pairs = zip(made, made[step:], strict=False)
        assert all(b == (a + grown if a else None) for a, b in pairs)


def lengths(of: str, period: int) -> Lengths:
    return lengths_of([mark == "x" for mark in of], period, True)


def test_what_was_not_tried_is_said():
    assert in_words(*[lengths_of([False, True, True], 5, settled=False)] * 2) == (
        "2 to 3 (larger than 3 not tried)"
    )


def test_sets():
    assert lengths("..xxxxxx", 2) == Lengths((), 3, 1, (0,))
    assert lengths("x..x.x.x", 4) == Lengths(((1, 1),), 4, 2, (0,))
    assert lengths(".xx.....", 2) == Lengths(((2, 3),), 4, 1, ())
    some = lengths("x...x...x...", 4)
    assert [some.below(1), some.below(6), some.above(6), some.above(100)] == [None, 5, 9, 101]
    assert 1001 in some
    finite = lengths(".xx.....", 2)
    assert [finite.below(9), finite.above(1), finite.above(3), 9 in finite] == [3, 2, None, False]


@pytest.mark.torch
@pytest.mark.parametrize("model", NETWORKS.values(), ids=list(NETWORKS))
def test_torch_agrees_on_all_sizes(model: str):
    network = build(text(model)).network
    found = answer(network)
    for axis in (0, 1):
        for length in range(1, 257):
            sides = [network.input.height, network.input.width]
            sides[axis] = length
            assert torch_output(text(model), *sides) == predicted(found, *sides), sides


@pytest.mark.torch
def test_torch_agrees_on_bn_inception():
    """Its sizes are multiples of 32, and some that are a little larger or smaller."""
    found = answer(build("bn_inception").network)
    for side in (16, 30, 31, 38, 39, 62, 63, 70, 71, 254, 255):
        assert torch_output("bn_inception", side, side) == predicted(found, side, side), side


def predicted(found: Answer, height: int, width: int) -> tuple[int, ...] | None:
    """The shape of the only output at a size; None where it does not work."""
    assert found.built
    if height not in found.built.height or width not in found.built.width:
        return None
    names = {"H": height, "W": width, "floor": math.floor, "ceil": math.ceil}
    return tuple(eval(side, names) for side in found.outputs[0].shape)


def torch_output(spec: str, height: int, width: int) -> tuple[int, ...] | None:
    import torch

    made = model_on_meta(spec)
    channels = build(spec).network.input.channels
    try:
        with torch.no_grad():
            return tuple(made(torch.empty(1, channels, height, width, device="meta")).shape[1:])
    except (RuntimeError, ValueError, TypeError):  # the last: torch, on an empty `upsample`
        return None


MODELS: dict[str, Any] = {}


def model_on_meta(spec: str) -> Any:
    import torch

    if spec not in MODELS:
        with torch.device("meta"):
            MODELS[spec] = build(spec).torch().eval()
    return MODELS[spec]


SEEING = {
    "dilated": """
        model:
          a:
            - conv: {out: 2, kernel: 3, stride: 2, padding: half}
            - conv: {out: 2, kernel: [3, 2], dilation: [2, 3], padding: [2, 1]}
            - avg_pool: {kernel: 3, stride: 2, padding: 1}
    """,
    "unet": """
        model:
          encode: {conv: {out: 2, kernel: 3, padding: half}}
          down:
            - avg_pool: {kernel: 2}
            - conv: {out: 2, kernel: 3, padding: half}
            - avg_pool: {kernel: 2}
            - conv: {out: 2, kernel: 3, padding: half}
          up:
            branches:
              deep:
                - transposed_conv: {out: 2, kernel: 3, stride: 2, padding: 1, output_padding: 1}
                - conv: {out: 2, kernel: 3, padding: half}
                - upsample: {scale: 2, mode: bilinear}
              skip: {from: encode}
            join: concat
          end: {conv: {out: 2, kernel: 3, padding: half}}
    """,
    "corners": """
        model:
          a:
            - conv: {out: 2, kernel: 3, stride: 3}
            - upsample: {scale: 3, mode: bilinear, align_corners: true}
            - conv: {out: 2, kernel: 3, padding: half}
    """,
    "three": """
        model:
          a:
            - conv: {out: 2, kernel: 3, stride: 3}
            - upsample: {scale: 3, mode: bilinear}
            - conv: {out: 2, kernel: 3, padding: half}
            - upsample: {scale: 2}
            - conv: {out: 2, kernel: 5, stride: 3, padding: half}
    """,
}


@pytest.mark.torch
@pytest.mark.parametrize("model", SEEING.values(), ids=list(SEEING))
def test_gradients_reach_as_far_as_the_receptive_field(model: str):
    import torch

    spec = text(dedent(model)).replace("32", "72")
    made = build(spec).torch().double()
    with torch.no_grad():
        for weight in made.parameters():
            weight.fill_(1.0)  # nothing cancels out
    x = torch.ones(1, 4, 72, 72, dtype=torch.float64, requires_grad=True)
    y = made(x).sum(1)[0]
    most = [0, 0]
    for axis, size in enumerate(y.shape):
        for i in range(2 * size // 5, 3 * size // 5 + 1):
            place = (i, size // 2) if axis == 0 else (size // 2, i)
            (gradient,) = torch.autograd.grad(y[place], x, retain_graph=True)
            seen = gradient.sum((0, 1, 3 - axis)).nonzero()
            most[axis] = max(most[axis], int(seen.max() - seen.min()) + 1)
    assert tuple(most) == answer(build(spec).network).outputs[0].views["input"].fields


@pytest.mark.parametrize("seed", range(10))
def test_check_agrees_on_random_specs(seed: int):
    """For all small lengths of each axis, `--input` is what `compiled` says."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.yaml"
        path.write_text(random_spec(seed).text)
        network = analyse_file(path, Report())
        assert network
        if not network.images:
            pytest.skip("it takes no image")
        exploration = explore(network)
        if reads_sizes(exploration):
            pytest.skip("its layers may depend on the size")
        compiled = exploration.compiled()
        for length in (*range(1, 15), 31, 301):
            own = common_size(network.inputs)
            assert own
            for size, claim in (
                ((length, own[1]), length in compiled.height),
                ((own[0], length), length in compiled.width),
            ):
                inputs = resized(network.inputs, *size)
                made = analyse_file(path, Report(), Options({}, inputs))
                assert (made is not None) == claim, size


def checked(model: str, folder: Path, *arguments: str) -> list[str]:
    """The notes of `cnngen check`."""
    path = folder / "net.yaml"
    path.write_text(text(model))
    done = run("check", str(path), *arguments)
    assert done.exit_code == 1
    lines = map(str.strip, done.stderr.splitlines())
    return [x.removeprefix("= note: ") for x in lines if x.startswith("= note: ")]


@pytest.mark.parametrize(
    ("model", "input", "notes"),
    [
        (
            SEGMENTS,
            "4x31x32",
            [
                "in stage `up`",
                "the nearest sizes that work are 28 x 32 and 32 x 32 (multiples of 4 from 4 x 4)",
            ],
        ),
        (
            FLATTENED,
            "4x5x100",
            [
                "in stage `features`",
                "the nearest size that works is 8 x 100 (any size from 8 x 8)",
            ],
        ),
        (
            GATED,
            "4x29x64",
            [
                "in stage `scaled`",
                "the nearest size that works is 31 x 60 (only 31 to 60)",
            ],
        ),
    ],
)
def test_check_names_sizes_that_work(model: str, input: str, notes: list[str], tmp_path: Path):
    assert checked(model, tmp_path, "--input", input) == notes
    height, width = notes[-1].split(" (")[0].split()[-3::2]
    right = f"4x{height}x{width}"
    assert run("check", str(tmp_path / "net.yaml"), "--input", right).exit_code == 0


def test_check_names_sizes_where_the_input_of_the_spec_is_wrong(tmp_path: Path):
    wrong = text(SEGMENTS).replace("height: 32", "height: 30")
    path = tmp_path / "net.yaml"
    path.write_text(wrong)
    assert "the nearest sizes that work are 28 x 32 and 32 x 32" in run("check", str(path)).stderr


def test_check_names_no_sizes_where_none_helps(tmp_path: Path):
    wider = SEGMENTS.replace("concat", "add").replace("deep: {upsample: {scale: 4}}", "deep: []")
    assert checked(wider, tmp_path) == []
    narrow = SEGMENTS.replace("join: concat", "join: add").replace(
        "deep: {upsample: {scale: 4}}", "deep: [upsample: {scale: 4}, conv: {out: 5, kernel: 1}]"
    )
    assert checked(narrow, tmp_path) == []
