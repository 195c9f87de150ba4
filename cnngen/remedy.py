"""Remedy: edits that may mend a mistake, tried on copies; those that do become its help.

A remedy is shown if its error is gone and no error is new. The number of trials is bounded, as a
spec may be made to be slow.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import islice
from operator import ne
from pathlib import Path
from textwrap import dedent

from cnngen.analysis import Options
from cnngen.diagnostics.codes import Severity
from cnngen.diagnostics.model import Diagnostic, Edit, Remedy
from cnngen.fix import Copies, Findings, apply

MOST_ERRORS = 3  # the first ones of a spec, for which remedies are tried
MOST_TRIALS = 16  # and as many of those that bring hidden errors to light
MOST_SHOWN = 2  # ways to mend an error
MOST_CHARACTERS = 20_000  # of the files of a spec
MOST_LAYERS = 1_500
LONGEST_LINE = 120  # that is shown
SHORT = 70  # what fits beside another

SHAPES = ("shape-mismatch", "empty-output")  # of which one hides others behind it

Texts = dict[Path, str]
Place = tuple[str, str, int, int]  # a diagnostic, and where in which text it is


def propose_remedies(
    path: Path, options: Options, diagnostics: list[Diagnostic]
) -> list[Diagnostic]:
    """The diagnostics; some get a help that was seen to work."""
    if not any(d.remedies for d in diagnostics):
        return diagnostics
    copies = Copies({}, replace(options, max_layers=min(options.max_layers, MOST_LAYERS)))
    found = copies.examine(path)
    if sum(len(source.text) for source in found.files) > MOST_CHARACTERS:
        return diagnostics
    helps = dict(_helps(path, found, copies))
    return [replace(d, help=helps.get(_place(d), d.help)) for d in diagnostics]


def _helps(path: Path, found: Findings, copies: Copies) -> Iterator[tuple[Place, str]]:
    trials, more = iter(range(MOST_TRIALS)), iter(range(MOST_TRIALS))
    errors = [d for d in found.diagnostics if d.severity is Severity.ERROR and d.remedies]
    for error in errors[:MOST_ERRORS]:
        working = _working(error, path, found, copies, trials) or _working(
            error, path, found, copies, more, hidden=True
        )
        if texts := [_described(each, found) for each in working]:
            yield _place(error), "write " + ",\nor ".join(dict.fromkeys(texts))


def _working(
    error: Diagnostic,
    path: Path,
    found: Findings,
    copies: Copies,
    trials: Iterator[int],
    *,
    hidden: bool = False,
) -> Sequence[Texts]:
    """The texts of the files after the first form that works of each way to mend an error. Files
    that are extended are left alone if the spec can be mended by itself. With `hidden`, errors that
    come to light may be mended, too.
    """
    own, others = (
        [[form for form in forms if _is_own(form, found) == wanted] for forms in error.remedies]
        for wanted in (True, False)
    )
    for ways in (own, others):
        working: list[Texts] = []
        for forms in ways:
            before = found if hidden else None
            mended = (_mended(form, error, path, found, copies, trials, before) for form in forms)
            working += islice(filter(None, mended), 1)
            if len(working) == (1 if hidden else MOST_SHOWN):
                break
        if working:
            return working
    return ()


def _is_own(remedy: Remedy, found: Findings) -> bool:
    return all(edit.span.source is found.own for edit in remedy)


def _is_short(remedy: Remedy) -> bool:
    return all(
        len(line) <= LONGEST_LINE for edit in remedy for line in _line_after(edit).splitlines()
    )


def _line_after(edit: Edit) -> str:
    """The lines of an edit, with the text that stands before and behind it on these lines."""
    text, span = edit.span.source.text, edit.span
    start, end = text.rfind("\n", 0, span.start) + 1, text.find("\n", span.end)
    return text[start : span.start] + edit.text + text[span.end : end if end >= 0 else None]


def _mended(
    remedy: Remedy,
    error: Diagnostic,
    path: Path,
    found: Findings,
    copies: Copies,
    trials: Iterator[int],
    before: Findings | None = None,
) -> Texts | None:
    """The texts of the files after a remedy, if the error is gone and no other is new.

    An error hides those behind it, as shapes are unknown there. Given what was found `before`, an
    error that comes to light is mended as well: a network with several levels may need the same
    remedy at each.
    """
    if not _is_short(remedy) or next(trials, None) is None:
        return None
    files = (before or found).files
    by_file: dict[Path, list[Edit]] = {}
    for edit in remedy:
        by_file.setdefault(files[edit.span.source], []).append(edit)
    texts = copies.texts | {f: apply(e[0].span.source.text, e) for f, e in by_file.items()}
    tried = Copies(texts, copies.options)
    after = tried.examine(path)
    if after.lacks(error, found) and after.no_worse_than(found):
        return texts
    if before is None or _look(error) in map(_look, after.diagnostics):
        return None
    known = {*map(_look, found.diagnostics), *map(_look, before.diagnostics)}
    hidden = next((d for d in after.diagnostics if d.remedies and _look(d) not in known), None)
    if hidden is None or hidden.code not in SHAPES:
        return None
    forms = (form for way in hidden.remedies for form in way)
    mended = (_mended(form, error, path, found, tried, trials, after) for form in forms)
    return next(filter(None, mended), None)


def _look(diagnostic: Diagnostic) -> tuple[str, ...]:
    """A diagnostic without its place, which an edit may move."""
    return diagnostic.code, diagnostic.message, *(label.text for label in diagnostic.secondary)


def _described(texts: Texts, found: Findings) -> str:
    """`- relu` at line 12."""
    phrases = [
        phrase if source is found.own else f"{phrase} of {source.path}"
        for source, file in found.files.items()
        if file in texts
        for phrase in _phrases(source.text, texts[file])
    ]
    is_short = sum(map(len, phrases)) < SHORT and not any("\n" in each for each in phrases)
    return (" and " if is_short else "\nand ").join(phrases)


def _phrases(before: str, after: str) -> Iterator[str]:
    """What to write into which line."""
    old, new = before.splitlines(), after.splitlines()
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for what, start, end, first, last in matcher.get_opcodes():
        if what == "equal":
            continue
        kept, lines = end - start, new[first:last]
        where = f"line {end}" if kept == 1 else f"lines {start + 1} to {end}"
        if not lines:
            yield f"nothing in place of {where}"
        elif (
            len(lines) < kept
            or _is_moved(old[start:end], lines)
            or (len(lines) > max(kept, 1) and _is_block(lines))
        ):
            where = f"in place of {where}" if kept else f"below line {end}"
            yield f"this {where}:\n{dedent(chr(10).join(lines))}"
        else:
            for i, line in enumerate(lines[:kept], start + 1):
                indent = _indent(line)
                moved = f" (indented by {indent})" if indent != _indent(old[i - 1]) else ""
                yield f"`{_shown(line)}` at line {i}{moved}"
            if added := " and ".join(f"`{_shown(line)}`" for line in lines[kept:]):
                yield f"{added} below line {end}"


def _is_block(lines: Sequence[str]) -> bool:
    """Whether lines are shown as they are, with their indentation, not one after the other."""
    return len(lines) > 2 or len(set(map(_indent, lines))) > 1


def _is_moved(old: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether several lines replace others that have another indentation."""
    return len(lines) > 1 and any(map(ne, map(_indent, old), map(_indent, lines)))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _shown(line: str) -> str:
    """A line without its indentation and comment."""
    return re.sub(r"\s+#.*", "", line).strip()


def _place(diagnostic: Diagnostic) -> Place:
    span = diagnostic.primary.span
    return diagnostic.code, diagnostic.message, span.start, span.end
