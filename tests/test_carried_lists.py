"""Lists that are carried: what is generated with the defaults computes, called with other parameters, what the spec with
those parameters says, in both frameworks; and the commands know what a stage gives that gives a list.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.built_models import build
from support.one_source import cases, check_in_place, check_program, check_style, check_variant

from cnngen.cli import cli
from cnngen.draw.figures import figures

HEAD = """
cnngen: 1
name: Net
about: A network.
input: {channels: 4, height: 8, width: 8}
defaults: {conv: {padding: half}}
"""
RESOLUTIONS = f"""{HEAD}
params: {{widths: [3, 5], depth: 2}}
blocks:
  Level:
    about: From one resolution to another.
    params: {{level: int, to: int}}
    body:
      - when: level > to
        do: [{{conv: {{out: "widths[to]", kernel: 1}}}}, {{upsample: {{scale: 2 ** (level - to)}}}}]
        else:
          when: level < to
          do: {{conv: {{out: "widths[to]", kernel: 3, stride: 2 ** (to - level)}}}}
  Fuse:
    about: All resolutions, brought to one of them and added.
    params: {{input: tensors, to: int}}
    body:
      branches:
        each: {{map: input, level: range(len(input))}}
        do: {{Level: {{level: level, to: to}}, from: map}}
      join: add
  Exchange:
    about: A convolution at each resolution, then all are fused.
    params: {{input: tensors}}
    body:
      - branches:
          each: {{map: input, width: widths}}
          do: [{{conv: {{out: width, kernel: 3}}, from: map}}, relu]
        join: list
      - branches:
          each: {{to: range(len(widths))}}
          do: {{Fuse: {{to: to}}}}
        join: list
model:
  start:
    branches:
      each: {{width: widths, i: range(len(widths))}}
      do: {{conv: {{out: width, kernel: 3, stride: 2 ** i}}}}
    join: list
  body: {{repeat: depth, do: Exchange}}
  pooled: {{branches: {{each: {{map: body}}, do: {{adaptive_avg_pool: {{size: 2}}, from: map}}}}, join: concat}}
  head: {{conv: {{out: 3, kernel: 1}}}}
"""
SPECS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "resolutions": (
        RESOLUTIONS,
        [{"depth": 0}, {"depth": 3, "widths": (2, 6)}, {"widths": (2, 4, 6)}, {"widths": (7,)}],
    ),
    "cells": (
        f"""{HEAD}
params: {{depth: 2, width: 4}}
blocks:
  Cell:
    about: Made of the two maps before it, of which it passes the nearer one on.
    params: {{input: tensors}}
    body:
      - {{conv: {{out: width, kernel: 1}}, from: "input[0]", name: far}}
      - {{conv: {{out: "width + input.channels[1]", kernel: 3}}, from: "input[1]", name: near}}
      - {{branches: "[far, near]", join: concat, name: made}}
      - {{branches: "[input[1], made]", join: list}}
  Smaller:
    about: Half the size of both.
    params: {{input: tensors}}
    body: {{branches: {{each: {{map: input}}, do: {{max_pool: {{kernel: 2}}, from: map}}}}, join: list}}
model:
  stem: {{conv: {{out: width, kernel: 1}}}}
  pair: {{branches: "[stem, stem]", join: list}}
  cells: {{each: {{i: range(depth)}}, do: {{repeat: 2, do: Cell}}, between: Smaller}}
  last: {{conv: {{out: 3, kernel: 1}}, from: "cells[1]"}}
""",
        [{"depth": 1}, {"depth": 3, "width": 2}],
    ),
    "more maps each time": (
        f"""{HEAD}
params: {{depth: 2, growth: 3}}
blocks:
  Grow:
    about: All maps so far, and one more.
    params: {{input: tensors}}
    body:
      - {{branches: input, join: concat}}
      - {{conv: {{out: growth + len(input), kernel: 3}}, name: new}}
      - {{branches: "input + [new]", join: list}}
