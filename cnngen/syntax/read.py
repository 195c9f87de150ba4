"""Read: the text of a spec to YAML nodes with spans; what stops YAML is repaired in a copy, where
the repair is certain.
"""

from itertools import pairwise

from cnngen.diagnostics.model import Report
from cnngen.source import Repair, Source, Span
from cnngen.syntax.builder import HIDDEN, Builder
from cnngen.syntax.look_alikes import named
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence

MAX_SIZE = 1_000_000
LONGEST_REPAIRED = 50_000  # of files that stop YAML
MOST_REPAIRS = 20


def read(source: Source, report: Report) -> Mapping | None:
    """The mapping that a file holds; parts that were refused are `Broken` or left out."""
    if len(source.text) > MAX_SIZE:
        report.add(
            "too-large",
            f"the file has more than {MAX_SIZE:,} characters",
            Span(source, 0, 0),
            help="put a part that repeats into a block, or say it with `repeat` or `each`",
        )
        return None
    body = source.text.removeprefix("\ufeff")
    if hidden := HIDDEN.search(body):
        start = hidden.start() + len(source.text) - len(body)
        report.add(
            "yaml-syntax",
            f"the file has the invisible character {named(hidden.group())}",
            Span(source, start, start + 1),
            help="remove it",
        )
        return None
    match _build(source, report):
        case Mapping() as root:
            return root
        case Scalar() | Sequence() as root:
            report.add(
                "wrong-kind",
                "a spec is a mapping of keys to values",
                root.span,
                help="begin with `cnngen: 1`, then `name: ...`; a space follows each `:`",
            )
        case _:
            pass
    return None


def _build(source: Source, report: Report) -> Node | None:
    """The root node; what stops YAML is repaired in a copy, as long as that is certain."""
    builder = Builder(source, report)
    root = builder.build()
    if builder.mishap is None or len(source.text) > LONGEST_REPAIRED:
        return root
    from cnngen.syntax.repair import repairs  # which a file without a mishap does not need

    done: tuple[Repair, ...] = ()
    for _ in range(MOST_REPAIRS):
        if builder.mishap is None:
            break
        for way, least in repairs(builder.source, builder.mishap, builder.stopped):
            whole = _together(done, way)
            copy = Builder(source.repaired(whole), Report())
            found = copy.build() if whole else None
            if whole and (copy.mishap is None or copy.reached > least):
                report.found |= copy.report.found
                done, builder, root = whole, copy, found
                break
        else:
            return None
    return root if builder.mishap is None else None


def _together(done: tuple[Repair, ...], way: tuple[Repair, ...]) -> tuple[Repair, ...]:
    """Repairs with others, which may lie inside of them; none where they overlap in another way."""
    kept = [old for old in done if not any(n.start <= old.start and old.end <= n.end for n in way)]
    whole = sorted((*kept, *way), key=lambda repair: (repair.start, repair.end))
    overlap = any(a.end > b.start for a, b in pairwise(whole))
    return () if overlap or not way else tuple(whole)
