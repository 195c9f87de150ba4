"""Checking: what there is to say about a spec, unless the cache knows that it is nothing."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cnngen.cache import Cache, File, cache_folder
from cnngen.commands.options import Size, analyse, options

if TYPE_CHECKING:
    from cnngen.diagnostics.model import Diagnostic
    from cnngen.source import Source


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
        if self.cache is None:
            return analyse(path, options(self.settings, self.input, self.max_layers))[1]
        key = self.cache.key(path)
        if key is not None and self.cache.knows(key, path):
            return []
        return self._learn(path, self.cache)

    def finish(self) -> None:
        """Keep the cache small, once something came into it."""
        if self.cache and self.learned:
            self.cache.prune()

    def _learn(self, path: Path, cache: Cache) -> "list[Diagnostic]":
        from cnngen.syntax.load import read_file

        files: list[File] = []

        def read(path: Path, shown: str | None = None) -> "Source":
            source = read_file(path, shown)
            files.append(File(str(path), source.path, source.text))
            return source

        given = options(self.settings, self.input, self.max_layers)
        network, diagnostics = analyse(path, given, read)
        if network is not None and not diagnostics:
            cache.remember(path, files)
            self.learned = True
        return diagnostics


def checker(
    settings: dict[str, str], input: Size | None, max_layers: int | None, *, cached: bool
) -> Checker:
    """A checker, with the cache of the user if that is wanted and has a place."""
    folder = cache_folder() if cached else None
    given = repr((sorted(settings.items()), input, max_layers))
    return Checker(settings, input, max_layers, Cache(folder, given) if folder else None)
