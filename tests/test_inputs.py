"""Several inputs and vectors: both sources compute the same, and commands know each input by its name."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result
from support.agreement import check_keras, check_torch, check_values
from support.built_models import Built, build
from support.compared_models import Pair
from support.random_bodies import words

import cnngen
from cnngen.cli import cli
from cnngen.ops.base import Image, Shape, Vector
from cnngen.report.memory import activations
from cnngen.sizes.answer import answer
from cnngen.sizes.together import resized
from cnngen.syntax.parse_input import MOST_INPUTS
from cnngen.verify.compare import apart, farthest
from cnngen.verify.models import draw_inputs, for_keras, for_torch

PAGE = (Path(__file__).parent / "printed/inputs.md").read_text(encoding="utf-8")
SPECS = {
    title: f"cnngen: 1\n{spec}"
    for title, spec in re.findall(r"^## (.+)\n\n.+\n\n```yaml\n((?:.*\n)*?)```", PAGE, re.MULTILINE)
}
RGBD = """\
cnngen: 1
name: Rgbd
about: Colours, depth and a pose.
params: {classes: 5}
inputs:
  image: {channels: 3, height: 16, width: 16}
  depth: {channels: 1, height: 16, width: 16}
  pose: {features: 6}
model:
  colours: [{conv: {out: 8, kernel: 3, stride: 2}, from: image}, batch_norm, relu]
  distances: {conv: {out: 4, kernel: 5, stride: 2, padding: 1}, from: depth}
  maps: {branches: {colours: {from: colours}, distances: {from: distances}}, join: concat}
  seen: [{conv: {out: 8, kernel: 3}}, global_avg_pool, flatten]
  held: {linear: {out: 8}, from: pose}
  both: {branches: {seen: {from: seen}, held: {from: held}}, join: concat}
  head: {linear: {out: classes}}
"""


CONDITION = """\
cnngen: 1
name: Film
about: Maps under a condition.
inputs:
  image: {channels: 3, height: 8, width: 8}
  pose: {features: 6}
blocks:
  Scaled:
    about: Maps, scaled by what a vector says.
    params: {condition: tensor}
    body:
      - conv: {out: 8, kernel: 3}
        name: maps
      - {linear: {out: 8}, from: condition}
      - sigmoid
      - {reshape: {channels: 8, height: 1, width: 1}, name: gate}
      - branches: {whole: {from: maps}, by: {from: gate}}
        join: multiply
  Beside:
    about: Two vectors.
    params: {other: tensor, width: 4}
    body:
      - branches: {other: {from: other}, own: identity}
        join: concat
      - linear: {out: width}
      - batch_norm
model:
  scaled: {Scaled: {condition: pose}, from: image}
  pooled: [global_avg_pool, flatten]
  beside: {Beside: {other: pose}, from: pooled}
  again: {Beside: {other: beside, width: 6}, from: pose}
"""


@pytest.fixture
def rgbd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "rgbd.yaml"
    path.write_text(RGBD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return path


def run(command: str) -> Result:
    return CliRunner().invoke(cli, command.split())


# --- both frameworks


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize(
    "spec", [*SPECS.values(), RGBD, CONDITION], ids=[*SPECS, "rgbd", "condition"]
)
def test_both_compute_the_same(spec: str):
    built = build(spec)
    check_torch(built)
    check_keras(built)
    check_values(built)


TAKEN = words("""
    x self torch nn keras layers ops image vector training_heads in_channels math functools sys
    heads reads given input_shape first first_shape out forward conv2d sum id half super
