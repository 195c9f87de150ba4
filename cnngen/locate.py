"""Locate: the files that the SPEC of a command line or of a call means."""

import os
from collections.abc import Sequence
from pathlib import Path

from cnngen.diagnostics.terminal import one_line
from cnngen.shipped import SPECS

DEFAULT_FOLDER = "specs"
SUFFIXES = (".yaml", ".yml")


class UnknownSpecError(LookupError):
    """Nothing is there under the name or path of a spec; the message says what to do."""


def zoo() -> dict[str, Path]:
    """The specs that ship with the package, by name."""
    return {path.stem: path for path in sorted(SPECS.glob("*.yaml"))}


def find_specs(text: str) -> list[Path]:
    """The file of this path, all specs below this folder, or the spec of the zoo of this name."""
    path = Path(text)
    if "\0" in text or not os.path.lexists(path):
        return [_find_in_zoo(text)]
    if not path.is_dir():
        return [path]
    if found := _specs_below(path):
        return found
    raise UnknownSpecError(f"there is no spec below `{one_line(text)}`")


def find_all_specs(texts: Sequence[str]) -> list[Path]:
    """The files of several, each once; those of the folder `specs` where none is named."""
    if not texts and not os.path.isdir(DEFAULT_FOLDER):
        raise UnknownSpecError(f"there is no folder `{DEFAULT_FOLDER}` here: name a spec")
    found = [path for text in texts or (DEFAULT_FOLDER,) for path in find_specs(text)]
    once: dict[str, Path] = {}
    for path in found:
        once.setdefault(os.path.abspath(path), path)
    return list(once.values())


def _find_in_zoo(name: str) -> Path:
    known = zoo()
    if name in known:
        return _relative(known[name])
    from cnngen.diagnostics.suggest import suggest  # late, as most specs are found

    guess = suggest(name, known)
    remedy = f"did you mean `{guess}`?" if guess else "`cnngen list` shows the specs of the zoo"
    raise UnknownSpecError(
        f"there is no file, folder or spec of the zoo `{one_line(name)}`: {remedy}"
    )


def _specs_below(folder: Path) -> list[Path]:
    found: list[Path] = []
    for parent, _, names in os.walk(folder, onerror=_refuse):  # which follows no links
        found += [Path(parent, name) for name in names if name.endswith(SUFFIXES)]
    return sorted(found)


def _refuse(error: OSError) -> None:
    reason = (error.strerror or "").lower()
    raise UnknownSpecError(f"`{one_line(str(error.filename))}` cannot be read: {reason}")


def _relative(path: Path) -> Path:
    """The path as a user in the project's folder would write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
