"""Blocks as parameters: a source that is handed another block is the source of the spec that says so."""

from pathlib import Path
from typing import Any

import pytest
from support.built_models import build

import cnngen
from cnngen.diagnostics.model import Severity

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


def errors(text: str, folder: Path, **settings: str) -> list[str]:
    return [d.code for d in load(text, folder, **settings).check() if d.severity is Severity.ERROR]
