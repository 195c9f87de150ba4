"""Load: a file to the tree of its spec.

The files that it extends are merged with it as YAML nodes, before anything is parsed.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath

from cnngen.diagnostics.model import Report
from cnngen.diagnostics.suggest import suggest
from cnngen.files import RefusedError, root_folder
from cnngen.files import read_file as read_bytes
from cnngen.source import Source, Span
from cnngen.syntax.look_alikes import explain_look_alikes
from cnngen.syntax.merge import merge
from cnngen.syntax.naming import KEYWORDS, LOOK_ALIKES
from cnngen.syntax.parse import check_root, check_version, parse
from cnngen.syntax.parse_value import IDENTIFIER, wrong_kind
from cnngen.syntax.read import MAX_SIZE, read
from cnngen.syntax.tree import Spec
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, brief, is_null

LONGEST_CHAIN = 16
REFUSED = "name a file itself; a text from elsewhere is given to the standard input, `-`"
MOST_NEIGHBOURS = 1000  # files whose names may be meant

Reader = Callable[[Path, str | None], Source]  # of a path, and what diagnostics call it


class UnreadableError(Exception):
    """A file cannot be read as text. The message completes a sentence that begins with the file's
    name; `shown` is that name, where it is not the path.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "unreadable",
        help: str | None = None,
        shown: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.help, self.shown = message, code, help, shown


def read_file(path: Path, shown: str | None = None) -> Source:
    """The text of a file, less a byte order mark; raises `UnreadableError`."""
    try:
        content = read_bytes(path, MAX_SIZE)
    except FileNotFoundError:
        raise UnreadableError("does not exist") from None
    except RefusedError as error:
        raise UnreadableError(error.message, help=REFUSED) from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "its path is malformed"
        raise UnreadableError(f"cannot be read: {reason.lower()}") from None
    return source_of(content, str(path) if shown is None else shown)


