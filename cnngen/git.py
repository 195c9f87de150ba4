"""Git: files as they are at a revision."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from cnngen.diagnostics.terminal import one_line

if TYPE_CHECKING:
    from cnngen.source import Source

SECONDS = 30
# They name the repository of a hook that runs us; we ask about that of a folder.
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


class RevisionError(Exception):
    """There is no git, no repository here or no such revision; the message says which."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit, and the top folder of its repository."""

    top: Path
    name: str
    commit: str

    def path(self, text: str) -> Path:
        """The path of a file: relative to the top of the repository, or with `./` to the working
        folder.
        """
        start = Path.cwd() if text.startswith(("./", "../")) else self.top
        path = Path(os.path.normpath(start / text))
        if PurePosixPath(text).is_absolute() or not path.is_relative_to(self.top):
            raise RevisionError(f"`{one_line(text)}` is not a path in the repository")
        return path

    def read(self, path: Path, shown: str | None = None) -> "Source":
        """The text of a file at this revision; raises `UnreadableError`."""
        from cnngen.syntax.load import UnreadableError, source_of
        from cnngen.syntax.read import MAX_SIZE

        try:
            inside = path.relative_to(self.top).as_posix()
        except ValueError:
            raise UnreadableError("is outside of the repository") from None
        name = f"{self.commit}:{inside}"
        size = _git(self.top, "cat-file", "-s", name)
        if size is None or _git(self.top, "cat-file", "-t", name) != b"blob\n":
            raise UnreadableError(f"does not exist in {self.name}")
        if int(size) > MAX_SIZE:
            raise UnreadableError(f"is larger than {MAX_SIZE:,} bytes", code="too-large")
        content = _git(self.top, "cat-file", "blob", name) or b""
        return source_of(content, str(path) if shown is None else shown)


def revision(name: str) -> Revision:
    """The commit that a name means in the repository around the working folder."""
    if shutil.which("git") is None:
        raise RevisionError("git is not installed")
    top = _git(Path.cwd(), "rev-parse", "--show-toplevel")
    if top is None:
        raise RevisionError("there is no git repository here")
    arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}")
    commit = _git(Path.cwd(), *arguments)
    if commit is None:
        raise RevisionError(f"git knows no revision `{one_line(name)}`")
    return Revision(Path(os.fsdecode(top.rstrip(b"\n"))), name, commit.decode().strip())


def ignored_folders(folder: str) -> frozenset[str]:
    """The folders below one that git ignores, but not those inside of them; none outside of a
    repository.

    A folder with a file that git tracks is not ignored. Nothing is, where the folder itself is
    ignored.
    """
    listing = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    # A repository may name a program that is to be asked what changed; we do not run it.
    found = _git(Path(folder), "-c", "core.fsmonitor=false", *listing) or b""
    names = [os.fsdecode(name) for name in found.split(b"\0")]
    inside = [name.rstrip("/") for name in names if name.endswith("/") and name != "./"]
    return frozenset(os.path.join(folder, name) for name in inside)


def _git(folder: Path, *arguments: str) -> bytes | None:
    """The output of git; None where it fails."""
    environment = {name: text for name, text in os.environ.items() if name not in ELSEWHERE}
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):  # a name with a null byte
        return None
    return done.stdout if done.returncode == 0 else None
