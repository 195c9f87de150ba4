"""`cnngen check --watch`: the same check again, whenever a file that it reads changes."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import click

from cnngen.commands.options import say
from cnngen.diagnostics.model import Report
from cnngen.diagnostics.terminal import one_line
from cnngen.locate import DEFAULT_FOLDER, UnknownSpecError, find_all_specs
from cnngen.source import Source
from cnngen.syntax.load import load, read_file

# Looking twice a second needs no dependency, works on any file system, also one of a network or of
# a container, and costs a `stat` for each file.
PAUSE = 0.5  # seconds
SETTLE = 0.1  # an editor that saves may have removed a file, and not yet put the new one there
MOST_NAMES = 3

Stamp = tuple[int, ...] | None  # None where there is no file
Stamps = dict[str, Stamp]


def watch(texts: Sequence[str], check: Callable[[], None], sleep: Callable[[float], None]) -> None:
    """Check the specs that the arguments mean, and again after each change, until Ctrl-C."""
    read: dict[Path, Stamps] = {}
    while True:
        # A file is stamped before it is checked, so that no change after that is missed.
        paths = _find(texts)
        read = {path: _same(read.get(path)) or _read_by(path) for path in paths}
        stamps = {file: stamp for files in read.values() for file, stamp in files.items()}
        click.clear()  # which does nothing where there is no terminal
        _say_time()
        try:
            check()
        except click.exceptions.Exit:
            pass  # with the verdict as its code
        except click.ClickException as error:
            error.show()  # a spec that was named is gone, and may come back
        _say_what_is_watched(texts, stamps)
        while _find(texts) == paths and _stamps(stamps) == stamps:
            sleep(PAUSE)
        sleep(SETTLE)


def _find(texts: Sequence[str]) -> list[Path]:
    with suppress(UnknownSpecError):
        return find_all_specs(texts)
    return []


def _read_by(spec: Path) -> Stamps:
    """The files that a spec is read from, including those that it extends and those that are
    missing.

    The cache knows them only for specs without such mistakes, so they are collected here.
    """
    stamps: Stamps = {}

    def read(path: Path, shown: str | None = None) -> Source:
        at = os.path.abspath(path)
        stamps.setdefault(at, _stamp(at))
        return read_file(path, shown)

    click.get_current_context().meta["spec"] = spec  # in case that this ends in a bug
    load(spec, Report(), reader=read)
    return stamps


def _same(files: Stamps | None) -> Stamps | None:
    """The stamps of files, if none of them has changed since."""
    return files if files and _stamps(files) == files else None


def _stamps(files: Iterable[str]) -> Stamps:
    return {file: _stamp(file) for file in files}


def _stamp(path: str) -> Stamp:
    """A value that changes when a file is edited, replaced, or made readable."""
    with suppress(OSError, ValueError):
        found = os.stat(path)
        return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode
    return None


def _say_time() -> None:
    if sys.stdout.isatty():
        say(time.strftime("%H:%M:%S"))


def _say_what_is_watched(texts: Sequence[str], stamps: Stamps) -> None:
    names = [one_line(text) for text in texts or (DEFAULT_FOLDER,)]
    shown = ", ".join(names[:MOST_NAMES]) + (", ..." if len(names) > MOST_NAMES else "")
    files = "1 file" if len(stamps) == 1 else f"{len(stamps)} files"
    say(f"watching {shown} ({files}); Ctrl-C ends", err=True)
