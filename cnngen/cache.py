"""Cache: the diagnostics of specs by content, so that `check` need not look again.

An entry has a checksum, the digests of the files that the spec extends, and the diagnostics, of
which there are none as a rule. Whatever is odd about an entry or its folder makes it a miss.

Nothing of the compiler is imported here: a hit must cost less than the import of PyYAML.
"""

import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cnngen import __version__
from cnngen.files import TO_READ, leads_out, root_folder

LARGEST_SPEC = 2**20  # bytes; what is larger is analysed again
LARGEST_ENTRY = 2**17
MOST_ENTRIES = 4096
ENTRY = re.compile(r"\.?[0-9a-f]{64}(\.[0-9a-f]+\.tmp)?")  # nothing else is ever removed
BOM = b"\xef\xbb\xbf"  # which is not in the text of a source

OWN = TO_READ | getattr(os, "O_NOFOLLOW", 0)  # for entries, which are never links


@dataclass(frozen=True, slots=True)
class File:
    """A file that was read: where it is, what diagnostics call it, and its text."""

    path: str
    shown: str
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """The diagnostics as they were stored (none: empty), and the contents of the files that they
    are about.
    """

    found: str
    contents: tuple[bytes, ...]


@dataclass(frozen=True)
class Cache:
    """The results for the specs of a folder, for one set of options."""

    folder: Path
    options: str

    def recall(self, spec: Path) -> Result | None:
        """The result for a spec, if neither it nor anything that it extends has changed."""
        with suppress(OSError, ValueError):
            if (content := _content(spec, LARGEST_SPEC)) is None:
                return None
            key = self._name(spec, _digest(content))
            entry = _opened(key, _read(self.folder / key, LARGEST_ENTRY, OWN, own=True))
            if entry and (parents := _unchanged(spec, entry.parents)) is not None:
                return Result(entry.found, (content, *parents))
        return None

    def remember(self, spec: Path, files: Sequence[File], found: str) -> None:
        """Store a result; `files` are those that were read: the spec, and those that it extends."""
        first, *parents = files
        if parents and not all(map(_is_straight, files)):
            return
        with suppress(OSError, ValueError):
            key = self._name(spec, _digest(first.text.encode()))
            lines = [f"{_digest(file.text.encode())} {file.path}\n" for file in parents]
            body = f"{len(parents)}\n{''.join(lines)}{found}".encode()
            if len(body) < LARGEST_ENTRY // 2:
                _put(self.folder / key, _sealed(key, body))

    def prune(self) -> None:
        """Remove the older half of the entries where there are too many."""
        with suppress(OSError):
            paths = [Path(e.path) for e in os.scandir(self.folder) if ENTRY.fullmatch(e.name)]
            if len(paths) > MOST_ENTRIES:
                for path in sorted(paths, key=_age)[: -MOST_ENTRIES // 2]:
                    with suppress(OSError):
                        path.unlink()

    def _name(self, spec: Path, digest: str) -> str:
        # The folder and the path as it is written, because diagnostics show it like that.
        parts = [_compiler(), self.options, os.getcwd(), str(spec), digest]
        return _digest(repr(parts).encode())


def cache_folder() -> Path | None:
    """The folder for entries, where the platform keeps caches; None where there is none."""
    home = os.path.expanduser("~")
    if own := os.environ.get("CNNGEN_CACHE_DIR"):
        return Path(os.path.abspath(own), "check")
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        base = os.path.join(home, "Library", "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME", "")
        base = base if os.path.isabs(base) else os.path.join(home, ".cache")
    return Path(base, "cnngen", "check") if os.path.isabs(base) else None


@dataclass(frozen=True, slots=True)
class _Entry:
    """`parents` are the digests and the paths of the files that a spec extends."""

    parents: tuple[tuple[str, str], ...]
    found: str


def _unchanged(spec: Path, parents: Sequence[tuple[str, str]]) -> list[bytes] | None:
    """The contents of files, if these and their places are as before and may be extended."""
    if not parents:
        return []
    contents: list[bytes] = []
    with suppress(OSError, RuntimeError, ValueError):
        real = os.path.realpath(spec)
        root = root_folder(Path(real))
        if real != os.path.abspath(spec):
            return None
        for digest, path in parents:
            if not Path(path).is_relative_to(root) or os.path.realpath(path) != path:
                return None
            content = _content(Path(path), LARGEST_SPEC)
            if content is None or _digest(content) != digest:
                return None
            contents.append(content)
        return contents
    return None


def _is_straight(file: File) -> bool:
    """Whether the path to a file has no links, so that it always means the same file.

    A path that goes down and up again may pass through a link.
    """
    return (
        os.path.realpath(file.path) == os.path.abspath(file.shown)
        and "/../" not in re.sub(r"(?<![^\s'\"])(\.\./)+", "", file.text)
        and "\n" not in file.path
    )


def _sealed(key: str, body: bytes) -> bytes:
    return _digest(key.encode() + body).encode() + b"\n" + body


def _opened(key: str, entry: bytes | None) -> _Entry | None:
    """The content of an entry; None if it was changed since it was written."""
    body = (entry or b"").partition(b"\n")[2]
    if entry is None or entry != _sealed(key, body):
        return None
    with suppress(ValueError):
        count, _, rest = body.decode().partition("\n")
        *lines, found = rest.split("\n", int(count))
        parents = [(digest, path) for digest, _, path in (line.partition(" ") for line in lines)]
        return _Entry(tuple(parents), found)
    return None


def _content(path: Path, most: int) -> bytes | None:
    content = None if leads_out(path) else _read(path, most, TO_READ)
    return None if content is None else content.removeprefix(BOM)


def _read(path: Path, most: int, flags: int, *, own: bool = False) -> bytes | None:
    """The content of a file; None if it is no regular file, too large, unreadable, or not `own`ed
    by this user.
    """
    with suppress(OSError, ValueError), os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if own and sys.platform != "win32" and status.st_uid != os.geteuid():
            return None
        if stat.S_ISREG(status.st_mode):
            content = file.read(most + 1)
            return content if len(content) <= most else None
    return None


def _put(path: Path, content: bytes) -> None:
    """Write an entry completely or not at all, in the place of whatever has its name."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _age(path: Path) -> float:
    with suppress(OSError):
        return path.lstat().st_mtime
    return 0


@cache  # as a process of `--watch` keeps the sources that it began with
def _compiler() -> str:
    """A text that changes with the compiler: its version and its sources, which may be edited."""
    return repr((__version__, sys.version, sorted(_sources(os.path.dirname(__file__)))))


def _sources(folder: str) -> Iterator[tuple[str, int, int]]:
    for entry in os.scandir(folder):
        if entry.is_dir():
            yield from _sources(entry.path) if entry.name != "__pycache__" else ()
        elif entry.name.endswith(".py"):
            found = entry.stat()
            yield entry.path, found.st_size, found.st_mtime_ns


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
