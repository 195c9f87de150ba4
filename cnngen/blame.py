"""Blame: a mistake that shows in an extended spec, moved to the line that makes it.

A change in a spec may cause an error only where the spec that it extends uses what was changed.
Which change it is, is found by trial: without it, the error is gone.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from cnngen.analysis import Options, analyse
from cnngen.diagnostics.codes import FOLLOWED, Severity
from cnngen.diagnostics.model import Diagnostic, Label, Report
from cnngen.diagnostics.suggest import suggest
from cnngen.diagnostics.terminal import one_line
from cnngen.semantics.parameters import WORDS
from cnngen.source import Source, Span
from cnngen.syntax.default_type import default_type
from cnngen.syntax.load import Reader, load
from cnngen.syntax.merge import INPUTS, PARTS
from cnngen.syntax.parse_value import parse_value
from cnngen.syntax.read import read
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, is_null

MOST_CHANGES = 16  # that are tried
MOST_PLACES = 3  # of one change, that are shown
LONGEST_SHOWN = 70  # of what was there before
NAMED = ("blocks", "model")  # parts to which a spec may add, so that a misspelt name adds something
WIDER = {("int", "float"), ("ints", "floats")}  # the second type has all values of the first

Kind = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of a spec that replaces one of a spec that it extends, or is added to those."""

    part: str
    key: Scalar
    value: Node
    before: tuple[Mapping, ...]  # what has that entry, or could have it, in the specs extended

    @property
    def replaced(self) -> tuple[str, Node] | None:
        """The entry that it replaces."""
        names = INPUTS if self.part == "input" else (self.key.text,)
        found = ((name, mapping.get(name)) for mapping in self.before for name in names)
        return next(((name, node) for name, node in found if node is not None), None)

    @property
    def old(self) -> Node | None:
        """The value that it replaces."""
        return self.replaced[1] if self.replaced else None

    @property
    def base(self) -> str:
        """The file of the entry that it replaces, or of those beside which it stands."""
        return one_line((self.old or self.before[-1]).span.source.path)

    @property
    def near(self) -> str | None:
        """The name in the extended spec of which this may be a misspelling."""
        if self.old or self.part not in NAMED:
            return None
        return suggest(self.key.text, (key.text for node in self.before for key, _ in node.entries))


