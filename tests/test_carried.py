"""Lists of maps that steps carry: what is generated with the defaults computes, called with other parameters, what the
spec with those parameters says, in both frameworks; and what the same network computes, written by hand in each of them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.built_models import build
from support.carried_weights import carry
from support.compared_models import Pair
from support.converted_weights import convert, save
from support.one_source import (
    cases,
    check_in_place,
    check_program,
    check_style,
    check_variant,
)

from cnngen.verify.compare import farthest
from cnngen.verify.models import channels_last, draw_inputs, precision
from cnngen.verify.random_weights import randomize

HEAD = """
cnngen: 1
name: Net
about: A network.
input: {channels: 4, height: 8, width: 8}
defaults: {conv: {kernel: 3, padding: half}}
"""
EXCHANGE = f"""{HEAD}
params: {{widths: [3, 5], times: 2}}
blocks:
  Path:
    about: From one resolution to another, of half the size or twice as large.
    params: {{out: int, level: int, to: int}}
    body:
      - when: level > to
        do: [{{conv: {{out: out, kernel: 1}}}}, {{upsample: {{scale: 2 ** (level - to)}}}}]
        else: {{when: level < to, do: {{conv: {{out: out, stride: 2 ** (to - level)}}}}}}
  Fuse:
    about: All resolutions, brought to one of them and added.
    params: {{input: tensors, to: int}}
    body:
      - branches:
          each: {{map: input, level: range(len(input))}}
          do: {{Path: {{out: "input.channels[to]", level: level, to: to}}, from: map}}
        join: add
      - relu
  Exchange:
    about: A convolution at each resolution, then all are fused.
    params: {{input: tensors}}
    body:
      - name: seen
        branches:
          each: {{map: input, width: widths}}
          do: [{{conv: {{out: width, bias: false}}, from: map}}, batch_norm, relu]
        join: list
      - branches: {{each: {{to: range(len(input))}}, do: {{Fuse: {{to: to}}}}}}
        join: list
  Pooled:
    about: Side by side.
    params: {{input: tensors}}
    body:
      - branches: {{each: {{map: input}}, do: {{from: map, global_avg_pool: }}}}
        join: concat
model:
  start:
    branches: {{each: {{width: widths, i: range(len(widths))}}, do: {{conv: {{out: width, stride: 2 ** i}}}}}}
    join: list
  body: {{repeat: times, do: Exchange}}
  pooled: Pooled
  head: [flatten, {{linear: {{out: 3}}}}]
"""
SPECS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "two resolutions": (EXCHANGE, [{"widths": (4,), "times": 1}, {"widths": (2, 3, 4)}]),
    "lists that grow": (
        f"""{HEAD}
params: {{widths: [3, 4, 5], at: 1}}
blocks:
  More:
    about: Two more maps, of the last and of another one.
    params: {{input: tensors, out: int}}
    body:
      - {{conv: {{out: out, stride: 2}}, from: "input[-1]", name: next}}
      - {{branches: "input + [next]", join: list, name: longer}}
      - {{conv: {{out: out + 1}}, from: "longer[at]", name: other}}
      - {{branches: "longer + [other]", join: list}}
  Twice:
    about: Two blocks that grow.
    params: {{input: tensors, out: int}}
    body:
      - {{More: {{out: out}}}}
      - {{More: {{out: out + 2}}}}
  Pooled:
    about: Side by side.
    params: {{input: tensors}}
    body:
      - branches: {{each: {{map: input}}, do: {{from: map, global_avg_pool: }}}}
        join: concat
model:
  pair:
    branches: {{a: {{conv: {{out: 3}}}}, b: [{{conv: {{out: 5, stride: 2}}}}, relu]}}
    join: list
  twice: {{Twice: {{out: 3}}}}
  loop: {{each: {{width: "widths[1:]"}}, do: {{More: {{out: width}}}}}}
  pooled: Pooled
  head: [flatten, {{linear: {{out: 3}}}}]
