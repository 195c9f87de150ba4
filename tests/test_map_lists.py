"""Loops that are read, and lists of maps: what is generated with the defaults computes, called with other parameters,
what the spec with those parameters says, in both frameworks; and a U-Net with its depth as a parameter is the U-Net.
"""

from pathlib import Path
from typing import Any

import pytest
from support.built_models import SPECS as ZOO
from support.built_models import build
from support.one_source import (
    cases,
    check_in_place,
    check_program,
    check_style,
    check_variant,
)

from cnngen.verify.random_weights import randomize

HEAD = """
cnngen: 1
name: Net
about: A network.
input: {channels: 4, height: 8, width: 8}
defaults: {conv: {padding: half}}
"""
SPECS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "a pyramid": (
        f"""{HEAD}
params: {{widths: [4, 6, 8], out: 5}}
blocks:
  TopDown:
    about: Add what is coarser.
    params: {{lateral: tensor}}
    body:
      branches: {{lateral: {{from: lateral}}, up: {{upsample: {{scale: 2}}}}}}
      join: add
model:
  levels:
    each: {{width: widths}}
    do: [{{conv: {{out: width, kernel: 3}}}}, relu]
    between: {{max_pool: {{kernel: 2}}}}
  laterals: {{each: {{level: levels}}, do: {{conv: {{out: out, kernel: 1}}, from: level}}}}
  merged: {{each: {{lateral: "laterals[:-1][::-1]"}}, do: {{TopDown: {{lateral: lateral}}}}}}
  smooth: {{each: {{level: "[laterals[-1]] + merged"}}, do: {{conv: {{out: out, kernel: 3}}, from: level}}}}
  pooled: {{each: {{level: smooth}}, do: {{adaptive_avg_pool: {{size: 2}}, from: level}}}}
  joined: {{branches: pooled, join: concat}}
  head: {{conv: {{out: 3, kernel: 1}}}}
""",
        [{"widths": (3, 7)}, {"widths": (5, 5, 9), "out": 4}, {"widths": (6,)}],
    ),
    "a dense block": (
        f"""{HEAD}
params: {{growth: 3}}
blocks:
  Layer:
    about: New maps, made of all earlier ones.
    params: {{maps: tensors}}
    body:
      - {{branches: maps, join: concat}}
      - batch_norm
      - relu
      - conv: {{out: growth * len(maps), kernel: 3}}
  Dense:
    about: Layers that read all earlier ones.
    body:
      - {{Layer: {{maps: [input]}}, name: first}}
      - {{Layer: {{maps: [input, first]}}, name: second}}
      - {{Layer: {{maps: [input, first, second]}}, name: third}}
      - {{branches: [input, first, second, third], join: concat}}
model:
  one: Dense
  pool: {{max_pool: {{kernel: 2}}}}
  two: Dense
""",
        [{"growth": 2}],
    ),
    "channels that grow": (
        f"""{HEAD}
params: {{depth: 2, width: 3}}
blocks:
  Down:
    about: Wider.
    body: [{{conv: {{out: 2 * input.channels, kernel: 3}}}}, relu]
  Up:
    about: Back.
    params: {{skip: tensor}}
    body:
      - branches: {{a: {{from: skip}}, b: {{conv: {{out: input.channels // 2, kernel: 1}}}}}}
        join: concat
      - conv: {{out: input.channels // 2, kernel: 3}}
      - relu
  Whole:
    about: All in one block.
    params: {{n: int, first: int}}
    body:
      - {{conv: {{out: first, kernel: 3}}, name: stem}}
      - {{repeat: n, do: Down, name: downs}}
      - {{each: {{skip: "([stem] + downs)[:-1][::-1]"}}, do: {{Up: {{skip: skip}}}}, name: ups}}
      - {{branches: "ups + [stem]", join: concat}}
model:
  stem: {{conv: {{out: width, kernel: 3}}}}
  down: {{repeat: depth, do: Down}}
  up: {{each: {{skip: "([stem] + down)[:-1][::-1]"}}, do: {{Up: {{skip: skip}}}}}}
  whole: {{Whole: {{n: depth, first: width}}}}
  joined: {{branches: "down + up + [whole]", join: concat}}
  head: {{conv: {{out: 2, kernel: 1}}}}
""",
        [{"depth": 3}, {"depth": 1, "width": 4}, {"depth": 0}],
    ),
    "items and positions": (
        f"""{HEAD}
params: {{depth: 3, pick: 1, widths: [4, 6, 8]}}
blocks:
  Two:
    about: Two maps and others.
    params: {{others: tensors, one: tensor}}
    body:
      - branches:
          a: {{from: "others[0]", relu: }}
          b: {{from: one}}
          c: {{from: "others[-1]"}}
          d: identity
        join: concat
      - conv: {{out: 2 * len(others), kernel: 1}}
  Tower:
    about: A loop, read again.
    params: {{k: int}}
    body:
      - {{repeat: depth, do: [{{conv: {{out: k, kernel: 3}}}}, relu], name: tower}}
      - {{each: {{m: tower, n: "tower[::-1]"}}, do: {{Two: {{others: [m, n], one: n}}}}, name: pairs}}
      - {{branches: "[input] + tower + pairs[:pick]", join: concat, name: all}}
      - {{conv: {{out: k, kernel: 1}}, from: "tower[depth - 2]"}}
      - {{Two: {{others: "tower[1:] + [all]", one: "pairs[pick]"}}}}
      - branches: {{x: identity, y: {{from: "pairs[-1]"}}}}
        join: concat
model:
  stem: {{conv: {{out: 5, kernel: 3}}}}
  wide: {{each: {{w: widths}}, do: [{{conv: {{out: w, kernel: 3}}}}, relu]}}
  one: {{Tower: {{k: 4}}}}
  plain: {{conv: {{out: 12, kernel: 1}}, from: "wide[pick]"}}
  last: [{{from: "wide[-1]"}}, relu, {{conv: {{out: 4, kernel: 1}}}}]
  two: {{Two: {{others: "[one, plain, last, wide[0]] + wide[pick:]", one: last}}}}
  summed: {{each: {{m: "[one, plain]"}}, do: {{conv: {{out: 7, kernel: 1}}, from: m}}}}
  added: {{branches: summed, join: add}}
  maxed: {{branches: [added, added], join: max}}
  doubled: {{repeat: 2, do: {{Two: {{others: [added, two], one: stem}}}}, from: maxed}}
  head: [{{from: doubled}}, relu]
""",
        [{"depth": 4, "pick": 2}, {"depth": 2, "pick": 0, "widths": (3, 9)}],
    ),
    "what works in place": (
        f"""{HEAD}
params: {{depth: 3}}
model:
  stem: {{conv: {{out: 4, kernel: 3}}}}
  kept: {{repeat: depth, do: [relu, {{conv: {{out: 4, kernel: 3}}}}, tanh]}}
  after: [relu, {{conv: {{out: 4, kernel: 1}}}}]
  plain: {{conv: {{out: 4, kernel: 1}}}}
  spaced:
    each: {{i: range(depth)}}
    do: {{conv: {{out: 4, kernel: 1}}}}
    between: relu
  gated: {{each: {{x: "kept[::-1]"}}, do: [{{relu: , from: x}}, {{conv: {{out: 4, kernel: 1}}}}]}}
  again: {{each: {{x: gated}}, do: {{relu: , from: x}}}}
  all: {{branches: "kept + gated + again + [after] + spaced", join: mean}}
  last: relu
""",
        [{"depth": 1}, {"depth": 5}],
    ),
    "something between iterations that read several maps": (
        f"""{HEAD}
params: {{depth: 2, features: 4}}
blocks:
  Up:
    about: As large as a skip.
    params: {{skip: tensor}}
    body:
      - branches: {{across: {{from: skip}}, up: {{resize: {{like: skip}}}}}}
        join: concat
      - conv: {{out: 4, kernel: 1}}
  Whole:
    about: All of it in a block.
    params: {{n: int}}
    body:
      - {{conv: {{out: 4, kernel: 3}}, name: stem}}
      - each: {{j: range(n)}}
        do: {{Up: {{skip: stem}}}}
        between: {{max_pool: {{kernel: 2}}}}
        name: deep
      - branches: {{last: identity, first: {{from: "deep[0]"}}}}
        join: concat
model:
  stem: {{conv: {{out: 4, kernel: 3}}}}
  down: {{each: {{i: range(depth)}}, do: {{conv: {{out: 4 + i, kernel: 3, stride: 2}}}}}}
  up:
    each: {{skip: "down[::-1]"}}
    do: {{Up: {{skip: skip}}}}
    between: [{{conv: {{out: features, kernel: 1}}}}, relu]
  kept:
    each: {{i: range(depth)}}
    do: {{Up: {{skip: stem}}}}
    between: {{max_pool: {{kernel: 2}}}}
  whole: {{Whole: {{n: depth}}}}
  head: {{branches: "kept + [whole]", join: concat}}
""",
        [{"depth": 1}, {"depth": 3, "features": 5}],
    ),
    "channels that only what stands between iterations changes": (
        f"""{HEAD}
params: {{depth: 2}}
model:
  stem: {{conv: {{out: 4, kernel: 3}}}}
  levels: {{each: {{i: range(depth)}}, do: tanh, between: {{conv: {{out: 6, kernel: 1}}}}}}
  side: {{each: {{m: levels}}, do: {{conv: {{out: 3, kernel: 1}}, from: m}}}}
  joined: {{branches: side, join: add}}
""",
        [{"depth": 1}, {"depth": 3}],
    ),
    "positions in a list that a block is given": (
        f"""{HEAD}
params: {{depth: 3}}
blocks:
  Path:
    about: Some maps, more for each position.
    params: {{by: int}}
    body: {{conv: {{out: by + 1, kernel: 1}}}}
  Mix:
    about: A path for each of some maps.
    params: {{maps: tensors}}
    body:
      branches:
        each: {{map: maps, j: range(len(maps))}}
        do: {{Path: {{by: j}}, from: map}}
      join: concat
model:
  down: {{repeat: depth, do: {{conv: {{out: 4, kernel: 3}}}}}}
  mixed: {{Mix: {{maps: down}}}}
  head: {{conv: {{out: 2, kernel: 1}}}}
""",
        [{"depth": 1}, {"depth": 4}],
    ),
    "the size of one of them": (
        f"""{HEAD}
params: {{depth: 3, i: 0}}
blocks:
  Unit:
    about: As large as the first of some maps.
    params: {{maps: tensors}}
    body:
      - {{conv: {{out: 4, kernel: 1}}, name: new}}
      - {{resize: {{like: "maps[0]", mode: nearest}}, name: large}}
      - {{branches: "[new, large]", join: concat}}
model:
  down: {{repeat: depth, do: {{conv: {{out: 4, kernel: 3}}}}}}
  up: {{Unit: {{maps: "down[1:]"}}}}
  head: {{resize: {{like: "down[i]", mode: nearest}}}}
""",
        [{"depth": 4, "i": 2}, {"depth": 2, "i": -1}],
    ),
}
CASES = cases(SPECS)


