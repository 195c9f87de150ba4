"""What is wrong with the keys of a step."""

from collections.abc import Collection, Iterable

from cnngen.diagnostics.model import Edit, Label, Remedies, Report
from cnngen.diagnostics.suggest import respell, suggest
from cnngen.syntax.forms import AROUND
from cnngen.syntax.join_errors import branches_of
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, brief, is_null


def report_no_op(node: Mapping, origin: Node | None, report: Report) -> None:
    """Report a mapping that has only keys which belong beside an op."""
    stray = next((key for key, _ in node.entries if key.text == "do"), None)
    if stray and isinstance(origin, Scalar):
        report.add(
            "missing-key",
            "`do` belongs to `repeat`, `each` or `when`, and this step is none of them",
            stray.span,
            help=f"write several steps as a list that begins with `- from: {brief(origin.text)}`",
        )
        return
    join = next((key for key, _ in node.entries if key.text == "join"), None)
    if join and isinstance(origin, Sequence) and all(isinstance(x, Scalar) for x in origin.items):
        names = [brief(name.text) for name in origin.items if isinstance(name, Scalar)]
        branches = branches_of(names, "", join.span)
        report.add(
            "missing-key",
            "`join` belongs to `branches`, and this step has none",
            join.span,
            help=f"write `{branches}` in place of `from`",
        )
        return
    report.add(
        "missing-key",
        "this step names no op",
        node.entries[0][0].span if node.entries else node.span,
        help="a step is an op or a block, `repeat`, `each`, `when`, `branches` or `use`",
    )


def report_heads(
    heads: list[tuple[Scalar, Node]],
    forms: Collection[str],
    parts: Collection[str],
    report: Report,
) -> str | None:
    """Report several keys that each say what a step is: an op has lost its attributes, or two steps
    became one. Gives the key of a step that the second one may be.
    """
    (first, value), (second, _) = heads[:2]
    guess = suggest(second.text, parts)
    names = f"`{brief(first.text)}` and `{brief(second.text)}`"
    fix, remedies = respell(second.span, guess, parts, closed=True), ()
    if guess:
        message = f"a step has no key `{brief(second.text)}`"
        help = f"did you mean `{guess}`?"
    elif is_null(value) and first.text not in forms:
        message = f"`{brief(second.text)}` stands beside `{brief(first.text)}`, not below it"
        help = f"indent it, or write `{brief(first.text)}: {{{brief(second.text)}: ...}}`"
    else:
        message = f"one step is both {names}"
        help = "begin each step with `- ` on a line of its own"
        remedies = _as_steps(heads)
    labels = [Label(first.span, "the step")]
    report.add(
        *("unknown-key", message, second.span),
        secondary=labels,
        help=help,
        fix=fix,
        remedies=remedies,
    )
    return guess


def misspelt_last(heads: list[tuple[Scalar, Node]]) -> list[tuple[Scalar, Node]]:
    """The keys of a step, of which the first may be meant for one that stands beside an op."""
    first, second, *others = heads
    return [second, first, *others] if _is_beside(first[0]) else heads


def _is_beside(key: Scalar) -> bool:
    """Whether a key is no op, and more like `name` or `from` than like any."""
    from cnngen.ops import OPS as KNOWN

    return key.text not in KNOWN and suggest(key.text, (*KNOWN, *AROUND)) in AROUND


def report_origin(key: Scalar, value: Node, report: Report) -> bool:
    """Report a misspelt `from` that is all that a step says; whether it is one."""
    is_name = isinstance(value, Scalar) and not is_null(value)
    if not is_name or not _is_beside(key) or suggest(key.text, AROUND) != "from":
        return False
    report.add(
        "unknown-key",
        f"a step has no key `{brief(key.text)}`",
        key.span,
        help="did you mean `from`?",
        fix=respell(key.span, "from", AROUND, closed=True),
    )
    return True


def _as_steps(heads: list[tuple[Scalar, Node]]) -> Remedies:
    """The keys of one mapping as steps that follow each other."""
    texts = [key.text if is_null(value) else key.span.to(value.span).text for key, value in heads]
    whole = heads[0][0].span.to(heads[-1][1].span)
    line = whole.source.line(whole.line)[: whole.column - 1]
    if line.strip() not in ("", "-") or any("\n" in text for text in texts):
        return ()
    row = line if line.strip() else f"{line}- "
    steps = f"\n{row}".join(texts)
    return (((Edit(whole, steps if line.strip() else f"- {steps}"),),),)


def report_stray(key: Scalar, part: Scalar, forms: Iterable[str], report: Report) -> str | None:
    """Report a call with a key of `repeat`, `each`, `when`, `branches` or `use`; gives the key that
    was meant.
    """
    guess = suggest(key.text, forms)
    if guess:
        at, message, help = key, f"there is no `{brief(key.text)}`", f"did you mean `{guess}`?"
    else:
        at, message = part, f"a call of `{brief(key.text)}` has no key `{part.text}`"
        help = "besides its op, a call has `name` and `from`"
    report.add(
        "unknown-key", message, at.span, help=help, fix=respell(key.span, guess, forms, closed=True)
    )
    return guess
