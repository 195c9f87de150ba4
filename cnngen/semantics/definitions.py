"""Definitions: the names that an expression can use where it stands; what is none of them is
reported, with a guess at what was meant.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from cnngen.diagnostics.model import Diagnostic, Edit, Label, Remedies, Report
from cnngen.diagnostics.suggest import respell, suggest
from cnngen.diagnostics.terminal import one_line
from cnngen.expressions.expression import (
    Apply,
    Binary,
    Conditional,
    Constant,
    Expression,
    Field,
    ListOf,
    Name,
    children,
    walk,
)
from cnngen.expressions.fields import UNKNOWN_FIELDS, Fields, Wanted, alike, fields_of, wanted
from cnngen.ops import OPS
from cnngen.semantics.explanations.loop_index import available, counted, is_index
from cnngen.source import Source, Span
from cnngen.syntax.naming import can_be_called
from cnngen.syntax.tree import NAMED, Each, Identifier, Parameter, Repeat

# A guess compares letter by letter: of many mistakes the first get one, from the first candidates.
MOST_GUESSES = 20
MOST_CANDIDATES = 200
MOST_LISTED = 10
MOST_PLACES = 3  # of one unknown name, besides the first

GATHERED = ("unknown-name", "unknown-parameter", "unknown-op", "unknown-block", "name-clash")

WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false", "none": "null"}


@dataclass(frozen=True, slots=True)
class Definitions:
    """The names that are defined at a place: those with a value, and those of tensors, of ops and
    of blocks, which have none in an expression.

    An empty name stands for definitions that could not be read: then nothing is reported as
    unknown. `loops` are the loops around the place, the innermost last. `fields` has those of names
    that are records, or lists of them. `maps` are all names of maps that can be read at some place
    of the body, and `lists` those that are lists of maps.
    """

    values: Mapping[str, Span]
    tensors: Mapping[str, Span]
    loops: tuple[Repeat | Each, ...] = ()
    fields: Mapping[str, Fields] = field(default_factory=dict[str, Fields])
    maps: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()

    def reading(self, maps: Iterable[str], lists: Iterable[str] = ()) -> "Definitions":
        """The same where these names of maps and of lists of maps can be read, too."""
        added = frozenset(lists)
        return replace(self, maps=self.maps.union(maps, added), lists=self.lists | added)

    ops: Mapping[str, Parameter] = field(default_factory=dict[str, Parameter])
    blocks: frozenset[str] = frozenset()  # those of the file

    def with_ops(self, parameters: Iterable[Parameter]) -> "Definitions":
        added = {each.name.text: each for each in parameters if each.type in NAMED}
        values = {name: span for name, span in self.values.items() if name not in added}
        return replace(self, values=values, ops={**self.ops, **added}) if added else self

    def with_fields(self, added: Mapping[str, Fields | None]) -> "Definitions":
        known = {name: fields for name, fields in added.items() if fields is not None}
        return replace(self, fields={**self.fields, **known}) if known else self

    def fields_of(self, expression: Expression) -> Fields | None:
        """The fields of a record or of a list of records; an empty name is one of them where they
        are not known.
        """
        known = {*self.values, *self.lists}  # a list of maps has a length, which has no fields
        if any(isinstance(p, Name) and p.name not in known for p, _ in walk(expression)):
            return UNKNOWN_FIELDS
        return fields_of(expression, self.fields)

    def of(self, kind: Wanted) -> Collection[str]:
        """The names that may have been meant where something of this kind stands."""
        return [name for name in self.values if self._fits(self.fields.get(name), kind)]

    @staticmethod
    def _fits(fields: Fields | None, kind: Wanted) -> bool:
        """Whether a name with these fields may stand there; one may, of which they are unknown."""
        is_known = fields is None or "" not in fields
        return kind == "either" or not is_known or (fields is None) == (kind == "numbers")

    def within(self, loop: Repeat | Each) -> "Definitions":
        return replace(self, loops=(*self.loops, loop))

    def declare(
        self,
        added: Iterable[tuple[Identifier, bool]],
        report: Report,
        instead: Callable[[Identifier], tuple[str, Remedies]],
    ) -> "Definitions":
        """The same with further names, each with whether it is a tensor. A name that would hide
        another one is reported; `instead` says what to do about it.
        """
        values, tensors = dict(self.values), dict(self.tensors)
        for name, is_tensor in added:
            op = self.ops.get(name.text)
            first = values.get(name.text) or tensors.get(name.text) or (op and op.name.span)
            if first and name.text:
                help, remedies = instead(name)
                report.add(
                    "shadowed-name",
                    f"`{name.text}` is already a name here",
                    name.span,
                    "the second one",
                    secondary=[Label(first, "the first one")],
                    help=help,
                    remedies=remedies,
                )
            elif is_tensor:
                tensors[name.text] = name.span
            else:
                values[name.text] = name.span
        return replace(self, values=values, tensors=tensors)


def check_expression(
    expression: Expression,
    names: Definitions,
    report: Report,
    *,
    words: Collection[str] = (),
    kind: Wanted = "numbers",
) -> None:
    """Report names that are not defined. `words` are those that could stand in place of the whole
    value, and `kind` says whether that may be of records.
    """
    counted = [part for part, _ in walk(expression) if _is_length(part, names)]
    with_ops = any(isinstance(p, Name) and p.name in names.ops for p, _ in walk(expression))
    for part, wanted_kind in wanted(expression, kind):
        match part:
            case Name() if any(part in children(length) for length in counted):
                pass
            case Apply("len", (Name("input"),), span=Span() as span) if "input" not in names.lists:
                _report_length(span, report)
            case Name(name=name, span=Span() as span) if name in names.ops:
                report.add(
                    "wrong-type",
                    f"`{name}` is {_kind(names.ops[name])}, and has no value in an expression",
                    span,
                    help=f"a step applies it: `- {name}`",
                )
            case Name(name=name) if with_ops and _is_word(name) and name not in names.values:
                pass  # it is compared with one, which is the mistake
            case Name(name=name, span=Span() as span) if name in names.blocks:
                report.add(
                    "wrong-type",
                    f"`{name}` is a block, and has no value in an expression",
                    span,
                    help="choose between blocks by a parameter that is one, or with `when`",
                )
            case Name(name=name, span=Span() as span) if name and name not in names.values:
                if name in names.tensors or name == "input":
                    _report_tensor(name, span, names, report)
                else:
                    _report_unknown(name, span, names, wanted_kind, report, words)
            case Field(span=Span() as span):
                _check_field(part, span, names, report)
            case Binary() | Conditional() | ListOf():
                _check_alike(part, names, report)
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


def _report_length(span: Span, report: Report) -> None:
    report.add(
        "wrong-type",
        "`input` is one map here, and only a list of them has a length",
        span,
        help="let the block say that it is given a list: `params: {input: tensors}`",
    )


def _kind(parameter: Parameter) -> str:
    return "an op" if parameter.type == "op" else "a block"


def _is_word(name: str) -> bool:
    """Whether a name is that of an op, or written like that of a block."""
    return name in OPS or name[:1].isupper()


def _report_tensor(name: str, span: Span, names: Definitions, report: Report) -> None:
    what, help = "a tensor", f"a step reads it with `from: {name}`"
    if name == "input" and name not in names.lists:
        help = "its channels are `input.channels`"
    elif name in names.lists and (name in names.tensors or name == "input"):
        what, help = "a list of maps", f"it has a length: `len({name})`"
    elif name in names.lists:
        what, help = (
            "a list of maps",
            "it has a length in a block that is given it: `params: {maps: tensors}`, `len(maps)`",
        )
    report.add("wrong-type", f"`{name}` is {what}, not a number", span, help=help)


def _is_length(part: Expression, names: Definitions) -> bool:
    """Whether this is the length of a list of maps that a block is given, or of its input."""
    match part:
        case Apply("len", (Name(name),)):
            return name == "input" or (name in names.lists and name in names.tensors)
        case _:
            return False


def _check_field(part: Field, span: Span, names: Definitions, report: Report) -> None:
    fields = names.fields_of(part.record)
    if fields is None:
        owner = part.record.span.text if part.record.span else "this"
        report.add(
            "wrong-type",
            f"`{owner}` is no record, and has no field `{part.name}`",
            span,
            help="fields are those of records: `params: {stages: [{width: 16}, {width: 32}]}`",
        )
    elif "" not in fields and part.name not in fields:
        known = sorted(fields)
        close = guess(part.name, known, report)
        at = Span(span.source, max(span.start, span.end - len(part.name)), span.end)
        report.add(
            "unknown-name",
            f"there is no field `{part.name}` in these records",
            at,
            help=f"did you mean `{close}`?" if close else f"they have {listed(known, 'and')}",
            fix=respell(at, close, known, closed=True),
        )


def _check_alike(whole: Expression, names: Definitions, report: Report) -> None:
    """Report records of different fields in one list or under one name, and what is none there."""
    parts = alike(whole, names.fields)
    known = ((part, fields) for part, fields in parts if fields and "" not in fields)
    first, wanted = next(known, (None, UNKNOWN_FIELDS))
    if first is None or first.span is None:
        return
    example = one_line(first.span.text)
    for part, fields in parts:
        if part.span and fields != wanted and "" not in (fields or ()):
            report.add(
                "wrong-type",
                f"these records have other fields than `{example}`"
                if fields
                else f"`{example}` is of records, and this is not",
                part.span,
                f"with {listed(sorted(fields), 'and')}" if fields else "",
                secondary=[Label(first.span, f"with {listed(sorted(wanted), 'and')}")],
                help="give all records the same fields",
            )
            return


def check_part(expression: Expression, names: Definitions, report: Report) -> None:
    """The same for a value whose purpose is unknown: it may be a single word, which is then no
    name, or a list of those.
    """
    match expression:
        case Name() | Constant():
            pass
        case ListOf():
            for part in children(expression):
                check_part(part, names, report)
        case _:
            check_expression(expression, names, report)


def _report_unknown(
    name: str,
    span: Span,
    names: Definitions,
    kind: Wanted,
    report: Report,
    words: Collection[str],
) -> None:
    if "" in names.values:  # some are not known, and this may be one of them
        return
    if "." in name:
        message = f"`{name}` is not a name: only fields and `input.channels` have a dot"
        report.add("bad-expression", message, span, help="a number has a name without dots")
        return
    if name in names.lists:
        _report_tensor(name, span, names, report)
        return
    meant = WORDS.get(name.lower())
    known = names.of(kind)
    candidates = (*words, *known, *sorted(names.lists))
    close = meant or guess(name, candidates, report)
    rivals = () if meant or close is None else candidates
    defined = names.values.get(close or "")
    if names.loops and is_index(name) and kind != "records":
        help, remedies = counted(name, names.loops[-1], {*names.values, *names.tensors})
        report.add("unknown-name", f"there is no `{name}` here", span, help=help, remedies=remedies)
        return
    if name in names.lists:
        message = f"`{name}` is a list of maps, and no value"
        help = "for its length, write that of what its loop walks through: `len(...)`"
        report.add("wrong-type", message, span, help=help)
        return
    define = f"define it: `params: {{{name}: ...}}`"
    if not can_be_called(name, "parameter"):
        other_name = available(
            (f"num_{name}" if len(name) > 1 else "value", "number"), "parameter", names.values
        )
        define = f"define it under a name that is free: `params: {{{other_name}: ...}}`"
    other = f", or use {listed(known)}" if known else ""
    report.add(
        "unknown-name",
        f"there is no `{name}` here",
        span,
        secondary=[Label(defined, f"`{close}` is defined here")] if defined else (),
        help=f"did you mean `{close}`?" if close else define + other,
        fix=respell(span, close, rivals),
    )


def gather_unknown(report: Report) -> None:
    """Let one diagnostic stand for a name that is wrong in many places of a file for the same
    reason.
    """
    groups: dict[tuple[object, ...], list[Diagnostic]] = {}
    arguments = [diagnostic for diagnostic in report if diagnostic.code == "unknown-parameter"]
    for diagnostic in report:
        if diagnostic.code in GATHERED:
            path, known = diagnostic.primary.span.source.path, diagnostic.secondary
            reason = diagnostic.code, diagnostic.message, diagnostic.help, path, known
            groups.setdefault(reason, []).append(diagnostic)
    for first, *others in groups.values():
        others += [each for each in arguments if _same_parameter(each, first)]
        if others and first in report.found.values():  # none of those of an earlier group
            report.replace(_gathered(first, others), others)


def _gathered(first: Diagnostic, others: list[Diagnostic]) -> Diagnostic:
    """The first of several mistakes, with labels at the others and the fixes of all."""
    labels = [Label(each.primary.span, "and here") for each in others[:MOST_PLACES]]
    if more := len(others) - len(labels):
        labels[-1] = replace(labels[-1], text=f"and here, and {more} more")
    if defined := _misspelt(first):
        label = Label(defined, f"`{defined.text}` is defined here, and nothing uses it")
        name = first.primary.span.text
        help, fix = f"call it `{name}` where it is defined", (Edit(defined, name),)
        return replace(first, secondary=(label, *labels), help=help, fix=fix)
    fixes = tuple(dict.fromkeys(edit for each in (first, *others) for edit in each.fix))
    return replace(first, secondary=(*first.secondary, *labels), fix=fixes)


def _same_parameter(argument: Diagnostic, first: Diagnostic) -> bool:
    """Whether a block is given an argument under the name that it uses, and defines misspelt."""
    defined = _misspelt(first)
    return defined is not None and argument.fix == (Edit(defined, first.primary.span.text),)


def _misspelt(unknown: Diagnostic) -> Span | None:
    """The definition of what an unknown name was taken for, if nothing else uses that."""
    if not unknown.secondary or not unknown.fix or unknown.code != "unknown-name":
        return None
    defined = unknown.secondary[0].span
    return defined if _occurrences(defined) == 1 else None


def is_misspelt(defined: Span, used: Span) -> bool:
    """Whether a name is misspelt where it is defined rather than where it is used: nothing else
    has the one, and something has the other.
    """
    beside = () if used.source.path == defined.source.path else (used.source,)
    once = _occurrences(defined) + sum(_occurrences(defined, source) for source in beside) == 1
    return once and _occurrences(used) > 1


def _occurrences(word: Span, source: Source | None = None) -> int:
    """How often a word stands in its file, or in another one."""
    return len(re.findall(rf"\b{re.escape(word.text)}\b", (source or word.source).text))


def guess(word: str, candidates: Iterable[str], report: Report) -> str | None:
    """What may have been meant; nothing once there are more mistakes than anybody reads."""
    if len(report.found) >= MOST_GUESSES:
        return None
    return suggest(word, islice(candidates, MOST_CANDIDATES))


def listed(names: Collection[str], last: str = "or") -> str:
    """`a`, `b` or `c`; of many names the first."""
    quoted = [f"`{name}`" for name in islice(names, MOST_LISTED)]
    if len(names) > MOST_LISTED:
        quoted.append(f"{len(names) - MOST_LISTED} others")
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}" if len(quoted) > 1 else "".join(quoted)
