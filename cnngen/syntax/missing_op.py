"""Attributes that stand where a step should: their op was left out, or is used as a name.

Ops are known to later passes only, but a spec with this mistake could not be read any further.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cnngen.diagnostics.model import Edit, Label, Remedies, Report
from cnngen.diagnostics.synonyms import ATTRIBUTES, OPS, translate
from cnngen.syntax.forms import FORMS
from cnngen.syntax.naming import CAP_WORDS, RESERVED, SNAKE_CASE
from cnngen.syntax.yaml_nodes import Broken, Mapping, Node, Scalar, Sequence, brief, is_null

if TYPE_CHECKING:
    from cnngen.ops.base import Op

MOST_WAYS = 2


def report_op_as_name(key: Scalar, value: Node, what: str, report: Report) -> bool:
    """Report a stage or a branch that is called like an op and has its attributes; whether there is
    one.
    """
    op = _op_of(key.text)
    if op is None or isinstance(value, Broken):
        return False
    if isinstance(value, Mapping):
        works = _are_attributes([entry[0] for entry in value.entries], op)
        inner = _below(op.name, value)
    elif is_null(value) and not what.startswith("branch"):
        works, inner = True, f" {op.name}"
    elif isinstance(value, Scalar) and re.fullmatch(r"[\d.]+", value.text):
        attribute = next((n for n, a in op.attributes.items() if a.required), None)
        attribute = attribute or next(iter(op.attributes), "")
        works, inner = bool(attribute), f" {{{op.name}: {{{attribute}: {value.text}}}}}"
    else:
        return False
    if not works:
        return False
    name = key.text
    if not SNAKE_CASE.fullmatch(name) or name in RESERVED:
        name = op.name
    edit = Edit(key.span.to(value.span), f"{name}:{inner}")
    shown = _one_line(edit.text)
    report.add(
        "wrong-kind",
        f"`{brief(key.text)}` is the name of a {what} here, and what is below it is no step",
        key.span,
        help=f"give the {what} a name, and let the op follow: `{shown}`",
        fix=(edit,) if name == key.text else (),
    )
    return True


def report_attributes(heads: list[tuple[Scalar, Node]], node: Mapping, report: Report) -> bool:
    """Report a step with attributes and without an op; whether it is one."""
    from cnngen.ops import OPS as KNOWN

    keys = [key for key, _ in heads]
    if any(is_null(value) or not _is_value(value) for _, value in heads):
        return False
    names = {key.text for key in keys}
    known = {name for op in KNOWN.values() for name in op.attributes}
    if len(names & known) < 2 or names & KNOWN.keys():
        return False
    fitting = [
        op.name
        for op in KNOWN.values()
        if names <= op.attributes.keys()
        and all(n in names for n, a in op.attributes.items() if a.required)
    ]
    is_flow = node.span.text.startswith("{")
    pairs = ", ".join(f"{key.text}: {value.span.text}" for key, value in heads)
    texts = [f"{name}: {{{pairs}}}" for name in fitting[:MOST_WAYS]]
    first, *others = keys
    report.add(
        "missing-key",
        "these are attributes, and the op that has them is missing",
        first.span,
        secondary=[Label(other.span) for other in others],
        help=f"write the op before them: `{texts[0] if texts else f'conv: {{{pairs}}}'}`",
        remedies=tuple(((Edit(node.span, f"{{{text}}}" if is_flow else text),),) for text in texts),
    )
    return True


def report_nameless_stages(node: Sequence, report: Report) -> None:
    """Report a model that is a list of steps, not of named stages."""
    source, span = node.span.source, node.span
    line = source.line(span.line)
    row = " " * (span.column - 1)
    fits = not line[: span.column - 1].strip() and node.items
    text = f"body:\n{row}  " + span.text.replace("\n", "\n  ") if fits else f"{{body: {span.text}}}"
    stages = [item.span.text for item in node.items if isinstance(item, Mapping)]
    ways: Remedies = (((Edit(span, text),),),)
    if fits and len(stages) == len(node.items) and not any("\n" in stage for stage in stages):
        ways = (((Edit(span, f"\n{row}".join(stages)),),), *ways)
    report.add(
        "wrong-kind",
        "`model` must be a mapping, not a list",
        span,
        help="give each stage a name: `model: {stem: [...], head: [...]}`",
        remedies=ways,
    )


def _op_of(word: str) -> "type[Op] | None":
    """The op that a word or a numbered one names (`conv`, `conv1`, `Conv2d`)."""
    from cnngen.ops import OPS as KNOWN

    stems = (word, re.sub(r"_?\d+$", "", word), re.sub(r"_\d+$", "", word))
    found = (translate(stem, OPS, KNOWN) for stem in stems)
    op = KNOWN.get(next(filter(None, found), ""))
    return op if op and not op.joins else None


def is_op(word: str) -> bool:
    """Whether a word is an op, here or elsewhere, or may be a block."""
    return _op_of(word) is not None or CAP_WORDS.fullmatch(word) is not None


def is_bare(word: str) -> bool:
    """Whether a word is the name of an op here, as a step would have it."""
    op = _op_of(word)
    return op is not None and op.name == word


def _are_attributes(keys: Iterable[Scalar], op: "type[Op]") -> bool:
    """Whether there are attributes of an op, in whatever words, rather than steps."""
    from cnngen.ops import OPS as KNOWN

    words = [key.text for key in keys]
    some = any(translate(word, ATTRIBUTES, op.attributes) for word in words)
    return some and not any(word in FORMS or word in KNOWN for word in words)


def _is_value(node: Node) -> bool:
    return isinstance(node, Scalar) or (
        isinstance(node, Sequence) and all(map(_is_value, node.items))
    )


def _below(word: str, value: Mapping) -> str:
    """The text of a mapping as the value of a key, indented below it."""
    text, column = value.span.text, value.span.column
    if text.startswith("{"):
        return f" {{{word}: {text}}}"
    row = "\n" + " " * (column - 1)
    return f"{row}{word}:{row}  " + text.replace("\n", "\n  ")


def _one_line(text: str) -> str:
    """A mapping of mappings in flow style."""
    lines = [line.strip() for line in text.splitlines()]
    if len(lines) == 1:
        return text
    pairs = ", ".join(line.split(" #")[0] for line in lines[2:] if not line.startswith("#"))
    return f"{lines[0]} {{{lines[1]} {{{pairs}}}}}"