""")


@pytest.mark.torch
@pytest.mark.keras
def test_any_name_is_an_input():
    """Whatever the files need the word for, and with parameters and outputs of the same names."""
    spec: Any = {
        "cnngen": 1,
        "name": "Names",
        "about": "Inputs that are called like other things.",
        "params": {name: 2 for name in TAKEN[:8]},
        "inputs": {name: {"channels": 2, "height": 6, "width": 6} for name in TAKEN},
        "model": {
            **{
                f"{name}_arm": {"conv": {"out": name, "kernel": 1}, "from": name}
                for name in TAKEN[:8]
            },
            "total": {
                "branches": {f"b{i}": {"from": name} for i, name in enumerate(TAKEN)}
                | {f"c{i}": {"from": f"{name}_arm"} for i, name in enumerate(TAKEN[:8])},
                "join": "add",
            },
            "end": {"conv": {"out": 2, "kernel": 3, "padding": "half"}},
            "aux": {
                "when": "training",
                "do": {
                    "branches": {"one": {"from": "end"}, "two": {"from": "image"}},
                    "join": "concat",
                },
            },
        },
        "outputs": {"image": "end", "reads": "aux"},
    }
    built = build(yaml.safe_dump(spec, sort_keys=False))
    check_torch(built)
    check_keras(built)
    check_values(built)


@pytest.mark.torch
@pytest.mark.keras
def test_both_train_alike():
    pair = Pair(build(RGBD), word="float64")
    expected, found = pair.train()
    assert farthest(found.outputs, expected.outputs) < 1e-9
    assert apart(found.gradients, expected.gradients) < 1e-9


@pytest.mark.torch
def test_pytorch_is_given_inputs_by_their_names():
    built = build(RGBD)
    inputs = draw_inputs(built.network.inputs, 2, "float32")
    model = built.torch().eval()
    named = dict(zip(inputs, for_torch(inputs), strict=True))
    assert (model(**named) == model(*for_torch(inputs))).all()


@pytest.mark.keras
def test_keras_keeps_the_names(tmp_path: Path):
    import keras

    built = build(RGBD)
    inputs = draw_inputs(built.network.inputs, 2, "float32")
    model = built.keras(image_shape=(None, None, 3), depth_shape=(None, None, 1))
    model.save(tmp_path / "model.keras")
    again: Any = keras.models.load_model(tmp_path / "model.keras", compile=False)
    reversed_ = dict(reversed(for_keras(inputs).items()))
    assert np.array_equal(again.predict(reversed_, verbose=0), model.predict(reversed_, verbose=0))
    larger = draw_inputs(resized(built.network.inputs, 20, 24), 2, "float32")
    assert model.predict(for_keras(larger), verbose=0).shape == (2, 5)


@pytest.mark.torch
@pytest.mark.keras
def test_weights_go_to_keras(rgbd: Path):
    import keras
    import torch

    built = build(RGBD)
    made = built.torch().eval()
    torch.save(made.state_dict(), "rgbd.pt")
    result = run("weights convert rgbd.pt rgbd.keras --spec rgbd.yaml")
    assert result.exit_code == 0, result.output
    inputs = draw_inputs(built.network.inputs, 2, "float32")
    loaded: Any = keras.models.load_model("rgbd.keras", compile=False)
    y = made(*for_torch(inputs)).detach().numpy()
    assert np.allclose(loaded.predict(for_keras(inputs), verbose=0), y, atol=1e-5)


@pytest.mark.torch
@pytest.mark.keras
def test_verify(rgbd: Path):
    found = run("verify rgbd.yaml --own-size --format json")
    assert found.exit_code == 0, found.output
    (verified,) = json.loads(found.stdout)
    sizes = {"image": [3, 16, 16], "depth": [1, 16, 16], "pose": [6]}
    assert verified["equal"]
    assert all(each["inputs"] == sizes for each in verified["comparisons"])
    assert "3 x 16 x 16, 1 x 16 x 16, 6" in run("verify rgbd.yaml --own-size --verbose").stdout


@pytest.mark.torch
@pytest.mark.keras
def test_verify_tries_other_sizes_of_all_images(rgbd: Path):
    (verified,) = json.loads(run("verify rgbd.yaml --dtype float64 --format json").stdout)
    tried = {tuple(map(tuple, each["inputs"].values())) for each in verified["comparisons"]}
    assert tried == {
        ((3, 16, 16), (1, 16, 16), (6,)),
        ((3, 9, 9), (1, 9, 9), (6,)),
        ((3, 8, 12), (1, 8, 12), (6,)),
    }


@pytest.mark.keras
def test_models_of_others_are_given_one_image(rgbd: Path):
    for command in ("weights map rgbd.yaml --from", "verify rgbd.yaml --against"):
        result = run(f"{command} keras.applications:ResNet50")
        assert result.exit_code == 2
        assert "are given one image, and this network image (3 x 16 x 16), depth" in result.output


# --- sizes, against PyTorch


def works(built: Built, inputs: dict[str, Shape]) -> tuple[int, ...] | None:
    import torch

    def empty(shape: Shape) -> Any:
        sides = shape.features if isinstance(shape, Vector) else None
        image = (shape.channels, shape.height, shape.width) if isinstance(shape, Image) else ()
        return torch.empty(1, *([sides] if sides else image), device="meta")

    try:
        with torch.device("meta"):
            return tuple(built.torch().eval()(*map(empty, inputs.values())).shape[1:])
    except (RuntimeError, ValueError):
        return None


@pytest.mark.torch
def test_pytorch_takes_just_these_sizes():
    built = build(RGBD)
    found, inputs = answer(built.network), dict(built.network.inputs)
    assert found.built
    for height in range(1, 40):
        together = resized(inputs, height, 16)
        alone = inputs | {"depth": Image(1, height, 16)}
        assert (works(built, together) is not None) == (height in found.built.height)
        assert (works(built, alone) is not None) == (height in found.alone["depth"].height)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["image", "depth"])
def test_gradients_reach_as_far_as_the_fields_of_each_image(name: str):
    import torch

    spec = RGBD.replace("16,", "40,").replace("16}", "40}").replace(" batch_norm,", "")
    spec = spec.replace(", global_avg_pool, flatten]", "]").replace(
        "head: {linear", "last: {linear"
    )
    spec = spec[: spec.index("  held")] + "  held: {linear: {out: 2}, from: pose}\n"
    built = build(spec + "outputs: {seen: seen, held: held}\n")
    model = built.torch().double().eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(1.0)  # nothing cancels out
    given = {n: torch.ones(1, *x.shape[1:], dtype=torch.float64) for n, x in drawn(built).items()}
    given[name].requires_grad_()
    y = model(**given).seen.sum(1)[0]
    (gradient,) = torch.autograd.grad(y[len(y) // 2, len(y) // 2], given[name])
    seen = [gradient.sum((0, 1, 3 - axis)).nonzero() for axis in (0, 1)]
    assert tuple(int(each.max() - each.min()) + 1 for each in seen) == (
        answer(built.network).outputs[0].views[name].fields
    )


def drawn(built: Built) -> dict[str, Any]:
    return draw_inputs(built.network.inputs, 1, "float64")


def test_an_input_that_is_no_image_has_no_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("noise.yaml").write_text(SPECS["A vector"])
    text = run("sizes noise.yaml").stdout
    assert "made for 16\n" in text and "none, as no input is an image" in text
    (found,) = json.loads(run("sizes noise.yaml --format json").stdout)
    assert found["input"] == [16] and found["sizes"] is None
    assert found["outputs"]["image"] == {
        "shape": ["3", "8", "8"],
        "whole_image": False,
        "maps": None,
    }
    assert "all" in run("summary noise.yaml").stdout


def test_memory_by_hand():
    spec = """
        cnngen: 1
        name: Two
        about: The second input waits for the first.
        inputs:
          image: {channels: 1, height: 4, width: 4}
          mask: {channels: 2, height: 4, width: 4}
        model:
          wide: {conv: {out: 5, kernel: 1}, from: image}
          narrow: {conv: {out: 2, kernel: 1}}
          both: {branches: {narrow: {from: narrow}, mask: {from: mask}}, join: add}
    """
    assert activations(build(spec).network).inference == (5 + 2 + 2) * 4 * 4 * 4


def test_too_many_inputs_are_one_mistake(tmp_path: Path):
    names = [f"i{i}" for i in range(MOST_INPUTS + 20)]
    spec: Any = {
        **{"cnngen": 1, "name": "Many", "about": "A crowd."},
        "inputs": {name: {"features": 3} for name in names},
        "model": {"total": {"branches": {n: {"from": n} for n in names}, "join": "add"}},
    }
    path = tmp_path / "many.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    assert [d.code for d in cnngen.load(path).check()] == ["too-large"]


# --- commands


def test_another_size_of_one(rgbd: Path):
    assert run("build rgbd.yaml --set classes=3 --input depth=1x18x18 -o out").exit_code == 1
    result = run(
        "build rgbd.yaml --input image=3x32x32 --input depth=1x32x32 --input pose=2 -o out"
    )
    assert result.exit_code == 0, result.output
    text = " ".join(Path("out/rgbd_torch.py").read_text().split())
    changed = "input image=3x32x32, input depth=1x32x32, input pose=2"
    assert f"from rgbd.yaml with {changed}." in text
    found = json.loads(run("summary rgbd.yaml --input pose=2 --format json").stdout)
    assert found["inputs"] == {"image": [3, 16, 16], "depth": [1, 16, 16], "pose": [2]}


@pytest.mark.parametrize(
    ("options", "message", "help"),
    [
        ("--input dept=1x8x8", "`Rgbd` has no input `dept`", "did you mean `depth`?"),
        (
            "--input 1x8x8",
            "`Rgbd` has several inputs: say which this is",
            "`--input image=3x16x16`",
        ),
        ("--input pose=1x8x8", "the input `pose` is a vector, not an image", "`--input pose=6`"),
        ("--input depth=4", "the input `depth` is an image, not a vector", "depth=1x16x16"),
    ],
)
def test_what_is_no_input(options: str, message: str, help: str, rgbd: Path):
    result = run(f"check rgbd.yaml {options}")
    assert result.exit_code == 1
    assert message in result.output and help in result.output


@pytest.mark.parametrize("text", ["depth=1x8", "=3x8x8", "depth=0x8x8", "pose=", "3x8x8x8"])
def test_what_is_no_size(text: str, rgbd: Path):
    result = run(f"check rgbd.yaml --input {text}")
    assert result.exit_code == 2 and "is not of the form" in result.output


def test_an_input_is_given_once(rgbd: Path):
    result = run("check rgbd.yaml --input pose=1 --input pose=2")
    assert result.exit_code == 2 and "`pose` is given twice" in result.output


def test_the_api_takes_sizes_by_name(rgbd: Path):
    spec = cnngen.load(rgbd, input={"pose": (2,)})
    assert spec.summary().inputs == {"image": (3, 16, 16), "depth": (1, 16, 16), "pose": (2,)}
    assert spec.summary().parameters == cnngen.load(rgbd).summary().parameters - 4 * 8


def test_pictures_name_them(rgbd: Path):
    for text in ("image: 3 x 16 x 16", "depth: 1 x 16 x 16", "pose: 6"):
        assert f'"{text}"' in run("draw rgbd.yaml --format dot").stdout


def test_a_difference_names_them(rgbd: Path):
    Path("one.yaml").write_text(
        RGBD[: RGBD.index("inputs:")]
        + "input: {channels: 3, height: 16, width: 16}\nmodel:\n"
        + "  head: [global_avg_pool, flatten, {linear: {out: classes}}]\n"
    )
    changed = json.loads(run("diff one.yaml rgbd.yaml --format json").stdout)["interface"]
    assert changed == {
        "input": {"old": "3 x 16 x 16", "new": "none"},
        "input image": {"old": "none", "new": "3 x 16 x 16"},
        "input depth": {"old": "none", "new": "1 x 16 x 16"},
        "input pose": {"old": "none", "new": "6"},
    }
    assert "input depth" in run("diff one.yaml rgbd.yaml").stdout


def test_lists_have_them(rgbd: Path):
    Path("other.yaml").write_text(RGBD.replace("name: Rgbd", "name: Other"))
    assert "3 x 16 x 16, 1 x 16 x 16, 6" in run("list .").stdout
    rows = json.loads(run("compare rgbd.yaml other.yaml --format json").stdout)
    assert [[*row][:4] for row in rows] == [["name", "paper", "inputs", "depth"]] * 2
    assert rows[0]["inputs"] == {"image": [3, 16, 16], "depth": [1, 16, 16], "pose": [6]}
