"""Merge: a spec over the one that it extends, as YAML nodes that keep their spans."""

from cnngen.diagnostics.model import Report
from cnngen.diagnostics.suggest import suggest
from cnngen.source import Span
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, brief, is_null

PARTS = (
    "params",
    "defaults",
    "blocks",
    "model",
    "outputs",
)  # merged by key; the others are replaced
INPUTS = ("input", "inputs")  # of which a spec has one
OWN = "results"  # of one network: none inherits them

Entries = dict[str, tuple[Scalar, Node]]


def merge(parent: Mapping, child: Mapping, report: Report, without: Span | None = None) -> Mapping:
    """The entries of the parent, changed as the child says; what the child adds stands at the end.
    `without` is the key of an entry of the child to be ignored.
    """
    merged = _entries(parent)
    merged.pop(OWN, None)
    for key, value in child.entries:
        if key.span == without:
            continue
        if key.text in PARTS:
            known = merged.get(key.text)
            value = _merge_part(key.text, known[1] if known else None, value, report, without)
        elif key.text in INPUTS:
            merged = {text: entry for text, entry in merged.items() if text not in INPUTS}
        merged[key.text] = (key, value)
    return Mapping(tuple(merged.values()), child.span)


def _entries(node: Node | None) -> Entries:
    entries = node.entries if isinstance(node, Mapping) else ()
    return {key.text: (key, value) for key, value in entries}


def _merge_part(
    part: str, old: Node | None, new: Node, report: Report, without: Span | None
) -> Node:
    if old and not isinstance(old, Mapping) and not is_null(old):
        return old  # a mistake of the parent, which `parse` reports
    if not isinstance(new, Mapping):
        return old if old and is_null(new) else new
    merged = _entries(old)
    for key, value in new.entries:
        known = merged.get(key.text)
        if key.span == without:
            continue
        if not is_null(value):
            merged[key.text] = (
                key,
                _merge_attributes(known[1], value, without)
                if known and part == "defaults"
                else value,
            )
        elif known:
            del merged[key.text]
        else:
            _report_absent(part, key, merged, report)
    return Mapping(tuple(merged.values()), new.span)


def _merge_attributes(old: Node, new: Node, without: Span | None) -> Node:
    """The `defaults` of one op; `null` removes an inherited attribute, and is a value otherwise."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return new
    merged = _entries(old)
    for key, value in new.entries:
        if key.span == without:
            continue
        if is_null(value) and key.text in merged:
            del merged[key.text]
        else:
            merged[key.text] = (key, value)
    return Mapping(tuple(merged.values()), new.span)


def _report_absent(part: str, key: Scalar, known: Entries, report: Report) -> None:
    guess = suggest(key.text, known)
    report.add(
        "unknown-key",
        f"`{part}` has no `{brief(key.text)}` to remove",
        key.span,
        help=f"did you mean `{guess}`?" if guess else "to add it, give it a value",
    )
