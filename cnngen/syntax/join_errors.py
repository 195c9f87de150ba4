"""Joins that are written like ops: `concat: [up, skip]`, `add: {left: ..., right: ...}`, `a + b`.

A join stands behind `branches`, each of which has a name.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cnngen.diagnostics.model import Edit, Report
from cnngen.diagnostics.suggest import plain, suggest
from cnngen.diagnostics.synonyms import OPS, translate
from cnngen.source import Span
from cnngen.syntax.forms import JOINS
from cnngen.syntax.missing_op import is_bare
from cnngen.syntax.naming import LANGUAGE, RESERVED, SNAKE_CASE
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, brief
from cnngen.syntax.yaml_nodes import Sequence as List

LONGEST_HELP = 100
WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
CALL = re.compile(r"(\w+)\((.*)\)", re.ASCII)
SIGNS = {"+": "add", "*": "multiply", " - ": "subtract"}


@dataclass(frozen=True, slots=True)
class _Arm:
    """A branch in the making: the word from which it gets its name, its body, and whether that body
    only reads another step.
    """

    word: str
    body: str
    read: bool
    named: bool = False


def report_join(key: Scalar, value: Node, report: Report, *, beside: bool = False) -> bool:
    """Report a join with its operands, of which some may stand `beside` it; whether it was one."""
    join = _join_of(key.text) if isinstance(value, List) else key.text
    if join not in JOINS:
        return False
    arms = _arms_of(value)
    if arms is None:
        return False
    edit, branches = None, _branches(arms, join, key.span)
    if branches and not beside:
        edit = with_entries(key, value.span.end, (branches, f"join: {join}"))
    _report(brief(key.text), key.span, join, branches, edit, report, all(a.read for a in arms))
    return True


def report_joined_words(node: Scalar, report: Report) -> bool:
    """Report `concat(up, skip)` or `up + skip` as a step; whether it was one."""
    if call := CALL.fullmatch(node.text.strip()):
        join, words = _join_of(call[1]), call[2].split(",")
    else:
        sign = next((sign for sign in SIGNS if sign in node.text), "")
        join, words = SIGNS.get(sign), node.text.split(sign or None)
    words = [word.strip() for word in words]
    if join is None or len(words) < 2 or not all(map(WORD.fullmatch, words)):
        return False
    arms = [_Arm(word, f"{{from: {word}}}", True) for word in words]
    branches = _branches(arms, join, node.span)
    edit = None
    if branches and node.plain:
        edit = with_entries(node, node.span.end, (branches, f"join: {join}"), is_value=True)
    _report(brief(node.text), node.span, join, branches, edit, report, True)
    return True


def takes_two(join: str) -> bool:
    """Whether a join takes two branches and no more."""
    from cnngen.ops import OPS as KNOWN

    return join in KNOWN and KNOWN[join].takes_two


def branches_of(words: Sequence[str], join: str, at: Span) -> str:
    """The branches that read these names."""
    arms = [_Arm(word, f"{{from: {word}}}", True) for word in words]
    return _branches(arms, join, at) or "branches: {left: ..., right: ...}"


def _report(
    word: str,
    at: Span,
    join: str,
    branches: str | None,
    edit: Edit | None,
    report: Report,
    is_read: bool,
) -> None:
    text = branches or "branches: {left: ..., right: ...}"
    report.add(
        "wrong-kind",
        f"`{word}` joins branches, and is no step of its own",
        at,
        help=f"write `{shortened(text)}` with `join: {join}`",
        fix=(edit,) if edit and is_read else (),
        remedies=(((edit,),),) if edit and not is_read else (),
    )


def _join_of(word: str) -> str | None:
    """The join that a word means, in whatever spelling."""
    exact = next((join for join in JOINS if join == plain(word)), None)
    return exact or translate(word, OPS, JOINS) or suggest(word, JOINS)


def _arms_of(value: Node) -> list[_Arm] | None:
    """The branches that a join was given; None where it was given values."""
    match value:
        case List():
            return [_arm(item) for item in value.items]
        case Mapping():
            lists = [body for _, body in value.entries if isinstance(body, List)]
            if len(lists) == 1 and all(isinstance(i, Scalar) for i in lists[0].items):
                return [_arm(item) for item in lists[0].items]  # beside an axis, say
            bodies = [body for _, body in value.entries]
            words = all(isinstance(b, Scalar) and WORD.fullmatch(b.text) for b in bodies)
            if words or any(isinstance(body, Mapping) for body in bodies):
                return [_named(key, body) for key, body in value.entries]
            return None
        case _:
            return None


def _named(key: Scalar, body: Node) -> _Arm:
    arm = _arm(body)
    return _Arm(key.text, arm.body, arm.read, True)


def _arm(node: Node) -> _Arm:
    text = node.span.text
    if isinstance(node, Scalar):
        if not WORD.fullmatch(text):
            return _Arm("", "", False)
        if _is_bare_op(node):
            return _Arm(text, text, False)
        return _Arm(text, f"{{from: {text}}}", text not in LANGUAGE - {"input"})
    if "\n" in text:
        return _Arm("", "", False)
    first = node.entries[0] if isinstance(node, Mapping) and node.entries else None
    word = first[0].text.lower() if first else "row"
    if first and word == "from" and isinstance(first[1], Scalar):
        word = first[1].text
    return _Arm(word, text if text[:1] in ("{", "[") else f"{{{text}}}", False)


def _branches(arms: Sequence[_Arm], join: str, at: Span) -> str | None:
    """The branches on a line; None where one does not fit there, or is missing.

    In a block, branches stand beside its named steps, and beside other branches.
    """
    if len(arms) < 2 or not all(arm.body for arm in arms):
        return None
    if len(arms) > 2 and takes_two(join):
        return None
    text = at.source.text
    taken = {join, *re.findall(r"\bname: *(\w+)", text)}
    lists = re.findall(r"(\w+):\s*(?:\[|\n *- )", text[: at.start])
    before = sum(_join_of(word) is not None for word in lists)
    entries = [
        f"{arm.word if arm.named else _arm_name(arm.word, taken, before)}: {arm.body}"
        for arm in arms
    ]
    return f"branches: {{{', '.join(entries)}}}"


def _arm_name(word: str, taken: set[str], before: int) -> str:
    """A name for a branch, after what it computes, that is not taken."""
    stem = word if SNAKE_CASE.fullmatch(word) and word not in RESERVED else "branch"
    stem = "given" if word == "input" else stem
    stem = f"{stem}_in" if stem in taken else stem
    count, name = before + 1, f"{stem}_{before + 1}" if before else stem
    while name in taken:
        count += 1
        name = f"{stem}_{count}"
    taken.add(name)
    return name


def _is_bare_op(node: Scalar) -> bool:
    """Whether a word is an op, and nothing in the file has that name."""
    named = rf"\bname: *{node.text}\b|^ +{node.text} *:|\b{node.text}: *tensor\b"
    return is_bare(node.text) and not re.search(named, node.span.source.text, re.MULTILINE)


def with_entries(
    key: Scalar, end: int, entries: tuple[str, str], *, is_value: bool = False
) -> Edit:
    """Two entries in the place of one, in the style of what stands around it."""
    source, before = key.span.source, key.span.source.line(key.span.line)[: key.span.column - 1]
    opened = before.strip()[-1:]
    if opened in ("", "-"):
        text = f"\n{' ' * (key.span.column - 1)}".join(entries)
    else:
        text = ", ".join(entries)
        in_list = opened == "," and before.rfind("[") > before.rfind("{")
        is_pair = is_value or opened == "[" or in_list
        text = f"{{{text}}}" if is_pair else text
    return Edit(Span(source, key.span.start, end), text)


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST_HELP else f"{text[: LONGEST_HELP - 3]}..."
