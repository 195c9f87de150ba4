"""References: whether what `from` and tensor parameters name is there, and whether a generated
`forward` can reach it.
"""

from collections.abc import Mapping

from cnngen.diagnostics.model import Label, Report
from cnngen.diagnostics.suggest import suggest
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.walk import nested_bodies
from cnngen.source import Span
from cnngen.syntax.tree import Body, Branches, Call, Identifier, Reference, Stage, Step

REMEDY = "make it a block, with the other tensor as a parameter of type `tensor`"


def check_references(resolution: Resolution, report: Report) -> None:
    """Report references to what is not there, or cannot be reached from where they stand."""
    for block in resolution.spec.blocks.values():
        tensors = [p.name for p in block.parameters if p.type == "tensor"]
        scope = {"input": block.name.span} | {name.text: name.span for name in tensors}
        _check_graph(block.body, scope, resolution, report)
    stages = resolution.spec.stages
    scope = {"input": resolution.spec.input.span} | {s.name.text: s.name.span for s in stages}
    for stage in stages:
        _check_stage(stage, scope, resolution, report)


def _check_stage(
    stage: Stage, scope: Mapping[str, Span], resolution: Resolution, report: Report
) -> None:
    if stage.origin:
        _check_name(stage.origin, scope, report)
    _check_path(stage.body, scope, resolution, report)


def _check_graph(
    body: Body, scope: Mapping[str, Span], resolution: Resolution, report: Report
) -> None:
    """The body of a block, where each step can read any named step before it."""
    names = dict(scope)
    for step in body:
        _check_step(step, names, resolution, report)
        if step.name:
            names[step.name.text] = step.name.span


def _check_path(
    body: Body, scope: Mapping[str, Span], resolution: Resolution, report: Report
) -> None:
    """The body of a stage or of a branch: only where it starts can it read what lies outside."""
    for i, step in enumerate(body):
        if i == 0 and step.origin:
            _check_name(step.origin, scope, report)
        if len(body) == 1 and isinstance(step, Call | Branches):
            _check_step(step, scope, resolution, report)
        else:
            _check_chained(step, resolution, report, first=i == 0)


def _check_step(
    step: Step, scope: Mapping[str, Span], resolution: Resolution, report: Report
) -> None:
    """A step that stands where a `forward` is written: it may read any tensor of the scope."""
    if step.origin:
        _check_name(step.origin, scope, report)
    match step:
        case Call():
            for name in resolution.tensors(step).values():
                _check_name(name, scope, report)
        case Branches():
            for _, body in step.arms:
                _check_path(body, scope, resolution, report)
        case _:
            for nested in nested_bodies(step):
                for inner in nested:
                    _check_chained(inner, resolution, report)


def _check_chained(step: Step, resolution: Resolution, report: Report, first: bool = False) -> None:
    """A step inside a chain of modules: it reads the step before it and nothing else."""
    if not first and (step.origin or isinstance(step, Reference)):
        _refuse(step.origin, report)
    if isinstance(step, Call):
        for name in resolution.tensors(step).values():
            _refuse(name, report)
    for nested in nested_bodies(step):
        for inner in nested:
            _check_chained(inner, resolution, report)


def _refuse(name: Identifier | None, report: Report) -> None:
    if name:
        report.add(
            "nested-reference",
            f"`{name.text}` cannot be read from inside a chain",
            name.span,
            "this step is one of several in a row",
            help=REMEDY,
        )


def _check_name(name: Identifier, scope: Mapping[str, Span], report: Report) -> None:
    if name.text in scope:
        return
    guess = suggest(name.text, scope)
    listed = ", ".join(f"`{known}`" for known in scope)
    report.add(
        "unknown-stage",
        f"nothing before this is called `{name.text}`",
        name.span,
        secondary=[Label(scope[guess], f"`{guess}` here")] if guess and guess != "input" else (),
        help=f"did you mean `{guess}`?" if guess else f"here one can read {listed}",
    )
