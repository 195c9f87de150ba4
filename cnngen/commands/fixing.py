"""`cnngen check --fix` and `--diff`: mend specs, or show what would be mended."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnngen.commands.options import WrongUseError
from cnngen.commands.writing import unwritable
from cnngen.diagnostics.terminal import one_line, safe

if TYPE_CHECKING:
    from cnngen.analysis import Options
    from cnngen.diagnostics.model import Diagnostic

BOM = "\ufeff".encode()


def mend(paths: Sequence[Path], options: "Options", *, quiet: bool) -> None:
    """Fix specs and say what was fixed; `quiet` leaves the standard output to others."""
    from cnngen.fix import copies_of, fix

    copies = copies_of(paths, options)
    before = dict(copies.texts)
    fixed = list(fix(paths, copies))
    for file, text in copies.texts.items():
        if text != before[file]:
            replace_text(file, before[file], text)
    for diagnostic in fixed:
        click.echo(_line(diagnostic), err=quiet)


def say_what_is_left(paths: Sequence[Path], options: "Options") -> None:
    """Say why files are as they were although something in them could be fixed."""
    from cnngen.fix import copies_of
    from cnngen.obstacle import obstacle

    named = {str(path) for path in paths}
    copies = copies_of(paths, options)
    left = [d for path in paths for d in copies.examine(path).diagnostics]
    files = dict.fromkeys(d.fix[0].span.source.path for d in left if d.fix)
    for file in files:
        reason = obstacle(Path(file)) if file in named else "is not named on the command line"
        if reason:
            click.echo(f"`{one_line(file)}` {reason}, so it is left as it is", err=True)


def show_changes(paths: Sequence[Path], options: "Options") -> "list[Diagnostic]":
    """Print what `--fix` would change as a diff; gives the diagnostics that would be left."""
    from cnngen.fix import copies_of, fix

    copies = copies_of(paths, options)
    before = dict(copies.texts)
    list(fix(paths, copies))
    shown = {path.resolve(): str(path) for path in reversed(paths)}
    for file, text in copies.texts.items():
        show_diff(before[file], text, one_line(shown[file]))
    left = {d.primary: d for path in paths for d in copies.examine(path).diagnostics}
    return [replace(d, fix=()) for d in left.values()]


def show_diff(old: str, new: str, name: str) -> None:
    """Print what changes in a file of this name."""
    before, after = (re.findall(r"[^\n]*\n|[^\n]+", text) for text in (old, new))
    for line in difflib.unified_diff(before, after, name, name):
        click.echo(safe(line.rstrip("\r\n")))
        if not line.endswith("\n"):
            click.echo("\\ No newline at end of file")


def replace_text(file: Path, before: str, after: str) -> None:
    """Put another text into a file, unless somebody else changed it in the meantime."""
    from cnngen.targets.files import write

    name = one_line(str(file))
    try:
        content = file.read_bytes()
        mark = BOM if content.startswith(BOM) else b""
        if content != mark + before.encode():
            raise WrongUseError(f"`{name}` has changed meanwhile, so it is left as it is")
        write(file, mark + after.encode())
    except OSError as error:
        raise unwritable(file, error) from None


def _line(diagnostic: "Diagnostic") -> str:
    """What was fixed, where it stood, and how."""
    from cnngen.diagnostics.text import describe_fix, place

    at = place(diagnostic.primary.span)
    what = f"{one_line(diagnostic.message)}: {describe_fix(diagnostic)}"
    return f"{at}: fixed[{diagnostic.code}] {what}"
