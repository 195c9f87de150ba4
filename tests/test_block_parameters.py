"""Blocks as parameters: a source that is handed another block is the source of the spec that says so."""

from pathlib import Path
from typing import Any

import pytest
from support.built_models import build

import cnngen
from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report, Severity

RESNET = """\
cnngen: 1
name: ResNet
about: ResNet whose block is a parameter, as torchvision has it.
params:
  block: Basic
  classes: 1000
  depths: [2, 2, 2, 2]
  widths: [64, 128, 256, 512]
input: {channels: 3, height: 224, width: 224}
defaults:
  conv: {padding: half, bias: false, init: {he_normal: {mode: fan_out}}}
blocks:
  Basic:
    about: Two convolutions, whose output is added to the input.
    params: {width: int, stride: 1}
    body:
      - branches:
          residual:
            - conv: {out: width, kernel: 3, stride: stride}
            - batch_norm
            - relu
            - conv: {out: width, kernel: 3}
            - batch_norm
          shortcut:
            when: stride != 1 or input.channels != width
            do: [conv: {out: width, kernel: 1, stride: stride}, batch_norm]
        join: add
      - relu
  Bottleneck:
    about: Narrow, convolve, widen; added to the input.
    params: {width: int, stride: 1}
    body:
      - branches:
          residual:
            - conv: {out: width, kernel: 1}
            - batch_norm
            - relu
            - conv: {out: width, kernel: 3, stride: stride}
            - batch_norm
            - relu
            - conv: {out: 4 * width, kernel: 1}
            - batch_norm
          shortcut:
            when: stride != 1 or input.channels != 4 * width
            do: [conv: {out: 4 * width, kernel: 1, stride: stride}, batch_norm]
        join: add
      - relu
model:
  stem:
    - conv: {out: 64, kernel: 7, stride: 2}
    - batch_norm
    - relu
    - max_pool: {kernel: 3, stride: 2, padding: half}
  features:
    each: {depth: depths, width: widths, stage: range(len(depths))}
    do:
      - block: {width: width, stride: 1 if stage == 0 else 2}
      - repeat: depth - 1
        do: {block: {width: width}}
  head:
    - global_avg_pool
    - flatten
    - linear: {out: classes}
"""
NO_SETTINGS: dict[str, str] = {}
ZOO = [("resnet18", NO_SETTINGS), ("resnet50", {"block": "Bottleneck", "depths": "[3, 4, 6, 3]"})]

HARD = """\
cnngen: 1
name: Hard
about: Blocks that are handed on, and chosen, in all places.
params: {block: Plain, act: relu, factor: 2, depth: 2, deep: true, classes: 10}
input: {channels: 3, height: 16, width: 16}
blocks:
  Plain:
    about: A convolution.
    params: {out: int, stride: 1}
    body: {conv: {out: out, kernel: 3, stride: stride, padding: half}}
  Wide:
    about: A wider convolution, with activations.
    params: {out: int, stride: 1, own: sigmoid}
    body: [{conv: {out: factor * out, kernel: 3, stride: stride, padding: half}}, act, own]
  Pooled:
    about: A pooling, which keeps the channels.
    params: {out: int, stride: 1}
    body: {max_pool: {kernel: 3, stride: stride, padding: half}}
  Derived:
    about: Another block with other arguments.
    params: {out: int, stride: 1}
    body: {Wide: {out: out + 2, stride: stride}}
  Stage:
    about: Several of one block.
    params: {unit: block, out: int, own_depth: 2}
    body:
      - unit: {out: out, stride: 2}
      - repeat: own_depth - 1
        do: {unit: {out: out}}
  Alone:
    about: Nothing but a block.
    params: {unit: block}
    body: {unit: {out: 8}}
  Graph:
    about: Blocks that others read.
    params: {unit: Derived, other: block}
    body:
      - {unit: {out: 8}, name: first}
      - unit: {out: input.channels}
      - branches:
          left: {from: first}
          right: {other: {out: 4}}
        join: concat
      - unit: {out: 4}
model:
  stem: {block: {out: 8}}
  more:
    - Stage: {unit: block, out: 8, own_depth: depth}
    - Stage: {unit: Pooled if deep else block, out: 8}
    - Alone: {unit: Wide}
    - Graph: {other: block}
    - Graph: {unit: Pooled, other: Derived}
  shared: [{block: {out: 8}}, relu]
  sum:
    branches: {one: {block: {out: 8}}, two: {block: {out: 8}}}
    join: add
  wide:
    branches: {repeat: 2, do: {block: {out: 5}}}
    join: concat
  twice: {conv: {out: 6, kernel: 1}}
  again: [{block: {out: 6}}, {conv: {out: 6, kernel: 1}}]
  third: {use: again, from: twice}
  both: {branches: {a: {from: again}, b: {from: third}}, join: concat}
  head: [global_avg_pool, flatten, {linear: {out: classes}}]
"""
SMALL = {"depths": "[2, 1]", "widths": "[4, 8]", "classes": "5"}
CASES = [
    (RESNET, SMALL, "Bottleneck"),
    *((HARD, NO_SETTINGS, block) for block in ("Pooled", "Derived", "Plain")),
]


