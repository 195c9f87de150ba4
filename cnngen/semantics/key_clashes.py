"""Key clashes: two parts of a program that would get the same name."""

from collections.abc import Iterator
from itertools import chain

from cnngen.diagnostics.model import Label, Report
from cnngen.semantics.keys import Arrangement, arrange
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.walk import nested_bodies, steps
from cnngen.source import Span
from cnngen.syntax.naming import snake_case
from cnngen.syntax.tree import Body, Branches, Call, Each, Identifier, Spec, Step


def check_keys(resolution: Resolution, report: Report) -> None:
    """Report keys that two steps or branches of one body would share."""
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
    arms = [name for name, _ in step.arms]
    clashes = any(name.text == key for name in arms)  # which is reported elsewhere
    return arms if clashes else [*arms, Identifier(key, step.join.span)]


def _check_arms(step: Branches, report: Report) -> None:
    for name, _ in step.arms:
        if name.text == step.join.text:
            report.add(
                "name-clash",
                f"a branch has the name of its join, `{name.text}`",
                name.span,
                secondary=[Label(step.join.span, "the join")],
                help="give the branch another name",
            )


def check_functions(spec: Spec, report: Report) -> None:
    """Report blocks whose class or Keras function would have the name of another one, of the
    network, or of a parameter or variable.
    """
    taken = {snake_case(spec.name.text): spec.name, spec.stem: spec.name}
    blocks = [block for name, block in spec.blocks.items() if name]
    for block in blocks:
        name, function = block.name, snake_case(block.name.text)
        other = taken.setdefault(function, name)
        if name.text in (spec.name.text, f"{spec.name.text}Outputs"):
            _report_clash(
                f"`{name.text}` is a class of the network itself", name, spec.name, report
            )
        elif function == spec.stem:
            message = f"`{name.text}` would be `{function}` in Keras, like the network of this file"
            _report_clash(message, name, spec.name, report)
        elif other is not name:
            message = f"`{name.text}` and `{other.text}` would both be `{function}` in Keras"
            _report_clash(message, name, other, report)
    functions = {snake_case(block.name.text): block.name for block in blocks}
    parameters = (p for block in blocks for p in block.parameters)
    channels = {f"{p.name.text}_channels": p.name for p in parameters if p.type == "tensor"}
    for name in _values(spec):
        if block := functions.get(name.text):
            message = f"`{name.text}` is also the function that `{block.text}` becomes in Keras"
            _report_clash(message, name, block, report)
        elif tensor := channels.get(name.text):
            message = f"`{name.text}` is also what the channels of `{tensor.text}` are called"
            _report_clash(message, name, tensor, report)


def _values(spec: Spec) -> Iterator[Identifier]:
    """The names that stand for values: parameters, and variables of loops."""
    blocks = spec.blocks.values()
    for parameter in chain(spec.parameters, *(block.parameters for block in blocks)):
        yield parameter.name
    for body in (part.body for part in (*blocks, *spec.stages)):
        for step in steps(body):
            if isinstance(step, Each):
                yield from (variable for variable, _ in step.lists)


def _report_clash(message: str, name: Identifier, other: Identifier, report: Report) -> None:
    report.add(
        "name-clash",
        message,
        name.span,
        secondary=[Label(other.span, "the other one")],
        help="rename one of them",
    )
