"""Files that a command writes, and what is said where that cannot be."""

from pathlib import Path

import click

from cnngen.commands.options import WrongUseError
from cnngen.diagnostics.terminal import one_line


def write_file(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all, and say so."""
    from cnngen.targets.files import write

    try:
        write(path, content)
    except OSError as error:
        raise unwritable(path, error) from None
    click.echo(f"wrote {one_line(str(path))}")


def unwritable(path: Path, error: OSError) -> WrongUseError:
    """What to raise for a file that the system refuses."""
    reason = (error.strerror or str(error)).lower()
    return WrongUseError(f"`{one_line(str(path))}` cannot be written: {reason}")
