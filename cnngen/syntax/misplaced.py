"""Keys that stand a level too high or too low: beside the key to which they belong, or blocks
outside of `blocks`.

Each is reported and moved to where it belongs, so that it causes no other messages.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from cnngen.diagnostics.model import Label, Report
from cnngen.source import Span
from cnngen.syntax.yaml_nodes import Broken, Mapping, Node, Scalar, brief, is_null

Entry = tuple[Scalar, Node]

BLOCK_KEYS = ("about", "params", "body")


def put_back(
    entries: tuple[Entry, ...], parts: Collection[str], report: Report, *, calls: bool = False
) -> tuple[Entry, ...]:
    """The entries of a mapping, with those whose keys are among `parts` moved into the entry above
    each. With `calls`, a call of a block below a key without a value is moved into that key, too.
    """
    strays = [entry for entry in entries if entry[0].text in parts]
    if calls:
        pairs = zip(entries, entries[1:], strict=False)
        strays += [entry for (_, above), entry in pairs if is_null(above) and _is_call(*entry)]
    if not strays:
        return entries
    kept = {key: value for key, value in entries if (key, value) not in strays}
    for key, value in strays:
        owner = _above(key, kept)
        whole = _with(kept[owner], [(key, value)]) if owner else None
        if owner and whole:
            _report(key, owner, report)
            kept[owner] = whole
        else:
            kept[key] = value
    return tuple(kept.items())


def without_blocks(
    node: Mapping, report: Report, outer: Span | None = None
) -> tuple[Mapping, list[Entry]]:
    """A spec, or its block `outer`, without the blocks among its keys; and these blocks."""
    inner = [entry for entry in node.entries if _is_block(*entry)]
    for key, value in inner:
        if isinstance(value, Broken):
            continue
        name = brief(key.text)
        report.add(
            "unknown-key",
            f"the block `{name}` stands in the block `{brief(outer.text)}`"
            if outer
            else f"the block `{name}` does not stand in `blocks`",
            key.span,
            secondary=[Label(outer, "it stands in this")] if outer else [],
            help=f"indent it like `{brief(outer.text)}`" if outer else "move it below `blocks:`",
        )
    kept = tuple(entry for entry in node.entries if entry not in inner)
    return replace(node, entries=kept), inner


def put_into(node: Mapping, key: str, entries: list[Entry]) -> Mapping:
    """A mapping with more entries below one of its keys, if that can have any."""
    value = node.get(key)
    if not entries or not (value is None or is_null(value) or isinstance(value, Mapping)):
        return node
    known = value.entries if isinstance(value, Mapping) else ()
    merged = {entry[0].text: entry for entry in (*entries, *known)}
    whole = Mapping(tuple(merged.values()), value.span if value else node.span)
    owner = next((k for k, _ in node.entries if k.text == key), None)
    if owner is None:
        return replace(node, entries=(*node.entries, (Scalar(key, True, node.span), whole)))
    return replace(node, entries=tuple((k, whole if k is owner else v) for k, v in node.entries))


def _is_block(key: Scalar, value: Node) -> bool:
    return (
        key.text[:1].isupper()
        and isinstance(value, Mapping | Broken)
        and (isinstance(value, Broken) or any(part.text in BLOCK_KEYS for part, _ in value.entries))
    )


def _is_call(key: Scalar, value: Node) -> bool:
    return key.text[:1].isupper() and isinstance(value, Mapping | Broken)


def _above(key: Scalar, entries: Iterable[Scalar]) -> Scalar | None:
    """The nearest entry above a key in the same file; a spec that extends another one has entries
    of two.
    """
    before = (
        entry
        for entry in entries
        if entry.span.source is key.span.source and entry.span.start < key.span.start
    )
    return max(before, key=lambda entry: entry.span.start, default=None)


def put_below(owner: Entry, strays: list[Entry], report: Report) -> Node:
    """The value of a key with the entries beside it that belong there: they are one mistake."""
    whole = _with(owner[1], strays) if strays else None
    if whole is None:
        return owner[1]
    others = [Label(key.span, "this, too") for key, _ in strays[1:]]
    _report(strays[0][0], owner[0], report, others)
    return whole


def _with(node: Node, entries: list[Entry]) -> Mapping | None:
    """A mapping with more entries; a missing value counts as an empty mapping."""
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
