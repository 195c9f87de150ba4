"""A picture is true: what it says of each layer is what the network has there.

A reader finds a layer by its box, and where that is of a block, in the figure of that title. What
is written there is read back here, and compared with the op and the shapes of the layer.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from support.built_models import build
from support.random_specs import random_spec

from cnngen.draw.boxes import figure
from cnngen.draw.detail import Detail
from cnngen.draw.figure import Box, Figure
from cnngen.draw.figures import figures
from cnngen.draw.uses import closed_detail
from cnngen.locate import zoo
from cnngen.ops import OPS
from cnngen.ops.base import Image, Op, Shape, Unknown
from cnngen.semantics.network import Layer, Network, Scope

OP = re.compile(
    r"(?:(?P<h>\d+) x (?P<w>\d+) )?(?P<name>\w+)(?:, (?P<out>[\d–]+))?(?:, stride (?P<stride>[\d x]+))?"
    r"(?:, dilation (?P<dilation>[\d x]+))?(?:, groups (?P<groups>\d+))?"
)
WORDS = {op.sign: name for name, op in OPS.items() if op.joins}


def disagreements(network: Network, depth: int = 0) -> Iterator[str]:
    """What a picture says of layers that is not so."""
    whole, *insides = figures(network, depth)
    titles = [inside.title for inside in insides]
    if len(set(titles)) < len(titles):
        yield f"two figures have one title: {titles}"
    shown = {inside.title: inside for inside in insides}
    yield from _figure(whole, whole, _Reader(shown, closed_detail(network), network))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who has the figures of a picture, by their titles, and asks what is in the network."""

    shown: dict[str, Figure]
    detail: Detail
    network: Network


def _figure(said: Figure, own: Figure, reader: _Reader) -> Iterator[str]:
    """What is said in one figure, of the boxes and arrows of one use."""
    if len(said.boxes) != len(own.boxes):
        yield f"{said.title} has {len(said.boxes)} boxes, and {own.title} {len(own.boxes)}"
        return
    for text, box in zip(said.boxes, own.boxes, strict=True):
        if text.times != box.times:
            yield f"{text.lines} is {text.times} times, and {box.paths} {box.times}"
        for each in box.row or (box,):
            yield from _box(text, each, reader)
    links = own.links()
    for link, arrow in said.links().items():
        path = links[link].path or _giving(own, links[link].tail)
        layer = reader.network.layers.get(path)
        shape = layer.output if layer else links[link].shapes[0]
        assert not isinstance(shape, Unknown)
        if not _fits(arrow.shape, shape):
            yield f"{path} gives {shape}, not {arrow.shape}"


def _giving(own: Figure, tail: str) -> str:
    """The path of the layer whose output an arrow carries."""
    return next((box.paths[-1] for box in own.boxes if box.key == tail), tail)


def _box(said: Box, own: Box, reader: _Reader) -> Iterator[str]:
    """What is said of one box, where `own` is one of a row."""
    layers = [reader.network.layers[path] for path in own.paths]
    if said.inside or own.inside:
        assert said.inside and own.inside
        yield from _figure(said.inside, own.inside, reader)
    elif own.use:
        inner = [layer for layer in layers if _within(layer, own.use)]
        inside = figure(own.use.name, inner, reader.detail, own.use)
        yield from _figure(reader.shown[said.lines[0]], inside, reader)
    else:
        if not _says(said.lines[0], layers[0].op):
            yield f"{own.paths[0]} is {layers[0].op}, not {said.lines[0]}"
        behind = [layer.op.name for layer in layers[1:]]
        said_of_weights = [line for line in said.lines[1:] if line.startswith("weights of ")]
        if said_of_weights and not layers[0].shares:
            yield f"{own.paths} have weights of their own"
        if behind != list(said.lines[1 : len(said.lines) - len(said_of_weights)]):
            yield f"{own.paths} are followed by {behind}, not {said.lines[1:]}"


def _within(layer: Layer, use: Scope) -> bool:
    """Whether a layer is inside of a use of a block: the box may have a norm and an activation
    behind it.
    """
    return any(s.call is use.call and s.path == use.path for s in layer.scope.chain())


