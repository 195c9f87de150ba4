"""Whatever is wrong with a file of weights is said, and the process ends as it should."""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.built_models import build
from support.converted_weights import SMALL

pytestmark = [pytest.mark.torch, pytest.mark.keras]

SEEDS = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec, and one beside it with a file of weights in each format."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("keras")
    from safetensors.torch import save_file

    root = tmp_path_factory.mktemp("weights")
    (root / "small.yaml").write_text(SMALL, encoding="utf-8")
    good = root / "good"
    good.mkdir()
    model: Any = build(SMALL).torch()
    save_file(model.state_dict(), good / "a.safetensors")
    torch.save({"state_dict": model.state_dict(), "epoch": 1}, good / "a.ckpt")
    torch.save(model.state_dict(), good / "a.pth", _use_new_zipfile_serialization=False)
    keras: Any = build(SMALL).keras()
    keras.save(good / "a.keras")
    keras.save(good / "a.h5")
    keras.save_weights(good / "a.weights.h5")
    return root


def python(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=300
    )


def test_damaged_files_are_said(folder: Path) -> None:
    script = Path(__file__).with_name("support") / "damaged_weights.py"
    done = python(script, folder / "good", folder / "small.yaml", SEEDS)
    assert done.returncode == 0, (done.returncode, done.stdout[-300:], done.stderr[-2000:])
    ends = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    formats = {name for name, *_ in ends}
    assert len(formats) == 6
    assert [line for line in ends if line[1] == "end"] == [[x, "end", "0"] for x in sorted(formats)]
    tried = [(name, end) for name, seed, end in ends if seed != "end"]
    assert len(tried) == 6 * SEEDS
    hangs = [name for name, end in tried if end == "hangs"]  # in HDF5, as docs/weights.md says
    assert {*hangs} <= {"a.h5", "a.weights.h5", "a.keras"} and len(hangs) <= 3
    assert [one for one in tried if one[1] not in ("0", "1", "hangs")] == []
    for file in formats:  # most damages are seen
        assert sum(one == (file, "1") for one in tried) > SEEDS // 3, file


@pytest.mark.parametrize("part", [0.3, 0.99])
def test_a_keras_file_that_is_cut_off_inside_ends_well(folder: Path, part: float) -> None:
    """Once, HDF5 asked Python for the file again when Python had gone: a process of its own."""
    path = folder / "cut.keras"
    with zipfile.ZipFile(folder / "good" / "a.keras") as good, zipfile.ZipFile(path, "w") as cut:
        for name in good.namelist():
            content = good.read(name)
            size = int(len(content) * part) if name.endswith(".h5") else len(content)
            cut.writestr(name, content[:size])
    options = ("--to", "torch", "--spec", folder / "small.yaml")
    done = python("-m", "cnngen", "weights", "convert", path, folder / "o.safetensors", *options)
    assert done.returncode == 1, done
    assert "`cut.keras` cannot be read: OSError: " in done.stderr


def test_an_archive_that_fills_disks_is_refused(folder: Path) -> None:
    path = folder / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("model.weights.h5", bytes(10**7))
    options = ("--to", "torch", "--spec", folder / "small.yaml")
    done = python("-m", "cnngen", "weights", "convert", path, folder / "o.safetensors", *options)
    assert done.returncode == 1 and "would be 10000000 bytes, unpacked" in done.stderr
