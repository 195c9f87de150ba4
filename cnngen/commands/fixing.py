"""`cnngen check --fix` and `--diff`: mend specs, or show what would be mended."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnngen.commands.options import WrongUseError, say
from cnngen.commands.standard_input import given, name_of
from cnngen.commands.writing import unwritable
from cnngen.diagnostics.terminal import one_line

if TYPE_CHECKING:
    from cnngen.analysis import Options
    from cnngen.diagnostics.model import Diagnostic

BOM = "\ufeff".encode()


def mend(paths: Sequence[Path], options: "Options", *, quiet: bool) -> None:
    """Fix specs and say what was fixed; `quiet` leaves the standard output to others."""
    from cnngen.fix import copies_of, examine_all, fix

    copies = copies_of(paths, options)
    before = dict(copies.texts)
    fixed = list(fix(paths, copies, examine_all(paths, copies)))
    for file, text in copies.texts.items():
        if text != before[file]:
            replace_text(file, before[file], text)
    for diagnostic in fixed:
        say(_line(diagnostic), err=quiet)


def say_what_is_left(paths: Sequence[Path], options: "Options") -> None:
    """Say why files with fixable mistakes were not changed."""
    from cnngen.fix import copies_of
    from cnngen.obstacle import obstacle

    named = {str(path) for path in paths}
    copies = copies_of(paths, options)
    left = [d for path in paths for d in copies.examine(path).diagnostics]
    files = dict.fromkeys(d.fix[0].span.source.path for d in left if d.fix)
    for file in files:
        reason = obstacle(Path(file)) if file in named else "is not named on the command line"
        if reason:
            say(f"`{one_line(file)}` {reason}, so it is left as it is", err=True)


def show_changes(
    paths: Sequence[Path], options: "Options"
) -> "tuple[list[Diagnostic], list[Diagnostic]]":
    """Print what `--fix` would change as a diff; gives the diagnostics before and after it."""
    from cnngen.fix import copies_of, examine_all, fix

    known = given()
    copies = copies_of(paths, options, known and known.path)
    before, found = dict(copies.texts), examine_all(paths, copies)
    everything = [d for path in paths for d in found[path].diagnostics]
    list(fix(paths, copies, found))
    shown = {path.resolve(): name_of(path) for path in reversed(paths)}
    for file, text in copies.texts.items():
        show_diff(before[file], text, one_line(shown[file]))
    left = {d.primary: d for path in paths for d in found[path].diagnostics}
    return everything, [replace(d, fix=()) for d in left.values()]


def show_diff(old: str, new: str, name: str) -> None:
    """Print what changes in a file of this name."""
    before, after = (re.findall(r"[^\n]*\n|[^\n]+", text) for text in (old, new))
    for line in difflib.unified_diff(before, after, name, name):
        say(line.rstrip("\r\n"))
        if not line.endswith("\n"):
            say("\\ No newline at end of file")


def replace_text(file: Path, before: str, after: str) -> None:
    """Replace the text of a file, unless somebody else has changed it in the meantime."""
    from cnngen.files import write_file

    name = one_line(str(file))
    try:
        content = file.read_bytes()
        mark = BOM if content.startswith(BOM) else b""
        if content != mark + before.encode():
            raise WrongUseError(f"`{name}` has changed meanwhile, so it is left as it is")
        write_file(file, mark + after.encode())
    except OSError as error:
        raise unwritable(file, error) from None


def _line(diagnostic: "Diagnostic") -> str:
    """A line about a fix: where, what and how."""
    from cnngen.diagnostics.text import describe_fix, place

    at = place(diagnostic.primary.span)
    what = f"{one_line(diagnostic.message)}: {describe_fix(diagnostic)}"
    why = "".join(f" ({one_line(note)})" for note in diagnostic.notes)
    return f"{at}: fixed[{diagnostic.code}] {what}{why}"
