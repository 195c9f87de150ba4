"""Names in expressions: whether they are defined where they stand, and what was meant instead."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice

from cnngen.diagnostics.model import Diagnostic, Edit, Label, Report
from cnngen.diagnostics.suggest import respell, suggest
from cnngen.source import Span
from cnngen.syntax.expression import Constant, Expression, Name, walk
from cnngen.syntax.tree import Identifier

# A guess compares letter by letter: of many mistakes the first get one, from the first candidates.
MOST_GUESSES = 20
MOST_CANDIDATES = 200
MOST_LISTED = 10
MOST_PLACES = 3  # of one unknown name, besides the first

WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false", "none": "null"}


@dataclass(frozen=True, slots=True)
class Names:
    """What an expression can refer to; a name of a tensor is taken, but has no value."""

    values: Mapping[str, Span]
    tensors: Mapping[str, Span]

    def declare(self, added: Iterable[tuple[Identifier, bool]], report: Report) -> "Names":
        """With further names (and whether they are tensors); nothing hides another name."""
        values, tensors = dict(self.values), dict(self.tensors)
        for name, is_tensor in added:
            first = values.get(name.text) or tensors.get(name.text)
            if first:
                report.add(
                    "shadowed-name",
                    f"`{name.text}` is already a name here",
                    name.span,
                    "the second one",
                    secondary=[Label(first, "the first one")],
                    help="choose another name",
                )
            elif is_tensor:
                tensors[name.text] = name.span
            else:
                values[name.text] = name.span
        return Names(values, tensors)


def check_expression(
    expression: Expression, names: Names, report: Report, *, words: Collection[str] = ()
) -> None:
    """Report names that are not defined; `words` are those that could stand instead."""
    for part, _ in walk(expression):
        match part:
            case Name(name=name, span=Span() as span) if name not in names.values:
                if name in names.tensors or name == "input":
                    read = f"a step reads it with `from: {name}`"
                    report.add(
                        "wrong-type",
                        f"`{name}` is a tensor, not a number",
                        span,
                        help="its channels are `input.channels`" if name == "input" else read,
                    )
                else:
                    _report_unknown(name, span, names, report, words)
            case Constant(value="training", span=Span() as span):
                report.add(
                    "bad-training-stage",
                    "`training` can only be the condition of a whole stage",
                    span,
                    help="make it a stage: `aux: {when: training, do: ...}`; dropout needs no"
                    " condition",
                )
            case Constant(value=str() as word, span=Span() as span):
                report.add(
                    "wrong-type",
                    f"`{word}` is a whole `padding`, and has no value in an expression",
                    span,
                    help="write a number, or choose between two steps with `when`",
                )
            case _:
                pass


def _report_unknown(
    name: str, span: Span, names: Names, report: Report, words: Collection[str]
) -> None:
    meant = WORDS.get(name.lower())
    close = meant or guess(name, chain(words, names.values), report)
    rivals = () if meant or close is None else (*words, *names.values)
    defined = names.values.get(close or "")
    define = f"define it: `params: {{{name}: ...}}`"
    other = f", or use {listed(names.values)}" if names.values else ""
    report.add(
        "unknown-name",
        f"there is no `{name}` here",
        span,
        secondary=[Label(defined, f"`{close}` is defined here")] if defined else (),
        help=f"did you mean `{close}`?" if close else define + other,
        fix=respell(span, close, rivals),
    )


def gather_unknown(report: Report) -> None:
    """Make one mistake of a name that is unknown in many places of a file for the same reason."""
    groups: dict[tuple[str, str | None, str], list[Diagnostic]] = {}
    for diagnostic in report:
        if diagnostic.code == "unknown-name":
            reason = diagnostic.message, diagnostic.help, diagnostic.primary.span.source.path
            groups.setdefault(reason, []).append(diagnostic)
    for first, *others in groups.values():
        if others:
            report.replace(_gathered(first, others), others)


def _gathered(first: Diagnostic, others: list[Diagnostic]) -> Diagnostic:
    """The first of several mistakes, with labels at the others and the fixes of all."""
    labels = [Label(each.primary.span, "and here") for each in others[:MOST_PLACES]]
    if more := len(others) - len(labels):
        labels[-1] = replace(labels[-1], text=f"and here, and {more} more")
    defined = first.secondary[0].span if first.secondary else None
    if defined and first.fix and _stands_once(defined):
        label = Label(defined, f"`{defined.text}` is defined here, and nothing uses it")
        name = first.primary.span.text
        help, fix = f"call it `{name}` where it is defined", (Edit(defined, name),)
        return replace(first, secondary=(label, *labels), help=help, fix=fix)
    fixes = [edit for each in (first, *others) for edit in each.fix]
    return replace(first, secondary=(*first.secondary, *labels), fix=tuple(fixes))


def _stands_once(word: Span) -> bool:
    """Whether a word stands nowhere else in its file, so that it may be what is misspelt."""
    return len(re.findall(rf"\b{re.escape(word.text)}\b", word.source.text)) == 1


def guess(word: str, candidates: Iterable[str], report: Report) -> str | None:
    """What may have been meant, as long as somebody will read it."""
    if len(report.found) >= MOST_GUESSES:
        return None
    return suggest(word, islice(candidates, MOST_CANDIDATES))


def listed(names: Collection[str], last: str = "or") -> str:
    """`a`, `b` or `c`; of many names the first."""
    quoted = [f"`{name}`" for name in islice(names, MOST_LISTED)]
    if len(names) > MOST_LISTED:
        quoted.append(f"{len(names) - MOST_LISTED} others")
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}" if len(quoted) > 1 else "".join(quoted)
