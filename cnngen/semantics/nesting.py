"""Nesting: loops and conditions in each other, which Python lets be indented so many times."""

from collections.abc import Iterator

from cnngen.diagnostics.model import Report
from cnngen.syntax.tree import (
    Body,
    Branches,
    BranchLoop,
    Call,
    Each,
    Reference,
    Repeat,
    Reuse,
    Spec,
    Step,
    When,
)

MOST_LEVELS = 85  # CPython's MAXINDENT is 100; classes, functions and `deep_loops.py` take some


def check_nesting(spec: Spec, report: Report) -> None:
    """Report loops and conditions that have too many others around them."""
    for part in (*spec.blocks.values(), *spec.stages):
        _check_body(part.body, report, 0)


def _check_body(body: Body, report: Report, around: int) -> None:
    for step in body:
        for inner, levels in _inside(step):
            if around + levels <= MOST_LEVELS:
                _check_body(inner, report, around + levels)
                continue
            report.add(
                "too-large",
                f"more than {MOST_LEVELS} loops and conditions stand in each other, and Python has"
                " no more levels",
                step.span,
                help="make a block of an inner one",
            )
            break


def _inside(step: Step) -> Iterator[tuple[Body, int]]:
    """The bodies inside a step, and how many levels of indentation each takes."""
    match step:
        case Repeat():
            yield step.body, 1
        case Each():
            yield step.body, 1
            if step.between is not None:
                yield step.between, 2  # under the loop and a condition
        case When():
            yield step.body, 1
            if step.orelse is not None:
                yield step.orelse, 1
        case Branches():
            yield from ((branch.body, int(branch.test is not None)) for branch in step.arms)
        case BranchLoop():
            yield (step.loop,), 0
        case Call() | Reference() | Reuse():
            pass
