"""The standard input as a spec: the argument `-`, and the option `--stdin-filename`."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from cnngen.source import Source

F = TypeVar("F", bound=Callable[..., Any])

STANDARD_INPUT = "-"
UNNAMED = "<stdin>"
STAND_IN = Path("stdin.yaml")  # what stands where a path is needed and no name is given
FILENAME, GIVEN = "cnngen.stdin_filename", "cnngen.given"  # in the context of a command


@dataclass(frozen=True, slots=True)
class Given:
    """A text that stands for the file at a path, whatever that file holds."""

    path: Path
    shown: str
    content: bytes

    def read(self, path: Path, shown: str | None = None) -> "Source":
        """This text, or that of another file which it extends; raises `UnreadableError`."""
        from cnngen.syntax.load import read_file, source_of

        if os.path.realpath(path) == os.path.realpath(self.path):
            return source_of(self.content, self.shown)
        return read_file(path, shown)


def takes_standard_input(command: F) -> F:
    """The option `--stdin-filename` of commands that take `-` for a SPEC."""
    return click.option(
        "--stdin-filename",
        metavar="FILE",
        expose_value=False,
        callback=_remember,
        help="The file for which `-`, the standard input, stands: its name in messages and outputs,"
        " and where it looks for what it extends.",
    )(command)


def _remember(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    ctx.meta[FILENAME] = value


def read_standard_input(texts: Sequence[str]) -> Given | None:
    """Read the standard input, if an argument of the command is `-`, and the command allows it."""
    context = click.get_current_context()
    if STANDARD_INPUT not in texts:
        if context.meta.get(FILENAME) and not _is_given(context):
            raise click.UsageError("`--stdin-filename` is the name of `-`, which is not given")
        return context.meta.get(GIVEN)
    if FILENAME not in context.meta:
        raise click.UsageError(f"`{context.info_name}` takes no `-`: name a file")
    if GIVEN in context.meta or texts.count(STANDARD_INPUT) > 1:
        raise click.UsageError("`-` can be given once")
    name = context.meta[FILENAME]
    path = Path(name) if name else STAND_IN
    given = Given(path, str(path) if name else UNNAMED, content_of_standard_input())
    context.meta[GIVEN] = given
    return given


def _is_given(context: click.Context) -> bool:
    """Whether one of the arguments is `-`."""
    return any(
        STANDARD_INPUT in ([value] if isinstance(value, str) else value)
        for value in context.params.values()
        if isinstance(value, (str, tuple))
    )


def content_of_standard_input() -> bytes:
    """The content of the standard input, up to one byte more than a spec may have."""
    from cnngen.syntax.read import MAX_SIZE

    if sys.stdin is None:
        raise click.UsageError("the standard input is closed")
    try:
        return sys.stdin.buffer.read(MAX_SIZE + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.UsageError(f"the standard input cannot be read: {reason}") from None


def given() -> Given | None:
    """The standard input of this command, if it was read."""
    context = click.get_current_context(silent=True)  # there is none in a process of its own
    return context.meta.get(GIVEN) if context else None


def read(path: Path, shown: str | None = None) -> "Source":
    """The text of a file, or of the standard input in its place; raises `UnreadableError`."""
    from cnngen.syntax.load import read_file

    known = given()
    return known.read(path, shown) if known else read_file(path, shown)


def name_of(path: Path) -> str:
    """The name of a spec in messages."""
    known = given()
    return known.shown if known and path == known.path else str(path)