def blame(path: Path, options: Options, diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics; errors that a change makes in an extended spec are moved to the change."""
    reader, sources = _remembering(options.reader)
    load(path, Report(), reader=reader)
    changes = list(islice(_changes([*sources.values()]), MOST_CHANGES))
    if not changes or not any(map(_is_error, diagnostics)):
        return diagnostics
    before = {_kind(d) for d in diagnostics}
    left = {_kind(d): d for d in diagnostics if _is_error(d)}
    moved: dict[Kind, Diagnostic] = {}
    for change in changes:
        able = {kind: d for kind, d in left.items() if _may_make(change, d)}
        if not able:
            continue
        remaining = _remaining(path, options, reader, change.key.span)
        new = {kind[0] for kind in remaining - before}
        gone = [
            d
            for kind, d in able.items()
            if kind not in remaining and (d.code not in FOLLOWED or new <= FOLLOWED)  # else hidden
        ]
        if gone:
            moved[_kind(gone[0])] = _moved(change, gone)
            left = {kind: d for kind, d in left.items() if d not in gone}
    kept = [d for d in diagnostics if not _is_error(d) or _kind(d) in left]
    return [*moved.values(), *kept]


def _may_make(change: Change, error: Diagnostic) -> bool:
    """Whether a change may cause an error: it stands in another file, or in what a misspelt name
    added.
    """
    at = error.primary.span
    if at.source.path != change.key.span.source.path:
        return True
    is_inside = _is_in(at, change.key.span.to(change.value.span))
    return is_inside and error.code in FOLLOWED and change.near is not None


def _remembering(given: Reader) -> tuple[Reader, dict[Path, Source]]:
    """A reader that reads each file once; and what it has read, in order."""
    sources: dict[Path, Source] = {}

    def reader(path: Path, shown: str | None) -> Source:
        real = path.resolve()
        if real not in sources:
            sources[real] = given(path, shown)
        return sources[real]

    return reader, sources


def _changes(sources: Sequence[Source]) -> Iterator[Change]:
    """What each spec changes in those that it extends; those of the first spec come first."""
    roots = [root for source in sources if (root := read(source, Report()))]
    for i, root in enumerate(roots[:-1]):
        extended = roots[i + 1 :]
        for key, value in root.entries:
            if key.text in INPUTS:
                yield Change("input", key, value, tuple(extended))
            elif key.text in PARTS:
                yield from _within(key.text, value, _get_all(extended, key.text))


def _within(part: str, node: Node, before: tuple[Mapping, ...]) -> Iterator[Change]:
    for key, value in node.entries if isinstance(node, Mapping) and before else ():
        attributes = _get_all(before, key.text)
        if part == "defaults" and isinstance(value, Mapping) and attributes:
            yield from _within(part, value, attributes)
        else:
            yield Change(part, key, value, before)


def _get_all(mappings: Sequence[Mapping], key: str) -> tuple[Mapping, ...]:
    found = (mapping.get(key) for mapping in mappings)
    return tuple(node for node in found if isinstance(node, Mapping))


def _remaining(path: Path, options: Options, reader: Reader, without: Span) -> set[Kind]:
    report = Report()
    if spec := load(path, report, reader=reader, without=without):
        analyse(spec, report, options)
    return {_kind(d) for d in report if _is_error(d)}


def _moved(change: Change, gone: Sequence[Diagnostic]) -> Diagnostic:
    """One diagnostic, at the change, for all errors that it makes."""
    first = gone[0]
    whole = change.key.span.to(change.value.span)
    shown = [label for label in first.secondary if not _is_in(label.span, whole)]
    inside = next((label for label in first.secondary if _is_in(label.span, whole)), None)
    places = [replace(d.primary, text=d.primary.text or "here it does not fit") for d in gone]
    places = [label for label in places if not _is_in(label.span, whole)]
    if wrong := _wrong_type(change):
        message, help = wrong
        first, shown = replace(first, code="wrong-type", notes=()), []
    else:
        message, help = first.message, _help(change, first)
    is_short = change.part == "params" or isinstance(change.value, Scalar)
    changed = change.value if is_short and not is_null(change.value) else change.key
    return replace(
        first,
        message=message,
        primary=inside or Label(changed.span, "changed here" if change.old else "added here"),
        secondary=(*places[:MOST_PLACES], *shown),
        help=help,
        fix=(),
        remedies=(),
    )


def _is_in(span: Span, whole: Span) -> bool:
    same = span.source.path == whole.source.path
    return same and whole.start <= span.start and span.end <= whole.end


def _help(change: Change, error: Diagnostic) -> str:
    """What to do about a change: a help that was tried, or else what was there before."""
    old, name = change.old, one_line(change.key.text)
    if change.near:
        return f"did you mean `{change.near}`? `{change.base}` has that, and no `{name}`"
    was_tried = error.remedies or (error.help or "").startswith(f"write `{change.part}:")
    is_elsewhere = re.search(rf"at line \d+ of {re.escape(change.base)}", error.help or "")
    if error.help and was_tried and not is_elsewhere:
        return error.help
    if is_null(change.value):
        return f"keep it: remove `{name}: null`; or change what needs it"
    if old is None:
        return f"remove it: `{change.base}` does without `{name}`"
    params = old.get("params") if isinstance(old, Mapping) and change.part == "blocks" else None
    if params and error.code in ("unknown-parameter", "missing-parameter"):
        return f"its `params` in `{change.base}` are `{one_line(params.span.text)}`"
    name = change.replaced[0] if change.replaced else name
    if "\n" not in old.span.text and len(old.span.text) <= LONGEST_SHOWN:
        return f"`{change.base}` has `{name}: {one_line(old.span.text)}`"
    return f"`{change.base}` has another `{name}`, with which it fits"


def _wrong_type(change: Change) -> tuple[str, str] | None:
    """Message and help for a parameter whose new value is of another type than its old one."""
    old, new = (
        parse_value(node, "it", Report()) if node and change.part == "params" else None
        for node in (change.old, change.value)
    )
    wanted, given = default_type(old) if old else None, default_type(new) if new else None
    if old is None or new is None or change.old is None or wanted is None:
        return None
    if given == wanted or (given, wanted) in WIDER:
        return None
    name, text = change.key.text, one_line(change.value.span.text)
    is_whole = wanted == "int" and given == "float" and text.removesuffix(".0").isdecimal()
    as_before = text.removesuffix(".0") if is_whole else one_line(change.old.span.text)
    return (
        f"`{name}` must be {WORDS[wanted]}, as in the spec that this extends, not `{text}`",
        f"write `{name}: {as_before}`",
    )


def _is_error(diagnostic: Diagnostic) -> bool:
    return diagnostic.severity is Severity.ERROR


def _kind(diagnostic: Diagnostic) -> Kind:
    span = diagnostic.primary.span
    return diagnostic.code, span.source.path, span.start
