"""Keys that occur twice in one mapping, and what the text around them says about the reason."""

import re

from cnngen.diagnostics.model import Label, Report
from cnngen.syntax.fixes import remove_entry
from cnngen.syntax.yaml_nodes import Broken, Node, Scalar, brief, is_null

Entry = tuple[Scalar, Node]

# What no author can need twice; a step, a text or a mapping may belong to something else.
PLAIN = re.compile(r"[-+.\d][-+.\de]*|true|false")


def report_duplicates(
    entries: list[Entry], duplicates: list[Entry], flow: bool, report: Report
) -> list[Entry]:
    """Report keys that occur again, and give the entries without them.

    Where a block begins between the two occurrences, the later keys belong to it: all of them are
    one mistake.
    """
    first = {key.text: (key, value) for key, value in entries}
    owner = None if flow else _owner(entries, first[duplicates[0][0].text][0], duplicates[0][0])
    if owner:
        _report_beside(owner, first, duplicates, report)
        return [(key, Broken(value.span) if key is owner else value) for key, value in entries]
    is_safe = all(_is_same(value, first[key.text][1]) for key, value in duplicates)
    for key, value in duplicates:
        report.add(
            "duplicate-key",
            f"`{brief(key.text)}` stands twice in one mapping",
            key.span,
            "the second one",
            secondary=[Label(first[key.text][0].span, "the first one")],
            help="remove or rename one of them",
            fix=remove_entry(key.span, value.span.end) if is_safe else (),
        )
    contested = {key.text for key, value in duplicates if not _are_alike(value, first[key.text][1])}
    return [(k, Broken(v.span) if k.text in contested else v) for k, v in entries]


def _owner(entries: list[Entry], first: Scalar, second: Scalar) -> Scalar | None:
    """The name of a block, with nothing below it, that stands between two keys that are alike."""
    between = [
        (key, value)
        for key, value in entries
        if first.span.start < key.span.start < second.span.start
    ]
    blocks = [key for key, value in between if is_null(value) and key.text[:1].isupper()]
    return blocks[-1] if blocks else None


def _report_beside(
    owner: Scalar, first: dict[str, Entry], duplicates: list[Entry], report: Report
) -> None:
    key, *others = [key for key, _ in duplicates]
    report.add(
        "duplicate-key",
        f"`{brief(key.text)}` stands beside `{brief(owner.text)}`, not below it",
        key.span,
        "the second one",
        secondary=[
            Label(first[key.text][0].span, "the first one"),
            Label(owner.span, "it belongs to this"),
            *(Label(other.span, "this, too") for other in others),
        ],
        help=f"indent `{brief(owner.text)}` less, or what belongs to it further",
    )


def _are_alike(value: Node, first: Node) -> bool:
    """Whether two values mean the same, so that either may be removed."""
    return value.span.text == first.span.text


def _is_same(value: Node, first: Node) -> bool:
    """Whether a value is the one of the first key, and so simple that one of them is enough."""
    return (
        isinstance(value, Scalar)
        and isinstance(first, Scalar)
        and value.span.text == first.span.text
        and PLAIN.fullmatch(value.span.text) is not None
    )
