"""The nearest sizes that `check` names for a join, against trying one size after the other."""

import re
from itertools import product
from pathlib import Path

import pytest

from cnngen.analysis import DEFAULTS, Options, analyse_file
from cnngen.diagnostics.model import Report
from cnngen.ops.base import Image
from cnngen.semantics.network import INPUT
from cnngen.sizes.advice import propose_sizes

SPEC = """\
cnngen: 1
name: Net
about: Convolutions and their mirror images, joined with what was there before.
input: {{channels: 3, height: {size}, width: {size}}}
model:
{down}{up}  joined:
    branches: {{given: {{from: input}}, rebuilt: {{from: up0}}}}
    join: add
"""
DOWN = "  down{i}: {{conv: {{out: 3, kernel: {kernel}, stride: {stride}, padding: {padding}}}}}\n"
UP = "  up{i}: {{transposed_conv: {{out: 3, kernel: {kernel}, stride: {stride}, padding: {padding}}}}}\n"

FARTHEST = 40


def mirrored(size: int, levels: int, **window: int) -> str:
    down = "".join(DOWN.format(i=i, **window) for i in range(levels))
    up = "".join(UP.format(i=i, **window) for i in reversed(range(levels)))
    return SPEC.format(size=size, down=down, up=up)


def works(path: Path, size: int) -> bool:
    return analyse_file(path, Report(), Options({}, {INPUT: Image(3, size, size)})) is not None


@pytest.mark.parametrize(
    ("size", "levels", "kernel", "stride", "padding"),
    [
        (size, levels, kernel, stride, padding)
        for levels, kernel, stride in product((1, 2, 3), (2, 3, 4, 5), (2, 3))
        for size, padding in ((74, 0), (81, 1))
        if not (levels == 3 and stride == 3)  # has a period of 27: the nearest are far away
    ],
)
def test_the_sizes_named_are_the_nearest(
    size: int, levels: int, kernel: int, stride: int, padding: int, tmp_path: Path
):
    path = tmp_path / "spec.yaml"
    path.write_text(mirrored(size, levels, kernel=kernel, stride=stride, padding=padding))
    report = Report()
    if analyse_file(path, report):
        return
    below = [n for n in range(size - 1, size - FARTHEST, -1) if 2 * n >= size and works(path, n)]
    above = [n for n in range(size + 1, size + FARTHEST) if works(path, n)]
    notes = " ".join(note for d in propose_sizes(path, DEFAULTS, list(report)) for note in d.notes)
    named = {int(n) for n in re.findall(r"(?:is|are|and) (\d+) x \d+", notes)}
    assert named == {*below[:1], *above[:1]}
