"""Keys that stand a level too high: beside the key that they belong to, not below it.

Each is reported and put back, so that nothing else has to be said about it.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from cnngen.diagnostics.model import Label, Report
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, brief, is_null

Entry = tuple[Scalar, Node]


def put_back(
    entries: tuple[Entry, ...], parts: Collection[str], report: Report
) -> tuple[Entry, ...]:
    """The entries of a mapping, those whose keys are `parts` of the one above each put into it."""
    strays = [entry for entry in entries if entry[0].text in parts]
    if not strays:
        return entries
    kept = {key: value for key, value in entries if key.text not in parts}
    for key, value in strays:
        owner = _above(key, kept)
        whole = _with(kept[owner], [(key, value)]) if owner else None
        if owner and whole:
            _report(key, owner, report)
            kept[owner] = whole
        else:
            kept[key] = value
    return tuple(kept.items())


def _above(key: Scalar, entries: Iterable[Scalar]) -> Scalar | None:
    """The entry that stands next above a key, in its file: a spec that extends another has two."""
    before = (
        entry
        for entry in entries
        if entry.span.source is key.span.source and entry.span.start < key.span.start
    )
    return max(before, key=lambda entry: entry.span.start, default=None)


def put_below(owner: Entry, strays: list[Entry], report: Report) -> Node:
    """The value of a key with the entries that stand beside it; all of them are one mistake."""
    whole = _with(owner[1], strays) if strays else None
    if whole is None:
        return owner[1]
    others = [Label(key.span, "this, too") for key, _ in strays[1:]]
    _report(strays[0][0], owner[0], report, others)
    return whole


def _with(node: Node, entries: list[Entry]) -> Mapping | None:
    """A mapping with more entries; nothing may be one without any."""
    if isinstance(node, Mapping):
        return replace(node, entries=(*node.entries, *entries))
    return Mapping(tuple(entries), node.span) if is_null(node) else None


def _report(key: Scalar, owner: Scalar, report: Report, others: list[Label] | None = None) -> None:
    report.add(
        "unknown-key",
        f"`{brief(key.text)}` stands beside `{brief(owner.text)}`, not below it",
        key.span,
        secondary=[Label(owner.span, "it belongs to this"), *(others or [])],
        help="indent it further",
    )
