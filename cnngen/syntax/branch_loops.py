"""Branches that a loop makes: `branches: {each: {rate: rates}, do: body}`, and what stands beside
the loop by mistake.
"""

from collections.abc import Sequence
from dataclasses import replace

from cnngen.diagnostics.model import Edit, Label, Remedies, Report
from cnngen.diagnostics.suggest import respell, suggest
from cnngen.diagnostics.synonyms import FORM_KEYS, translate
from cnngen.source import Span
from cnngen.syntax.forms import AROUND, LOOPS
from cnngen.syntax.tree import Identifier
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, brief

Entry = tuple[Scalar, Node]
OF_CONDITIONS = ("when", "else")


def loop_of(branches: Mapping) -> Entry | None:
    """The entry that says that a loop makes the branches; not a branch with the name of one, beside
    others and without a `do`.
    """
    has_do = branches.get("do") is not None
    alone = all(key.text in (*LOOPS, *AROUND, "between") for key, _ in branches.entries)
    for entry in branches.entries:
        key, value = entry
        if key.text in LOOPS and (has_do or alone or _binds(value)):
            return entry
    return None


def _binds(value: Node) -> bool:
    """Whether it gives variables lists, and is no step."""
    return isinstance(value, Mapping) and not any(isinstance(v, Mapping) for _, v in value.entries)


def with_loop(branches: Mapping, report: Report) -> Mapping:
    """Branches whose `repeat` or `each` is not misspelt, which is reported; there is a `do`."""
    if branches.get("do") is None or loop_of(branches):
        return branches
    for key, value in branches.entries:
        synonym = translate(key.text, FORM_KEYS, LOOPS)
        meant = synonym or suggest(key.text, LOOPS)
        if meant is not None and key.text != "do":
            report.add(
                "unknown-key",
                f"a loop of branches has no key `{brief(key.text)}`",
                key.span,
                help=f"did you mean `{meant}`?",
                fix=respell(key.span, meant, () if synonym else LOOPS, closed=True),
            )
            right = (replace(key, text=meant), value)
            entries = (right if k is key else (k, v) for k, v in branches.entries)
            return replace(branches, entries=tuple(entries))
    return branches


def report_no_loop(do: Scalar, report: Report) -> None:
    """Report a `do` that is all there is below `branches`."""
    report.add(
        "missing-key",
        "`do` is what each branch of a loop does, and there is no loop",
        do.span,
        help="add `repeat: 2`, or `each: {rate: [1, 2, 4]}`, beside it",
    )


def report_beside_loop(
    node: Mapping, strays: Sequence[Scalar], loop: Scalar, join: Identifier, report: Report
) -> None:
    """Report what stands beside the loop that makes branches, other than their `do`."""
    words = (*AROUND, *LOOPS, "between")
    for key in strays:
        if key.text in words:
            _report_word(key, loop, report)
    conditions = [key for key in strays if key.text in OF_CONDITIONS]
    if conditions:
        _report(
            *("unknown-key", "a loop makes all of its branches", conditions, loop, report),
            "remove it, or choose among steps in `do`",
        )
    if named := [key for key in strays if key.text not in (*words, *OF_CONDITIONS)]:
        _report(
            "wrong-kind",
            f"`{brief(named[0].text)}` is a branch with a name, beside those of a loop",
            *(named, loop, report),
            "let the loop be a branch with a name, too, which has `branches` of its own",
            _nested(node, loop, join),
        )


def _nested(node: Mapping, loop: Scalar, join: Identifier) -> Remedies:
    """The loop as a branch among those that have names."""
    whole = _loop_text(node, loop.text)
    if whole is None or not join.text:
        return ()
    return (((Edit(whole, _below(("looped", "branches"), whole, f"join: {join.text}")),),),)


def _report_word(key: Scalar, loop: Scalar, report: Report) -> None:
    match key.text:
        case "between":
            message = "there is nothing between branches, which stand side by side"
            help = "remove it, or put its steps at the end of `do`"
        case "repeat" | "each":
            message = "these branches are made by two loops"
            help = "remove it, or put the second loop into `do`"
        case word:
            message = f"`{word}` stands among the branches, not beside `branches`"
            help = "indent it like `branches`"
    _report("unknown-key", message, [key], loop, report, help)


def _report(
    code: str,
    message: str,
    keys: Sequence[Scalar],
    loop: Scalar,
    report: Report,
    help: str,
    remedies: Remedies = (),
) -> None:
    others = [Label(key.span, "this, too") for key in keys[1:]]
    labels = [Label(loop.span, "this loop makes the branches"), *others]
    report.add(code, message, keys[0].span, secondary=labels, help=help, remedies=remedies)


def report_join_beside_loop(join: Scalar, form: str, node: Mapping, report: Report) -> None:
    """Report the `join` of a loop that makes no branches, as it stands beside `do`."""
    whole = _loop_text(node, form)
    fix: tuple[Edit, ...] = ()
    if whole is not None and join.span.start > whole.end:
        fix = (Edit(whole, _below(("branches",), whole)),)
    report.add(
        "unknown-key",
        f"`{form}` has no key `join`: its iterations follow each other",
        join.span,
        help="let `branches` hold the loop, beside the `join`",
        fix=fix,
    )


def _loop_text(node: Mapping, form: str) -> Span | None:
    """The entries of a loop, where its `do` follows its head."""
    keys = [key.text for key, _ in node.entries]
    if "do" not in keys or keys.index("do") != keys.index(form) + 1:
        return None
    (first, _), (_, last) = node.entries[keys.index(form) :][:2]
    return first.span.to(last.span)


def _below(keys: Sequence[str], whole: Span, beside: str = "") -> str:
    """Entries below keys that they did not have, in the style in which they are written; something
    stands `beside` the last of the keys.
    """
    row = whole.source.line(whole.line)[: whole.column - 1]
    if row.strip() in ("", "-"):
        inner = "  " * len(keys)
        lines = [f"{'  ' * depth}{key}:" for depth, key in enumerate(keys)]
        lines.append(inner + whole.text.replace("\n", f"\n{inner}"))
        lines += [f"{inner[2:]}{beside}"] if beside else []
        return f"\n{' ' * len(row)}".join(lines)
    text = f"{{{whole.text}}}"
    *outer, last = keys
    text = f"{last}: {text}" + (f", {beside}" if beside else "")
    for key in reversed(outer):
        text = f"{key}: {{{text}}}"
    return text


def report_two_operands(loop: Scalar, join: Identifier, report: Report) -> None:
    """Report a join that takes two branches and no more."""
    report.add(
        "wrong-kind",
        f"`{join.text}` takes two branches, and a loop makes any number of them",
        join.span,
        secondary=[Label(loop.span, "this loop")],
        help="write the two as `branches: {first: ..., second: ...}`",
    )
