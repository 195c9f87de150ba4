"""The command line: its commands, and what happens when something goes wrong that no spec explains.

Nothing of the compiler is imported before a command runs, so that `--version` and `--help` answer
at once, as does `check` where nothing has changed. Only the command that runs is imported.
"""

import errno
import gc
import importlib
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Any

import click

from cnngen import __version__
from cnngen.diagnostics.terminal import one_line, safe_lines

# Where the command of each name is.
COMMANDS = {
    "new": "new:new",
    "import": "import_:import_model",
    "check": "check:check",
    "fmt": "fmt:fmt",
    "build": "build:build",
    "verify": "verify:verify",
    "weights": "weights:weights",
    "diff": "diff:diff",
    "summary": "summary:summary",
    "sizes": "sizes:sizes",
    "compare": "compare:compare",
    "draw": "draw:draw",
    "explain": "reference:explain",
    "ops": "reference:ops",
    "schema": "reference:schema",
    "list": "zoo:list_zoo",
    "completion": "completion:completion",
}
BUG = 70
INTERRUPTED = 130
BROKEN_PIPE = 141  # as of a program that SIGPIPE ended
UNSAID = 2  # as of a file that cannot be written

# Why a disk takes nothing more.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


class Commands(click.Group):
    """Imports a command when it is called; reports any exception that it lets through as a bug."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        return getattr(importlib.import_module(f"cnngen.commands.{module}"), name)

    def make_context(self, *arguments: Any, **named: Any) -> click.Context:
        try:
            return super().make_context(*arguments, **named)
        except BrokenPipeError:  # by `--help`
            _silence()
            sys.exit(BROKEN_PIPE)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["arguments"] = list(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            text = safe_lines(error.message)  # it may quote a name of a file
            error.message = text  # pyright: ignore[reportAttributeAccessIssue]
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            _silence()
            ctx.exit(BROKEN_PIPE)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except Exception as error:
            if isinstance(error, OSError) and error.errno in FULL:
                raise  # `main` says it, as it does for what click itself prints
            _report_bug(error, ctx)
            ctx.exit(BUG)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine; 1 a spec has errors, a generated file is out of date, sources"
    " differ, or weights do not fit; 2 wrong use, or an unreadable file; 70 a bug in cnngen.",
)
@click.version_option(__version__, prog_name="cnngen", message="%(prog)s %(version)s")
def cli() -> None:
    """Compile specs of convolutional networks to PyTorch and Keras source.

    A SPEC is a file, a folder with specs below it, or the name of a spec of the zoo
    (`cnngen list`). None means the folder `specs`, and `-` the standard input.
    """


def main() -> None:
    """Run the command line and end the process."""
    _open_streams()
    gc.set_threshold(100_000)  # the process is short, and its layers stay alive
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # without UTF-8, a name must not end in a traceback
            stream.reconfigure(errors="backslashreplace")
    try:
        cli.main(prog_name="cnngen")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        with suppress(OSError):  # which may be of the standard error
            click.echo(f"error: the output cannot be written: {one_line(reason)}", err=True)
        _silence()
        sys.exit(UNSAID)
    finally:
        gc.freeze()  # memory is freed with the process


def _open_streams() -> None:
    """Where a standard stream is closed, open the null device instead, so that no other file gets
    its number.
    """
    if sys.stdin is None:
        os.open(os.devnull, os.O_RDONLY)  # the least number that is free, as for the others
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _silence() -> None:
    """Send what Python flushes at its end to the null device."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def _report_bug(error: Exception, context: click.Context) -> None:
    import platform
    import traceback

    if os.environ.get("CNNGEN_DEBUG"):
        traceback.print_exception(error)
    spec = context.meta.get("spec")
    lines = [
        f"error: this is a bug in cnngen: {type(error).__name__}: {one_line(str(error))}",
        f"  version: cnngen {__version__}, Python {platform.python_version()}, {sys.platform}",
        f"  command: cnngen {one_line(' '.join(context.meta.get('arguments', [])))}",
        *([f"  spec: {one_line(str(spec))}"] if spec else []),
        "  please report it to the project's issue tracker, with the spec;"
        " CNNGEN_DEBUG=1 shows the traceback",
    ]
    click.echo("\n".join(lines), err=True)
