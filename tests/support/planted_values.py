"""Every word and every kind of value, at every place of a spec: untrusted input."""

from collections.abc import Iterator
from random import Random
from typing import Any

import yaml

from support.random_bodies import words

RICH = """
cnngen: 1
name: Net
about: A network with something at every place.
paper: {title: A title, authors: A and B, year: 2020, url: https://example.org}
params:
  flag: true      # a condition
  times: 2        # a count
  rate: 0.5       # a share
  widths: [4, 8]  # a list
  rates: [0.1, 0.2]
input: {channels: 4, height: 16, width: 16}
defaults:
  conv: {bias: false, init: {he_normal: {mode: fan_out}}}
  batch_norm: {eps: 0.001}
blocks:
  Unit:
    about: A block.
    params: {out: int, kernel: 3, act: true, side: size, scale: 1.5, skip: tensor}
    body:
      - {conv: {out: out, kernel: kernel, padding: half, dilation: 1}, name: first}
      - {when: act, do: relu, else: [identity]}
      - branches:
          main: {conv: {out: 2 * out, kernel: side, padding: same}}
          skip_too: {from: skip, conv: {out: 2 * out, kernel: 1, groups: 1}}
        join: add
        name: joined
      - {from: first, scale: {by: scale}, name: scaled}
      - branches: {one: {from: joined}, two: [{from: scaled}, {conv: {out: 2 * out, kernel: 1}}]}
        join: multiply
model:
  stem: {conv: {out: input.channels * 2, kernel: [3, 3], stride: 1, padding: [1, 1, 1, 1]}}
  body:
    each: {width: widths, drop: rates}
    do: [{conv: {out: width, kernel: 3, padding: 1}}, {dropout: {rate: drop}}]
    between: [batch_norm, {upsample: {scale: 1, mode: bilinear}}]
  unit: {Unit: {out: 4, side: [3, 1], skip: stem}}
  more: {repeat: times, do: [{max_pool: {kernel: 2, stride: null, ceil: flag}}, gelu: {approximate: true}]}
  aux: {when: training, from: unit, do: [global_avg_pool, flatten, {linear: {out: 2}}]}
  head:
    - when: flag and input.channels > 2
      do: {avg_pool: {kernel: 2, count_include_pad: flag}}
      else: {prelu: {shared: flag, start: rate}}
    - {gather_channels: {channels: [3, 0, 1, 2]}}
    - global_avg_pool
    - flatten
    - {linear: {out: len(widths) * 3, init: null}}
    - {rbf: {codes: [[1, 2], [2, 1]], bits: 3}}
outputs: {logits: head, aux: aux}
"""

WORDS = words("""
    training half same true false null input input.channels flag times rate widths width drop out act skip first stem
    aux head Unit conv relu flatten concat add nearest bilinear he_normal fan_out int float bool ints floats size tensor
    min max len range make_divisible and not if else when do repeat each between from name join branches params yes none
    area in_channels self x lambda None True nan inf ~
""")
EXPRESSIONS = [
    *(
        "0",
        "-1",
        "1",
        "7",
        "1.5",
        "-0.0",
        "1e999",
        "1e-400",
        "10**12",
        "99999999999999",
        "0x1F",
        "1_000",
        "3:30",
    ),
    *(
        "'[]'",
        "'[1]'",
        "'[1, 2]'",
        "'[half]'",
        "'[training]'",
        "'[[1], [2]]'",
        "'[1, true]'",
        "'[null]'",
        "'[0.5] * 3'",
    ),
    *(
        "not training",
        "1 if training else 2",
        "1 if flag else half",
        "half if flag else same",
        "null if flag else 2",
    ),
    *(
        "half == half",
        "null == null",
        "'[same] == [same]'",
        "training and flag",
        "-half",
        "half + 1",
        "not same",
    ),
    *(
        "input.channels / 2",
        "input.channels // 8",
        "'range(3)'",
        "range(input.channels)",
        "widths[0]",
        "widths[9]",
    ),
    *(
        "len(half)",
        "max(half, 1)",
        "'min([])'",
        "sum(widths)",
        "1 / 0",
        "0 ** -1",
        "make_divisible(8, 0)",
        "2 ** 0.5",
    ),
    *(
        "widths * times",
        "widths + 1",
        "flag + 1",
        "1 < 2 < 3",
        "true == 1",
        "(",
        ")",
        "1 +",
        "'\"a\"'",
        "a b",
        "xs[0:2]",
    ),
    *(
        "int(half)",
        "round(training)",
        "1 if half else 2",
        "1 if null else 2",
        "(1, 2)",
        "input",
        "input.height",
    ),
]
NODES = [
    *(
        "",
        "''",
        "[]",
        "{}",
        "[half]",
        "[training, 1]",
        "[1, [2, [3]]]",
        "{a: 1}",
        "{training: half}",
        "[null]",
    ),
    *(
        "[{conv: {out: 4, kernel: 1}}]",
        "{when: training, do: relu}",
        "{from: input}",
        "{normal: {std: half}}",
        "[[]]",
    ),
    *(
        "{repeat: half, do: relu}",
        "{each: {v: training}, do: relu}",
        "{he_normal: training}",
        "[input.channels]",
    ),
]
VALUES = [*WORDS, *EXPRESSIONS, *NODES]
HOLE = "planted_here"
Path = tuple[Any, ...]


def places(tree: Any, path: Path = ()) -> Iterator[Path]:
    """All places of a tree, those of keys included."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield (*path, key, "key")
            yield (*path, key, "value")
            yield from places(value, (*path, key, "value"))
    elif isinstance(tree, list):
        for i, value in enumerate(tree):
            yield (*path, i, "value")
            yield from places(value, (*path, i, "value"))


TREE = yaml.safe_load(RICH)
PLACES = list(places(TREE))
PARAMETERS = list(TREE["params"])


def planted(place: Path, value: str) -> str:
    """The spec with a value at a place."""
    tree = _with_hole(TREE, place)
    text = yaml.safe_dump(tree, sort_keys=False, default_flow_style=True, width=10**6)
    return text.replace(HOLE, value)


def any_planted(random: Random) -> bytes:
    return planted(random.choice(PLACES), random.choice(VALUES)).encode()


def any_setting(random: Random) -> str:
    """A value for `--set`."""
    return f"{random.choice(PARAMETERS)}={random.choice(VALUES)}"


def _with_hole(tree: Any, place: Path) -> Any:
    at, what, *rest = place
    if isinstance(tree, list):
        return [(_filled(v, rest) if i == at else v) for i, v in enumerate(tree)]
    return {
        HOLE if key == at and what == "key" and not rest else key: _filled(value, rest)
        if key == at and what == "value"
        else value
        for key, value in tree.items()
    }


def _filled(value: Any, rest: list[Any]) -> Any:
    return _with_hole(value, tuple(rest)) if rest else HOLE
