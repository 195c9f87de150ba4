"""Branches that a loop makes: `branches: {each: {rate: rates}, do: body}`, and what stands beside
the loop by mistake.
"""

from cnngen.diagnostics.model import Label, Report
from cnngen.syntax.forms import AROUND, LOOPS
from cnngen.syntax.tree import Identifier
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, brief

Entry = tuple[Scalar, Node]
FORM = "branches: {each: {rate: [1, 2, 4]}, do: ...}"


def loop_of(branches: Mapping) -> Entry | None:
    """The entry that says that a loop makes the branches."""
    return next((entry for entry in branches.entries if entry[0].text in LOOPS), None)


def report_beside_loop(stray: Scalar, loop: Scalar, join: str, report: Report) -> None:
    """Report what stands beside the loop that makes branches, other than their `do`."""
    word, secondary = brief(stray.text), [Label(loop.span, "this loop makes the branches")]
    if stray.text in AROUND:
        code, message = "unknown-key", f"`{word}` stands among the branches, not beside `branches`"
        help = "indent it like `branches`"
    elif stray.text in LOOPS:
        code, message = "unknown-key", "these branches are made by two loops"
        help = "let `each` have both variables, or put one of the loops into `do`"
    elif stray.text == "between":
        code, message = "unknown-key", "there is nothing between branches, which stand side by side"
        help = "put these steps at the end of `do`, or behind the `branches`"
    elif stray.text in ("when", "else"):
        code, message = "unknown-key", "a loop makes all of its branches"
        help = "choose among steps in `do`, or let the loop go through fewer elements"
    else:
        code, message = "wrong-kind", f"`{word}` is a branch with a name, beside those of a loop"
        inner = f"{{branches: {{{loop.text}: ..., do: ...}}, join: {join or 'concat'}}}"
        help = f"make the loop a branch among others, under a name of its own: `{inner}`"
    report.add(code, message, stray.span, secondary=secondary, help=help)


def report_two_operands(loop: Scalar, join: Identifier, report: Report) -> None:
    """Report a join that takes two branches and no more."""
    report.add(
        "wrong-kind",
        f"`{join.text}` takes two branches, and a loop makes any number of them",
        join.span,
        secondary=[Label(loop.span, "this loop")],
        help="write the two as `branches: {first: ..., second: ...}`",
    )
