"""Branches that a loop makes: what is generated with the defaults computes, called with other parameters, what the spec
with those parameters says, in both frameworks; and what torchvision's pyramid pooling computes.
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
PYRAMID = f"""{HEAD}
params: {{rates: [1, 2, 3], width: 6}}
blocks:
  Atrous:
    about: A dilated convolution.
    params: {{rate: int}}
    body: [{{conv: {{out: width, kernel: 3, dilation: rate, bias: false}}}}, batch_norm, relu]
model:
  pyramid:
    branches:
      pointwise: [{{conv: {{out: width, kernel: 1, bias: false}}}}, batch_norm, relu]
      atrous:
        branches: {{each: {{rate: rates}}, do: {{Atrous: {{rate: rate}}}}}}
        join: concat
    join: concat
  project: [{{conv: {{out: width, kernel: 1, bias: false}}}}, batch_norm, relu]
"""
SPECS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "a pyramid": (PYRAMID, [{"rates": (2,)}, {"rates": (4, 1, 2, 3), "width": 3}]),
    "selective kernels": (
        f"""{HEAD}
params: {{paths: 2, deep: true}}
blocks:
  Kernels:
    about: Windows of several sizes, added.
    params: {{count: int}}
    body:
      - name: paths_of_maps
        branches:
          each: {{i: range(count)}}
          do: [{{conv: {{out: input.channels, kernel: 3, dilation: i + 1}}}}, {{when: deep, do: relu}}]
        join: add
      - relu
      - branches: {{repeat: count, do: {{depthwise_conv: {{kernel: 3}}}}}}
        join: max
      - branches: {{repeat: count, do: [sigmoid]}}
        join: multiply
      - branches: {{left: {{from: paths_of_maps}}, right: identity}}
        join: add
model:
  stem: {{conv: {{out: 6, kernel: 1}}}}
  kernels: {{Kernels: {{count: paths}}}}
  mean:
    branches: {{repeat: paths, do: {{conv: {{out: 2 * paths, kernel: 1}}}}}}
    join: mean
  last: {{conv: {{out: input.channels + 1, kernel: 1}}}}
""",
        [{"paths": 1}, {"paths": 3, "deep": False}],
    ),
    "channels": (
        f"""{HEAD}
params: {{widths: [3, 5], depths: [2, 1], n: 2}}
blocks:
  Row:
    about: Convolutions, the last of which decides.
    params: {{depth: int}}
    body:
      - each: {{width: widths}}
        do: {{conv: {{out: width, kernel: 1}}}}
      - repeat: depth
        do: {{conv: {{out: input.channels + 1, kernel: 1}}}}
  Rows:
    about: Rows side by side.
    params: {{rows: [1]}}
    body:
      - branches: {{each: {{depth: rows}}, do: {{Row: {{depth: depth}}}}}}
        join: concat
      - relu
  Growing:
    about: All that is there, and more.
    body:
      branches:
        kept: identity
        new:
          branches: {{each: {{width: widths}}, do: {{conv: {{out: width + input.channels, kernel: 1}}}}}}
          join: concat
      join: concat
