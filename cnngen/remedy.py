"""Remedy: what may mend a mistake, tried on copies; what does mend it becomes its help.

A remedy is shown if its error goes away and nothing new comes. What is tried is bounded, since a
spec may be made to be slow.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path

from cnngen.analysis import Options
from cnngen.blame import blamed
from cnngen.diagnostics.codes import Severity
from cnngen.diagnostics.model import Diagnostic, Edit, Remedy
from cnngen.fix import Copies, Findings, apply, promised
from cnngen.sizes.advice import advise
from cnngen.source import Source

MOST_ERRORS = 3  # the first ones of a spec, for which remedies are tried
MOST_TRIALS = 16
MOST_SHOWN = 2  # ways to mend an error
MOST_CHARACTERS = 20_000  # of the files of a spec
MOST_LAYERS = 1_500
LONGEST_LINE = 120  # that is shown
SHORT = 70  # what fits beside another

Place = tuple[str, str, int, int]  # a diagnostic, and where in which text it is


def advised(path: Path, options: Options, diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """What was found in a spec with errors, each where it was made, with advice on what was seen to
    help, and with the fixes that will be kept.
    """
    found = advise(path, options, promised(path, options, diagnostics))
    return blamed(path, options, propose(path, options, found))


def propose(path: Path, options: Options, diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics, of which some have a help that was seen to work."""
    if not any(d.remedies for d in diagnostics):
        return diagnostics
    copies = Copies({}, replace(options, max_layers=min(options.max_layers, MOST_LAYERS)))
    found = copies.examine(path)
    if sum(len(source.text) for source in found.files) > MOST_CHARACTERS:
        return diagnostics
    helps = dict(_helps(path, found, copies))
    return [replace(d, help=helps.get(_place(d), d.help)) for d in diagnostics]


def _helps(path: Path, found: Findings, copies: Copies) -> Iterator[tuple[Place, str]]:
    trials = iter(range(MOST_TRIALS))
    errors = [d for d in found.diagnostics if d.severity is Severity.ERROR and d.remedies]
    for error in errors[:MOST_ERRORS]:
        working = _working(error, path, found, copies, trials)
        if texts := [_described(each, str(path)) for each in working]:
            yield _place(error), "write " + ",\nor ".join(dict.fromkeys(texts))


def _working(
    error: Diagnostic, path: Path, found: Findings, copies: Copies, trials: Iterator[int]
) -> Sequence[Remedy]:
    """The first form that works of each way to mend an error; other files are left alone if the
    spec can be mended in its own.
    """
    own, others = (
        [[form for form in forms if _is_own(form, path) == wanted] for forms in error.remedies]
        for wanted in (True, False)
    )
    for ways in (own, others):
        working: list[Remedy] = []
        for forms in ways:
            short = filter(_is_short, forms)
            tried = (form for form, _ in zip(short, trials, strict=False))
            working += islice(
                (form for form in tried if _works(form, error, path, found, copies)), 1
            )
            if len(working) == MOST_SHOWN:
                break
        if working:
            return working
    return ()


def _is_own(remedy: Remedy, path: Path) -> bool:
    return all(edit.span.source.path == str(path) for edit in remedy)


def _is_short(remedy: Remedy) -> bool:
    lines = (len(edit.span.source.line(edit.span.line)) + len(edit.text) for edit in remedy)
    return all(length <= LONGEST_LINE for length in lines)


def _works(remedy: Remedy, error: Diagnostic, path: Path, found: Findings, copies: Copies) -> bool:
    by_file: dict[Path, list[Edit]] = {}
    texts: dict[Path, str] = {}
    for edit in remedy:
        file = found.files[edit.span.source]
        by_file.setdefault(file, []).append(edit)
        texts[file] = apply(edit.span.source.text, by_file[file])
    after = Copies(texts, copies.options).examine(path)
    return after.lacks(error, found) and after.no_worse_than(found)


def _described(remedy: Remedy, path: str) -> str:
    """`- relu` at line 12."""
    by_source: dict[Source, list[Edit]] = {}
    for edit in remedy:
        by_source.setdefault(edit.span.source, []).append(edit)
    phrases = [
        phrase if source.path == path else f"{phrase} of {source.path}"
        for source, edits in by_source.items()
        for phrase in _phrases(source.text, apply(source.text, edits))
    ]
    return (" and " if sum(map(len, phrases)) < SHORT else "\nand ").join(phrases)


def _phrases(before: str, after: str) -> Iterator[str]:
    """What to write into which line."""
    old, new = before.splitlines(), after.splitlines()
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for what, start, end, first, last in matcher.get_opcodes():
        if what == "equal":
            continue
        kept = end - start
        for i, line in enumerate(new[first : first + kept], start + 1):
            yield f"`{_shown(line)}` at line {i}"
        if added := " and ".join(f"`{_shown(line)}`" for line in new[first + kept : last]):
            yield f"{added} below line {end}"


def _shown(line: str) -> str:
    """A line without its indentation and comment."""
    return re.sub(r"\s+#.*", "", line).strip()


def _place(diagnostic: Diagnostic) -> Place:
    span = diagnostic.primary.span
    return diagnostic.code, diagnostic.message, span.start, span.end