@pytest.mark.parametrize(("text", "values"), CASES)
def test_programs_obey_the_rules(text: str, values: dict[str, Any]) -> None:
    check_program(text, values)


@pytest.mark.parametrize("text", [text for text, _ in SPECS.values()], ids=list(SPECS))
def test_ruff_has_nothing_to_say_of_the_sources(text: str, tmp_path: Path) -> None:
    check_style(text, tmp_path)


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize(("text", "values"), CASES)
def test_one_source_makes_all_of_them(text: str, values: dict[str, Any]) -> None:
    check_variant(text, values)


@pytest.mark.torch
@pytest.mark.parametrize(("text", "values"), CASES)
def test_gradients_are_those_out_of_place(text: str, values: dict[str, Any]) -> None:
    check_in_place(text, values)


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize("depth", [2, 3, 5])
def test_the_depth_of_a_unet_is_a_parameter(depth: int) -> None:
    text = (ZOO / "unet_depth.yaml").read_text(encoding="utf-8").replace("width: 256", "width: 32")
    small = text.replace("height: 256", "height: 64").replace("width: 64 ", "width: 4 ")
    check_variant(small, {"depth": depth})


@pytest.mark.torch
def test_a_unet_of_depth_four_is_the_unet() -> None:
    import torch

    ours, theirs = (
        build(ZOO / f"{name}.yaml", {"width": "4"}).torch().double()
        for name in ("unet_depth", "unet")
    )
    x = torch.randn(2, 1, 32, 48, dtype=torch.float64)
    randomize(theirs, 0, x)
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    with torch.no_grad():
        assert torch.equal(ours.eval()(x), theirs.eval()(x))
