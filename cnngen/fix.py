"""Fix: the edits of diagnostics, tried on copies of specs, and kept where they help.

A fix is kept if its diagnostic is gone and it causes no new error, or only such as are fixed with
it. Errors that were merely hidden before do not count: a mistake may keep cnngen from looking
further, as a tab does, or from knowing the shapes behind it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time

from cnngen.analysis import Options, analyse
from cnngen.diagnostics.codes import FOLLOWED, Severity
from cnngen.diagnostics.model import Diagnostic, Edit, Report
from cnngen.obstacle import obstacle
from cnngen.source import Source
from cnngen.syntax.load import UnreadableError, load
from cnngen.syntax.read import read

MOST_PASSES = 10
MOST_TRIALS = 100  # for each spec, of fixes by themselves: most are kept together, in one trial
MOST_SECONDS = 5  # of the processor; the largest networks take some for each trial
LONGEST_CHAIN = 8  # of fixes, each of which brings the next mistake to light

Step = tuple[Diagnostic, Path]  # a fix, and the file that it changes
Kinds = Counter[tuple[str, str, str]]  # diagnostics less their places, which an edit moves


@dataclass(frozen=True, slots=True)
class Findings:
    """The diagnostics of a spec, and the files that were read for it.

    `kinds` counts the diagnostics by what they say. `errors` counts the errors after loading, then
    all; it is shorter where checking could not go on. `stuck` is the offset at which YAML could not
    go on.
    """

    diagnostics: tuple[Diagnostic, ...]
    kinds: Kinds
    errors: tuple[Kinds, ...]
    files: Mapping[Source, Path]
    stuck: int | None

    @property
    def own(self) -> Source:
        """The text of the spec itself, which is read first."""
        return next(iter(self.files))

    def no_worse_than(self, before: "Findings") -> bool:
        """Whether no error is new, among those that would have been seen before, too."""
        seen = len(before.errors)
        if seen > len(self.errors):
            return False
        return seen == 0 or not self.errors[seen - 1] - before.errors[seen - 1]

    def blames(self, steps: Sequence["Step"], before: "Findings") -> bool:
        """Whether fixes cause an error: a new one that is about words that they changed."""
        if before.stuck is not None or not self.errors or not before.errors:
            return False
        new = self.errors[-1] - before.errors[-1]
        return any(
            _kind(d) in new and d.code not in FOLLOWED and _is_about(d, steps)
            for d in self.diagnostics
        )

    def lacks(self, diagnostic: Diagnostic, before: "Findings") -> bool:
        """Whether a diagnostic is gone; or, where YAML was stuck, whether it gets further now."""
        if before.stuck is not None:
            growth = sum(len(e.text) - (e.span.end - e.span.start) for e in diagnostic.fix)
            end = max(edit.span.end for edit in diagnostic.fix)
            return self.stuck is None or self.stuck > end + growth
        kind = _kind(diagnostic)
        return self.kinds[kind] < before.kinds[kind]


@dataclass(slots=True)
class Copies:
    """The texts of the files that may be changed, by their resolved paths."""

    texts: dict[Path, str]
    options: Options

    def examine(self, path: Path) -> Findings:
        """Check a spec as if its files had these texts."""
        files: dict[Source, Path] = {}

        def reader(path: Path, shown: str | None) -> Source:
            source = self.options.reader(path, shown)
            real = path.resolve()
            source = Source(source.path, self.texts.get(real, source.text))
            files[source] = real
            return source

        report = Report()
        spec = load(path, report, reader=reader)
        stuck = _stuck(list(files)[-1:])
        errors = [_errors(report)] if stuck is None else []
        if spec:
            analyse(spec, report, self.options)
            errors.append(_errors(report))
        return Findings(tuple(report), _kinds(report), tuple(errors), files, stuck)


def copies_of(paths: Iterable[Path], options: Options, given: Path | None = None) -> Copies:
    """Copies of the specs that can be read and may be changed; `given` is a text without a file."""
    texts: dict[Path, str] = {}
    for path in paths:
        if path != given and obstacle(path):
            continue
        try:
            texts[path.resolve()] = options.reader(path, None).text
        except UnreadableError:
            continue
    return Copies(texts, options)


def examine_all(paths: Iterable[Path], copies: Copies) -> dict[Path, Findings]:
    """The findings of each spec."""
    return {path: copies.examine(path) for path in paths}


def fix(paths: Sequence[Path], copies: Copies, found: dict[Path, Findings]) -> Iterator[Diagnostic]:
    """Change the copies until nothing more helps; gives the diagnostics that were fixed.

    `found` has the findings of each spec, and is kept up to date.
    """
    for path in paths:
        trials = _trials()
        for _ in range(MOST_PASSES):
            fixed = list(_pass(path, found, copies, trials))
            yield from fixed
            if not fixed:
                break


def _trials() -> Iterator[int]:
    end = process_time() + MOST_SECONDS
    for trial in range(MOST_TRIALS):
        if process_time() > end:
            return
        yield trial


def keep_promises(path: Path, options: Options, diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics of a spec; those fixes that `--fix` would not keep are taken out."""
    if not any(d.fix for d in diagnostics):
        return diagnostics
    copies = copies_of([path], options)
    kept = _kinds(fix([path], copies, examine_all([path], copies)))
    promised: list[Diagnostic] = []
    for diagnostic in diagnostics:
        kind = _kind(diagnostic)
        is_kept = bool(diagnostic.fix) and kept[kind] > 0
        kept[kind] -= is_kept
        promised.append(diagnostic if is_kept else replace(diagnostic, fix=()))
    return promised


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text after edits that do not overlap."""
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def _pass(
    path: Path, found: dict[Path, Findings], copies: Copies, trials: Iterator[int]
) -> Iterator[Diagnostic]:
    """Try all fixes at once, and if that fails each by itself, from the end of a file to its
    beginning, so that places before it stay the same.
    """
    if together := _try_all(path, found, copies):
        yield from together
        return
    begun: dict[Path, int] = {}
    files = found[path].files  # as the fixes change what is found
    for diagnostic in reversed(found[path].diagnostics):
        file = _file(diagnostic, files, copies)
        if file is None or _end(diagnostic) > begun.get(file, len(copies.texts[file])):
            continue  # the next pass knows its new place
        for mended, changed in _try((diagnostic, file), path, found, copies, trials):
            start = min(edit.span.start for edit in mended.fix)
            begun[changed] = min(start, begun.get(changed, start))
            yield mended


def _try_all(path: Path, found: dict[Path, Findings], copies: Copies) -> list[Diagnostic]:
    """Apply all fixes of a spec that do not overlap, if they can be kept together."""
    before = dict(copies.texts)
    done: list[Step] = []
    begun: dict[Path, int] = {}
    for diagnostic in reversed(found[path].diagnostics):
        file = _file(diagnostic, found[path].files, copies)
        if file is None or _end(diagnostic) > begun.get(file, len(copies.texts[file])):
            continue
        copies.texts[file] = apply(copies.texts[file], diagnostic.fix)
        begun[file] = min(edit.span.start for edit in diagnostic.fix)
        done.append((diagnostic, file))
    changed = {file for _, file in done}
    if len(done) > 1:
        after = {p: copies.examine(p) for p, f in found.items() if changed & {*f.files.values()}}
        if all(after[path].lacks(d, found[path]) for d, _ in done) and not any(
            after[p].blames(done, found[p]) for p in after
        ):
            found |= after
            return [diagnostic for diagnostic, _ in done]
    copies.texts.update(before)
    return []


def _try(
    first: Step,
    path: Path,
    found: dict[Path, Findings],
    copies: Copies,
    trials: Iterator[int],
) -> list[Step]:
    """Apply a fix, and then the fixes of errors that it reveals; all of them, or none."""
    texts, now = dict(copies.texts), dict(found)
    done: list[Step] = []
    step: Step | None = first
    while step and next(trials, None) is not None and len(done) < LONGEST_CHAIN:
        done.append(step)
        diagnostic, file = step
        copies.texts[file] = apply(copies.texts[file], diagnostic.fix)
        after = {p: copies.examine(p) for p, f in now.items() if file in f.files.values()}
        if not after[path].lacks(diagnostic, now[path]):
            break
        now |= after
        if not any(now[p].blames(done, found[p]) for p in now):
            found |= now
            return done
        known = _kinds(found[path].diagnostics)
        new = ((d, _file(d, now[path].files, copies)) for d in now[path].diagnostics)
        step = next(((d, f) for d, f in new if f and _kind(d) not in known), None)
    copies.texts.update(texts)
    return []


def _is_about(diagnostic: Diagnostic, steps: Sequence[Step]) -> bool:
    """Whether an error is about words that fixes wrote or removed."""
    words = {
        word
        for fixed, _ in steps
        for edit in fixed.fix
        for word in (edit.span.text, edit.text)
        if re.fullmatch(r"\w+", word)
    }
    named = {*re.findall(r"`(\w+)`", diagnostic.message), diagnostic.primary.span.text}
    return bool(words & named)


def _end(diagnostic: Diagnostic) -> int:
    return max(edit.span.end for edit in diagnostic.fix)


def _file(diagnostic: Diagnostic, files: Mapping[Source, Path], copies: Copies) -> Path | None:
    """The file that a fix changes; None without a fix, or where that file may not be changed."""
    changed = {files.get(edit.span.source) for edit in diagnostic.fix}
    file = changed.pop() if len(changed) == 1 else None
    return file if file in copies.texts else None


def _stuck(sources: Sequence[Source]) -> int | None:
    """Where YAML could not read on in the last file; the files before it were read completely."""
    for source in sources:
        report = Report()
        if read(source, report) is None:
            return max((d.primary.span.start for d in report), default=0)
    return None


def _errors(report: Report) -> Kinds:
    return _kinds(d for d in report if d.severity is Severity.ERROR)


def _kinds(diagnostics: Iterable[Diagnostic]) -> Kinds:
    return Counter(map(_kind, diagnostics))


def _kind(diagnostic: Diagnostic) -> tuple[str, str, str]:
    return diagnostic.code, diagnostic.message, diagnostic.primary.span.source.path
