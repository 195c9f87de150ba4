"""Branches that may be absent: what is generated with the defaults computes, called with other parameters, what the
spec with those parameters says, in both frameworks; and what torchvision's block computes.
"""

from typing import Any

import pytest
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
defaults: {conv: {padding: half}, depthwise_conv: {padding: half}}
"""
INVERTED = """
blocks:
  InvertedResidual:
    about: Wide in the middle, and added to its input where the shapes allow it.
    params: {out: int, stride: int, expand: 3}
    body:
      branches:
        shortcut: {when: stride == 1 and input.channels == out, do: identity, else: nothing}
        residual:
          - conv: {out: expand * input.channels, kernel: 1, bias: false}
          - batch_norm
          - relu6
          - depthwise_conv: {kernel: 3, stride: stride, bias: false}
          - batch_norm
          - relu6
          - conv: {out: out, kernel: 1, bias: false}
          - batch_norm
      join: add
"""
SPECS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "a residual": (
        f"""{HEAD}
params: {{widths: [4, 4, 8], strides: [1, 2, 1]}}
{INVERTED}
model:
  body: {{each: {{width: widths, stride: strides}}, do: {{InvertedResidual: {{out: width, stride: stride}}}}}}
""",
        [{"widths": (8, 8, 8), "strides": (1, 1, 2)}, {"widths": (4,), "strides": (2,)}],
    ),
    "three branches": (
        f"""{HEAD}
params: {{widths: [4, 8], deep: true}}
blocks:
  RepVGG:
    about: A large window, a small one, and the input.
    params: {{out: int}}
    body:
      - branches:
          identity: {{when: input.channels == out, do: batch_norm, else: nothing}}
          dense: [{{conv: {{out: out, kernel: 3}}}}, batch_norm]
          more: {{when: deep, do: [{{conv: {{out: out, kernel: 5}}}}, sigmoid], else: nothing}}
          pointwise: [{{conv: {{out: out, kernel: 1}}}}, batch_norm]
        join: add
      - relu
model:
  body: {{each: {{width: widths}}, do: {{RepVGG: {{out: width}}}}}}
""",
        [{"deep": False}, {"widths": (8, 8, 4), "deep": True}, {"widths": (8,), "deep": False}],
    ),
    "gates": (
        f"""{HEAD}
params: {{gate: false, other: true}}
blocks:
  Scaled:
    about: Maps, scaled or not.
    params: {{on: bool}}
    body:
      - branches:
          scale: {{when: on, do: [global_avg_pool, {{conv: {{out: input.channels, kernel: 1}}}}, sigmoid], else: nothing}}
          maps: relu
        join: multiply
      - relu6
model:
  stem: {{conv: {{out: 6, kernel: 3}}}}
  one: {{Scaled: {{on: gate}}}}
  two: {{Scaled: {{on: other}}}}
  three:
    branches:
      a: {{from: one}}
      scale: {{when: gate, from: two, do: [global_avg_pool, sigmoid], else: nothing}}
      b: {{from: two}}
      c: {{when: other, from: stem, do: tanh, else: nothing}}
    join: multiply
""",
        [{"gate": True}, {"gate": True, "other": False}, {"gate": False, "other": False}],
    ),
    "in a row": (
        f"""{HEAD}
params: {{deep: true, wide: false, depth: 2}}
model:
  body:
    - relu
    - branches:
        one: {{conv: {{out: 8, kernel: 1}}}}
        three: {{when: deep, do: [{{conv: {{out: 4, kernel: 1}}}}, {{conv: {{out: 6, kernel: 3}}}}], else: nothing}}
        kept: {{when: wide, do: identity, else: nothing}}
      join: concat
    - repeat: depth
      do:
        branches:
          kept_maps: batch_norm
          more: {{when: wide, do: {{conv: {{out: 2, kernel: 1}}}}, else: nothing}}
        join: concat
    - conv: {{out: 4, kernel: 1}}
  total:
    branches:
      left: {{when: deep, do: {{conv: {{out: 5, kernel: 3}}}}, else: nothing}}
      right: {{when: wide or not deep, do: [{{conv: {{out: 5, kernel: 1}}}}, sigmoid], else: nothing}}
    join: max
  last: {{conv: {{out: input.channels + 1, kernel: 1}}}}
