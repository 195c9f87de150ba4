"""Files that a command writes, in which format, and what is said where that cannot be."""

import sys
from collections.abc import Mapping
from pathlib import Path

from cnngen.commands.options import WrongUseError, say
from cnngen.diagnostics.terminal import one_line


def write_named(path: Path, content: bytes) -> None:
    """Write a file that the user named as a whole or not at all, and say so.

    A pipe or a device stays one, and is written to.
    """
    from cnngen.files import write_file

    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
        else:
            write_file(path, content)
    except OSError as error:
        raise unwritable(path, error) from None
    say(f"wrote {one_line(str(path))}")


def format_of(
    output: Path | None, format: str | None, endings: Mapping[str, str], default: str
) -> str:
    """The format that `--format` names, or the ending of a file; `endings` has those of each."""
    ending = output.suffix.lower().removeprefix(".") if output else ""
    told = endings.get(ending)
    if output and format and told not in (None, format):
        name = one_line(output.name)
        raise WrongUseError(
            f"`{name}` ends in .{ending}, but `--format` is {format}: leave one out"
        )
    if output and not format and told is None:
        *others, last = (f".{each}" for each in endings)
        raise WrongUseError(
            f"`{one_line(output.name)}` does not end in {', '.join(others)} or {last}"
        )
    return format or told or default


def refuse_screen(format: str, example: Path) -> None:
    """End the command where a picture would be printed for people to see its text."""
    if sys.stdout.isatty():
        name = one_line(str(example.with_suffix(f".{format}").name))
        raise WrongUseError(f"a picture as {format} goes to a file: add `-o {name}`")


def unwritable(path: Path, error: OSError) -> WrongUseError:
    """What to raise for a file that the system refuses."""
    reason = (error.strerror or str(error)).lower()
    return WrongUseError(f"`{one_line(str(path))}` cannot be written: {reason}")
