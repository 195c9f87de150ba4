"""Shared parts: which stage or step each `use` applies again, and whether generated code can.

A part that is used again is one module in PyTorch and one layer or model in Keras, which is called
in several places. So it is a whole stage or a named step of a block, reads one tensor, and is
called where a `forward` is written out: by a stage, by a step of a block, or by one of their
branches.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cnngen.diagnostics.model import Label, Report
from cnngen.diagnostics.suggest import respell
from cnngen.ops import OPS
from cnngen.semantics.definitions import guess, listed
from cnngen.semantics.explanations.part_references import is_part
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.walk import steps
from cnngen.source import Span
from cnngen.syntax.tree import Block, Body, Branches, Identifier, Reuse, Stage, Step

Part = Stage | Step
Places = Mapping[str, Span]


@dataclass(frozen=True, slots=True)
class Usable:
    """The parts before a place, by name, and the places of what cannot be used there: parts that
    come later, steps inside of others and, within a block, the stages of the model.
    """

    parts: Mapping[str, Part]
    later: Places
    inside: Places
    stages: Places
    tensors: Places


def find_shared(resolution: Resolution, report: Report) -> None:
    """Find the part that each `use` applies again; report those that there is not, and those that
    no `forward` can call.
    """
    spec = resolution.spec
    if not any(
        isinstance(s, Reuse) for p in (*spec.blocks.values(), *spec.stages) for s in steps(p.body)
    ):
        return
    stages = {stage.name.text: stage.name.span for stage in spec.stages}
    for block in spec.blocks.values():
        _find_in_block(block, stages, resolution, report)
    inside = {s.name.text: s.name.span for x in spec.stages for s in steps(x.body) if s.name}
    inputs = {each.name.text: each.name.span for each in spec.inputs}
    parts: dict[str, Part] = {}
    for stage in spec.stages:
        later = {name: span for name, span in stages.items() if name not in parts}
        usable = Usable(parts, later, inside, {}, inputs)
        called = [*_called(stage.body[0])] if _is_alone(stage.body) else []
        first = _find(called, stage.name, usable, resolution, report)
        _refuse_others(
            stage.body, called, "make a stage of it: `{name}_again: {{use: {name}}}`", report
        )
        parts[stage.name.text] = first if isinstance(stage.body[0], Reuse) and first else stage


def _find_in_block(block: Block, stages: Places, resolution: Resolution, report: Report) -> None:
    named = {step.name.text: step.name.span for step in block.body if step.name}
    inside = {step.name.text: step.name.span for step in steps(block.body) if step.name}
    kinds = ("tensor", "tensors")
    tensors = {p.name.text: p.name.span for p in block.parameters if p.type in kinds}
    tensors["input"] = block.name.span
    parts: dict[str, Part] = {}
    for step in block.body:
        later = {name: span for name, span in named.items() if name not in parts}
        usable = Usable(parts, later, inside, stages, tensors)
        called = [*_called(step)]
        first = _find(called, step.name, usable, resolution, report)
        _refuse_others(
            (step,),
            called,
            "write `- use: {name}` as a step of the block, once for each iteration of a loop",
            report,
        )
        if step.name:
            parts[step.name.text] = first if isinstance(step, Reuse) and first else step


def _is_alone(body: Body) -> bool:
    """Whether a step takes the place of its body."""
    return len(body) == 1 and not body[0].name


def _called(step: Step) -> Iterator[Reuse]:
    """What a step that is written out in a `forward` uses again: itself, or in its branches."""
    if isinstance(step, Reuse):
        yield step
    elif isinstance(step, Branches):
        for arm in step.arms:
            if _is_alone(arm.body) and isinstance(arm.body[0], Reuse):
                yield arm.body[0]


def _refuse_others(body: Body, called: list[Reuse], way: str, report: Report) -> None:
    """Report what is used again from inside a row, a loop or a condition: these become modules that
    call their own layers only.
    """
    for step in steps(body):
        if isinstance(step, Reuse) and step not in called and step.target.text:
            report.add(
                "nested-reference",
                f"`{step.target.text}` cannot be used from inside a row of steps",
                step.target.span,
                "a row, a loop or a condition calls its own layers only",
                help=f"leave `name: {step.name.text}` out"
                if step.name and body == (step,)
                else way.format(name=step.target.text),
            )


def _find(
    called: list[Reuse],
    name: Identifier | None,
    usable: Usable,
    resolution: Resolution,
    report: Report,
) -> Part | None:
    """The last part that is used by these, which stand in a stage or step of this name."""
    part: Part | None = None
    for step in called:
        part = _part(step, name, usable, report)
        if part is not None and _check_part(step, part, resolution, report):
            resolution.shared[step] = part
    return part


def _part(step: Reuse, own: Identifier | None, usable: Usable, report: Report) -> Part | None:
    """The part that a step names."""
    name = step.target
    if not name.text or name.text in usable.parts:
        return usable.parts.get(name.text)
    code, known = "unknown-stage", None
    if own is not None and name.text == own.text:
        code, message = "cycle", f"`{name.text}` uses itself"
        help = "let `use` name what comes before"
    elif known := usable.later.get(name.text):
        code, message = "later-stage", f"`{name.text}` comes later"
        help = f"let the first of the two have the steps, and `{name.text}` use it"
    elif known := usable.tensors.get(name.text):
        message = f"`{name.text}` is a tensor, which has no weights"
        help = f"read it with `from: {name.text}`"
    elif known := usable.stages.get(name.text):
        message = f"`{name.text}` is a stage, and a block uses its own steps only"
        help = f"use it in the model: `{name.text}_again: {{use: {name.text}}}`"
    elif known := usable.inside.get(name.text):
        message = f"`{name.text}` is a step inside of another part, and only whole ones can be used"
        help = "make a stage of it, or a step of a block"
    elif name.text in OPS or name.text[:1].isupper():
        message = f"`{name.text}` is no stage or step, but {_kind(name.text)}"
        help = f"write a step of `{name.text}`, with weights of its own"
    elif is_part(name):
        whole = name.text.partition(".")[0].partition("[")[0]
        message = f"`{name.text}` is a part of `{whole}`, and only what is whole can be used again"
        help = "make a stage of that part"
    else:
        return _guessed(name, usable, report)
    labels = [Label(known, "defined here")] if known and name.text != "input" else []
    report.add(code, message, name.span, secondary=labels, help=help)
    return None


def _kind(name: str) -> str:
    return "an op" if name in OPS else "a block"


def _guessed(name: Identifier, usable: Usable, report: Report) -> Part | None:
    close = guess(name.text, usable.parts, report)
    nothing = "there is nothing before it that could be used"
    help = f"here one can use {listed(usable.parts)}" if usable.parts else nothing
    report.add(
        "unknown-stage",
        f"nothing before this is called `{name.text}`",
        name.span,
        help=f"did you mean `{close}`?" if close else help,
        fix=(fix := respell(name.span, close, usable.parts)),
    )
    return usable.parts.get(close) if close and fix else None


def _check_part(step: Reuse, part: Part, resolution: Resolution, report: Report) -> bool:
    """Report a part that cannot be used again; whether it can be."""
    name = step.target
    if isinstance(part, Stage) and part.name.text in resolution.training:
        report.add(
            "bad-training-stage",
            f"`{name.text}` exists in training only, so nothing can use it again",
            name.span,
            secondary=[Label(part.name.span, "this stage")],
            help="use a stage that exists always",
        )
        return False
    if resolution.listed & {part, *(part.body if isinstance(part, Stage) else ())}:
        report.add(
            "nested-reference",
            f"`{name.text}` is read as a list of maps, so it cannot be used again",
            name.span,
            help="write the steps again, with weights of their own",
        )
        return False
    if others := [*_other_reads(part, resolution)]:
        report.add(
            "nested-reference",
            f"`{name.text}` reads other tensors than its input, so it cannot be used again",
            name.span,
            secondary=[Label(other.span, "it reads this, too") for other in others[:1]],
            help="use a part of it that reads one tensor, or write the steps again, with weights of"
            " their own",
        )
        return False
    return True


def _other_reads(part: Part, resolution: Resolution) -> Iterator[Identifier]:
    """What a part reads by name besides the tensor that it is given, and the parts that it uses."""
    body = part.body if isinstance(part, Stage) else (part,)
    for step in steps(body):
        if isinstance(step, Reuse):
            yield step.target
        origin = None if step in body[:1] else step.origin
        yield from (name for name in resolution.reads(step) if name is not step.origin)
        yield from ([origin] if origin else [])
