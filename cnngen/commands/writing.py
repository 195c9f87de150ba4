"""Files that a command writes, and what is said where that cannot be."""

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


def unwritable(path: Path, error: OSError) -> WrongUseError:
    """What to raise for a file that the system refuses."""
    reason = (error.strerror or str(error)).lower()
    return WrongUseError(f"`{one_line(str(path))}` cannot be written: {reason}")