""",
        [{"widths": (2,), "at": 0}, {"widths": (4, 2, 3, 5), "at": 2}],
    ),
    "channels that are collected": (
        f"""{HEAD}
params: {{widths: [3, 4], times: 2}}
blocks:
  Wider:
    about: Wider by and by.
    params: {{by: int}}
    body:
      - {{repeat: times, do: [{{conv: {{out: input.channels + by}}}}, relu]}}
      - {{each: {{width: widths}}, do: {{conv: {{out: width * input.channels // 2}}}}}}
  Rows:
    about: A list of maps, which is called otherwise where a parameter has its name.
    params: {{input: tensors, maps: int}}
    body:
      - branches: {{each: {{map: input, i: range(len(input))}}, do: {{Wider: {{by: i + maps}}, from: map}}}}
        join: list
      - {{repeat: 2, do: Relus}}
  Relus:
    about: All of them.
    params: {{input: tensors}}
    body:
      - branches: {{each: {{map: input}}, do: [{{from: map}}, relu]}}
        join: list
  Doubled:
    about: Twice as many channels, and one more for each position.
    params: {{input: tensors}}
    body:
      - name: doubled
        branches:
          each: {{map: input, i: range(len(input))}}
          do: [{{conv: {{out: "2 * input.channels[i] + i"}}, from: map}}, tanh]
        join: list
      - branches: {{each: {{map: doubled}}, do: [{{conv: {{out: 4}}, from: map}}]}}
        join: add
model:
  start:
    branches: {{each: {{width: widths}}, do: {{conv: {{out: width}}}}}}
    join: list
  rows: {{Rows: {{maps: 1}}}}
  sum: Doubled
  last: {{conv: {{out: 3}}}}
""",
        [{"widths": (2,)}, {"widths": (2, 5, 3), "times": 1}],
    ),
    "cells that read the two before them": (
        f"""{HEAD}
params: {{widths: [3, 4], count: 2, halve: true}}
blocks:
  Cell:
    about: A cell of the two before it, and the one before it.
    params: {{input: tensors, out: int, stride: 1}}
    body:
      - name: far
        from: input[0]
        when: halve
        do: {{conv: {{out: out, stride: stride}}}}
        else: [{{conv: {{out: out + 1, stride: stride}}}}, relu]
      - {{conv: {{out: out, kernel: 1, stride: stride}}, from: "input[1]", name: near}}
      - {{branches: "[near, far]", join: concat, name: cell}}
      - {{branches: "[near, cell]", join: list}}
model:
  stem: {{conv: {{out: 3}}}}
  stems: {{branches: "[stem, stem]", join: list}}
  cells:
    each: {{width: widths}}
    do: {{repeat: count, do: {{Cell: {{out: width}}}}}}
    between: {{Cell: {{out: width, stride: 2}}}}
  last: {{from: "cells[1]"}}
  head: [relu, {{conv: {{out: 3}}}}]
""",
        [{"widths": (2,), "halve": False}, {"widths": (2, 3, 4), "count": 1}],
    ),
    "lists in a row": (
        f"""{HEAD}
params: {{widths: [3, 4], wide: true}}
blocks:
  Made:
    about: A list of maps, made behind a convolution.
    params: {{first: int}}
    body:
      - {{conv: {{out: first}}}}
      - relu
      - branches: {{each: {{width: widths}}, do: [{{conv: {{out: width}}}}, {{when: wide, do: relu}}]}}
        join: list
  Both:
    about: A list and another one, map by map.
    params: {{input: tensors, others: tensors}}
    body:
      - branches:
          each: {{map: input, other: others}}
          do: {{Sum: {{other: other}}, from: map}}
        join: list
  Sum:
    about: Of two maps.
    params: {{other: tensor}}
    body:
      - {{conv: {{out: 4, kernel: 1}}, name: mine}}
      - {{conv: {{out: 4, kernel: 1}}, from: other, name: theirs}}
      - {{branches: "[mine, theirs]", join: add}}
model:
  one: {{Made: {{first: 5}}}}
  picked: {{from: "one[-1]"}}
  two:
    - {{conv: {{out: 4}}}}
    - branches: {{a: {{conv: {{out: 2}}}}, b: identity}}
      join: list
  both: {{Both: {{others: "two[::-1]"}}, from: one}}
  joined: {{branches: both, join: concat}}
""",
        [{"wide": False}, {"widths": (4, 4)}],
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
@pytest.mark.keras
@pytest.mark.parametrize("text", [text for text, _ in SPECS.values()], ids=list(SPECS))
def test_a_step_of_training(text: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    pair = Pair(build(text), batch=4, word="float64")
    expected, found = pair.train()
    assert farthest(expected.outputs, found.outputs) < 1e-9
    assert farthest(expected.gradients, found.gradients) < 1e-9
    statistics = pair.biased(expected.statistics)
    assert statistics.keys() == found.statistics.keys()
    assert not statistics or farthest(statistics, found.statistics) < 1e-9


@pytest.mark.parametrize("text", [text for text, _ in SPECS.values()], ids=list(SPECS))
def test_weights_are_converted_both_ways(text: str, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    (tmp_path / "network.yaml").write_text(text, encoding="utf-8")
    save(tmp_path, text=text)
    for source, target, framework in (("torch", "keras", "keras"), ("keras", "again", "torch")):
        files = (f"{source}.safetensors", f"{target}.safetensors")
        done = convert(tmp_path, *files, "--to", framework)
        assert done.exit_code == 0, done.output
    first, two = (tmp_path / f"{name}.safetensors" for name in ("torch", "again"))
    assert first.read_bytes() == two.read_bytes()


# --- Written by hand


def by_hand_in_torch(widths: tuple[int, ...], times: int) -> Any:
    """The network of `EXCHANGE`, as somebody may write it who knows no blocks."""
    import torch
    from torch import nn

    levels = range(len(widths))

    def path(level: int, to: int) -> nn.Module:
        if level > to:
            up = nn.Upsample(scale_factor=2 ** (level - to))
            return nn.Sequential(nn.Conv2d(widths[level], widths[to], 1), up)
        if level < to:
            return nn.Conv2d(widths[level], widths[to], 3, 2 ** (to - level), 1)
        return nn.Identity()

    class ByHand(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.start = nn.ModuleList(nn.Conv2d(4, w, 3, 2**i, 1) for i, w in enumerate(widths))
            self.seen, self.paths = nn.ModuleList(), nn.ModuleList()
            for _ in range(times):
                convs = (
                    nn.Sequential(nn.Conv2d(w, w, 3, padding=1, bias=False), nn.BatchNorm2d(w))
                    for w in widths
                )
                self.seen.append(nn.ModuleList(convs))
                rows = [nn.ModuleList(path(i, to) for i in levels) for to in levels]
                self.paths.append(nn.ModuleList(rows))
            self.head = nn.Linear(sum(widths), 3)

        def forward(self, x: Any) -> Any:
            maps = [conv(x) for conv in self.start]
            for seen, paths in zip(self.seen, self.paths, strict=True):
                maps = [torch.relu(conv(m)) for conv, m in zip(seen, maps, strict=True)]
                sums = (sum(path(m) for path, m in zip(row, maps, strict=True)) for row in paths)
                maps = [torch.relu(each) for each in sums]
            return self.head(torch.cat([each.mean((2, 3)) for each in maps], dim=1))

        def modules_in_order(self) -> Iterator[Any]:
            """Those with weights, in the order of the spec."""
            stages = [self.start]
            for seen, paths in zip(self.seen, self.paths, strict=True):
                stages += [seen, paths]
            for stage in (*stages, self.head):
                yield from (m for m in stage.modules() if [*m.parameters(recurse=False)])

    return ByHand()


@pytest.mark.torch
@pytest.mark.parametrize(("widths", "times"), [((3, 5), 2), ((2, 3, 4), 1)])
@pytest.mark.parametrize("training", [False, True])
def test_pytorch_by_hand(widths: tuple[int, ...], times: int, training: bool) -> None:
    torch = pytest.importorskip("torch")
    theirs = by_hand_in_torch(widths, times).double()
    x = torch.randn(3, 4, 8, 8, dtype=torch.float64)
    randomize(theirs, 0, x)
    ours = build(EXCHANGE).torch(widths=widths, times=times).double()
    mine = [m for m in ours.modules() if [*m.parameters(recurse=False)]]
    for one, other in zip(mine, theirs.modules_in_order(), strict=True):
        one.load_state_dict(other.state_dict())
    found: list[list[Any]] = []
    for model, modules in ((ours, mine), (theirs, [*theirs.modules_in_order()])):
        given = x.clone().requires_grad_()
        y = model.train(training)(given)
        y.square().sum().backward()
        gradients = [p.grad for m in modules for p in m.parameters(recurse=False)]
        found.append([y, given.grad, *gradients, *(b for m in modules for b in m.buffers())])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def by_hand_in_keras(widths: tuple[int, ...], times: int) -> tuple[Any, list[Any]]:
    """The same network in Keras, and its layers with weights, in the order of the spec."""
    from keras import Input, Model, layers

    made: list[Any] = []

    def conv(x: Any, out: int, kernel: int = 3, stride: int = 1, bias: bool = True) -> Any:
        if stride > 1:
            x = layers.ZeroPadding2D(kernel // 2)(x)
        padding = "same" if stride == 1 else "valid"
        made.append(layers.Conv2D(out, kernel, stride, padding, use_bias=bias))
        return made[-1](x)

    def seen(x: Any, width: int) -> Any:
        x = conv(x, width, bias=False)
        made.append(layers.BatchNormalization(momentum=0.9, epsilon=1e-5))
        return layers.ReLU()(made[-1](x))

    def path(x: Any, level: int, to: int) -> Any:
        if level > to:
            return layers.UpSampling2D(2 ** (level - to))(conv(x, widths[to], 1))
        return conv(x, widths[to], stride=2 ** (to - level)) if level < to else x

    image = Input((8, 8, 4))
    maps = [conv(image, width, stride=2**i) for i, width in enumerate(widths)]
    for _ in range(times):
        maps = [seen(x, width) for x, width in zip(maps, widths, strict=True)]
        parts = [[path(x, i, to) for i, x in enumerate(maps)] for to in range(len(widths))]
        maps = [layers.ReLU()(layers.Add()(each)) for each in parts]
    pooled = layers.Concatenate()([layers.GlobalAveragePooling2D()(each) for each in maps])
    made.append(layers.Dense(3))
    return Model(image, made[-1](pooled)), made


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("widths", "times"), [((3, 5), 2), ((2, 3, 4), 1)])
def test_keras_by_hand(widths: tuple[int, ...], times: int, training: bool) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("keras")
    settings = {"widths": str(list(widths)), "times": str(times)}
    network = build(EXCHANGE, settings).network
    model = build(EXCHANGE).torch(widths=widths, times=times).double()
    x = draw_inputs(network.inputs, 3, "float64", 0)["input"]
    randomize(model, 0, torch.from_numpy(x))
    with precision("float64"):
        ours = build(EXCHANGE).keras(widths=widths, times=times, input_shape=(8, 8, 4))
        theirs, made = by_hand_in_keras(widths, times)
        carry(network, model, ours)
        weighted = [layer for layer in network.layers.values() if layer.weights]
        mine = [ours.get_layer(layer.path.replace(".", "_")) for layer in weighted]
        for one, other in zip(mine, made, strict=True):
            other.set_weights(one.get_weights())
        found, expected = (
            np.asarray(m(channels_last(x), training=training)) for m in (ours, theirs)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
        for one, other in zip(mine, made, strict=True):  # running statistics, too
            for weight, same in zip(one.get_weights(), other.get_weights(), strict=True):
                np.testing.assert_allclose(weight, same, rtol=1e-9, atol=1e-9)
