"""Branches that a loop makes: `branches: {each: {rate: rates}, do: body}`, and what stands beside
the loop by mistake.
"""

from collections.abc import Sequence

from cnngen.diagnostics.model import Label, Report
from cnngen.syntax.forms import AROUND, LOOPS
from cnngen.syntax.tree import Identifier
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, brief

Entry = tuple[Scalar, Node]
OF_CONDITIONS = ("when", "else")


def loop_of(branches: Mapping) -> Entry | None:
    """The entry that says that a loop makes the branches."""
    return next((entry for entry in branches.entries if entry[0].text in LOOPS), None)


def report_beside_loop(
    strays: Sequence[Entry], loop: Scalar, join: Identifier, report: Report
) -> None:
    """Report what stands beside the loop that makes branches, other than their `do`."""
    keys = [key for key, _ in strays]
    words = (*AROUND, *LOOPS, "between")
    for key in keys:
        if key.text in words:
            _report_word(key, loop, report)
    conditions = [key for key in keys if key.text in OF_CONDITIONS]
    if conditions:
        _report(
            *("unknown-key", "a loop makes all of its branches", conditions, loop, report),
            "choose among steps in `do`, or let the loop go through fewer elements",
        )
    named = [key for key in keys if key.text not in (*words, *OF_CONDITIONS)]
    if named:
        inner = f"{{branches: {{{loop.text}: ..., do: ...}}, join: {join.text or 'concat'}}}"
        _report(
            "wrong-kind",
            f"`{brief(named[0].text)}` is a branch with a name, beside those of a loop",
            *(named, loop, report),
            f"make the loop a branch with a name, too: `{inner}`",
        )


def _report_word(key: Scalar, loop: Scalar, report: Report) -> None:
    match key.text:
        case "between":
            message = "there is nothing between branches, which stand side by side"
            help = "put these steps at the end of `do`, or behind the `branches`"
        case "repeat" | "each":
            message = "these branches are made by two loops"
            help = "let `each` have both variables, or put one of the loops into `do`"
        case word:
            message = f"`{word}` stands among the branches, not beside `branches`"
            help = "indent it like `branches`"
    _report("unknown-key", message, [key], loop, report, help)


def _report(
    code: str, message: str, keys: Sequence[Scalar], loop: Scalar, report: Report, help: str
) -> None:
    others = [Label(key.span, "this, too") for key in keys[1:]]
    labels = [Label(loop.span, "this loop makes the branches"), *others]
    report.add(code, message, keys[0].span, secondary=labels, help=help)


def report_join_beside_loop(join: Scalar, form: str, node: Mapping, report: Report) -> None:
    """Report the `join` of a loop that makes no branches, as it stands beside `do`."""
    value, word = node.get(form), node.get("join")
    head = value.span.text if value and "\n" not in value.span.text else "..."
    joined = brief(word.text) if isinstance(word, Scalar) else "concat"
    report.add(
        "unknown-key",
        f"`{form}` has no key `join`: its iterations follow each other",
        join.span,
        help="write, for branches that are joined,"
        f" `branches: {{{form}: {head}, do: ...}}` with `join: {joined}`",
    )


def report_two_operands(loop: Scalar, join: Identifier, report: Report) -> None:
    """Report a join that takes two branches and no more."""
    report.add(
        "wrong-kind",
        f"`{join.text}` takes two branches, and a loop makes any number of them",
        join.span,
        secondary=[Label(loop.span, "this loop")],
        help="write the two as `branches: {first: ..., second: ...}`",
    )
