"""TensorFlow's `same` for a transposed convolution, as the help of `padding: same` writes it."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report

keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")

pytestmark = [pytest.mark.keras, pytest.mark.torch]

SPEC = """\
cnngen: 1
name: Net
about: A transposed convolution.
input: {{channels: 1, height: 4, width: 5}}
model:
  up: {{transposed_conv: {{out: 1, kernel: {kernel}, stride: {stride}, padding: same}}}}
"""


def said(kernel: int, stride: int, folder: Path) -> str:
    path = folder / "spec.yaml"
    path.write_text(SPEC.format(kernel=kernel, stride=stride), encoding="utf-8")
    report = Report()
    analyse_file(path, report)
    (error,) = report
    return error.help or ""


def number(name: str, help: str) -> int:
    found = re.search(rf"\b{name}: (\d+)", help)
    return int(found[1]) if found else 0


@pytest.mark.parametrize(("kernel", "stride"), product(range(1, 7), range(1, 4)))
def test_the_help_computes_the_same(kernel: int, stride: int, tmp_path: Path):
    help = said(kernel, stride, tmp_path)
    layer = keras.layers.Conv2DTranspose(1, kernel, strides=stride, padding="same", use_bias=False)
    x = np.random.default_rng(0).normal(size=(1, 4, 5, 1)).astype("float32")
    theirs = np.asarray(layer(x))[0, :, :, 0]
    weight = np.asarray(layer.kernel)  # height, width, out, in
    ours = torch.nn.functional.conv_transpose2d(
        torch.from_numpy(x).permute(0, 3, 1, 2),
        torch.from_numpy(weight).permute(3, 2, 0, 1),
        stride=stride,
        padding=number("padding", help),
        output_padding=number("output_padding", help),
    )[0, 0]
    if crop := re.search(r"crop: \{padding: \[0, (\d), 0, (\d)\]\}", help):
        ours = ours[: ours.shape[0] - int(crop[1]), : ours.shape[1] - int(crop[2])]
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-5, atol=1e-6)
    assert help.endswith(f"which gives {4 * stride} x {5 * stride}")
