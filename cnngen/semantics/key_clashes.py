"""Key clashes: two parts of a program that would get the same name."""

from cnngen.diagnostics.model import Label, Report
from cnngen.semantics.keys import Arrangement, arrange
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.walk import nested_bodies
from cnngen.source import Span
from cnngen.syntax.tree import Body, Branches, Call, Identifier, Step


def check_keys(resolution: Resolution, report: Report) -> None:
    """Report keys that two steps or branches of one body would share, and stages that are called
    like an input.
    """
    inputs = {each.name.text: each.name.span for each in resolution.spec.inputs}
    for stage in resolution.spec.stages:
        if (name := stage.name.text) in inputs and len(inputs) > 1:
            report.add(
                "name-clash",
                f"a stage has the name of an input, `{name}`",
                stage.name.span,
                secondary=[Label(inputs[name], "the input")],
                help="choose another name for one of them, which `from` then reads",
            )
    for block in resolution.spec.blocks.values():
        _check_body(block.body, resolution.arrangement(block.body, block=True), report)
    for stage in resolution.spec.stages:
        _check_body(stage.body, resolution.arrangement(stage.body), report)


def _check_body(body: Body, arrangement: Arrangement, report: Report) -> None:
    seen: dict[str, Span] = {}
    for step in body:
        if isinstance(step, Branches):
            _check_arms(step, report)
        for name in _own_keys(step, arrangement):
            if name.text in seen:
                report.add(
                    "name-clash",
                    f"two parts of one body are called `{name.text}`",
                    name.span,
                    "the second one",
                    secondary=[Label(seen[name.text], "the first one")],
                    help="give one of them another `name`",
                )
            seen.setdefault(name.text, name.span)
        for nested in nested_bodies(step):
            _check_body(nested, arrange(nested), report)


def _own_keys(step: Step, arrangement: Arrangement) -> list[Identifier]:
    """The keys that a step puts into its body."""
    key = arrangement.keys.get(step)
    if key is None:
        return []
    if step.name:
        return [step.name]
    if not isinstance(step, Branches):
        return [Identifier(key, step.callee.span if isinstance(step, Call) else step.span)]
    arms = [branch.name for branch in step.arms]
    clashes = any(name.text == key for name in arms)  # which is reported elsewhere
    return arms if clashes else [*arms, Identifier(key, step.join.span)]


def _check_arms(step: Branches, report: Report) -> None:
    for name in (branch.name for branch in step.arms):
        if name.text == step.join.text:
            report.add(
                "name-clash",
                f"a branch has the name of its join, `{name.text}`",
                name.span,
                secondary=[Label(step.join.span, "the join")],
                help="give the branch another name",
            )
