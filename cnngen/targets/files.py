"""Generated files: from which spec each is, and whether it is up to date."""

import re
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path

from cnngen.files import RefusedError, read_file
from cnngen.targets.page import GENERATED

LONGEST_HEAD = 100_000  # bytes: many times the longest title, and a licence above it
# The mark begins the second paragraph of the module's docstring. A title is the first one, however
# long, and has no empty line; so no text of a spec can be the mark, or push it away.
ORIGIN = re.compile(
    rf"""
    (?:\#[^\n]*\n|[ \t]*\n)*            # what somebody put above
    \"{{3}}(?:(?!\"{{3}})[^\n])*\n      # the title
    (?:(?:(?!\"{{3}})[^\n])+\n)*
    \n
    {re.sub(" ", "[ ]", GENERATED)}\s+(\S+)\.yaml\b
    """,
    re.VERBOSE,
)


class State(Enum):
    """How a file compares with what would be generated now."""

    MISSING = "missing"
    FRESH = "fresh"
    STALE = "stale"
    FOREIGN = "foreign"  # it has no header of ours, so somebody owns it


def state(path: Path, content: bytes) -> State:
    """Compare a file with what would be generated now. Raises `OSError`."""
    try:
        found = read_file(path, max(len(content), LONGEST_HEAD))
    except FileNotFoundError:
        return State.MISSING
    if found == content:
        return State.FRESH
    return State.STALE if origin(found) else State.FOREIGN


def orphans(folder: Path, stems: set[str]) -> Iterator[Path]:
    """Generated files in a folder that come from none of these specs."""
    for path in sorted(folder.glob("*.py")):
        with suppress(RefusedError, FileNotFoundError):  # as no file of ours
            stem = origin(read_file(path, LONGEST_HEAD))
            if stem is not None and stem not in stems:
                yield path


def origin(content: bytes) -> str | None:
    """The stem of the spec that the header of a generated file names."""
    found = ORIGIN.match(content.decode(errors="replace").replace("\r\n", "\n"))
    return found[1] if found else None