model:
  stem: {{conv: {{out: 4, kernel: 1}}}}
  start: {{branches: "[stem]", join: list}}
  all: {{repeat: depth, do: Grow}}
  joined: {{branches: all, join: concat}}
  head: {{conv: {{out: 2, kernel: 1}}}}
""",
        [{"depth": 0}, {"depth": 3}, {"depth": 1, "growth": 2}],
    ),
    "lists under conditions": (
        f"""{HEAD}
params: {{deep: true, wide: false, depth: 2}}
blocks:
  Units:
    about: A convolution of each map.
    params: {{input: tensors, act: op}}
    body: {{branches: {{each: {{map: input}}, do: [{{conv: {{out: 4, kernel: 3}}, from: map}}, act]}}, join: list}}
  Two:
    about: Two maps of one.
    body: {{branches: {{left: {{conv: {{out: 4, kernel: 1}}}}, right: {{conv: {{out: 4, kernel: 3}}}}}}, join: list}}
  Three:
    about: Three maps of one.
    body: {{branches: {{repeat: 3, do: {{conv: {{out: 4, kernel: 1}}}}}}, join: list}}
  Sum:
    about: All maps, added.
    params: {{input: tensors}}
    body: {{branches: input, join: add}}
  Mean:
    about: All maps, on average.
    params: {{input: tensors}}
    body: {{branches: input, join: mean}}
model:
  maps: {{when: wide, do: Three, else: Two}}
  units: {{when: deep, do: [{{Units: {{act: relu}}}}, {{Units: {{act: tanh}}}}]}}
  more: {{repeat: depth, do: {{when: not deep, do: {{Units: {{act: relu}}}}}}}}
  sum: {{when: deep, do: Sum, else: Mean}}
  head: {{conv: {{out: 2, kernel: 1}}}}
""",
        [{"deep": False}, {"wide": True}, {"deep": False, "wide": True, "depth": 1}],
    ),
    "what blocks are given": (
        f"""{HEAD}
params: {{widths: [3, 4], times: 2}}
blocks:
  Each:
    about: A convolution of each map, as wide as it is, or as it is said.
    params: {{input: tensors, rows: [{{out: 4, kernel: 1}}, {{out: 4, kernel: 3}}]}}
    body:
      - {{branches: {{each: {{map: input, c: input.channels}}, do: {{conv: {{out: c, kernel: 3}}, from: map}}}}, join: list, name: own}}
      - {{branches: {{each: {{map: input, row: rows}}, do: {{conv: {{out: row.out, kernel: row.kernel}}, from: map}}}}, join: list, from: input, name: other}}
      - {{branches: "own + other + input", join: list}}
  Handed:
    about: A list as a parameter, read like an input.
    params: {{maps: tensors, other: tensor}}
    body:
      - {{repeat: times, do: Kept, from: maps, name: kept}}
      - {{branches: "kept[::-1] + [other, input]", join: concat}}
      - {{conv: {{out: len(maps), kernel: 1}}}}
  Kept:
    about: The list as it is, with other maps in it.
    params: {{input: tensors}}
    body: {{branches: {{each: {{map: input}}, do: [{{relu: , from: map}}, {{conv: {{out: 4, kernel: 1}}}}]}}, join: list}}
model:
  maps: {{branches: {{each: {{width: widths}}, do: {{conv: {{out: width, kernel: 1}}}}}}, join: list}}
  first: {{conv: {{out: 2, kernel: 1}}, from: "maps[0]"}}
  each_one: {{Each: {{}}, from: maps}}
  again: {{Handed: {{maps: each_one, other: first}}, from: "each_one[-1]"}}
  walked: {{each: {{map: each_one}}, do: {{conv: {{out: 2, kernel: 1}}, from: map}}}}
  all: {{branches: "[again] + walked + each_one[1:]", join: concat}}
  head: {{conv: {{out: 2, kernel: 1}}}}
