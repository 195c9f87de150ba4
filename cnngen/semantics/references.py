"""References: whether the tensors that `from` and parameters of type `tensor` name exist, and
whether a generated `forward` can reach them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from cnngen.diagnostics.model import Label, Report
from cnngen.diagnostics.suggest import respell
from cnngen.expressions.expression import walk
from cnngen.semantics.definitions import guess, listed
from cnngen.semantics.explanations.part_references import check_parts, is_part
from cnngen.semantics.map_lists import names_in
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.walk import calls, steps
from cnngen.source import Span
from cnngen.syntax.tree import (
    Block,
    Body,
    Branches,
    BranchLoop,
    Call,
    Each,
    Identifier,
    Repeat,
    Step,
    When,
)

Places = Mapping[str, Span]


@dataclass(frozen=True, slots=True)
class Readable:
    """The tensors that can be read by name at a place (`now`), and those that are computed `later`.

    Within a block, `stages` are those of the model, which the block cannot see.
    """

    now: Places
    later: Places
    stages: Places | None = None


def check_references(resolution: Resolution, report: Report) -> None:
    """Report references to tensors that do not exist, or cannot be reached from there."""
    spec = resolution.spec
    inputs = {each.name.text: each.name.span for each in spec.inputs}
    stages = {stage.name.text: stage.name.span for stage in spec.stages}
    for block in spec.blocks.values():
        _check_block(block, inputs | stages, resolution, report)
    check_parts(resolution, report)
    before = inputs
    for stage in spec.stages:
        readable = Readable(before, stages)  # `check_stages` reports what comes later
        if stage.origin:
            _check_name(stage.origin, readable, resolution, report)
        remedy = "begin another stage with this step"
        _check_path(stage.body, readable, resolution, report, remedy, joins=True)
        before = before | {stage.name.text: stage.name.span}


def _check_block(block: Block, stages: Places, resolution: Resolution, report: Report) -> None:
    """Check the body of a block, in which each step can read any named step before it."""
    tensors = {
        p.name.text: p.name.span for p in block.parameters if p.type in ("tensor", "tensors")
    }
    names = {step.name.text: step.name.span for step in block.body if step.name}
    readable = Readable({"input": block.name.span} | tensors, names, stages)
    known = len(report.found)
    for step in block.body:
        _check_step(step, readable, resolution, report)
        if step.name:
            readable = replace(readable, now={**readable.now, step.name.text: step.name.span})
    followed = all(c in resolution.ops or resolution.called(c) for c in calls(block.body))
    if followed and len(report.found) == known:  # else the one that reads it may be misspelt
        _check_read(block.body, resolution, report)


def _check_read(body: Body, resolution: Resolution, report: Report) -> None:
    """Report steps of a block whose output nothing reads: neither the next step nor one that names
    it.
    """
    read = {name.text for step in steps(body) for name in resolution.reads(step)}
    for step, following in pairwise(body):
        if following.origin and not (step.name and step.name.text in read):
            name = step.name.text if step.name else ""
            report.add(
                "unreachable-stage",
                f"nothing reads what `{name}` gives" if name else "nothing reads what this gives",
                step.callee.span if isinstance(step, Call) else step.span,
                secondary=[Label(following.origin.span, "the next step reads this instead")],
                help=f"read it with `from: {name}`, or remove it"
                if name
                else "give it a `name` and read it with `from`, or remove it",
            )


def _check_path(
    body: Body,
    readable: Readable,
    resolution: Resolution,
    report: Report,
    remedy: str = "",
    *,
    joins: bool = False,
) -> None:
    """Check the body of a stage or of a branch, which becomes a chain of modules: only its first
    step can read a tensor from outside.

    A step that is the whole body may read more, unless its `name` makes a chain of it; `joins` says
    whether that holds for `branches` and loops, too.
    """
    for i, step in enumerate(body):
        if i == 0 and step.origin:
            _check_name(step.origin, readable, resolution, report)
        alone = len(body) == 1 and (
            isinstance(step, Call)
            or (joins and isinstance(step, Branches | BranchLoop | Repeat | Each))
        )
        if alone and not step.name:
            _check_step(step, readable, resolution, report)
        else:
            row = f"leave `name: {step.name.text}` out" if alone and step.name else remedy
            own = [step.origin] if step.origin and i else []
            _refuse([*own, *_read_by(step, resolution)], _way(step, row, own), report)


def _check_step(step: Step, readable: Readable, resolution: Resolution, report: Report) -> None:
    """Check a step that is written out in a `forward`: it may read any tensor of the scope."""
    if step.origin:
        _check_name(step.origin, readable, resolution, report)
    match step:
        case Call():
            for name in resolution.tensors(step).values():
                _check_name(name, readable, resolution, report)
            _check_lists(step, readable, resolution, report)
        case Branches():
            _check_lists(step, readable, resolution, report)
            for branch in step.arms:
                _check_path(branch.body, readable, resolution, report)
        case BranchLoop():
            _check_lists(step.loop, readable, resolution, report)
            _check_turn(step.loop, readable, resolution, report)
        case Repeat() | Each():
            _check_loop(step, readable, resolution, report)
        case _:
            _refuse([*_read_by(step, resolution)], _way(step, "", []), report)


def _check_turn(
    loop: Repeat | Each, readable: Readable, resolution: Resolution, report: Report
) -> None:
    """Check the body of a loop that makes branches. Each becomes a module, and an op that reads two
    tensors is none.
    """
    inner = _inside(loop, readable, resolution, report)
    match loop.body:
        case (Call() as call,) if call in resolution.ops and resolution.tensors(call):
            way = "make a block of the step, with a parameter {parameter}"
            _refuse([*resolution.tensors(call).values()], way, report)
        case _:
            _check_path(loop.body, inner, resolution, report)


def _check_lists(step: Step, readable: Readable, resolution: Resolution, report: Report) -> None:
    """Check the names in the lists of maps that a step reads."""
    for maps in resolution.map_lists(step).values():
        for name in names_in(maps):
            if not report.has("wrong-type", name.span):  # else it was reported as a value
                _check_name(name, readable, resolution, report)


def _check_loop(
    loop: Repeat | Each, readable: Readable, resolution: Resolution, report: Report
) -> None:
    """Check a loop that is written out in a `forward`. Each iteration is one module: a call, which
    is given all that it reads, or a row of steps, of which the first may read a map of the lists.
    """
    _check_lists(loop, readable, resolution, report)
    inner = _inside(loop, readable, resolution, report)
    match loop.body:
        case (Call() as call,) if not call.name:
            _check_step(call, inner, resolution, report)
            others: list[Identifier] = []
        case (first, *_):
            if first.origin:
                _check_name(first.origin, inner, resolution, report)
            inside = [name for step in loop.body for name in _read_by(step, resolution)]
            rest = [step.origin for step in loop.body[1:] if step.origin]
            others = [*inside, *rest]
            walked = inner.now.keys() - readable.now.keys()
            if first.origin and first.origin.text in readable.now.keys() - walked:
                others.insert(0, first.origin)  # each iteration would read the same
        case _:
            others = []
    between = (loop.between if isinstance(loop, Each) else None) or ()
    read = (name for step in steps(between) for name in resolution.reads(step))
    way = "make a block of what an iteration does, with a parameter {parameter}"
    _refuse([*others, *read], way, report)


def _inside(
    loop: Repeat | Each, readable: Readable, resolution: Resolution, report: Report
) -> Readable:
    """What can be read in an iteration: variables that are maps, too, or that may be, where a name
    in their list was reported.
    """
    walked = resolution.map_lists(loop)
    lists = loop.lists if isinstance(loop, Each) else ()
    own = {
        name.text: name.span
        for name, values in lists
        if name.text in walked
        or any(p.span and report.has("unknown-name", p.span) for p, _ in walk(values))
    }
    return replace(readable, now={**readable.now, **own})


def _read_by(step: Step, resolution: Resolution) -> Iterator[Identifier]:
    """What a step inside a chain of modules reads, besides what it begins with."""
    for inner in steps((step,)):
        for name in resolution.reads(inner):
            if name.text and name is not step.origin:
                yield name


def _way(step: Step, remedy: str, own: Sequence[Identifier]) -> str:
    """What to do so that a step gets the tensors that it reads. A `when` passes one tensor on, and
    so does a loop that is one of several steps, so that a block in them cannot be given another
    one; several tensors meet in `branches`, in a loop that is all of a stage, and in the body of a
    block only.
    """
    if not own and isinstance(step, When):
        return (
            "let the `when` begin with `from: {name}`, and each of its sides compute from that what"
            " it needs"
        )
    if not own and isinstance(step, Repeat | Each):
        return "let the loop be a stage of its own"
    block = "make a block of the row, with a parameter {parameter}"
    return f"{remedy}, or {block}" if remedy else block


def _refuse(names: Sequence[Identifier], way: str, report: Report) -> None:
    """Report a step of a chain that reads other tensors: one mistake, however many these are."""
    if not names:
        return
    first, *others = names
    parameter = "of type `tensor`" if first.text == "input" else f"`{first.text}: tensor`"
    report.add(
        "nested-reference",
        f"`{first.text}` cannot be read from inside a row of steps",
        first.span,
        "each step of a row sees the one before it",
        secondary=[Label(name.span, "nor can this") for name in others],
        help=way.format(name=first.text, parameter=parameter),
    )


def _check_name(
    name: Identifier, readable: Readable, resolution: Resolution, report: Report
) -> None:
    if not name.text or readable.now.keys() & {name.text, ""} or is_part(name):
        return  # `check_parts` reports parts; a name without letters stands for unread ones
    at, stages = name.span, readable.stages
    if name.text in readable.later:
        if stages is not None:
            report.add(
                "later-stage",
                f"`{name.text}` comes later in this block",
                at,
                secondary=[Label(readable.later[name.text], "defined here")],
                help=f"move this step behind `{name.text}`",
            )
        return
    close = guess(name.text, readable.now, report)
    labelled = close and close != "input"
    if stages and name.text in stages:
        help = f"a block sees its own steps only: give it a parameter `{name.text}: tensor`"
    elif close:
        help = f"did you mean `{close}`?"
    else:
        help = f"here one can read {listed(readable.now)}"
    fix = respell(at, close, readable.now) if not (stages and name.text in stages) else ()
    if close and fix:
        resolution.meant[name] = close
    report.add(
        "unknown-stage",
        f"nothing before this is called `{name.text}`",
        at,
        secondary=[Label(readable.now[close], f"`{close}` here")] if close and labelled else (),
        help=help,
        fix=fix,
    )