def source_of(content: bytes, shown: str) -> Source:
    """The text of a file that was read; raises `UnreadableError`."""
    if len(content) > MAX_SIZE:
        message = f"is larger than {MAX_SIZE:,} bytes"
        raise UnreadableError(message, code="too-large", shown=shown)
    try:
        return Source(shown, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableError(
            f"is not UTF-8 text (line {line})",
            help="save it with the encoding UTF-8",
            shown=shown,
        ) from None


def load(
    path: Path,
    report: Report,
    shown: str | None = None,
    reader: Reader = read_file,
    without: Span | None = None,
) -> Spec | None:
    """The spec of a file; what cannot be read is reported and left out. None where nothing is left.
    Never raises.

    `shown` is what diagnostics call the file, if not by its path; `reader` may give other texts
    than the files have. `without` is the key of an entry to be ignored, so that what is inherited
    counts.
    """
    first = _File(path, str(path) if shown is None else shown)
    own = Report()
    chain = _read_chain(first, own, reader)
    spec = _parse_chain(chain, path.stem, own, without) if chain else None
    explain_look_alikes(own)
    report.found |= own.found
    return spec


def _parse_chain(
    chain: list[Mapping], stem: str, report: Report, without: Span | None
) -> Spec | None:
    """The spec of a file and of those that it extends, which is first in the list."""
    root, inherited = chain[-1], frozenset[str]()
    for child in reversed(chain[:-1]):
        params = root.get("params")
        known = params.entries if isinstance(params, Mapping) else ()
        inherited = frozenset(key.text for key, _ in known)
        root = merge(root, child, report, without)
    _check_stem(stem, root, report)
    spec = parse(root, stem, report)
    return replace(spec, inherited=inherited) if spec and len(chain) > 1 else spec


def can_name_function(stem: str) -> bool:
    """Whether a generated function can be called after a file of this stem."""
    return IDENTIFIER.fullmatch(stem) is not None and stem not in KEYWORDS | LOOK_ALIKES


def _check_stem(stem: str, root: Mapping, report: Report) -> None:
    if not can_name_function(stem):
        report.add(
            "bad-name",
            f"the generated function is named after the file, and `{brief(stem)}` cannot be a name",
            Span(root.span.source, 0, 0),
            help="call the file, say, `densenet121.yaml`",
        )


@dataclass(frozen=True, slots=True)
class _File:
    """A file of a chain: where it is, what diagnostics call it, the `extends` that leads to it."""

    path: Path
    shown: str
    extends: Scalar | None = None


def _read_chain(first: _File, report: Report, reader: Reader) -> list[Mapping] | None:
    """What a file holds, what the file holds that it extends, and so on."""
    file: _File | None = first
    folder: Path | None = None
    chain: list[Mapping] = []
    known: set[Path] = set()
    while file:
        try:
            source = reader(file.path, file.shown)
            real = file.path.resolve()
        except (UnreadableError, OSError, RuntimeError) as error:
            _report_unreadable(file, error, report)
            return None
        if real in known or len(chain) == LONGEST_CHAIN:
            _report_chain(file, real in known, report)
            return None
        root = read(source, report)
        if root is None or not check_version(root, report):
            return None
        known.add(real)
        chain.append(check_root(root, report))
        folder = folder or root_folder(real)
        extends = chain[-1].get("extends")
        if root.get("extends") is None:
            report = Report()  # if it is misspelt, it is enough to say so
        if extends is None:
            return chain
        file = _parent(extends, _File(real, file.shown), folder, report)
    return None


def _parent(extends: Node, child: _File, folder: Path, report: Report) -> _File | None:
    """The file that a path names, relative to the file in which it stands."""
    if not isinstance(extends, Scalar) or is_null(extends):
        wrong_kind(extends, "`extends` must be a path", report, "write `extends: other.yaml`")
        return None
    text = extends.text
    if PurePosixPath(text).is_absolute() or PureWindowsPath(text).anchor:
        message, help = "`extends` takes a relative path", "write `extends: other.yaml`"
    else:
        try:
            real = (child.path.parent / text).resolve()
        except (OSError, RuntimeError, ValueError):
            message, help = f"`{brief(text)}` is not a path", "write `extends: other.yaml`"
        else:
            if real.is_relative_to(folder):
                shown = os.path.normpath(os.path.join(os.path.dirname(child.shown), text))
                return _File(real, shown, extends)
            message = f"`{brief(text)}` is outside of the project"
            help = "the project is the nearest folder with `pyproject.toml` or `.git`"
    report.add("bad-extends", message, extends.span, help=help)
    return None


def _report_unreadable(file: _File, error: Exception, report: Report) -> None:
    if not isinstance(error, UnreadableError):
        error = UnreadableError("cannot be read")
    shown = error.shown or file.shown
    if file.extends:
        code, at = "bad-extends", file.extends.span
        help = error.help or _neighbour(file.path, file.extends.text)
    else:
        code, at, help = error.code, Span(Source(shown, ""), 0, 0), error.help
    report.add(code, f"`{shown}` {error.message}", at, help=help)


def _neighbour(path: Path, text: str) -> str:
    """A file whose name is like a path that leads to none."""
    try:
        with os.scandir(path.parent) as entries:
            names = sorted(entry.name for entry in islice(entries, MOST_NEIGHBOURS))
    except OSError:
        names = []
    endings = (f"{path.stem}.yaml", f"{path.stem}.yml")
    known = [name for name in names if name.endswith((".yaml", ".yml")) and name != path.name]
    near = next((name for name in known if name in endings), None) or suggest(path.name, known)
    if near:
        return f"did you mean `{brief(os.path.join(os.path.dirname(text), near))}`?"
    return "a path begins in the folder of the file in which it stands"


def _report_chain(file: _File, cycle: bool, report: Report) -> None:
    if file.extends:
        report.add(
            "bad-extends",
            f"`{file.shown}` extends itself in the end"
            if cycle
            else f"more than {LONGEST_CHAIN} files extend each other",
            file.extends.span,
            help="remove one `extends`",
        )
