"""Checking: the diagnostics of specs, from the cache where it has them.

Several specs are checked in parallel processes, where that pays.
"""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnngen.cache import Cache, File, cache_folder
from cnngen.commands.options import InputShapes, check_spec, options
from cnngen.commands.standard_input import Given, given

if TYPE_CHECKING:
    from cnngen.diagnostics.model import Diagnostic
    from cnngen.source import Source


# A process costs as much as a few specs where it can be forked, and the import of the compiler
# where it cannot. A fork would cut off threads, but there are none yet when `check` begins.
FORKS = sys.platform == "linux"
FEWEST_EACH = 4 if FORKS else 32  # specs for a process


@dataclass(slots=True)
class Checker:
    """Checks specs with one set of options; results go into the cache, if there is one."""

    settings: dict[str, str]
    input: InputShapes
    max_layers: int | None
    cache: Cache | None
    given: Given | None  # the standard input, which the cache does not know
    learned: bool = field(default=False, init=False)

    def check(self, path: Path) -> "list[Diagnostic]":
        """The diagnostics of a spec."""
        known = self.recall(path)
        return self._look(path) if known is None else known

    def recall(self, path: Path) -> "list[Diagnostic] | None":
        """The diagnostics of a spec from the cache; None where it has none, or something has
        changed.
        """
        result = self.cache.recall(path) if self.cache and not self._is_given(path) else None
        if result is None:
            return None
        if not result.found:
            return []
        from cnngen.diagnostics.stored import restored

        return restored(result.found, result.contents)

    def check_all(
        self, paths: Sequence[Path], jobs: int | None
    ) -> "Iterator[tuple[Path, list[Diagnostic]]]":
        """The diagnostics of each spec; at most `jobs` are checked at a time."""
        recalled = {path: self.recall(path) for path in paths}
        unknown = [path for path, known in recalled.items() if known is None]
        count = min(jobs or cores(), len(unknown) if jobs else len(unknown) // FEWEST_EACH)
        found = self._side_by_side(unknown, count) if count > 1 else map(self._look, unknown)
        for path, known in recalled.items():
            yield path, next(found) if known is None else known

    def finish(self) -> None:
        """Keep the cache small, if something was added to it."""
        if self.cache and self.learned:
            self.cache.prune()

    def _side_by_side(self, paths: Sequence[Path], count: int) -> "Iterator[list[Diagnostic]]":
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        import_module("cnngen.check")  # so that no fork imports it again
        context = get_context("fork" if FORKS else "spawn")
        pool = ProcessPoolExecutor(count, context, initializer=_leave_interrupts)
        try:
            futures = [pool.submit(self._look, path) for path in paths]
            for path, future in zip(paths, futures, strict=True):
                click.get_current_context().meta["spec"] = path  # in case that this ends in a bug
                diagnostics = future.result()
                self.learned = True
                yield diagnostics
        finally:
            pool.shutdown(cancel_futures=True)

    def _look(self, path: Path) -> "list[Diagnostic]":
        """The diagnostics of a spec that is not in the cache."""
        from cnngen.syntax.load import read_file

        reader = self.given.read if self.given else read_file
        sources: list[tuple[Path, Source]] = []
        missed: list[Path] = []

        def read(path: Path, shown: str | None = None) -> "Source":
            missed.append(path)
            sources.append((path, reader(path, shown)))
            missed.pop()
            return sources[-1][1]

        chosen = replace(options(self.settings, self.input, self.max_layers), reader=reader)
        diagnostics = check_spec(path, chosen, read).diagnostics
        # The cache compares contents, which do not tell whether a missing file has appeared.
        if (
            not missed
            and not self._is_given(path)
            and all(diagnostic.code != "bad-extends" for diagnostic in diagnostics)
        ):
            self._remember(path, sources, diagnostics)
        return diagnostics

    def _is_given(self, path: Path) -> bool:
        return self.given is not None and path == self.given.path

    def _remember(
        self,
        path: Path,
        sources: "Sequence[tuple[Path, Source]]",
        diagnostics: "Sequence[Diagnostic]",
    ) -> None:
        from cnngen.diagnostics.stored import stored

        found = stored(diagnostics, [source for _, source in sources]) if diagnostics else ""
        if self.cache and found is not None:
            files = [File(str(path), source.path, source.text) for path, source in sources]
            self.cache.remember(path, files, found)
            self.learned = True


def cores() -> int:
    """The number of processors that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _leave_interrupts() -> None:
    """Ignore Ctrl-C, which reaches all processes of a terminal; the first process handles it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def checker(
    settings: dict[str, str], input: InputShapes, max_layers: int | None, *, cached: bool
) -> Checker:
    """A checker, with the user's cache if that is wanted and exists."""
    folder = cache_folder() if cached else None
    chosen = repr((sorted(settings.items()), input, max_layers))
    cache = Cache(folder, chosen) if folder else None
    return Checker(settings, input, max_layers, cache, given())
