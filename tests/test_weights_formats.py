"""What a file is that holds no weights, or none that can be read: what is said, and that it helps."""

import io
import json
import os
import shlex
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from support.built_models import build
from support.converted_weights import SMALL

from cnngen.cli import cli

pytest.importorskip("ml_dtypes")
pytest.importorskip("h5py")

LFS = """version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 102530333
"""
HTML = "\n<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"


def archive(**members: bytes) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as made:
            for name, content in members.items():
                made.writestr(name, content)
        return file.getvalue()


def tar(*names: str) -> bytes:
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w") as made:
            for name in names:
                made.addfile(tarfile.TarInfo(name))
        return file.getvalue()


FILES: dict[str, tuple[bytes, str, str]] = {
    "lfs.pth": (LFS.encode(), "is a pointer of Git LFS", "git lfs pull --include lfs.pth"),
    "page.pt": (HTML.encode(), "is a page of the web", "download the file itself"),
    "marked.h5": (b"\xef\xbb\xbf" + HTML.encode(), "is a page of the web", "the file itself"),
    "empty.pt": (b"", "is empty", "download or copy it again"),
    "a.onnx": (b"\x08\x08\x12\x07pytorch\x1a\x052.0.0:", "is an ONNX model", "torch.save("),
    "a.ckpt.index": (
        bytes(60) + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb",
        "of TensorFlow",
        "save_weights",
    ),
    "a.ckpt.data-00000-of-00001": (bytes(64), "is of a checkpoint of TensorFlow", "save_weights"),
    "checkpoint": (b'model_checkpoint_path: "a.ckpt"\n', "is of a checkpoint", "save_weights"),
    "saved_model.pb": (b"\x08\x01\x12\x00", "is a graph of TensorFlow", "save_weights"),
    "a.tflite": (b"\x1c\0\0\0TFL3", "is a TensorFlow Lite model", "Keras model"),
    "a.pth.gz": (b"\x1f\x8b\x08\0", "is compressed", "gunzip --keep "),
    "a.tar.gz": (b"\x1f\x8b\x08\0", "is compressed", "tar -xf "),
    "a.tar": (
        tar("a.pth", "b.txt"),
        "is a tar archive of other files: `a.pth`, `b.txt`",
        "tar -xf ",
    ),
    "a.zip": (archive(**{"x/a.pth": b""}), "is a zip archive of other files: `x/a.pth`", "unzip "),
    "cut.pth": (
        archive(a=bytes(99))[:70],
        "that is damaged or cut off",
        "download or copy it again",
    ),
    "cut.tar": (tar("a")[:400], "is a tar archive that is damaged or cut off", "again"),
    "old.tar": (
        tar("sys_info", "pickle", "tensors", "storages"),
        "PyTorch before 0.1.10",
        "torch.load(",
    ),
    "a.npy": (b"\x93NUMPY\x01\0", "is one array of numpy", "all weights"),
    "a.json": (b'{"error": "no access"}', "is a text in JSON", "beside it"),
    "index.json": (b'{"weight_map": {}}', "is the index of several files", "merge"),
    "notes.pt": (b"Weights are on my other disk.\n", "is a text", "again"),
    "noise.pt": (b"\xff\xfe\x00\x01" * 9, "begins with the bytes ff fe 00 01", "again"),
    "plain.pkl": (b"\x80\x04K\x01.", "is a pickle, and not as PyTorch writes it", "if you trust"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    return tmp_path


def convert(folder: Path, name: str, target: str = "out.safetensors") -> Result:
    files = [str(folder / name), str(folder / target), "--spec", str(folder / "small.yaml")]
    return CliRunner().invoke(cli, ["weights", "convert", *files, "--to", "torch"])


def refused(folder: Path, name: str, what: str, remedy: str) -> str:
    """What is said, after `help:`, of a file that cannot be read."""
    result = convert(folder, name)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output and not (folder / "out.safetensors").exists()
    said, _, help = result.stderr.partition("\nhelp: ")
    assert what in said and remedy in help, result.stderr
    return help


@pytest.mark.parametrize("name", FILES)
def test_what_is_said(folder: Path, name: str) -> None:
    content, what, remedy = FILES[name]
    (folder / name).write_bytes(content)
    refused(folder, name, what, remedy)


def test_a_pipe_does_not_hang(folder: Path) -> None:
    os.mkfifo(folder / "pipe.pt")
    refused(folder, "pipe.pt", "is no regular file", "write what it gives into one")


def test_folders(folder: Path) -> None:
    for files, what, remedy in (
        (["saved_model.pb", "variables"], "is a SavedModel of TensorFlow", "save_weights"),
        (["model.safetensors", "config.json"], "is a folder", "model.safetensors`"),
        (["a.index", "a.data-00000-of-00001"], "holds a checkpoint of TensorFlow", "save_weights"),
        (["data.pkl", "version"], "is an unpacked file of PyTorch", "zip -0 -r it.pt it"),
        ([], "is a folder, with nothing", "name a file"),
    ):
        (folder / "it").mkdir()
        for name in files:
            (folder / "it" / name).touch()
        refused(folder, "it", what, remedy)
        for name in files:
            (folder / "it" / name).unlink()
        (folder / "it").rmdir()


def run_line(folder: Path, help: str) -> None:
    """Run the line of Python that an error offers, in a shell."""
    line = help.splitlines()[1].strip()
    assert line.startswith("python -c ")
    line = line.replace("python", shlex.quote(sys.executable), 1)
    done = subprocess.run(line, shell=True, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def follow(folder: Path, help: str) -> None:
    """Run it, and convert what it writes."""
    run_line(folder, help)
    (written,) = folder.glob("*-weights.*")
    result = convert(folder, written.name)
    assert result.exit_code == 0, result.output
    (folder / "out.safetensors").unlink()


def small() -> Any:
    return build(SMALL).torch()


@pytest.mark.torch
def test_npz(folder: Path) -> None:
    pytest.importorskip("torch")
    np.savez(folder / "it's.npz", **{k: v.numpy() for k, v in small().state_dict().items()})
    follow(folder, refused(folder, "it's.npz", "is an `.npz` of numpy", "python -c "))


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_and_exported_programs(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.jit.trace(small().eval(), torch.zeros(1, 3, 8, 6)).save(folder / "a.pt")
    follow(folder, refused(folder, "a.pt", "is a TorchScript model", "python -c "))
    (folder / "a-weights.pt").unlink()
    program = torch.export.export(small().eval(), (torch.zeros(1, 3, 8, 6),))
    torch.export.save(program, folder / "b.pt2")
    follow(folder, refused(folder, "b.pt2", "is a program of `torch.export`", "python -c "))


@pytest.mark.torch
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("nested", [True, False])
def test_whole_models(folder: Path, zipped: bool, nested: bool) -> None:
    """Of a class of PyTorch itself, so that the line which is offered runs anywhere."""
    torch = pytest.importorskip("torch")
    net, path = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3)), folder / "a.pt"
    saved = [{"epoch": 1, "model": net}] if nested else net
    torch.save(saved, path, _use_new_zipfile_serialization=zipped)
    if not zipped:  # its classes stand in the way, so it is written again first
        run_line(folder, refused(folder, "a.pt", "holds a whole model", "if you trust who made it"))
        path = (folder / "a-weights.pt").rename(folder / "b.pt")
    name = "of the class `torch.nn.modules.container.Sequential`"
    place = "has a whole model as its `0/model`, " if nested else "is a whole model, "
    run_line(folder, refused(folder, path.name, place + name, "if you trust who made it"))
    state = torch.load(folder / f"{path.stem}-weights.pt", weights_only=True)
    assert state.keys() == net.state_dict().keys()


@pytest.mark.torch
def test_a_class_that_stands_in_the_way_is_named(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    from collections import deque

    torch.save({"state_dict": small().state_dict(), "last": deque([1.0])}, folder / "a.ckpt")
    follow(folder, refused(folder, "a.ckpt", "collections.deque", "python -c "))


@pytest.mark.torch
def test_a_real_onnx_model(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    torch.onnx.export(small().eval(), (torch.zeros(1, 3, 8, 6),), folder / "a.onnx", dynamo=True)
    refused(folder, "a.onnx", "is an ONNX model", "state_dict()")


@pytest.mark.keras
def test_what_tensorflow_writes(folder: Path) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    pytest.importorskip("keras")
    model = build(SMALL).keras()
    tensorflow.train.Checkpoint(model).write(str(folder / "a.ckpt"))
    for name in ("a.ckpt.index", "a.ckpt.data-00000-of-00001"):
        refused(folder, name, "is of a checkpoint of TensorFlow", "save_weights")
    model.export(str(folder / "saved"), verbose=False)
    refused(folder, "saved", "is a SavedModel of TensorFlow", "save_weights")
    refused(folder, "saved/saved_model.pb", "is a graph of TensorFlow", "save_weights")


def test_a_name_that_a_shell_would_take_apart(folder: Path) -> None:
    name = "a b'$(touch x);\".npz"
    np.savez(folder / name, a=np.ones(1))
    help = convert(folder, name).stderr.partition("help: ")[2]
    code = shlex.split(help.splitlines()[1])[2]
    assert json.dumps(str(folder / name)) in code
