"""Bodies and their steps, from YAML nodes.

The recursion follows the nesting of the YAML, which `read` bounds.
"""

from dataclasses import dataclass

from cnngen.diagnostics.model import Label, Report
from cnngen.diagnostics.suggest import respell, suggest
from cnngen.diagnostics.synonyms import FORM_KEYS, OPS, translate
from cnngen.source import Span
from cnngen.syntax.expression import Expression
from cnngen.syntax.forms import AROUND, FORM_PARTS, FORMS, JOINS, PARTS
from cnngen.syntax.join_errors import report_join, report_joined_words
from cnngen.syntax.list_errors import report_list
from cnngen.syntax.misplaced import put_back, put_below
from cnngen.syntax.missing_op import report_attributes, report_op_as_name
from cnngen.syntax.parse_value import (
    mapping,
    parse_arguments,
    parse_name,
    parse_new_name,
    parse_reference,
    parse_value,
    wrong_kind,
)
from cnngen.syntax.step_errors import report_heads, report_no_op, report_stray
from cnngen.syntax.tree import (
    Body,
    Branches,
    Call,
    Each,
    Identifier,
    Reference,
    Repeat,
    Step,
    When,
)
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, brief, is_null


def parse_body(node: Node, what: str, report: Report, *, may_be_empty: bool = False) -> Body:
    """One step, or a list of steps."""
    if is_null(node) or (isinstance(node, Sequence) and not node.items):
        if not may_be_empty:
            report.add(
                "wrong-kind",
                f"{what} has no steps",
                node.span,
                help="write a step: `- relu`, or `identity`",
            )
        return ()
    nodes = node.items if isinstance(node, Sequence) else (node,)
    steps = (_parse_step(item, report) for item in nodes)
    return tuple(step for step in steps if step is not None)


def _parse_step(node: Node, report: Report) -> Step | None:
    match node:
        case Scalar() if not is_null(node):
            if report_joined_words(node, report):
                return None
            word = brief(node.text.split("(")[0].split(":")[0].strip())
            bare = node.text.rstrip().endswith("()")
            help = f"write `{word}`" if bare else f"write `{word}: {{attribute: value}}`"
            callee = parse_name(node, "a step", report, help)
            return Call(callee, (), node.span) if callee else None
        case Mapping():
            return _parse_keyed(node, report)
        case _:
            wrong_kind(node, "a step must be an op, a block or a mapping", report, "write `- relu`")
            return None


@dataclass(frozen=True, slots=True)
class _Around:
    """What every kind of step may have besides its own keys."""

    span: Span
    name: Identifier | None
    origin: Identifier | None


def _parse_keyed(node: Mapping, report: Report) -> Step | None:
    """A step that is a mapping: one key says what it is, the others belong to it."""
    heads = [entry for entry in node.entries if entry[0].text not in PARTS]
    forms = [entry for entry in heads if entry[0].text in FORMS]
    name, origin = node.get("name"), node.get("from")
    if not heads:
        return _parse_reference(node, origin, report)
    if isinstance(origin, Sequence) and report_join(heads[0][0], origin, report, beside=True):
        return None
    around = _Around(
        node.span,
        _parse_step_name(name, report) if name else None,
        parse_reference(origin, "`from`", report, FROM_HELP) if origin else None,
    )
    if len(forms) == 1:
        return _parse_form(node, *forms[0], around, report)
    if len(heads) > 1:
        if not report_attributes(heads, node, report):
            report_heads(heads, FORMS, PARTS, report)
        return None
    key, value = heads[0]
    if stray := [part for part, _ in node.entries if part.text in PARTS - set(AROUND)]:
        report_stray(key, stray[0], FORMS, report)
        return None
    if report_join(key, value, report) or report_list(key, value, report):
        return None
    callee = parse_name(key, "an op", report)
    if callee is None:
        return None
    arguments = parse_arguments(value, callee, report)
    return Call(callee, arguments, around.span, around.name, around.origin)


FROM_HELP = "`from` names one step or stage; several are joined by `branches`"


def _parse_step_name(node: Node, report: Report) -> Identifier | None:
    if isinstance(node, Scalar):
        return parse_new_name(node, "step", report)
    wrong_kind(node, "`name` must be a name", report)
    return None


def _parse_reference(node: Mapping, origin: Node | None, report: Report) -> Step | None:
    """`{from: name}`; a mapping that says nothing else lacks its op."""
    if origin and len(node.entries) == 1:
        target = parse_reference(origin, "`from`", report, FROM_HELP)
        return Reference(target, node.span) if target else None
    report_no_op(node, origin, report)
    return None


