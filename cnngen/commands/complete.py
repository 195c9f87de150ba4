"""Complete: the words that a shell offers for an argument of a command."""

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from cnngen.locate import SUFFIXES, zoo

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]
ANY_FILE = "file"  # to click: the shell itself looks for files


def _completer(words: Callable[[], Iterable[str]]) -> Complete:
    """A function for click: the words that continue what the user has typed.

    Whatever goes wrong, nothing is offered: a traceback would appear in the user's prompt.
    """

    def complete(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        try:
            known = list(words())
        except Exception:
            return []
        return [CompletionItem(word) for word in known if word.startswith(incomplete)]

    return complete


def spec(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Specs of the zoo and what is in the current folder, or files where the zoo has nothing.

    Only the files that the shell finds itself let it go on from a folder to what is in it.
    """
    from click.shell_completion import CompletionItem

    if found := _zoo(ctx, param, incomplete):
        return found + _here(ctx, param, incomplete)
    return [CompletionItem(incomplete, type=ANY_FILE)]


def _specs_and_folders() -> Iterable[str]:
    with os.scandir() as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith(".") or not entry.name.isprintable():
                continue
            if entry.is_dir():
                yield entry.name + os.sep
            elif entry.name.endswith(SUFFIXES):
                yield entry.name


def source(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Packages that have models, and whatever files there are."""
    from click.shell_completion import CompletionItem

    if found := _prefixes(ctx, param, incomplete):
        return found
    return [CompletionItem(incomplete, type=ANY_FILE)]


def _targets() -> Iterable[str]:
    from cnngen.targets.registry import target_names

    return ["all", *target_names()]


def _ops() -> Iterable[str]:
    from cnngen.ops import OPS

    return sorted(OPS)


def _codes() -> Iterable[str]:
    from cnngen.diagnostics.codes import CODES

    return CODES


def _packages() -> Iterable[str]:
    from cnngen.weights.published import PACKAGES

    return PACKAGES


def _package_prefixes() -> Iterable[str]:
    return [f"{package}:" for package in _packages()]


_zoo = _completer(zoo)
_prefixes = _completer(_package_prefixes)
_here = _completer(_specs_and_folders)
target = _completer(_targets)
op = _completer(_ops)
code = _completer(_codes)
package = _completer(_packages)
