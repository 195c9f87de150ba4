"""What is wrong where an op is given a list: of what it joins, of steps, or of its attributes."""

import re
from collections.abc import Iterator

from cnngen.diagnostics.model import Edit, Report
from cnngen.diagnostics.suggest import suggest
from cnngen.diagnostics.synonyms import OPS, ROWS, plain, translate
from cnngen.source import Span
from cnngen.syntax.forms import FORMS, JOINS
from cnngen.syntax.missing_op import is_op
from cnngen.syntax.names import LANGUAGE, RESERVED, SNAKE_CASE
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, brief

LONGEST_HELP = 100
WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def _join_of(word: str) -> str | None:
    """The join that a word means, in whatever spelling."""
    exact = next((join for join in JOINS if join == plain(word)), None)
    return exact or translate(word, OPS, JOINS) or suggest(word, JOINS)


def report_join(key: Scalar, value: Node, report: Report) -> bool:
    """A join that is written as an op: what it is given are branches. Whether that was it."""
    join = _join_of(key.text) if isinstance(value, Sequence) else key.text
    has_bodies = isinstance(value, Mapping) and not all(
        isinstance(body, Scalar) or (isinstance(body, Sequence) and _is_values(body))
        for _, body in value.entries
    )
    if join not in JOINS or not (isinstance(value, Sequence) or has_bodies):
        return False
    arms = list(_arms(value, _taken(key, join), _joins_before(key)))
    entries = (f"branches: {{{', '.join(arms)}}}", f"join: {join}")
    is_complete = len(arms) > 1 and all(arms)
    edit = _with_entries(key, value.span.end, entries) if is_complete else None
    read = is_complete and _is_names(value)
    text = entries[0] if is_complete else "branches: {left: ..., right: ...}"
    report.add(
        "wrong-kind",
        f"`{brief(key.text)}` joins branches, and is no step of its own",
        key.span,
        help=f"write `{_cut(text)}` with `{entries[1]}`",
        fix=(edit,) if edit and read else (),
        remedies=(((edit,),),) if edit and not read else (),
    )
    return True


def report_list(key: Scalar, items: Sequence, report: Report) -> bool:
    """An op or a block that is given a list of steps, or of its attributes. Whether that was it."""
    word, texts = brief(key.text), [item.span.text for item in items.items]
    form = translate(key.text, ROWS, ("branches", "steps"))
    if pairs := _pairs(items):
        text = f"{key.text}: {{{', '.join(pairs)}}}"
        edit = Edit(key.span.to(items.span), text)
        message = f"what `{word}` is given must be a mapping, not a list"
        help, ways = f"write `{_cut(text)}`", (((edit,),),)
        report.add("wrong-kind", message, items.span, help=help, fix=(edit,), remedies=())
        return True
    if form is None and (not texts or _is_values(items)):
        return False
    row = f"[{', '.join(texts)}]"
    if form == "branches":
        entries = (f"branches: {{main: {row}, shortcut: identity}}", "join: add")
        help = f"write `{_cut(entries[0])}` with `{entries[1]}`"
        ways = (((_with_entries(key, items.span.end, entries),),),)
    else:
        help = f"steps that follow each other need no key: write them without `{word}:`"
        ways = _without_key(key, items)
    report.add(
        "wrong-kind",
        f"`{word}` is given steps, and only attributes or parameters can be given",
        key.span,
        help=help,
        remedies=ways,
    )
    return True


def _taken(key: Scalar, join: str) -> set[str]:
    """Names that a branch had better not have: in a block, branches stand beside named steps."""
    return {join, *re.findall(r"\bname: *(\w+)", key.span.source.text)}


def _joins_before(key: Scalar) -> int:
    """How many joins of lists come before this one, whose branches get names in the same way."""
    before = key.span.source.text[: key.span.start]
    return sum(_join_of(word) is not None for word in re.findall(r"(\w+):\s*(?:\[|\n *- )", before))


