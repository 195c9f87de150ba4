"""Files of weights are written as a whole or not at all, and what stands in the way is said."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.converted_weights import EVERY_LAYER, WITH_HEADS, convert, save

from cnngen.cli import cli

resource = pytest.importorskip("resource")
pytest.importorskip("ml_dtypes")
safetensors = pytest.importorskip("safetensors.numpy")

# A process that cannot write long files, as on a disk that is full; Python ignores the signal.
FULL = """
import resource, sys
from cnngen.cli import main
import {library}  # which may write when it is imported
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
main()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "network.yaml").write_text(EVERY_LAYER, encoding="utf-8")
    save(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "library"),
    [
        pytest.param("out.safetensors", "numpy"),
        pytest.param("out.pt", "torch", marks=pytest.mark.torch),
        pytest.param("out.keras", "keras", marks=pytest.mark.keras),
        pytest.param("out.weights.h5", "keras", marks=pytest.mark.keras),
    ],
)
def test_a_full_disk(folder: Path, name: str, library: str) -> None:
    pytest.importorskip(library)
    (folder / name).write_text("mine")
    arguments = ["weights", "convert", "torch.safetensors", name, "--spec", "network.yaml"]
    to = ["--to", "torch"] if name.endswith(".safetensors") else []
    done = subprocess.run(
        [sys.executable, "-c", FULL.format(library=library), *arguments, *to],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done
    said = done.stderr.splitlines()[-1]
    assert said.startswith(f"Error: cannot write {name}: ") and "File too large" in said
    assert (folder / name).read_text() == "mine"
    assert sorted(os.listdir(folder)) == sorted(["network.yaml", "torch.safetensors", name])


def test_a_device_is_not_replaced(folder: Path) -> None:
    """A link that leads to one, or to a pipe: a file would take its place."""
    os.mkfifo(folder / "pipe")
    (folder / "out.safetensors").symlink_to(folder / "pipe")
    result = convert(folder, "torch.safetensors", "out.safetensors", "--to", "keras")
    assert result.exit_code == 2 and "it is not a file" in result.stderr
    assert stat.S_ISFIFO((folder / "pipe").stat().st_mode)


def test_a_link_stays_one(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "out.safetensors").symlink_to(folder / "real" / "weights.safetensors")
    result = convert(folder, "torch.safetensors", "out.safetensors", "--to", "keras")
    assert result.exit_code == 0, result.output
    assert (folder / "out.safetensors").is_symlink()
    assert safetensors.load_file(folder / "real" / "weights.safetensors")


def test_a_folder_in_its_place(folder: Path) -> None:
    (folder / "out.safetensors").mkdir()
    result = convert(folder, "torch.safetensors", "out.safetensors", "--to", "keras")
    assert result.exit_code == 2, result.output


@pytest.mark.keras
def test_a_layer_that_the_keras_model_lacks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the reason, it is said: here the model is made without its training head."""
    pytest.importorskip("keras")
    import cnngen.weights.write as write

    (folder / "heads.yaml").write_text(WITH_HEADS, encoding="utf-8")
    save(folder, text=WITH_HEADS)
    made = write._model
    monkeypatch.setattr(write, "_model", lambda *arguments: made(*arguments[:-1], False))
    names = [str(folder / "torch.safetensors"), str(folder / "out.keras")]
    options = ["--spec", str(folder / "heads.yaml"), "--heads"]
    result = CliRunner().invoke(cli, ["weights", "convert", *names, *options])
    assert result.exit_code == 1, result.output
    assert "`aux_2/kernel` is 4 x 2, and the generated Keras model lacks it" in result.stderr
    assert not (folder / "out.keras").exists()