def both(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """A height and a width, which an op may have as one number."""
    return (size, size) if isinstance(size, int) else size


def _says(text: str, op: Op) -> bool:
    if text in WORDS:
        return WORDS[text] == op.name
    found = OP.fullmatch(text)
    assert found, text
    kernel = (int(found["h"]), int(found["w"])) if found["h"] else None
    stride, dilation = (
        (tuple(map(int, (found[name] or "1").split(" x "))) * 2)[:2]
        for name in ("stride", "dilation")
    )
    out = op.values.get("out")
    return (
        found["name"] == op.name
        and kernel == both(op.values.get("kernel"))
        and stride == both(op.values.get("stride") or 1)
        and dilation == (op.values.get("dilation") or (1, 1))
        and int(found["groups"] or 1) == op.values.get("groups", 1)
        and (bool(found["out"]) == bool(out))
        and (not out or _holds(found["out"], out))
    )


def _fits(text: str, shape: Shape) -> bool:
    axes = text.split(" x ")
    numbers = (
        (shape.channels, shape.height, shape.width)
        if isinstance(shape, Image)
        else (shape.numbers,)
    )
    return len(axes) == len(numbers) and all(map(_holds, axes, numbers))


def _holds(text: str, number: int) -> bool:
    low, _, high = text.partition("–")
    return int(low) <= number <= int(high or low)


@pytest.mark.parametrize("name", zoo())
def test_of_the_zoo(name: str):
    assert list(disagreements(build(name).network)) == []


@pytest.mark.parametrize("seed", range(150))
def test_of_random_specs(seed: int):
    network = build(random_spec(seed).text).network
    assert list(disagreements(network)) == list(disagreements(network, depth=1)) == []


MERGED = """\
cnngen: 1
name: Merged
about: Stages at one resolution, which differ in channels, kernels and a gate.
input: {channels: 3, height: 32, width: 32}
blocks:
  Unit:
    about: A block where the size stays.
    params: {out: int, kernel: int, gated: false}
    body:
      - conv: {out: out, kernel: kernel, padding: half}
      - batch_norm
      - relu
      - dropout: {rate: 0.5}
      - when: gated
        do:
          branches:
            maps: identity
            gate: [global_avg_pool, {conv: {out: out, kernel: 1}}, sigmoid]
          join: multiply
model:
  stem: {conv: {out: 16, kernel: 3, padding: half}}
  features:
    each: {width: WIDTHS, kernel: KERNELS, gate: GATES}
    do: {repeat: 3, do: {Unit: {out: width, kernel: kernel, gated: gate == 1}}}
"""


def merged(widths: list[int], kernels: list[int], gates: list[int]) -> Network:
    text = MERGED.replace("WIDTHS", str(widths)).replace("KERNELS", str(kernels))
    return build(text.replace("GATES", str(gates))).network


@pytest.mark.parametrize(
    ("values", "insides"),
    [
        (([16, 64, 256], [3, 5, 7], [0, 0, 1]), ["3 x 3 conv, 16", "5 x 5 conv, 64", "7 x 7 conv, 256"]),
        (([16, 16, 16], [3, 3, 5], [0, 0, 0]), ["3 x 3 conv, 16", "5 x 5 conv, 16"]),
        (([16, 64], [3, 3], [0, 0]), ["3 x 3 conv, 16", "3 x 3 conv, 64"]),
        (([16, 16], [3, 3], [0, 1]), ["3 x 3 conv, 16", "3 x 3 conv, 16"]),
        (([8, 16, 24, 32, 40], [3] * 5, [0] * 5), ["3 x 3 conv, 8–40"]),
        (([8, 16, 24, 32, 40], [3, 5, 3, 3, 3], [0] * 5), ["3 x 3 conv, 8–40", "5 x 5 conv, 16"]),
    ],
)  # fmt: skip
def test_uses_are_one_only_where_they_are_equal(
    values: tuple[list[int], list[int], list[int]], insides: list[str]
):
    """With more than four ways to build a block, those that differ in channels share a figure; in a
    row they are never.
    """
    network = merged(*values)
    whole, *beside = figures(network)
    assert [inside.boxes[0].lines[0] for inside in beside] == insides
    uses = [box for box in whole.boxes if box.use]
    assert sum(box.times for box in uses) == 3 * len(values[0])
    assert len(uses) == len(set(zip(*values, strict=True)))
    assert list(disagreements(network)) == []


def test_dilation_and_groups_are_shown():
    text = MERGED.replace("kernel: kernel, padding", "kernel: 3, KEY: kernel, padding")
    text = text.replace("WIDTHS", "[16, 16, 16]").replace("KERNELS", "[1, 2, 4]")
    for key in ("dilation", "groups"):
        network = build(text.replace("KEY", key).replace("GATES", "[0, 0, 0]")).network
        whole, *beside = figures(network)
        lines = [inside.boxes[0].lines[0] for inside in beside]
        assert lines == ["3 x 3 conv, 16", *(f"3 x 3 conv, 16, {key} {n}" for n in (2, 4))]
        assert [box.times for box in whole.boxes if box.use] == [3, 3, 3]
        assert list(disagreements(network)) == []