""",
        [
            {"deep": False},
            {"deep": True, "wide": True, "depth": 3},
            {"deep": False, "wide": True, "depth": 0},
        ],
    ),
    "lists": (
        f"""{HEAD}
params: {{extra: 0, skips: true, widths: [3, 5]}}
blocks:
  Row:
    about: Convolutions, the last of which decides.
    params: {{depth: int}}
    body:
      - each: {{width: widths}}
        do: {{conv: {{out: width, kernel: 1}}}}
      - repeat: depth
        do: {{conv: {{out: input.channels + 1, kernel: 1}}}}
  Mixed:
    about: A mean, and all that is there behind each other.
    params: {{rows: int, skip: tensor}}
    body:
      - branches:
          one: {{conv: {{out: 6, kernel: 1}}}}
          three: {{when: rows > 0, do: {{conv: {{out: 6, kernel: 3}}}}, else: nothing}}
          five: {{conv: {{out: 6, kernel: 5}}}}
        join: mean
        name: average
      - relu
      - branches:
          first: {{when: rows > 1, do: {{each: {{width: widths}}, do: {{conv: {{out: width, kernel: 3}}}}}}, else: nothing}}
          maps: identity
          across: {{when: skips, from: skip, do: [relu, {{conv: {{out: 4, kernel: 1}}}}], else: nothing}}
          block: {{when: rows == 0, do: {{Row: {{depth: rows}}}}, else: nothing}}
        join: concat
      - batch_norm
      - branches:
          a: {{from: average}}
          b: {{when: skips, from: average, do: tanh, else: nothing}}
          c: {{when: rows < 2, from: average, do: sigmoid, else: nothing}}
          d: {{conv: {{out: 6, kernel: 1}}}}
        join: max
model:
  stem: {{conv: {{out: 4, kernel: 1}}}}
  deeper: {{conv: {{out: 5, kernel: 1}}}}
  body: {{Mixed: {{rows: extra, skip: stem}}}}
  both:
    branches:
      left: {{from: deeper}}
      right: {{when: skips, from: body, do: {{conv: {{out: 5, kernel: 1}}}}, else: nothing}}
    join: mean
  many:
    branches:
      none: {{when: extra > 2, from: deeper, do: {{conv: {{out: 3, kernel: 1}}}}, else: nothing}}
      a: {{from: both}}
      b: {{when: not skips, from: deeper, do: identity, else: nothing}}
      c: {{from: body}}
    join: concat
  last: {{conv: {{out: 3, kernel: 1}}}}
outputs: {{last: last, body: body}}
""",
        [
            {"skips": False},
            {"extra": 1},
            {"extra": 3, "skips": False, "widths": (7,)},
            {"extra": 2, "widths": (2, 3, 4)},
        ],
    ),
}
CASES = cases(SPECS)


@pytest.mark.parametrize(("text", "values"), CASES)
def test_programs_obey_the_rules(text: str, values: dict[str, Any]) -> None:
    check_program(text, values)


@pytest.mark.parametrize("text", [text for text, _ in SPECS.values()], ids=list(SPECS))
def test_ruff_has_nothing_to_say_of_the_sources(text: str, tmp_path: Any) -> None:
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
@pytest.mark.parametrize(("width", "stride"), [(4, 1), (4, 2), (6, 1)])
def test_an_inverted_residual_is_that_of_torchvision(
    width: int, stride: int, torchvision: Any
) -> None:
    import torch
    from torchvision.models.mobilenetv2 import InvertedResidual

    text, _ = SPECS["a residual"]
    ours = build(text).torch(widths=(width,), strides=(stride,)).double()
    theirs = InvertedResidual(4, width, stride, expand_ratio=3).double()
    randomize(theirs, 0, torch.randn(2, 4, 8, 8, dtype=torch.float64))
    state = zip(ours.state_dict(), theirs.state_dict().values(), strict=True)
    ours.load_state_dict(dict(state))
    x = torch.randn(2, 4, 8, 8, dtype=torch.float64)
    with torch.no_grad():
        assert torch.equal(ours.eval()(x), theirs.eval()(x))