model:
  sum:
    branches: {{each: {{width: widths, depth: depths}}, do: [{{conv: {{out: 2 * width + depth * n + 1, kernel: 1}}}}, relu]}}
    join: concat
  one: {{conv: {{out: 4, kernel: 1}}}}
  product:
    branches: {{each: {{width: widths, depth: depths}}, do: {{conv: {{out: width * depth, kernel: 1}}}}}}
    join: concat
  two: {{conv: {{out: input.channels, kernel: 1}}}}
  rows: {{Rows: {{rows: depths}}}}
  three: {{conv: {{out: 4, kernel: 1}}}}
  row:
    - branches:
        each: {{width: widths}}
        do: [{{conv: {{out: width * width, kernel: 1}}}}, {{repeat: n, do: [tanh, {{conv: {{out: width ** 2 // 2, kernel: 1}}}}]}}]
      join: concat
    - batch_norm
    - repeat: n
      do: Growing
    - conv: {{out: 3, kernel: 1}}
  listed:
    branches: {{each: {{width: [1, 2, n]}}, do: {{conv: {{out: 3 * width, kernel: 1}}}}}}
    join: concat
  four: {{conv: {{out: 3, kernel: 1}}}}
  nested:
    branches:
      each: {{width: widths}}
      do:
        branches: {{repeat: n, do: {{conv: {{out: width, kernel: 1}}}}}}
        join: concat
    join: concat
  last: {{conv: {{out: 2, kernel: 1}}}}
""",
        [
            {"widths": (2,), "depths": (3,), "n": 1},
            {"widths": (2, 4, 3), "depths": (1, 2, 1), "n": 3},
        ],
    ),
    "equal widths": (
        f"""{HEAD}
params: {{widths: [3, 3], scales: [3, 1, 3]}}
model:
  sum:
    branches: {{each: {{width: widths}}, do: [{{conv: {{out: width, kernel: 1}}}}, sigmoid]}}
    join: add
  one: {{conv: {{out: 4, kernel: 1}}}}
  product:
    branches: {{each: {{width: scales}}, do: {{conv: {{out: width, kernel: 1}}}}}}
    join: multiply
  two: {{conv: {{out: 4, kernel: 1}}}}
  squares:
    branches: {{each: {{width: scales}}, do: {{conv: {{out: width ** 2, kernel: 1}}}}}}
    join: multiply
  last: {{conv: {{out: 2, kernel: 1}}}}
""",
        [{"widths": (2,)}, {"scales": (1, 4)}],
    ),
    "records": (
        f"""{HEAD}
params: {{branches_of: [{{width: 2, kernel: 1}}, {{width: 4, kernel: 3}}]}}
model:
  body:
    branches: {{each: {{row: branches_of}}, do: {{conv: {{out: row.width, kernel: row.kernel}}}}}}
    join: concat
  last: {{conv: {{out: 2, kernel: 1}}}}
""",
        [],
    ),
    "other tensors": (
        f"""{HEAD}
params: {{widths: [2, 3]}}
blocks:
  Gated:
    about: Maps, and a gate from others.
    params: {{other: tensor, width: int}}
    body:
      - conv: {{out: width, kernel: 1}}
      - branches: {{maps: identity, gate: {{from: other}}}}
        join: concat
  Both:
    about: Each branch reads two tensors.
    params: {{skip: tensor}}
    body:
      - branches: {{each: {{width: widths}}, do: {{Gated: {{other: skip, width: width}}}}}}
        join: concat
      - name: kept
        relu:
      - branches: {{repeat: 2, do: [{{from: skip}}, {{conv: {{out: 4, kernel: 1}}}}]}}
        join: add
      - branches: {{left: identity, right: {{from: kept}}}}
        join: concat
model:
  stem: {{conv: {{out: 4, kernel: 1}}}}
  next: {{conv: {{out: 5, kernel: 1}}}}
  both: {{Both: {{skip: stem}}}}
  read:
    branches: {{each: {{width: widths}}, do: {{Gated: {{other: next, width: width}}}}}}
    join: concat
    from: stem
  last:
    branches: {{a: {{from: both}}, b: {{from: read}}}}
    join: concat
""",
        [{"widths": (1, 2, 3)}],
    ),
    "used again": (
        f"""{HEAD}
params: {{widths: [2, 3], paths: 2}}
blocks:
  Twice:
    about: A sum, twice.
    body:
      - name: sum_of_paths
        branches: {{repeat: paths, do: [{{conv: {{out: input.channels, kernel: 3}}}}, relu]}}
        join: add
      - tanh
      - use: sum_of_paths
model:
  stem: {{conv: {{out: 5, kernel: 1}}}}
  wide:
    branches: {{each: {{width: widths}}, do: {{conv: {{out: width, kernel: 1}}}}}}
    join: concat
  project: {{conv: {{out: 5, kernel: 1}}}}
  again: {{use: wide}}
  twice: Twice
""",
        [{"widths": (4,), "paths": 1}],
    ),
    "lists of maps": (
        f"""{HEAD}
params: {{widths: [4, 6], depth: 2}}
blocks:
  Both:
    about: A map, and another one.
    params: {{other: tensor}}
    body:
      - branches: {{a: identity, b: {{from: other}}}}
        join: concat
      - conv: {{out: 3, kernel: 1}}
  Pyramid:
    about: All maps of a list.
    params: {{maps: tensors}}
    body:
      - branches: {{each: {{map: maps}}, do: [{{conv: {{out: 5, kernel: 1}}, from: map}}, batch_norm, relu]}}
        join: add
        name: summed
      - branches: {{each: {{map: maps, i: range(len(maps))}}, do: [{{from: map}}, {{when: i > 0, do: sigmoid}}]}}
        join: concat
      - branches: {{a: identity, b: {{from: summed}}}}
        join: concat
model:
  encoder: {{each: {{width: widths}}, do: [{{conv: {{out: width, kernel: 3}}}}, relu]}}
  all:
    branches: {{each: {{map: encoder}}, do: [{{conv: {{out: 4, kernel: 1}}, from: map}}, relu]}}
    join: max
  again:
    branches: {{each: {{map: "encoder[::-1]"}}, do: {{Both: {{other: map}}}}}}
    join: concat
  alike: {{repeat: depth, do: [{{conv: {{out: input.channels, kernel: 3}}}}, tanh]}}
  squares:
    branches: {{each: {{map: alike}}, do: {{conv: {{out: 2, kernel: 1}}, from: map}}}}
    join: multiply
  deep:
    branches: {{each: {{map: "encoder + [all]", n: "range(len(widths) + 1)"}}, do: {{conv: {{out: n + 1, kernel: 1}}, from: map}}}}
    join: concat
  kept:
    branches: {{each: {{map: encoder}}, do: [{{from: map}}, tanh]}}
    join: concat
  head: {{Pyramid: {{maps: encoder}}}}
outputs: {{head: head, kept: kept, squares: squares, deep: deep}}
""",
        [{"widths": (3,), "depth": 1}, {"widths": (2, 4, 3), "depth": 3}],
    ),
    "vectors": (
        f"""{HEAD}
params: {{widths: [2, 3]}}
model:
  flat: [global_avg_pool, flatten]
  heads:
    branches: {{each: {{width: widths}}, do: [{{linear: {{out: width}}}}, relu]}}
    join: concat
  last: {{linear: {{out: 3}}}}
""",
        [{"widths": (4,)}],
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
def test_a_pyramid_is_that_of_torchvision(torchvision: Any) -> None:
    """Its last branch, which pools, takes no part: `resize` it to the size of the input, and it does."""
    import torch
    from torchvision.models.segmentation.deeplabv3 import ASPP

    ours = build(PYRAMID).torch(rates=(1, 2, 4)).double()
    theirs = ASPP(4, [1, 2, 4], out_channels=6).double()
    del theirs.convs[-1]
    theirs.project[0] = torch.nn.Conv2d(4 * 6, 6, 1, bias=False).double()
    x = torch.randn(2, 4, 8, 8, dtype=torch.float64)
    randomize(theirs, 0, x)
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    with torch.no_grad():
        assert torch.equal(ours.eval()(x), theirs.eval()(x))


SELECTIVE = f"""{HEAD}
blocks:
  SelectiveKernel:
    about: Windows of several sizes, weighed by what all of them see.
    params: {{out: int, paths: int, reduced: int}}
    body:
      - branches:
          each: {{path: range(paths)}}
          do:
            - conv: {{out: out, kernel: 3, dilation: path + 1, bias: false}}
            - batch_norm
            - relu
        join: concat
      - branches:
          maps: identity
          shares:
            - group_sum: {{groups: paths}}
            - global_avg_pool
            - conv: {{out: reduced, kernel: 1, bias: false}}
            - batch_norm
            - relu
            - conv: {{out: paths * out, kernel: 1, bias: false}}
            - group_softmax: {{groups: paths}}
        join: multiply
      - group_sum: {{groups: paths}}
params: {{width: 6, count: 2}}
model:
  body: {{SelectiveKernel: {{out: width, paths: count, reduced: 16}}}}
"""


@pytest.mark.torch
@pytest.mark.parametrize("count", [1, 2, 3])
def test_selective_kernels_are_those_of_timm(count: int, torchvision: Any) -> None:
    import torch
    from timm.layers.selective_kernel import SelectiveKernel

    ours = build(SELECTIVE).torch(count=count).double()
    theirs = SelectiveKernel(
        *(4, 6, [3 + 2 * i for i in range(count)]), rd_channels=16, split_input=False
    ).double()
    x = torch.randn(2, 4, 8, 8, dtype=torch.float64)
    randomize(theirs, 0, x)
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    with torch.no_grad():
        difference = ours.eval()(x) - theirs.eval()(x)
    assert difference.abs().max() < 1e-12
