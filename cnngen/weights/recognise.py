"""What a file is, by its content: the ending of its name may say something else."""

import json
import re
import shlex
import tarfile
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from cnngen.weights.stored import WeightsFileError, reading, shown

Format = Literal["safetensors", "torch", "torch-before-1.6", "hdf5", "keras"]

HEAD = 4096
ZIP = b"PK\x03\x04"
HDF5 = b"\x89HDF\r\n\x1a\n"
BLOCKS = (0, 512, 1024, 2048)  # where HDF5 may begin, behind what its user has put there
# `torch.save` wrote a number first, as a pickle, before it wrote zip archives.
BEFORE_1_6 = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
TABLE = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"  # how TensorFlow's tables of variables end
SHARD = re.compile(r"\.data-\d{5}-of-\d{5}$")
COMPRESSED = {
    b"\x1f\x8b": "gunzip",
    b"BZh": "bunzip2",
    b"\xfd7zXZ\0": "unxz",
    b"(\xb5/\xfd": "unzstd",
}
MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(!doctype html|html|head|\?xml|!--)", re.IGNORECASE)
WEIGHTS = (".safetensors", ".pt", ".pth", ".pth.tar", ".bin", ".ckpt", ".keras", ".h5")

PLACES = re.compile(r"<(?:IN|OUT(\.\w+))>")

TRUSTED = "if you trust who made it, as this runs code of the file"
LOAD = "load it with the code that made it, and save its weights alone"
AGAIN = "download or copy it again"


def recognise(path: Path) -> Format:
    """The format of a file of weights; for any other file, `WeightsFileError` says what it is, and
    what to do with it.
    """
    with reading(path.name):
        if path.is_dir():
            raise _other(path, *_folder(path))
        if not path.is_file():
            raise _other(path, "is no regular file", "write what it gives into one, and name that")
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(HEAD)
            file.seek(max(0, size - len(TABLE)))
            tail = file.read(len(TABLE))
    if not size:
        raise _other(path, "is empty", AGAIN)
    if head.startswith(ZIP):
        return _archive(path)
    if any(head[at:].startswith(HDF5) for at in BLOCKS):
        return "hdf5"
    if head[8:9] == b"{" and head[5:8] == bytes(3):  # behind the length of the header
        return "safetensors"
    if head[:1] == b"\x80" and head[2:].startswith(BEFORE_1_6):
        return "torch-before-1.6"
    raise _other(path, *_something_else(path, head, tail))


def python(path: Path, code: str) -> str:
    """A line for a shell that runs Python.

    `<IN>` in it becomes the name of the file, and `<OUT.pt>` that of another one.
    """
    stem = path.name.partition(".")[0] or "model"
    spelled = PLACES.sub(
        lambda at: json.dumps(f"{stem}-weights{at[1]}" if at[1] else str(path)), code
    )
    return f"python -c {shlex.quote(spelled)}"


def _other(path: Path, what: str, remedy: str) -> WeightsFileError:
    return WeightsFileError(f"`{shown(path.name)}` {what}\nhelp: {remedy}")


def _named(names: Collection[str]) -> str:
    listed = ", ".join(f"`{shown(name)}`" for name in sorted(names)[:3])
    return f"{listed} and more" if len(names) > 3 else listed or "nothing"


