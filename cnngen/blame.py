"""Blame: a mistake that shows in an extended spec, moved to the line that made it.

What a spec changes may fail only where the one that it extends uses it. Which change it is, is
tried: without the right one, the mistake is gone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from cnngen.analysis import Options, analyse
from cnngen.diagnostics.codes import FOLLOWED, Severity
from cnngen.diagnostics.model import Diagnostic, Label, Report
from cnngen.diagnostics.terminal import one_line
from cnngen.semantics.parameters import WORDS, fits
from cnngen.source import Source, Span
from cnngen.syntax.default_type import default_type
from cnngen.syntax.expression import Constant
from cnngen.syntax.load import Reader, load
from cnngen.syntax.merge import PARTS
from cnngen.syntax.parse_value import parse_value
from cnngen.syntax.read import read
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar

MOST_CHANGES = 16  # that are tried
MOST_PLACES = 3  # of one change, that are shown

Kind = tuple[str, str, str, int]


def blamed(path: Path, options: Options, diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics, those moved that a change of the spec makes in one that it extends."""
    reader, sources = _remembering(options.reader)
    load(path, Report(), reader=reader)
    own = next(iter(sources.values()), None)
    elsewhere = [
        d for d in diagnostics if own and _is_error(d) and d.primary.span.source.path != own.path
    ]
    if own is None or not elsewhere:
        return diagnostics
    left, moved = {_kind(d): d for d in elsewhere}, list[Diagnostic]()
    for part, key, value in islice(_changes(own), MOST_CHANGES):
        if not left:
            break
        remaining = _remaining(path, options, reader, key.span)
        new = {kind[0] for kind in remaining - {_kind(d) for d in diagnostics}}
        gone = [
            d
            for kind, d in left.items()
            if kind not in remaining and (d.code not in FOLLOWED or new <= FOLLOWED)  # else hidden
        ]
        if gone:
            moved.append(_moved(part, key, value, gone, [*sources.values()]))
            left = {kind: d for kind, d in left.items() if kind in remaining}
    kept = [d for d in diagnostics if d not in elsewhere or _kind(d) in left]
    return [*moved, *kept]


def _remembering(given: Reader) -> tuple[Reader, dict[Path, Source]]:
    """A reader that reads each file once, and what it has read, in that order."""
    sources: dict[Path, Source] = {}

    def reader(path: Path, shown: str | None) -> Source:
        real = path.resolve()
        if real not in sources:
            sources[real] = given(path, shown)
        return sources[real]

    return reader, sources


def _changes(source: Source) -> Iterator[tuple[str, Scalar, Node]]:
    """What a spec says in its parts."""
    root = read(source, Report())
    for part in PARTS if root else ():
        node = root.get(part) if root else None
        for key, value in node.entries if isinstance(node, Mapping) else ():
            yield part, key, value


def _remaining(path: Path, options: Options, reader: Reader, without: Span) -> set[Kind]:
    report = Report()
    if spec := load(path, report, reader=reader, without=without):
        analyse(spec, report, options)
    return {_kind(d) for d in report if _is_error(d)}


def _moved(
    part: str,
    key: Scalar,
    value: Node,
    gone: Sequence[Diagnostic],
    sources: Sequence[Source],
) -> Diagnostic:
    """One mistake for all that a change makes, where the change is."""
    first, before = gone[0], _before(part, key, sources)
    whole = key.span.to(value.span)
    inside = next((label for label in first.secondary if _is_in(label.span, whole)), None)
    places = [replace(d.primary, text=d.primary.text or "here it does not fit") for d in gone]
    others = [label for label in first.secondary if label is not inside]
    wrong = _wrong_type(key, value, before) if part == "params" else None
    if wrong:
        message, help = wrong
        first, others = replace(first, code="wrong-type", notes=()), []
    else:
        message, help = first.message, first.help if first.remedies else _instead(before, sources)
    changed = Label(value.span if part == "params" else key.span, "changed here")
    return replace(
        first,
        message=message,
        primary=inside or changed,
        secondary=(*places[:MOST_PLACES], *others),
        help=help,
        fix=(),
        remedies=(),
    )


def _is_in(span: Span, whole: Span) -> bool:
    same = span.source.path == whole.source.path
    return same and whole.start <= span.start and span.end <= whole.end


def _instead(before: Node | None, sources: Sequence[Source]) -> str:
    if before is None:
        return f"`{one_line(sources[1].path)}` does without it"
    place = one_line(before.span.source.path)
    if isinstance(before, Scalar) and "\n" not in before.span.text:
        return f"`{place}` has `{one_line(before.span.text)}` instead"
    return f"`{place}` has another one, which fits"


def _before(part: str, key: Scalar, sources: Sequence[Source]) -> Node | None:
    """What a file that is extended says for the same key."""
    for source in sources[1:]:
        root = read(source, Report())
        node = root.get(part) if root else None
        if isinstance(node, Mapping) and (found := node.get(key.text)):
            return found
    return None


def _wrong_type(key: Scalar, value: Node, before: Node | None) -> tuple[str, str] | None:
    """What to say of a parameter whose new value is of another type."""
    if before is None:
        return None
    old, new = (parse_value(node, "it", Report()) for node in (before, value))
    type = default_type(old) if old else None
    if type is None or not isinstance(new, Constant) or fits(type, new.value):
        return None
    number = new.value if isinstance(new.value, float) and type == "int" else None
    is_whole = number is not None and number.is_integer()
    return (
        f"`{key.text}` must be {WORDS[type]}, as in the spec that this extends,"
        f" not `{value.span.text}`",
        f"write `{key.text}: {number:.0f}`" if is_whole else f"there it is `{before.span.text}`",
    )


def _is_error(diagnostic: Diagnostic) -> bool:
    return diagnostic.severity is Severity.ERROR


def _kind(diagnostic: Diagnostic) -> Kind:
    span = diagnostic.primary.span
    return diagnostic.code, diagnostic.message, span.source.path, span.start
