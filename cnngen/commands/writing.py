"""Writing: the files that a command writes, their formats, and errors."""

import sys
from collections.abc import Mapping
from pathlib import Path

from cnngen.commands.options import WrongUseError, say
from cnngen.diagnostics.terminal import one_line


def write_named(path: Path, content: bytes) -> None:
    """Write a file that the user named, completely or not at all, and say so.

    To a pipe or a device, the content is written directly.
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
    """The format that `--format` names, or that the ending of a file means, as in `endings`."""
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
    """End the command where it would print the text of a picture to a terminal."""
    if sys.stdout.isatty():
        name = one_line(str(example.with_suffix(f".{format}").name))
        raise WrongUseError(f"a picture as {format} goes to a file: add `-o {name}`")


def unwritable(path: Path, error: OSError) -> WrongUseError:
    """The error for a file that the system refuses to write."""
    reason = (error.strerror or str(error)).lower()
    return WrongUseError(f"`{one_line(str(path))}` cannot be written: {reason}")
