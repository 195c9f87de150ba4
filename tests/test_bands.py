"""A parameter that says how many channels an input has: generated code with another one is what the
spec with it compiles to.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from support.built_models import build
from support.carried_weights import expected_in_keras, keras_shapes, predicted

import cnngen

SPEC = """
cnngen: 1
name: Net
about: Any number of bands.
params: {bands: 4, wide: false}
input: {channels: bands, height: 16, width: 16}
blocks:
  Mix:
    about: A convolution.
    body: {conv: {out: input.channels * 2, kernel: 1}}
model:
  stem:
    - Mix
    - {when: bands > 4, do: {conv: {out: 4 * bands, kernel: 1}}}
    - {when: input.channels > 4, do: {conv: {out: 2 * input.channels, kernel: 1}}}
    - batch_norm
  side: {conv: {out: input.channels, kernel: 3, groups: bands, padding: half}, from: input}
  both: {branches: {stem: {from: stem}, side: {from: side}}, join: concat}
  head: [global_avg_pool, flatten, {linear: {out: 10}}]
"""


@pytest.mark.torch
@pytest.mark.parametrize("bands", [1, 7])
def test_other_channels_in_torch(bands: int) -> None:
    torch = pytest.importorskip("torch")
    model = build(SPEC).torch(bands=bands)
    model.eval()(torch.zeros(1, bands, 16, 16))
    shapes = {n: tuple(v.shape) for n, v in model.state_dict().items() if "num_batches" not in n}
    assert shapes == predicted(build(SPEC, {"bands": str(bands)}).network)


@pytest.mark.keras
@pytest.mark.parametrize("bands", [1, 7])
def test_other_channels_in_keras(bands: int) -> None:
    pytest.importorskip("keras")
    model = build(SPEC).keras(bands=bands, input_shape=(None, None))
    assert model.input.shape == (None, None, None, bands)
    other = build(SPEC, {"bands": str(bands)}).network
    assert keras_shapes(model) == expected_in_keras(other)


def test_input_and_set_say_the_same(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC)
    given = cnngen.load(path, input=(7, 16, 16)).summary()
    assert given == cnngen.load(path, settings={"bands": 7}).summary()
    assert given.parameters != cnngen.load(path).summary().parameters


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set=bands=0"], "`bands` must be a whole number of at least 1"),
        (["--set=bands=1.5"], "`bands` must be a whole number"),
        (["--set=bands=3", "--input=5x16x16"], "has 5 channels here, and `bands` says 3"),
    ],
)
def test_other_channels_are_refused(options: list[str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC)
    command = [sys.executable, "-m", "cnngen", "check", *options, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert message in run.stdout + run.stderr
