"""Checking: what there is to say about specs, unless the cache knows that it is nothing.

Several specs are checked in processes side by side, where that pays.
"""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnngen.cache import Cache, File, cache_folder
from cnngen.commands.options import Size, analyse, options

if TYPE_CHECKING:
    from cnngen.diagnostics.model import Diagnostic
    from cnngen.source import Source


# A process costs as much as a few specs where it can be forked, and the import of the compiler
# where it cannot. A fork would cut off threads, but there are none yet when `check` begins.
FORKS = sys.platform == "linux"
FEWEST_EACH = 4 if FORKS else 32  # specs for a process


@dataclass(slots=True)
class Checker:
    """Checks specs with one set of options; what it learns stays in the cache, if there is one."""

    settings: dict[str, str]
    input: Size | None
    max_layers: int | None
    cache: Cache | None
    learned: bool = field(default=False, init=False)

    def check(self, path: Path) -> "list[Diagnostic]":
        """What there is to say about a spec."""
        return [] if self.knows(path) else self._look(path)

    def knows(self, path: Path) -> bool:
        """Whether a spec was clean before, and nothing has changed."""
        key = self.cache and self.cache.key(path)
        return bool(self.cache and key and self.cache.knows(key, path))

    def check_all(
        self, paths: Sequence[Path], jobs: int | None
    ) -> "Iterator[tuple[Path, list[Diagnostic]]]":
        """What there is to say about each of some specs; at most `jobs` are checked at a time."""
        known = {path for path in paths if self.knows(path)}
        unknown = [path for path in paths if path not in known]
        count = min(jobs or cores(), len(unknown) if jobs else len(unknown) // FEWEST_EACH)
        found = self._side_by_side(unknown, count) if count > 1 else map(self._look, unknown)
        yield from ((path, [] if path in known else next(found)) for path in paths)

    def finish(self) -> None:
        """Keep the cache small, once something came into it."""
        if self.cache and self.learned:
            self.cache.prune()

    def _side_by_side(self, paths: Sequence[Path], count: int) -> "Iterator[list[Diagnostic]]":
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        import_module("cnngen.analysis")  # so that no fork imports it again
        context = get_context("fork" if FORKS else "spawn")
        pool = ProcessPoolExecutor(count, context, initializer=_leave_interrupts)
        try:
            futures = [pool.submit(self._look, path) for path in paths]
            for path, future in zip(paths, futures, strict=True):
                click.get_current_context().meta["spec"] = path  # in case that this ends in a bug
                diagnostics = future.result()
                self.learned |= not diagnostics
                yield diagnostics
        finally:
            pool.shutdown(cancel_futures=True)

    def _look(self, path: Path) -> "list[Diagnostic]":
        """What there is to say about a spec that the cache does not know."""
        from cnngen.syntax.load import read_file

        files: list[File] = []

        def read(path: Path, shown: str | None = None) -> "Source":
            source = read_file(path, shown)
            files.append(File(str(path), source.path, source.text))
            return source

        given = options(self.settings, self.input, self.max_layers)
        network, diagnostics = analyse(path, given, read)
        if self.cache and network is not None and not diagnostics:
            self.cache.remember(path, files)
            self.learned = True
        return diagnostics


def cores() -> int:
    """How many processors this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _leave_interrupts() -> None:
    """Ctrl-C reaches all processes of a terminal, and the first one answers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def checker(
    settings: dict[str, str], input: Size | None, max_layers: int | None, *, cached: bool
) -> Checker:
    """A checker, with the cache of the user if that is wanted and has a place."""
    folder = cache_folder() if cached else None
    given = repr((sorted(settings.items()), input, max_layers))
    return Checker(settings, input, max_layers, Cache(folder, given) if folder else None)
