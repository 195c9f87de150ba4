"""Layers that a Keras model has beside those of its author, who may call his own the same."""

from typing import Any

import pytest
from support.agreement import check_values
from support.built_models import build

AVERAGE = "avg_pool: {kernel: 3, stride: 2, padding: 1, ceil: true}"
OPS = {
    "pad": "conv: {out: 4, kernel: 3, padding: half, stride: 2}",
    "stride": "conv: {out: 4, kernel: 3, padding: half, stride: 2, dilation: 2}",
    "crop": "transposed_conv: {out: 4, kernel: 3, stride: 2, padding: 1}",
    "pool": AVERAGE,
    "ceil": AVERAGE,
    "reshape": "reshape: {channels: 4, height: 1, width: 1}",
}
CONV = "{conv: {out: 4, kernel: 1}}"
VECTOR = "[global_avg_pool, flatten, relu]"


def spec(op: str, other: str) -> str:
    return f"""
cnngen: 1
name: Beside
about: A layer that Keras makes of several, and one of its author.
input: {{channels: 4, height: 9, width: 9}}
model:
  before: {VECTOR if op.startswith("reshape") else CONV}
  a: {{{op}}}
  {other}: {CONV}
"""


def names(model: Any) -> list[str]:
    return [layer.name for layer in model.layers]


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize("word", OPS)
def test_they_step_aside(word: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    assert f"a_{word}" in names(build(spec(OPS[word], "b")).keras())
    built = build(spec(OPS[word], f"a_{word}"))
    assert {f"a_{word}", f"a_{word}_"} <= {*names(built.keras())}
    check_values(built)