def _parse_form(
    node: Mapping, key: Scalar, value: Node, around: _Around, report: Report
) -> Step | None:
    """`repeat`, `each`, `when` or `branches`."""
    known = FORMS[key.text]
    strays = [entry for entry in node.entries if entry[0].text not in known and entry[0] is not key]
    if key.text == "branches":
        arms = [(k, v) for k, v in strays if _is_body(v) and not suggest(k.text, known)]
        value = put_below((key, value), arms, report)
        strays = [entry for entry in strays if entry not in arms]
    guesses = [_report_stray(part, key.text, node, report) for part, _ in strays]
    if key.text == "branches":
        return _parse_branches(node, key, value, around, report)
    if node.get("do") is None:
        if "do" not in guesses:
            report.add(
                "missing-key", f"`{key.text}` lacks `do`", key.span, help="add `do:` with the steps"
            )
        body: Body = ()
    else:
        body = _parse_part(node, "do", report) or ()
    if key.text == "each":
        lists = _parse_lists(value, report)
        between = _parse_part(node, "between", report)
        return Each(lists, body, between, around.span, around.name, around.origin)
    expression = parse_value(value, f"`{key.text}`", report)
    if expression is None:
        return None
    if key.text == "repeat":
        return Repeat(expression, body, around.span, around.name, around.origin)
    orelse = _parse_part(node, "else", report)
    return When(expression, body, orelse, around.span, around.name, around.origin)


def _report_stray(part: Scalar, form: str, node: Mapping, report: Report) -> str | None:
    """A key that stands beside `repeat`, `each`, `when` or `branches`; what it may mean."""
    known = FORMS[form]
    lacking = [key for key in known if node.get(key) is None]
    meant = translate(part.text, FORM_KEYS, lacking)
    guess = meant or suggest(part.text, known)
    owner = next((other for other, keys in FORMS.items() if part.text in keys), None)
    belongs = f"it belongs to `{owner}`; " if owner else ""
    report.add(
        "unknown-key",
        f"`{form}` has no key `{brief(part.text)}`",
        part.span,
        help=f"did you mean `{guess}`?"
        if guess and not owner
        else f"{belongs}besides `{form}` there are {', '.join(known)}",
        fix=() if owner else respell(part.span, guess, () if meant else known, closed=True),
    )
    return guess


def _is_body(node: Node) -> bool:
    """Whether this may be the steps of a branch, and no value."""
    return not isinstance(node, Scalar) or is_null(node) or node.text == "identity"


def _parse_part(node: Mapping, key: str, report: Report) -> Body | None:
    part = node.get(key)
    return parse_body(part, f"`{key}`", report) if part else None


def _parse_lists(node: Node, report: Report) -> tuple[tuple[Identifier, Expression], ...]:
    """`{variable: list, ...}`."""
    example = "write `each: {depth: [3, 4, 6]}`"
    lists = mapping(node, "`each`", report, example)
    if lists and not lists.entries:
        report.add("wrong-kind", "`each` has no variables", lists.span, help=example)
    parsed: list[tuple[Identifier, Expression]] = []
    for key, value in lists.entries if lists else ():
        name = parse_new_name(key, "variable", report)
        values = parse_value(value, f"`{brief(key.text)}`", report)
        if name and values is not None:
            parsed.append((name, values))
    return tuple(parsed)


def _parse_branches(
    node: Mapping, key: Scalar, value: Node, around: _Around, report: Report
) -> Step | None:
    arms_node = mapping(
        value, "`branches`", report, "give each branch a name: `branches: {left: ..., right: ...}`"
    )
    if arms_node is None:
        return None
    inside = next((arm for arm, _ in arms_node.entries if arm.text == "join"), None)
    if inside and node.get("join") is None:
        report.add(
            "missing-key",
            "`branches` lacks `join`, which stands among the branches",
            inside.span,
            secondary=[Label(key.span, "it belongs to this step")],
            help="indent it like `branches`",
        )
        return None
    join = _parse_join(node, key, report)
    if len(arms_node.entries) < 2:
        report.add(
            "wrong-kind",
            "`branches` has fewer than two branches",
            key.span,
            help="add a branch; one that passes its input on is `identity`",
        )
    arms: list[tuple[Identifier, Body]] = []
    for arm, body in put_back(arms_node.entries, FORM_PARTS, report):
        if report_op_as_name(arm, body, "branch", report):
            continue
        name = parse_new_name(arm, "branch", report)
        steps = parse_body(body, f"`{brief(arm.text)}`", report, may_be_empty=True)
        if name:
            arms.append((name, steps))
    if join is None:
        return None
    return Branches(tuple(arms), join, around.span, around.name, around.origin)


def _parse_join(node: Mapping, key: Scalar, report: Report) -> Identifier | None:
    listed = f"{', '.join(JOINS[:-1])} or {JOINS[-1]}"
    join = node.get("join")
    if join is None:
        known = ("branches", *FORMS["branches"])
        if not any(
            suggest(part.text, ("join",)) for part, _ in node.entries if part.text not in known
        ):
            report.add(
                "missing-key",
                "`branches` lacks `join`",
                key.span,
                help=f"add `join: add`; a join is {listed}",
            )
        return None
    name = parse_name(join, "`join`", report, f"a join is {listed}")
    if name and name.text not in JOINS:
        meant = translate(name.text, OPS, JOINS)
        guess = meant or suggest(name.text, JOINS)
        report.add(
            "unknown-op",
            f"`{name.text}` is not a join",
            name.span,
            help=f"did you mean `{guess}`?" if guess else f"a join is {listed}",
            fix=respell(name.span, guess, () if meant else JOINS, closed=True),
        )
        return None
    return name