""",
        [{"times": 1}, {"widths": (5, 2), "times": 3}],
    ),
}


@pytest.mark.parametrize(("text", "values"), cases(SPECS))
def test_programs_obey_the_rules(text: str, values: dict[str, Any]) -> None:
    check_program(text, values)


@pytest.mark.parametrize("text", [text for text, _ in SPECS.values()], ids=SPECS)
def test_ruff_has_nothing_to_say_of_the_sources(text: str, tmp_path: Path) -> None:
    check_style(text, tmp_path)


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize(("text", "values"), cases(SPECS))
def test_one_source_makes_all_of_them(text: str, values: dict[str, Any]) -> None:
    check_variant(text, values)


@pytest.mark.torch
@pytest.mark.parametrize(("text", "values"), cases(SPECS))
def test_gradients_are_those_out_of_place(text: str, values: dict[str, Any]) -> None:
    check_in_place(text, values)


# --- What commands say of them


def run(tmp_path: Path, command: str, *others: str) -> str:
    """What a command says of the resolutions, and of the same with `others` in place of texts."""
    paths = [tmp_path / "net.yaml", tmp_path / "other.yaml"]
    paths[0].write_text(RESOLUTIONS, encoding="utf-8")
    paths[1].write_text(
        RESOLUTIONS.replace(*others[:2]) if others else RESOLUTIONS, encoding="utf-8"
    )
    words = [str(tmp_path / word) if word.endswith(".yaml") else word for word in command.split()]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_summary_has_all_maps(tmp_path: Path) -> None:
    found = json.loads(run(tmp_path, "summary net.yaml --format json"))
    outputs = {stage["name"]: stage["output"] for stage in found["stages"]}
    assert outputs["body"] == [[3, 8, 8], [5, 4, 4]]
    assert outputs["pooled"] == [8, 2, 2]


def test_a_difference_names_all_maps(tmp_path: Path) -> None:
    said = run(tmp_path, "diff net.yaml other.yaml", "widths: [3, 5]", "widths: [3, 6]")
    assert "3 x 8 x 8, 5 x 4 x 4 -> 3 x 8 x 8, 6 x 4 x 4" in said
    said = run(tmp_path, "diff net.yaml other.yaml", "depth: 2", "depth: 3")
    assert "+ body.2 added (9 layers: 4 conv, 2 relu, upsample, 2 add" in said


def test_sizes_are_those_of_all_maps(tmp_path: Path) -> None:
    said = run(tmp_path, "sizes net.yaml")
    assert "multiples of 2 from 2 x 2" in said
    assert "`body.0.branches_2.0.branches.add`: joins maps that otherwise differ in size" in said


def test_a_picture_has_an_arrow_for_each_map() -> None:
    whole, inside, *_ = figures(build(RESOLUTIONS).network)
    ((body, texts),) = [(box.key, box.lines) for box in whole.boxes if "Exchange" in box.lines]
    assert "body" in texts
    into = sorted(arrow.text(framed=False) for arrow in whole.arrows if arrow.head == body)
    out = sorted(arrow.text(framed=False) for arrow in whole.arrows if arrow.tail == body)
    assert into == out == ["3 x 8 x 8", "5 x 4 x 4"]
    assert sum(line.startswith("Fuse") for box in inside.boxes for line in box.lines) == 2


def test_a_fix_mends_what_is_misspelt(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    wrong = RESOLUTIONS.replace("input: tensors, to", "input: tensor_list, to").replace(
        "join: list", "join: lists"
    )
    path.write_text(wrong, encoding="utf-8")
    CliRunner().invoke(cli, ["check", "--fix", str(path)])
    assert path.read_text(encoding="utf-8") == RESOLUTIONS


def test_settings_change_how_many_maps_there_are(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(RESOLUTIONS, encoding="utf-8")
    result = CliRunner().invoke(
        cli, ["check", str(path), "--set", "widths=[2, 4, 6]", "--set", "depth=0"]
    )
    assert result.exit_code == 0, result.output