def load(text: str, folder: Path, **settings: str) -> cnngen.LoadedSpec:
    path = folder / "net.yaml"
    path.write_text(text, encoding="utf-8")
    return cnngen.load(path, settings=settings)


def built(source: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "net"}
    exec(source, namespace)
    return namespace


@pytest.mark.parametrize(("name", "settings"), ZOO)
def test_the_zoo_has_the_networks_that_the_block_makes(
    name: str, settings: dict[str, str], tmp_path: Path
) -> None:
    ours = load(RESNET, tmp_path, **settings).summary()
    theirs = build(name).network
    found = sorted((layer.op, str(layer.output), layer.parameters) for layer in ours.layers)
    known = cnngen.load(Path("specs") / f"{name}.yaml").summary().layers
    assert found == sorted((layer.op, str(layer.output), layer.parameters) for layer in known)
    assert ours.parameters == cnngen.load(Path("specs") / f"{name}.yaml").summary().parameters
    assert theirs.input.channels == 3


FAMILY = [("resnet18", "Basic"), ("resnet50", "Bottleneck")]


@pytest.mark.torch
@pytest.mark.parametrize(("name", "block"), FAMILY)
def test_pytorch_computes_what_the_network_of_the_zoo_does(
    name: str, block: str, tmp_path: Path
) -> None:
    import torch

    ours = built(load(RESNET, tmp_path, **SMALL).build("torch"))
    known = cnngen.load(Path("specs") / f"{name}.yaml", settings=SMALL | {"strides": "[1, 2]"})
    theirs = built(known.build("torch"))
    one = ours["ResNet"](block=ours[block]).eval()
    other = theirs["ResNet18" if name == "resnet18" else "ResNet50"]().eval()
    states = one.state_dict(), other.state_dict()
    other.load_state_dict(dict(zip(states[1], states[0].values(), strict=True)))
    x = torch.randn(2, 3, 64, 64)
    assert torch.equal(one(x), other(x))


@pytest.mark.keras
@pytest.mark.parametrize(("name", "block"), FAMILY)
def test_keras_computes_what_the_network_of_the_zoo_does(
    name: str, block: str, tmp_path: Path
) -> None:
    import numpy as np

    ours = built(load(RESNET, tmp_path, **SMALL).build("keras"))
    known = cnngen.load(Path("specs") / f"{name}.yaml", settings=SMALL | {"strides": "[1, 2]"})
    one = ours["net"](block=ours[block.lower()])
    other = built(known.build("keras"))[name]()
    for layer, same in zip(one.layers, other.layers, strict=True):
        same.set_weights(layer.get_weights())
    x = np.random.default_rng(0).normal(size=(1, 224, 224, 3)).astype("float32")
    assert np.array_equal(one(x), other(x))


@pytest.mark.torch
@pytest.mark.parametrize(("text", "settings", "block"), CASES)
def test_pytorch_is_handed_another_block(
    text: str, settings: dict[str, str], block: str, tmp_path: Path
) -> None:
    import torch

    name = "ResNet" if text is RESNET else "Hard"
    handed = built(load(text, tmp_path, **settings).build("torch"))
    said = built(load(text, tmp_path, **settings, block=block).build("torch"))
    one, other = handed[name](block=handed[block]), said[name]()
    other.load_state_dict(one.state_dict())  # which refuses other keys
    x = torch.randn(2, 3, 32, 32)
    for model in (one, other):
        model(x).sum().backward()
    assert torch.equal(one(x), other(x))
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine.grad, theirs.grad)


@pytest.mark.keras
@pytest.mark.parametrize(("text", "settings", "block"), CASES)
def test_keras_is_handed_another_block(
    text: str, settings: dict[str, str], block: str, tmp_path: Path
) -> None:
    import numpy as np

    from cnngen.syntax.naming import snake_case

    handed = built(load(text, tmp_path, **settings).build("keras"))
    said = built(load(text, tmp_path, **settings, block=block).build("keras"))
    one, other = handed["net"](block=handed[snake_case(block)]), said["net"]()
    other.set_weights(one.get_weights())
    assert [w.path for w in one.weights] == [w.path for w in other.weights]
    shape = (2, *one.input_shape[1:])
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    assert np.array_equal(one(x), other(x))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("3", "wrong-type"),
        ("relu", "wrong-type"),
        ("[Basic]", "unknown-name"),
        ("Bottlneck", "unknown-block"),
        ("{Basic: {}}", "wrong-kind"),
        ("{Basic: {stride: 2}}", "wrong-kind"),
        ("block", "unknown-block"),
        ("width", "unknown-block"),
    ],
)
def test_mistakes_of_a_setting(value: str, code: str, tmp_path: Path) -> None:
    found = load(RESNET, tmp_path, block=value).check()
    assert [d.code for d in found if d.severity is Severity.ERROR] == [code]


