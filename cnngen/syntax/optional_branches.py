"""Branches that may be absent: `{when: condition, do: body, else: nothing}`, and where `nothing`
stands by mistake.
"""

from collections.abc import Sequence
from dataclasses import replace

from cnngen.diagnostics.model import Label, Report
from cnngen.syntax.forms import NOTHING
from cnngen.syntax.tree import Body, Branch, Identifier, When
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, brief

LIKE = ("", "~", "null", "none", "nothing", "absent", "skip")
FORM = "{when: ..., do: ..., else: nothing}"


def is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.text == NOTHING


def says_nothing(key: Scalar, value: Node, report: Report) -> bool:
    """Whether an entry of a branch is `nothing`; another word for it is reported behind `else`."""
    if is_nothing(value):
        return True
    if key.text != "else" or not (isinstance(value, Scalar) and value.text.lower() in LIKE):
        return False
    report.add(
        "wrong-kind",
        "an `else` has steps, or `nothing` for a branch that is absent then",
        value.span if value.span.text else key.span,
        help="write `nothing`, or `identity` for a branch that passes its input on then",
    )
    return True


def body_of_branch(step: When, name: Identifier, report: Report) -> Body:
    """The body of a branch that is one `when`; its `from` is that of the first step."""
    if step.name:
        report.add(
            "unknown-key",
            "a branch that may be absent has no name beside that of the branch",
            step.name.span,
            secondary=[Label(name.span, "the name of the branch")],
            help=f"leave `name: {step.name.text}` out",
        )
    if step.origin is None:
        return step.body
    first, *others = step.body
    if first.origin is not None:
        report.add(
            "nested-reference",
            f"this branch begins with `{step.origin.text}`, and cannot read another tensor",
            first.origin.span,
            secondary=[Label(step.origin.span, "the branch reads this")],
            help="leave `from` out here, or there",
        )
        return step.body
    return replace(first, origin=step.origin), *others


def report_nothing(node: Node, what: str, report: Report) -> None:
    """Report `nothing` in place of steps that are no branch."""
    passes = "leave `else` out" if what == "`else`" else "write `identity`"
    report.add(
        "wrong-kind",
        "`nothing` says that a branch is absent, and this is no whole branch",
        node.span,
        help=f"{passes} for what passes its input on; a branch may be `{FORM}`",
    )


def report_no_branch(key: Scalar, node: Node, report: Report) -> None:
    """Report a branch that is nothing whatever the parameters are."""
    report.add(
        "wrong-kind",
        f"`{brief(key.text)}` is a branch that never exists",
        node.span,
        help=f"remove it, or say when it does: `{FORM}`",
    )


def report_nothing_done(node: Mapping, nothing: Node, report: Report) -> None:
    """Report `nothing` where the condition is true."""
    test = node.get("when")
    condition = test.span.text if isinstance(test, Scalar) and test is not nothing else "..."
    report.add(
        "wrong-kind",
        "`nothing` stands behind `else` only",
        nothing.span,
        help=f"turn the condition around: `{{when: not ({condition}), do: ..., else: nothing}}`",
    )


def report_absent_operands(arms: Sequence[Branch], join: Identifier, report: Report) -> None:
    """Report branches that may be absent though their join needs both."""
    for branch in arms:
        if branch.test is not None:
            report.add(
                "wrong-kind",
                f"`{join.text}` needs both branches, and `{branch.name.text}` may be absent",
                branch.name.span,
                secondary=[Label(join.span, "the join")],
                help="put a `when` around the whole `branches`",
            )


def report_absent_maps(arms: Sequence[Branch], join: Identifier, report: Report) -> None:
    """Report branches that may be absent where what they give stays apart."""
    for branch in arms:
        if branch.test is not None:
            report.add(
                "wrong-kind",
                f"a list has all of its maps, and `{branch.name.text}` may be absent",
                branch.name.span,
                secondary=[Label(join.span, "what the branches give stays apart")],
                help="put a `when` around the whole `branches`, with the same number of maps in"
                " both of its sides",
            )
