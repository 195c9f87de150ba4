"""Bodies and their steps, from YAML nodes.

The recursion follows the nesting of the YAML, which `read` bounds.
"""

from dataclasses import dataclass, replace

from cnngen.diagnostics.model import Label, Report
from cnngen.diagnostics.suggest import respell, suggest
from cnngen.diagnostics.synonyms import FORM_KEYS, OPS, translate
from cnngen.expressions.expression import Expression
from cnngen.source import Span
from cnngen.syntax.branch_loops import (
    loop_of,
    report_beside_loop,
    report_join_beside_loop,
    report_no_loop,
    report_two_operands,
    with_loop,
)
from cnngen.syntax.forms import APART, AROUND, FORM_PARTS, FORMS, JOINS, LOOPS, PARTS
from cnngen.syntax.indentation_errors import report_deeper_items
from cnngen.syntax.join_errors import report_join, report_joined_words, takes_two
from cnngen.syntax.list_errors import report_list
from cnngen.syntax.misplaced import put_back, put_below
from cnngen.syntax.missing_op import report_attributes, report_op_as_name
from cnngen.syntax.optional_branches import (
    body_of_branch,
    is_nothing,
    report_absent_maps,
    report_absent_operands,
    report_no_branch,
    report_nothing,
    report_nothing_done,
    says_nothing,
)
from cnngen.syntax.parse_value import (
    mapping,
    parse_arguments,
    parse_name,
    parse_new_name,
    parse_reference,
    read_value,
    wrong_kind,
)
from cnngen.syntax.step_errors import (
    misspelt_last,
    report_heads,
    report_no_op,
    report_origin,
    report_stray,
)
from cnngen.syntax.tree import (
    Body,
    Branch,
    Branches,
    BranchLoop,
    Call,
    Each,
    Identifier,
    Reference,
    Repeat,
    Reuse,
    Step,
    When,
    unread,
    unread_step,
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
            return (unread_step(node.span),)
        return ()
    if is_nothing(node):
        report_nothing(node, what, report)
        return (unread_step(node.span),)
    nodes = node.items if isinstance(node, Sequence) else (node,)
    return tuple(_parse_step(item, report) for item in nodes)


def _parse_step(node: Node, report: Report) -> Step:
    """A step, or what stands for one that could not be read."""
    match node:
        case Scalar() if not is_null(node):
            if is_nothing(node):
                report_nothing(node, "a step", report)
                return unread_step(node.span)
            if report_deeper_items(node.span, report) or report_joined_words(node, report):
                return unread_step(node.span)
            word = brief(node.text.split("(")[0].split(":")[0].strip())
            bare = node.text.rstrip().endswith("()")
            help = f"write `{word}`" if bare else f"write `{word}: {{attribute: value}}`"
            if "." in word:
                help = f"a field is no op, but can choose one: `{{when: {word}, do: ...}}`"
            callee = parse_name(node, "a step", report, help)
            return Call(callee, (), node.span) if callee else unread_step(node.span)
        case Mapping():
            return _parse_keyed(node, report)
        case _:
            wrong_kind(node, "a step must be an op, a block or a mapping", report, "write `- relu`")
            return unread_step(node.span)


@dataclass(frozen=True, slots=True)
class _Around:
    """The keys that every kind of step may have: `name` and `from`."""

    span: Span
    name: Identifier | None
    origin: Identifier | None

    def unread(self) -> Step:
        """What stands for a step that cannot be read further."""
        return unread_step(self.span, self.name, self.origin)


def _parse_keyed(node: Mapping, report: Report) -> Step:
    """A step that is a mapping: one key says what kind of step it is, the others belong to it."""
    heads = [entry for entry in node.entries if entry[0].text not in PARTS]
    forms = [entry for entry in heads if entry[0].text in FORMS]
    name, origin = node.get("name"), node.get("from")
    if not heads:
        return _parse_reference(node, origin, report)
    if isinstance(origin, Sequence) and report_join(heads[0][0], origin, report, beside=True):
        return unread_step(node.span, _parse_step_name(name, report) if name else None)
    around = _Around(
        node.span,
        _parse_step_name(name, report) if name else None,
        _parse_origin(origin, report) if origin else None,
    )
    if len(forms) == 1:
        return _parse_form(node, *forms[0], around, report)
    if len(heads) > 1:
        heads = misspelt_last(heads)
        if report_attributes(heads, node, report):
            return around.unread()
        meant = report_heads(heads, FORMS, PARTS, report)
        put_right = _with_key(node, heads[1][0], meant)
        return around.unread() if put_right is node else _parse_keyed(put_right, report)
    key, value = heads[0]
    if len(node.entries) == 1 and report_origin(key, value, report):
        return _parse_keyed(_with_key(node, key, "from"), report)
    if stray := [part for part, _ in node.entries if part.text in PARTS - set(AROUND)]:
        meant = report_stray(key, stray[0], FORMS, report)
        if meant is None:
            return around.unread()
        node = _with_key(node, key, meant)
        key = next(k for k, _ in node.entries if k.text == meant)
        return _parse_form(node, key, value, around, report)
    if report_join(key, value, report) or report_list(key, value, report):
        return around.unread()
    callee = parse_name(key, "an op", report)
    if callee is None:
        return around.unread()
    arguments = parse_arguments(value, callee, report)
    return Call(callee, arguments, around.span, around.name, around.origin)


FROM_HELP = "`from` names one step or stage; several are joined by `branches`"
USE_HELP = "`use` names one stage or step, whose weights are used again"


def _parse_step_name(node: Node, report: Report) -> Identifier | None:
    """The name of a step; None where it cannot be one."""
    if isinstance(node, Scalar):
        return parse_new_name(node, "step", report)
    wrong_kind(node, "`name` must be a name", report)
    return None


def _parse_origin(node: Node, report: Report) -> Identifier:
    return parse_reference(node, "`from`", report, FROM_HELP) or Identifier("", node.span)


def _parse_reference(node: Mapping, origin: Node | None, report: Report) -> Step:
    """`{from: name}`; a mapping that says nothing else lacks its op."""
    if origin and len(node.entries) == 1:
        return Reference(_parse_origin(origin, report), node.span)
    report_no_op(node, origin, report)
    return unread_step(node.span)


def _parse_form(node: Mapping, key: Scalar, value: Node, around: _Around, report: Report) -> Step:
    """`repeat`, `each`, `when`, `branches` or `use`."""
    known = FORMS[key.text]
    strays = [entry for entry in node.entries if entry[0].text not in known and entry[0] is not key]
    if key.text == "branches":
        arms = [(k, v) for k, v in strays if _is_body(v) and not suggest(k.text, known)]
        value = put_below((key, value), arms, report)
        strays = [entry for entry in strays if entry not in arms]
    for part, _ in strays:
        node = _with_key(node, part, _report_stray(part, key.text, node, report))
    if key.text == "branches":
        return _parse_branches(node, key, value, around, report)
    if key.text == "use":
        target = parse_reference(value, "`use`", report, USE_HELP)
        target = target or Identifier("", value.span)
        return Reuse(target, around.span, around.name, around.origin)
    if node.get("do") is None:
        report.add(
            "missing-key", f"`{key.text}` lacks `do`", key.span, help="add `do:` with the steps"
        )
    body = _parse_part(node, "do", report) or (unread_step(key.span),)
    if key.text == "each":
        lists = _parse_lists(value, report)
        between = _parse_part(node, "between", report)
        return Each(lists, body, between, around.span, around.name, around.origin)
    expression = read_value(value, f"`{key.text}`", report)
    if key.text == "repeat":
        return Repeat(expression, body, around.span, around.name, around.origin)
    orelse = _parse_part(node, "else", report)
    return When(expression, body, orelse, around.span, around.name, around.origin)


def _report_stray(part: Scalar, form: str, node: Mapping, report: Report) -> str | None:
    """Report a key beside `repeat`, `each`, `when`, `branches` or `use` that cannot stand there;
    gives the one that was meant.
    """
    known = FORMS[form]
    lacking = [key for key in known if node.get(key) is None]
    meant = translate(part.text, FORM_KEYS, lacking)
    guess = meant or suggest(part.text, known)
    owner = next((other for other, keys in FORMS.items() if part.text in keys), None)
    belongs = f"it belongs to `{owner}`; " if owner else ""
    if part.text == "join" and form in LOOPS:
        report_join_beside_loop(part, form, node, report)
        return None
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


def _with_key(node: Mapping, key: Scalar, meant: str | None) -> Mapping:
    """A mapping with a misspelt key corrected, if it does not have the right one already."""
    if meant is None or node.get(meant) is not None:
        return node
    entries = ((replace(k, text=meant) if k is key else k, value) for k, value in node.entries)
    return replace(node, entries=tuple(entries))


def _is_body(node: Node) -> bool:
    """Whether a node may be the steps of a branch, and no value."""
    return not isinstance(node, Scalar) or is_null(node) or node.text == "identity"


def _parse_part(node: Mapping, key: str, report: Report) -> Body | None:
    part = node.get(key)
    return parse_body(part, f"`{key}`", report) if part else None


def _parse_lists(node: Node, report: Report) -> tuple[tuple[Identifier, Expression], ...]:
    """`{variable: list, ...}`."""
    example = "write `each: {depth: [3, 4, 6]}`"
    lists = mapping(node, "`each`", report, example)
    if not (lists and lists.entries):
        none = ((Identifier("", node.span), unread(node.span)),)
        if lists:
            report.add("wrong-kind", "`each` has no variables", lists.span, help=example)
        return none
    parsed: list[tuple[Identifier, Expression]] = []
    for key, value in lists.entries:
        name = parse_new_name(key, "variable", report)
        parsed.append((name, read_value(value, f"`{brief(key.text)}`", report)))
    return tuple(parsed)


def _parse_branches(
    node: Mapping, key: Scalar, value: Node, around: _Around, report: Report
) -> Step:
    if _are_maps(value):
        return _parse_maps(node, key, value, around, report)
    arms_node = mapping(
        value, "`branches`", report, "give each branch a name: `branches: {left: ..., right: ...}`"
    )
    if arms_node is None:
        return around.unread()
    inside = next((arm for arm, _ in arms_node.entries if arm.text == "join"), None)
    if inside and node.get("join") is None:
        report.add(
            "missing-key",
            "`branches` lacks `join`, which stands among the branches",
            inside.span,
            secondary=[Label(key.span, "it belongs to this step")],
            help="indent it like `branches`",
        )
        moved = next(entry for entry in arms_node.entries if entry[0] is inside)
        arms_node = replace(arms_node, entries=tuple(e for e in arms_node.entries if e != moved))
        node = replace(node, entries=(*node.entries, moved))
    join = _parse_join(node, key, report)
    arms_node = with_loop(arms_node, report)
    if loop := loop_of(arms_node):
        return _parse_branch_loop(arms_node, loop, join, around, report)
    if [arm.text for arm, _ in arms_node.entries] == ["do"]:
        report_no_loop(arms_node.entries[0][0], report)
        return around.unread()
    if len(arms_node.entries) < 2:
        report.add(
            "wrong-kind",
            "`branches` has fewer than two branches",
            key.span,
            help="add a branch; one that passes its input on is `identity`",
        )
    if len(arms_node.entries) > 2 and takes_two(join.text):
        report.add(
            "wrong-kind",
            f"`{join.text}` takes two branches, not {len(arms_node.entries)}",
            join.span,
            help="add up in one branch what the first is to lose: `branches` with `join: add`",
        )
    entries = put_back(arms_node.entries, FORM_PARTS, report, calls=True)
    arms = tuple(_parse_branch(arm, body, report) for arm, body in entries)
    if takes_two(join.text):
        report_absent_operands(arms, join, report)
    if join.text == APART:
        report_absent_maps(arms, join, report)
    return Branches(arms, join, around.span, around.name, around.origin)


def _parse_maps(node: Mapping, key: Scalar, value: Node, around: _Around, report: Report) -> Step:
    """`branches: maps`."""
    maps = read_value(value, "`branches`", report)
    join = _parse_join(node, key, report)
    if takes_two(join.text):
        report.add(
            "wrong-kind",
            f"`{join.text}` takes two branches that have names, and no list",
            join.span,
            help="write `branches: {first: {from: ...}, second: {from: ...}}`",
        )
    return Branches((), join, around.span, around.name, around.origin, maps)


def _are_maps(node: Node) -> bool:
    """Whether branches are a list of maps: the name of one, or names in brackets."""
    if isinstance(node, Sequence):
        return bool(node.items) and all(isinstance(item, Scalar) for item in node.items)
    return isinstance(node, Scalar) and not is_null(node)


def _parse_branch_loop(
    node: Mapping, head: tuple[Scalar, Node], join: Identifier, around: _Around, report: Report
) -> Step:
    """`branches: {each: {...}, do: body}`; `head` is the first of these entries."""
    key, _ = head
    if takes_two(join.text):
        report_two_operands(key, join, report)
    others = [entry for entry in node.entries if entry is not head]
    kept = [entry for entry in others if suggest(entry[0].text, ("do",))]
    strays = [entry[0] for entry in others if entry not in kept]
    report_beside_loop(node, strays, key, join, report)
    made = replace(node, entries=(head, *kept))
    loop = _parse_form(made, *head, _Around(node.span, None, None), report)
    assert isinstance(loop, Repeat | Each)
    return BranchLoop(loop, join, around.span, around.name, around.origin)


def _parse_branch(key: Scalar, node: Node, report: Report) -> Branch:
    if report_op_as_name(key, node, "branch", report):
        return Branch(Identifier(key.text, key.span), (unread_step(node.span),))
    name = parse_new_name(key, "branch", report)
    if is_nothing(node):
        report_no_branch(key, node, report)
        return Branch(name, (unread_step(node.span),))
    step = node.items[0] if isinstance(node, Sequence) and len(node.items) == 1 else node
    if isinstance(step, Mapping) and step.get("when") is not None:
        absent = next((entry for entry in step.entries if says_nothing(*entry, report)), None)
        if absent is not None:
            return _parse_optional(name, step, absent, report)
    return Branch(name, parse_body(node, f"`{brief(key.text)}`", report, may_be_empty=True))


def _parse_optional(
    name: Identifier, node: Mapping, absent: tuple[Scalar, Node], report: Report
) -> Branch:
    """A branch that is `{when: condition, do: body, else: nothing}`; `absent` is the last of these
    entries.
    """
    key, value = absent
    if key.text == "do" or key.text in (*AROUND, "when"):
        report_nothing_done(node, value, report)
        return Branch(name, (unread_step(node.span),))
    if key.text != "else":
        _report_stray(key, "when", node, report)
    rest = replace(node, entries=tuple(entry for entry in node.entries if entry is not absent))
    match step := _parse_keyed(rest, report):
        case When(orelse=None):
            return Branch(name, body_of_branch(step, name, report), step.test)
        case _:
            return Branch(name, (step,))


def _parse_join(node: Mapping, key: Scalar, report: Report) -> Identifier:
    """The word behind `join`; an empty name where it is missing or unknown."""
    listed = f"{', '.join(JOINS[:-1])} or {JOINS[-1]}"
    join = node.get("join")
    if join is None:
        report.add(
            "missing-key",
            "`branches` lacks `join`",
            key.span,
            help=f"add `join: add`; a join is {listed}",
        )
        return Identifier("", key.span)
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
        return Identifier(guess or "", name.span)
    return name or Identifier("", join.span)
