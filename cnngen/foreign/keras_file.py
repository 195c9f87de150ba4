"""The configuration of a Keras model in any of its files, without Keras; nothing is unpacked but
that.
"""

import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cnngen.files import read_file
from cnngen.foreign.foreign_file import LARGEST_TEXT, ForeignFileError
from cnngen.frameworks import framework

IN_ZIP = "config.json"
IN_HDF5 = "model_config"


def keras_config_text(path: Path) -> str:
    """The text of a `.json`, or what a `.keras` or an `.h5` holds of it; raises `OSError`, too."""
    match path.suffix:
        case ".keras":
            return _in_zip(path)
        case ".h5" | ".hdf5":
            return _in_hdf5(path)
        case _:
            return _decoded(read_file(path, LARGEST_TEXT))


def _in_zip(path: Path) -> str:
    read_file(path, 0)  # refuses what is no file of the user's
    with _reading("a zip archive with a model of Keras in it"), zipfile.ZipFile(path) as archive:
        member = archive.getinfo(IN_ZIP)
        if member.file_size > LARGEST_TEXT:
            raise ForeignFileError(f"its `{IN_ZIP}` would be {member.file_size} bytes, unpacked")
        with archive.open(member) as file:
            return _decoded(file.read(LARGEST_TEXT + 1))


def _in_hdf5(path: Path) -> str:
    read_file(path, 0)
    h5py = framework("h5py")
    with _reading("an HDF5 file with a model of Keras in it"), h5py.File(path, "r") as file:
        if IN_HDF5 not in file.attrs:
            raise ForeignFileError(
                f"it has weights and no `{IN_HDF5}`: save the whole model, or its `to_json()`"
            )
        text: Any = file.attrs[IN_HDF5]
    if not isinstance(text, str | bytes):
        raise ForeignFileError(f"its `{IN_HDF5}` is no text")
    return text if isinstance(text, str) else _decoded(text)


def _decoded(content: bytes) -> str:
    if len(content) > LARGEST_TEXT:
        raise ForeignFileError(f"its configuration has more than {LARGEST_TEXT} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ForeignFileError("its configuration is no text in UTF-8") from None


@contextmanager
def _reading(what: str) -> Generator[None]:
    """Whatever is raised by a damaged file says that it is one."""
    try:
        yield
    except (
        *(zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError),
        *(RuntimeError, NotImplementedError, UnicodeError, OSError),
    ) as error:
        said = " ".join(str(error).split())[:200]
        raise ForeignFileError(f"it is not {what}: {said}") from None
