"""Nesting: loops in loops, of which Python allows only so many in a function."""

from cnngen.diagnostics.model import Report
from cnngen.semantics.walk import nested_bodies
from cnngen.syntax.tree import Body, Each, Repeat, Spec

MOST_LOOPS = 20  # CPython's CO_MAXBLOCKS; a source with one more does not compile


def check_nesting(spec: Spec, report: Report) -> None:
    """Report loops that have too many others around them."""
    for part in (*spec.blocks.values(), *spec.stages):
        _check_body(part.body, report, 0)


def _check_body(body: Body, report: Report, around: int) -> None:
    for step in body:
        loops = around + isinstance(step, Repeat | Each)
        if loops > MOST_LOOPS:
            report.add(
                "too-large",
                f"more than {MOST_LOOPS} loops stand in each other, and Python has no more",
                step.span,
                help="make a block of an inner loop",
            )
            continue
        for inner in nested_bodies(step):
            _check_body(inner, report, loops)
