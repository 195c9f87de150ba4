"""Generated files: whose they are, whether they are up to date, and how they are written."""

import os
import re
import stat
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from cnngen.targets.page import GENERATED

HEADER_LINES = 20  # a title may take a dozen
ORIGIN = re.compile(rf"{re.escape(GENERATED)}\s+(\S+)\.yaml\b")


class State(Enum):
    """How a file compares with what would be generated now."""

    MISSING = "missing"
    FRESH = "fresh"
    STALE = "stale"
    FOREIGN = "foreign"  # it has no header of ours, so somebody owns it


def state(path: Path, content: bytes) -> State:
    """Compare a file with what would be generated now."""
    if not path.exists():
        return State.MISSING
    found = path.read_bytes()
    if found == content:
        return State.FRESH
    return State.STALE if _origin(found) else State.FOREIGN


def orphans(folder: Path, stems: set[str]) -> Iterator[Path]:
    """Generated files in a folder that come from none of these specs."""
    for path in sorted(folder.glob("*.py")):
        origin = _origin(path.read_bytes()) if path.is_file() else None
        if origin is not None and origin not in stems:
            yield path


def write(path: Path, content: bytes) -> None:
    """Put a file there as a whole or not at all; one that was there keeps its mode.

    A pipe or a device stays one, and is written to.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    path = path.resolve()  # a link stays one
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _origin(content: bytes) -> str | None:
    """The stem of the spec that a generated file's header names."""
    head = content.decode(errors="replace").splitlines()[:HEADER_LINES]
    found = ORIGIN.search("\n".join(head))
    return found[1] if found else None