def test_a_setting_of_a_number_is_no_block(tmp_path: Path) -> None:
    (found,) = load(RESNET, tmp_path, classes="Basic").check()
    assert found.code == "wrong-type" and "`classes` must be a whole number" in found.message


def test_an_extending_spec_gives_another_block(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "base.yaml").write_text(RESNET)
    (tmp_path / "own.yaml").write_text(
        "cnngen: 1\nextends: base.yaml\nname: Other\nparams: {block: Pooled}\n"
        "blocks:\n  Basic: null\n  Pooled:\n    about: A pooling.\n    params: {width: int, stride: 1}\n"
        "    body: [{max_pool: {kernel: 1, stride: stride}}, {conv: {out: width, kernel: 1}}]\n"
    )
    spec = cnngen.load(tmp_path / "own.yaml")
    assert [d.code for d in spec.check()] == []
    assert [layer.op for layer in spec.summary().layers].count("conv") == 9
    assert "block: type[Bottleneck | Pooled] = Pooled" in spec.build("torch")


def test_a_variant_is_begun_with_the_block_of_its_base(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from cnngen.cli import cli

    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "net.yaml").write_text(RESNET)
    made = CliRunner().invoke(
        cli, ["new", str(tmp_path / "own.yaml"), "--from", str(tmp_path / "net.yaml")]
    )
    assert made.exit_code == 0, made.output
    assert "#   block: Basic\n" in (tmp_path / "own.yaml").read_text()


def test_a_block_that_decides_what_is_flattened_is_fixed(tmp_path: Path) -> None:
    flat = HARD.replace("[global_avg_pool, flatten,", "[flatten,")
    half = "depthwise_conv: {kernel: 3, stride: 2, padding: half}"
    other = flat.replace("{max_pool: {kernel: 3, stride: stride, padding: half}}", f"{{{half}}}", 1)
    for text, fixed in ((flat, NO_SETTINGS), (other, {"block": "size", "deep": "size"})):
        (tmp_path / "net.yaml").write_text(text)
        report = Report()
        network = analyse_file(tmp_path / "net.yaml", report)
        assert network is not None and not report.failed
        assert network.fixed == fixed


def test_a_block_is_a_choice_where_nothing_else_uses_it_and_it_fits(tmp_path: Path) -> None:
    def annotation(text: str) -> str:
        source = load(text, tmp_path).build("torch")
        return source.split("block: ", 1)[1].split(" =")[0]

    assert annotation(RESNET) == "type[Basic | Bottleneck]"
    used = RESNET.replace("  head:\n", "  more: {Bottleneck: {width: 8}}\n  head:\n")
    assert annotation(used) == "type[Basic]"
    narrow = RESNET.replace(
        "params: {width: int, stride: 1}", "params: {width: int, stride: 1, k: int}"
    )
    assert annotation(narrow.replace(", k: int}", "}", 1)) == "type[Basic]"
    wide = RESNET.replace(
        "params: {width: int, stride: 1}", "params: {width: int, stride: 1, k: 3}"
    )
    assert annotation(wide) == "type[Basic | Bottleneck]"


def test_arguments_that_stand_elsewhere_are_given_by_keyword(tmp_path: Path) -> None:
    """A default is left out only if all blocks have it."""
    text = """\
cnngen: 1
name: Net
about: Two blocks of one parameter, with their parameters in other orders.
params: {block: One, width: 8, stride: 1}
input: {channels: 3, height: 16, width: 16}
blocks:
  One:
    about: A convolution.
    params: {width_in: int, step: 2, kernel: 3}
    body: {conv: {out: width_in, kernel: kernel, stride: step}}
  Other:
    about: Another one.
    params: {kernel: 3, step: 1, width_in: int}
    body: {conv: {out: width_in, kernel: kernel, stride: step}}
model:
  stem: {block: {width_in: width, step: 2, kernel: 3}}
  more: {block: {width_in: 4, step: stride}}
"""
    source = load(text, tmp_path).build("torch")
    assert "block(3, width_in=width, step=2)" in source
    assert "block(width, width_in=4, step=stride)" in source


def test_no_block_is_of_another_as_it_is_copied(tmp_path: Path) -> None:
    """One mistake in a block that a parameter may be has one message."""
    text = RESNET.replace("out: 4 * width, kernel: 1}", "out: 4 * widt, kernel: 1}", 1)
    found = load(text, tmp_path, block="Bottleneck").check()
    assert [d.code for d in found] == ["unknown-name"]
