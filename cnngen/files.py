"""Files of users: none is read or written through a link that leads out of its project, and nothing
but regular files is opened.

Imports no YAML, as the cache needs this module.
"""

import os
import stat
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

ROOT_MARKS = ("pyproject.toml", ".git")
TO_READ = os.O_RDONLY | sum(
    getattr(os, flag, 0)
    for flag in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY", "O_CLOEXEC")  # not all systems have all
)


class RefusedError(OSError):
    """A file is not opened; `message` completes a sentence that begins with its name."""

    def __init__(self, message: str) -> None:
        super().__init__(f"it {message}")
        self.message = message


def read_file(path: Path, most: int) -> bytes:
    """The content of a regular file, or its first `most` bytes and one more. Raises `OSError`."""
    if not stat.S_ISREG(os.stat(path).st_mode):  # the mere opening of a device may do something
        raise RefusedError("is not a file")
    if leads_out(path):
        raise RefusedError("is a link that leads out of its project")
    with os.fdopen(os.open(path, TO_READ), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise RefusedError("is not a file")
        return file.read(most + 1)


def write_file(path: Path, content: bytes) -> None:
    """Write a file completely or not at all; an existing one keeps its mode."""
    with replaced(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def replaced(path: Path) -> Generator[Path]:
    """An empty file of the same name in another folder; it takes the place of this one at the end.

    It gets the mode of the file that it replaces, or that of a new one. Where the path is a link,
    the file that it leads to is replaced.
    """
    from tempfile import TemporaryDirectory  # late: the cache only reads

    if leads_out(path):
        raise RefusedError("is a link that leads out of its project")
    if path.exists() and not path.is_file():
        raise RefusedError("is not a file")
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    # A folder of its own, as only the system knows a name that no other process has: those of
    # containers have the same numbers.
    with TemporaryDirectory(prefix=".cnngen-", dir=path.parent) as folder:
        temporary = Path(folder, path.name)
        temporary.touch()
        mode = stat.S_IMODE((path if path.exists() else temporary).stat().st_mode)
        yield temporary
        temporary.chmod(mode)
        temporary.replace(path)


def leads_out(path: Path) -> bool:
    """Whether a link on the path leads out of the project in which the link lies.

    Without a project, a link below the working folder may not lead out of that folder. Elsewhere, a
    link to a file may not lead out of its own folder, and a link to a folder may lead anywhere, as
    those of the system do.
    """
    here = Path.cwd()
    whole = here / path  # with every `..`, which goes up from where a link leads
    for link in (whole, *whole.parents):
        if os.path.islink(link):
            folder = Path(os.path.realpath(link.parent))
            root = _marked((folder, *folder.parents))
            if root is None and folder.is_relative_to(here) and len(here.parts) > 1:
                root = here
            elif root is None and link is whole:
                root = folder
            if root and not Path(os.path.realpath(link)).is_relative_to(root):
                return True
    return False


def root_folder(spec: Path) -> Path:
    """The nearest folder above a resolved path that is marked as a project, or else the folder of
    the file: `extends` must not lead out of it.
    """
    return _marked(spec.parents) or spec.parent


def _marked(folders: Iterable[Path]) -> Path | None:
    marked = (f for f in folders if any(os.path.exists(f / mark) for mark in ROOT_MARKS))
    return next(marked, None)