def _archive(path: Path) -> Format:
    """What is in a zip archive, which PyTorch, Keras and numpy write."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.partition("/")[2] or name for name in archive.namelist()}
            whole = archive.namelist()
    except Exception:
        raise _other(
            path, "is a zip archive, as PyTorch and Keras write, that is damaged or cut off", AGAIN
        ) from None
    if "model.weights.h5" in whole:
        return "keras"
    if "constants.pkl" in names:
        code = 'import torch; torch.save(torch.jit.load(<IN>, "cpu").state_dict(), <OUT.pt>)'
        raise _other(
            path,
            "is a TorchScript model, which holds code beside its weights",
            f"save its weights alone, {TRUSTED}:\n  {python(path, code)}",
        )
    if "data.pkl" in names:
        return "torch"
    if "archive_format" in names or "serialized_exported_program.json" in whole:
        code = "import torch; torch.save(dict(torch.export.load(<IN>).state_dict), <OUT.pt>)"
        raise _other(
            path,
            "is a program of `torch.export`, which holds code beside its weights",
            f"save its weights alone, {TRUSTED}:\n  {python(path, code)}",
        )
    if whole and all(name.endswith(".npy") for name in whole):
        code = (
            "import numpy; from safetensors.numpy import save_file;"
            " save_file(dict(numpy.load(<IN>)), <OUT.safetensors>)"
        )
        raise _other(
            path,
            f"is an `.npz` of numpy, with {_named(whole)}",
            f"if its names are those of the weights, write it as:\n  {python(path, code)}",
        )
    raise _other(
        path,
        f"is a zip archive of other files: {_named(whole)}",
        f"unpack it, and name the file of weights that is in it: unzip {shlex.quote(str(path))}",
    )


def _something_else(path: Path, head: bytes, tail: bytes) -> tuple[str, str]:
    """What a file is that holds no weights, or none that can be read here, and what to do."""
    name = shlex.quote(str(path))
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        pull = (
            f"cd {shlex.quote(str(path.parent))} && git lfs pull --include {shlex.quote(path.name)}"
        )
        return "is a pointer of Git LFS, and not the file itself", f"get the file:\n  {pull}"
    if MARKUP.match(head):
        return "is a page of the web, such as a login or an error, and no weights", (
            "look at it in a browser, and download the file itself"
        )
    for magic, command in COMPRESSED.items():
        if head.startswith(magic):
            tar = ".tar" in path.name or path.suffix == ".tgz"
            return "is compressed", f"unpack it: {'tar -xf' if tar else f'{command} --keep'} {name}"
    if head[257:262] == b"ustar":
        return _tar(path, name)
    if tail == TABLE or SHARD.search(path.name) or head.startswith(b"model_checkpoint_path:"):
        return "is of a checkpoint of TensorFlow, whose variables have no fixed names", (
            f"{LOAD}: model.save_weights('NAME.weights.h5')"
        )
    if head.startswith(b"\x93NUMPY"):
        return "is one array of numpy", "name a file that holds all weights of a model"
    if head[4:8] == b"TFL3":
        return "is a TensorFlow Lite model", "take the Keras model from which it was made"
    if head[:3] == b"\x08\x01\x12" or path.suffix == ".pb":
        return "is a graph of TensorFlow", f"{LOAD}: model.save_weights('NAME.weights.h5')"
    if head[:1] == b"\x08" and head[2:3] in (b"\x12", b"\x1a", b"\x22", b"\x3a", b"\x42"):
        return (
            "is an ONNX model, in which batch norms may be folded and names lost",
            "take the model from which it was exported: torch.save(model.state_dict(), 'NAME.pt')",
        )
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        code = 'import pickle, torch; torch.save(pickle.load(open(<IN>, "rb")), <OUT.pt>)'
        return (
            "is a pickle, and not as PyTorch writes it",
            f"write it with PyTorch, {TRUSTED}:\n  {python(path, code)}",
        )
    if head.lstrip()[:1] in (b"{", b"["):
        if b'"weight_map"' in head:
            return "is the index of several files of weights", "merge these, and name the result"
        return "is a text in JSON, and no weights", "name the file of weights beside it"
    if head.isascii() and b"\0" not in head:
        return "is a text, and no weights", AGAIN
    begins = head[:4].hex(" ")
    return (
        f"begins with the bytes {begins}, as no file of PyTorch, Keras or safetensors does",
        f"{AGAIN}, or ask who made it what it is",
    )


def _tar(path: Path, name: str) -> tuple[str, str]:
    try:
        with tarfile.open(path, "r:") as archive:
            members = [member.name for _, member in zip(range(100), archive, strict=False)]
    except Exception:
        return "is a tar archive that is damaged or cut off", AGAIN
    if {"storages", "tensors", "pickle"} <= {*members}:
        code = 'import torch; torch.save(torch.load(<IN>, "cpu", weights_only=False), <OUT.pt>)'
        return (
            "is of a PyTorch before 0.1.10, which newer ones read with code of the file only",
            f"write it again, {TRUSTED}:\n  {python(path, code)}",
        )
    return f"is a tar archive of other files: {_named(members)}", (
        f"unpack it, and name the file of weights that is in it: tar -xf {name}"
    )


def _folder(path: Path) -> tuple[str, str]:
    names = sorted(each.name for _, each in zip(range(1000), path.iterdir(), strict=False))
    if "saved_model.pb" in names:
        return "is a SavedModel of TensorFlow", f"{LOAD}: model.save_weights('NAME.weights.h5')"
    if "data.pkl" in names:
        folder, name = shlex.quote(str(path.resolve().parent)), shlex.quote(path.name)
        packed = f"cd {folder} && zip -0 -r {name}.pt {name}"
        return "is an unpacked file of PyTorch", f"pack it again:\n  {packed}"
    if inside := [name for name in names if name.endswith(WEIGHTS)]:
        return "is a folder", f"name a file in it: {_named([str(path / x) for x in inside])}"
    if any(name.endswith(".index") for name in names):
        return "holds a checkpoint of TensorFlow", f"{LOAD}: model.save_weights('NAME.weights.h5')"
    return f"is a folder, with {_named(names)}", "name a file of weights"