def _arms(value: Node, taken: set[str], before: int) -> Iterator[str]:
    """Each branch as its entry; an empty text for one that cannot stand on a line."""
    if isinstance(value, Mapping):
        for key, body in value.entries:
            text = body.span.text
            if WORD.fullmatch(text) and text != "identity":
                text = f"{{from: {text}}}"
            yield f"{key.text}: {text}" if "\n" not in text and text else ""
        return
    for node in value.items if isinstance(value, Sequence) else (value,):
        text = node.span.text
        if isinstance(node, Scalar):
            name, works = node.text, WORD.fullmatch(text) is not None
            body = text if works and _is_bare_op(node) else f"{{from: {text}}}"
        else:
            first = node.entries[0][0].text if isinstance(node, Mapping) and node.entries else "row"
            body = text if text[:1] in ("{", "[") else f"{{{text}}}"
            name, works = first.lower(), "\n" not in text
        yield f"{_arm_name(name, taken, before)}: {body}" if works else ""


def _arm_name(word: str, taken: set[str], before: int) -> str:
    """A name for a branch after what it gives, other than those that are taken."""
    stem = word if SNAKE_CASE.fullmatch(word) and word not in RESERVED else "branch"
    stem = "given" if word == "input" else stem
    stem = f"{stem}_in" if stem in taken else stem
    count, name = before + 1, f"{stem}_{before + 1}" if before else stem
    while name in taken:
        count += 1
        name = f"{stem}_{count}"
    taken.add(name)
    return name


def _is_names(value: Node) -> bool:
    """Whether a list has nothing but names of what stands elsewhere."""
    others = LANGUAGE - {"input"}
    return isinstance(value, Sequence) and all(
        isinstance(item, Scalar)
        and WORD.fullmatch(item.text)
        and item.text not in others
        and not _is_bare_op(item)
        for item in value.items
    )


def _is_bare_op(node: Scalar) -> bool:
    """Whether a word is an op, and the file gives its name to nothing."""
    named = rf"\bname: *{node.text}\b|^ +{node.text} *:"
    return is_op(node.text) and not re.search(named, node.span.source.text, re.MULTILINE)


def _is_values(items: Sequence) -> bool:
    """Whether a list may be values of attributes, rather than steps."""
    return all(
        isinstance(item, Scalar) or (isinstance(item, Sequence) and _is_values(item))
        for item in items.items
    )


def _pairs(items: Sequence) -> list[str]:
    """`- out: 8` below `- kernel: 3`: attributes, written as a list; none where there are steps."""
    entries = [item.entries for item in items.items if isinstance(item, Mapping)]
    keys = [key.text for each in entries for key, _ in each]
    plain_values = all(
        isinstance(value, Scalar) or (isinstance(value, Sequence) and _is_values(value))
        for each in entries
        for _, value in each
    )
    if len(entries) < len(items.items) or not plain_values or len(set(keys)) < len(keys):
        return []
    if any(key in FORMS or key in JOINS or key[:1].isupper() or key == "from" for key in keys):
        return []
    return [f"{key.text}: {value.span.text}" for each in entries for key, value in each]


def _with_entries(key: Scalar, end: int, entries: tuple[str, str]) -> Edit:
    """Two entries in the place of one, in the style of what stands around it."""
    source, before = key.span.source, key.span.source.line(key.span.line)[: key.span.column - 1]
    opened = before.strip()[-1:]
    if opened in ("", "-"):
        text = f"\n{' ' * (key.span.column - 1)}".join(entries)
    else:
        text = ", ".join(entries)
        is_pair = opened == "[" or (opened == "," and before.rfind("[") > before.rfind("{"))
        text = f"{{{text}}}" if is_pair else text
    return Edit(Span(source, key.span.start, end), text)


def _without_key(key: Scalar, items: Sequence) -> tuple[tuple[tuple[Edit, ...], ...], ...]:
    """The steps of a list in the place of the step that is given it."""
    texts = [item.span.text for item in items.items]
    source, column = key.span.source, key.span.column
    before = source.line(key.span.line)[: column - 1]
    if before.strip() == "-":
        joined = f"\n{before}".join(texts)
        return (((Edit(key.span.to(items.span), joined),),),)
    return ()


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_HELP else f"{text[: LONGEST_HELP - 3]}..."
