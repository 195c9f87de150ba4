"""The leaves of a spec: names, texts, expressions and arguments, from YAML nodes.

Each function reports what it cannot read, and gives None, what is left, or what stands in its place
so that the rest can be checked.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from cnngen.diagnostics.model import Label, Report
from cnngen.diagnostics.suggest import respell, suggest
from cnngen.expressions.expression import Expression, ListOf, RecordOf
from cnngen.expressions.parser import parse_expression
from cnngen.source import Span
from cnngen.syntax.distribution_errors import report_distribution
from cnngen.syntax.naming import LONGEST_NAME, NameKind, check_name
from cnngen.syntax.tree import Argument, ArgumentValue, Distribution, Identifier, unread
from cnngen.syntax.yaml_nodes import Broken, Mapping, Node, Scalar, Sequence, brief, is_null, kind

LONGEST_TEXT = 500
RECORDS = "write records: `[{width: 16, stride: 1}, {width: 32, stride: 2}]`"
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CALL = re.compile(r"(\w+)\((.*)\)")
PART = re.compile(r"[A-Za-z_]\w*(?:\.\w+|/\w+|\[-?\w+\])+", re.ASCII)  # of a stage; none is read


def wrong_kind(node: Node, what: str, report: Report, help: str | None = None) -> None:
    """Report a node that is not of the kind `what`, unless it was reported as broken before."""
    if not isinstance(node, Broken):
        found = "nothing" if is_null(node) else kind(node)
        report.add("wrong-kind", f"{what}, not {found}", node.span, help=help)


def mapping(node: Node, what: str, report: Report, help: str | None = None) -> Mapping | None:
    if isinstance(node, Mapping):
        return node
    wrong_kind(node, f"{what} must be a mapping", report, help)
    return None


def entries(
    node: Node | None, what: str, example: str, report: Report
) -> tuple[tuple[Scalar, Node], ...]:
    """The entries of a mapping that may be left out or empty."""
    if node is None or is_null(node):
        return ()
    found = mapping(node, what, report, example)
    return found.entries if found else ()


def check_keys(
    node: Mapping, known: Iterable[str], what: str, report: Report, listed: Iterable[str] = ()
) -> Mapping:
    """Report unknown keys; gives the mapping with misspelt keys corrected.

    `listed` are the keys that a message lists, where these are not all that are known.
    """
    known = tuple(known)
    listed = tuple(listed) or known
    keys: list[Scalar] = []
    for key, value in node.entries:
        keys.append(key)
        if key.text not in known and not isinstance(value, Broken):
            guess = suggest(key.text, listed)
            if guess and node.get(guess) is None:
                keys[-1] = replace(key, text=guess)
            report.add(
                "unknown-key",
                f"{what} has no key `{brief(key.text)}`",
                key.span,
                help=f"did you mean `{guess}`?" if guess else f"the keys are {', '.join(listed)}",
                fix=respell(key.span, guess, listed, closed=True),
            )
    entries = zip(keys, (value for _, value in node.entries), strict=True)
    return replace(node, entries=tuple({key.text: (key, v) for key, v in entries}.values()))


def require_keys(
    node: Mapping, examples: dict[str, str], what: str, at: Span, report: Report
) -> None:
    """Report keys that a mapping lacks."""
    missing = [key for key in examples if node.get(key) is None]
    if missing:
        quoted = [f"`{key}`" for key in missing]
        listed = " and ".join([*filter(None, [", ".join(quoted[:-1])]), quoted[-1]])
        lines = [examples[key] for key in missing]
        help = f"add `{lines[0]}`" if len(lines) == 1 else "\n".join(["add", *lines])
        report.add("missing-key", f"{what} lacks {listed}", at, help=help)


def parse_text(node: Node, what: str, report: Report) -> str:
    """A text on one line; empty where there is none."""
    if not isinstance(node, Scalar):
        wrong_kind(node, f"{what} must be a text", report, "quote it")
        return ""
    text = "" if is_null(node) else " ".join(node.text.split())
    if len(text) > LONGEST_TEXT:
        report.add(
            "too-large",
            f"{what} has more than {LONGEST_TEXT} characters",
            node.span,
            help="say it in one sentence",
        )
        return ""
    return text


def parse_new_name(key: Scalar, kind: NameKind, report: Report) -> Identifier:
    """The name that a spec gives to something; others may refer to it even if it is reported."""
    identifier = Identifier(key.text, key.span)
    check_name(identifier, kind, report)
    return identifier


def parse_name(node: Node, what: str, report: Report, help: str | None = None) -> Identifier | None:
    """The name of something; whether it exists is left to later passes."""
    if not isinstance(node, Scalar) or not node.text.strip():
        wrong_kind(node, f"{what} must be a name", report, help)
    elif len(node.text) <= LONGEST_NAME and IDENTIFIER.fullmatch(node.text):
        return Identifier(node.text, node.span)
    else:
        report.add(
            "bad-name",
            f"{what} must be a name, and `{brief(node.text)}` is none",
            node.span,
            help=help or f"a name has letters, digits and `_`, at most {LONGEST_NAME} of them",
        )
    return None


def parse_reference(
    node: Node, what: str, report: Report, help: str | None = None
) -> Identifier | None:
    """The name of a tensor; or of a part of one, which later passes report."""
    if isinstance(node, Scalar) and len(node.text) <= LONGEST_NAME and PART.fullmatch(node.text):
        return Identifier(node.text, node.span)
    return parse_name(node, what, report, help)


def parse_value(node: Node, what: str, report: Report) -> Expression | None:
    """An expression; a YAML list is a list of expressions, or of records."""
    match node:
        case Scalar() if not node.plain and node.span.text[:1] in ("|", ">"):
            report.add(
                "wrong-kind",
                f"{what} must be an expression, not a text of several lines",
                node.span,
                help="write it on one line; `>` cannot come first: `stride > 1`",
            )
            return None
        case Scalar() if not node.text.strip():
            report.add(
                "bad-expression", f"{what} has no value", node.span, help="write one behind the `:`"
            )
            return None
        case Scalar(text="~", plain=True):
            message = "`~` is YAML's null, and a spec has a word for it"
            report.add("bad-expression", message, node.span, help="write `null`")
            return None
        case Scalar():
            return parse_expression(node.text, node.span, report)
        case Sequence((Mapping(), *_)):
            return parse_records(node, report)
        case Sequence():
            return ListOf(tuple(read_value(i, what, report) for i in node.items), node.span)
        case Mapping() | Broken():
            wrong_kind(node, f"{what} must be an expression", report)
            return None


def parse_records(node: Sequence, report: Report) -> ListOf | None:
    """A list of records with the fields of the first; None after a mistake, which is reported."""
    before = len(report.found)
    records: list[RecordOf] = []
    for item in node.items:
        if not isinstance(item, Mapping):
            wrong_kind(item, "a list of records has records only", report, RECORDS)
        elif isinstance(record := _parse_record(item, report), RecordOf):
            records.append(record)
            if len(records) > 1:
                _compare(records[0], record, item, report)
            else:
                for key, _ in item.entries:
                    check_name(Identifier(key.text, key.span), "field", report)
    if len(report.found) > before or not records:
        return None
    names = [name for name, _ in records[0].fields]
    return ListOf(tuple(_in_order(record, names) for record in records), node.span)


def _parse_record(node: Mapping, report: Report) -> Expression:
    """`{width: 16, stride: 1}`; what is wrong with its fields is left out of it."""
    if not node.entries:
        report.add("wrong-kind", "a record has no fields", node.span, help="write `{width: 16}`")
        return unread(node.span)
    fields = [
        (key.text, read_value(value, f"`{brief(key.text)}`", report))
        for key, value in node.entries
        if parse_name(key, "a field", report)
    ]
    return RecordOf(tuple(fields), node.span)


def _in_order(record: RecordOf, names: Iterable[str]) -> RecordOf:
    values = dict(record.fields)
    return replace(record, fields=tuple((name, values[name]) for name in names))


def _compare(first: RecordOf, record: RecordOf, node: Mapping, report: Report) -> None:
    """Report fields that the first record does not have, and those that this one lacks."""
    known = [name for name, _ in first.fields]
    given = {key.text for key, _ in node.entries}
    missing = [name for name in known if name not in given]
    label = [Label(first.span, "the first record")] if first.span else []
    for key, _ in node.entries:
        if key.text not in known:
            close = suggest(key.text, missing)
            missing = [name for name in missing if name != close]
            report.add(
                "unknown-key",
                f"the first record has no field `{brief(key.text)}`",
                key.span,
                secondary=label,
                help=f"did you mean `{close}`?" if close else "give all records the same fields",
                fix=respell(key.span, close, known, closed=True),
            )
    if missing:
        listed = " and ".join(f"`{name}`" for name in missing)
        help = f"add `{', '.join(f'{name}: ...' for name in missing)}`: all records have all fields"
        report.add(
            "missing-key", f"this record lacks {listed}", node.span, secondary=label, help=help
        )


def read_value(node: Node, what: str, report: Report) -> Expression:
    """An expression, or what stands for one that could not be read."""
    return parse_value(node, what, report) or unread(node.span)


def parse_arguments(node: Node, callee: Identifier, report: Report) -> tuple[Argument, ...]:
    """The attributes of an op, or what a block is given."""
    if is_null(node):
        return ()
    if not isinstance(node, Mapping) and (value := _nameless(node)) is not None:
        return (Argument(Identifier("", node.span), value),)
    takes = "parameter" if callee.text[:1].isupper() else "attribute"
    value = brief(node.text) if isinstance(node, Scalar) else "..."
    example = f"say which {takes} it is: `{callee.text}: {{{takes}: {value}}}`"
    attributes = mapping(node, f"what `{callee.text}` is given", report, example)
    if attributes is None:
        return (Argument(Identifier("", node.span), unread(node.span)),)
    arguments: list[Argument] = []
    for key, value in attributes.entries:
        name = parse_name(key, "an attribute", report)
        what = f"`{brief(key.text)}`"
        if isinstance(value, Mapping):
            parsed = parse_distribution(value, what, report, of_op=takes == "parameter")
        elif isinstance(value, Scalar) and (call := CALL.fullmatch(value.text.strip())):
            is_word = report_distribution(call[1], call[2], value.span, report)
            parsed = None if is_word else parse_value(value, what, report)
        else:
            parsed = parse_value(value, what, report)
        if name is None or parsed is None:
            name, parsed = name or Identifier("", key.span), unread(value.span)
        arguments.append(Argument(name, parsed))
    return tuple(arguments)


def _nameless(node: Node) -> Expression | None:
    """A value, or several, without the name of an attribute."""
    value = parse_value(node, "it", Report())
    if value is None and isinstance(node, Scalar):
        return parse_expression(f"[{node.text}]", node.span, Report())  # `conv: 64, 3`
    return value


def parse_distribution(
    node: Mapping, what: str, report: Report, *, of_op: bool
) -> Distribution | None:
    """A word with arguments: `{trunc_normal: {std: 0.01}}`, or `{leaky_relu: {slope: 0.1}}`, one
    `of_op`, whose arguments may have a word with arguments again.
    """
    if len(node.entries) != 1:
        report.add(
            "wrong-kind",
            f"{what} must be a value, or one word with arguments",
            node.span,
            help="a word with arguments is written like `{trunc_normal: {std: 0.01}}`",
        )
        return None
    key, value = node.entries[0]
    word = parse_name(key, what, report)
    if word is None:
        return None
    given = mapping(value, f"what `{word.text}` is given", report) if not is_null(value) else None
    arguments: list[tuple[Identifier, ArgumentValue]] = []
    for argument, value in given.entries if given else ():
        name, what = parse_name(argument, "an argument", report), f"`{brief(argument.text)}`"
        if isinstance(value, Mapping) and of_op:
            parsed = parse_distribution(value, what, report, of_op=False) or unread(value.span)
        else:
            parsed = read_value(value, what, report)
        if name:
            arguments.append((name, parsed))
    return Distribution(word, tuple(arguments), node.span)
