"""Locate: the files that the SPEC of a command line, or of a call, means."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from cnngen.diagnostics.terminal import one_line
from cnngen.files import RefusedError, read_file
from cnngen.shipped import SPECS

DEFAULT_FOLDER = "specs"
SUFFIXES = (".yaml", ".yml")
SEARCHED = 1_000_000  # bytes of a file: as long as a spec may be

# What makes a YAML file a spec. As it may be one with mistakes, it is not parsed.
KEY = r"""(?:\?[ \t]+)?(["']?)cnngen\1\s*:"""
BEFORE = re.compile(r"(?:[ \t]*(?:\#.*)?\n|%.*\n|---(?=\s)[ \t]*)*")  # a spec begins
FLOW = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|(?<!\S)\#.*|[\[\]{},:]|[^\s\[\]{},:'"]+""")


class UnknownSpecError(LookupError):
    """There is no spec of this name or path; the message says what to do."""


def zoo() -> dict[str, Path]:
    """The specs that ship with the package, by name; some installers put links there."""
    return {path.stem: path.resolve() for path in sorted(SPECS.glob("*.yaml"))}


def find_specs(text: str) -> list[Path]:
    """The file of this path, the specs below this folder, or the spec of the zoo of this name."""
    path = Path(text)
    if "\0" in text or not os.path.lexists(path):
        return [_find_in_zoo(text)]
    if not path.is_dir():
        return [path]
    files = list(_yaml_below(path))
    if found := [file for file in files if is_spec(file)]:
        return sorted(found)
    lacking = ": no YAML file there has a key `cnngen`" if files else ""
    raise UnknownSpecError(f"there is no spec below `{one_line(text)}`{lacking}")


def find_all_specs(texts: Sequence[str], known: Mapping[str, Path] | None = None) -> list[Path]:
    """The files that several arguments mean, each once; those of the folder `specs` without
    arguments.

    `known` has the paths of arguments that stand for something else, such as `-`.
    """
    if not texts and not os.path.isdir(DEFAULT_FOLDER):
        raise UnknownSpecError(f"there is no folder `{DEFAULT_FOLDER}` here: name a spec")
    known = known or {}
    found = [
        path
        for text in texts or (DEFAULT_FOLDER,)
        for path in ([known[text]] if text in known else find_specs(text))
    ]
    once: dict[str, Path] = {}
    for path in found:
        once.setdefault(os.path.abspath(path), path)
    return list(once.values())


def would_be_found(text: str) -> bool:
    """Whether a file that is named would be found if its folder was named."""
    path = Path(text)
    hidden = any(part.startswith(".") and part != ".." for part in path.parts)
    return not (os.path.isfile(path) and (hidden or not is_spec(path)))


def is_spec(path: Path) -> bool:
    """Whether a file is a spec, with or without mistakes: a mapping with a key `cnngen`.

    A file that cannot be read may be one. So may a link that leads out of the project: it is looked
    at here, and refused by whatever would show its content.
    """
    real = os.path.realpath(path)
    try:
        found = os.stat(real)
        return _is_spec(real, found.st_mtime_ns, found.st_size, found.st_ino)
    except (FileNotFoundError, RefusedError):
        return False
    except OSError:
        return True


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


def _yaml_below(folder: Path) -> Iterator[Path]:
    """The YAML files in a folder and those below it, but for what is hidden or ignored by git."""
    ignored: set[str] = set()
    for parent, folders, names in os.walk(folder, onerror=_refuse):  # which follows no links
        # Above a repository in another one, git says nothing of what is in it.
        asked = parent == str(folder) or ".git" in folders or ".git" in names
        folders[:] = [name for name in folders if not name.startswith(".")]
        if folders and asked:
            from cnngen.git import ignored_folders  # late, as most folders have no others in them

            ignored |= ignored_folders(parent)
        folders[:] = [name for name in folders if os.path.join(parent, name) not in ignored]
        for name in names:
            if name.endswith(SUFFIXES) and not name.startswith("."):
                yield Path(parent, name)


@lru_cache(maxsize=65_536)  # as `--watch` asks again and again
def _is_spec(path: str, *stamp: int) -> bool:
    content = read_file(Path(path), SEARCHED)
    try:
        text = content.decode("utf-8-sig", "strict" if len(content) <= SEARCHED else "replace")
    except UnicodeDecodeError:
        return True  # in another encoding, of which `check` says that it is refused
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    start = BEFORE.match(text)
    begin = start.end() if start else 0
    if text.startswith("{", begin):
        return _has_key_in_flow(text, begin)
    indent = re.compile("[ \t]*").match(text, begin)
    return (
        re.search(rf"^{indent[0] if indent else ''}{KEY}", text[begin:], re.MULTILINE) is not None
    )


def _has_key_in_flow(text: str, begin: int) -> bool:
    """Whether a mapping in braces has the key; that of a mapping in it does not count."""
    depth, before = 0, ""
    for token in FLOW.finditer(text, begin):
        word = token[0]
        if word == ":" and depth == 1 and before.strip("\"'") == "cnngen":
            return True
        depth += (word in "[{") - (word in "]}")
        before = word
    return False


def _refuse(error: OSError) -> None:
    reason = (error.strerror or "").lower()
    raise UnknownSpecError(f"`{one_line(str(error.filename))}` cannot be read: {reason}")


def _relative(path: Path) -> Path:
    """The path as a user in the project's folder would write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
