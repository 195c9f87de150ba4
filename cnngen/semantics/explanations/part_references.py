"""References to a part of a stage or a step (`enc.1`, `enc[1]`, `enc/1`), which cannot be read.

Only the output of a whole stage or step has a name, and those of the iterations of a loop. The
remedy for a row of steps is to write it out, so that each is a stage.
"""

import re
from collections.abc import Container, Iterator, Sequence

from cnngen.diagnostics.model import Edit, Label, Remedies, Report
from cnngen.semantics.definitions import guess, listed
from cnngen.semantics.map_lists import lone_loop, loops_of
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.walk import steps
from cnngen.source import Span
from cnngen.syntax.parse_value import IDENTIFIER
from cnngen.syntax.tree import (
    Body,
    Call,
    Identifier,
    ListName,
    Stage,
    Step,
)

MOST_STAGES = 12  # that a row of steps is written out to
LONGEST = 100
POSITION = re.compile(r"[./\[](-?\d{1,3})\]?")


def is_part(name: Identifier) -> bool:
    """Whether a reference names a part of something."""
    return bool(name.text) and IDENTIFIER.fullmatch(name.text) is None


def check_parts(resolution: Resolution, report: Report) -> None:
    """Report references to parts; those to parts of one stage are one mistake."""
    spec = resolution.spec
    stages = {stage.name.text: stage for stage in spec.stages}
    inputs = [each.name.text for each in spec.inputs]
    blocks = ["input"] if spec.blocks else []  # which is what a block is given
    named = [s.name.text for b in spec.blocks.values() for s in steps(b.body) if s.name]
    names = dict.fromkeys([*inputs, *blocks, *stages, *named])
    groups: dict[str, list[Identifier]] = {}
    for name in _parts(resolution):
        groups.setdefault(_head(name), []).append(name)
    for head, (first, *others) in groups.items():
        stage = stages.get(head)
        if head not in names:
            close = guess(head, names, report)
            report.add(
                "unknown-stage",
                f"nothing is called `{head}`",
                first.span,
                help=f"did you mean `{close}`?" if close else f"there are {listed(names, 'and')}",
            )
            continue
        if head in blocks and _written(first).startswith(f"{head}["):
            _report_item(first, others, report)
            continue
        known = [Label(stage.name.span, f"the stage `{head}`")] if stage else []
        position = POSITION.fullmatch(_written(first)[len(head) :])
        if stage and lone_loop(stage.body) and position:
            report.add(
                "unknown-stage",
                f"what an iteration of `{head}` gives is read by its position in brackets",
                _place(first),
                secondary=[*known, *(Label(_place(name), "and here") for name in others)],
                help=f"write `{head}[{position[1]}]`",
                fix=tuple(_in_brackets(head, (first, *others))),
            )
            continue
        report.add(
            "unknown-stage",
            f"`{_written(first)}` is a part of `{head}`, and only what `{head}` gives as a whole"
            " can be read",
            _place(first),
            secondary=[*known, *(Label(_place(name), "nor can this") for name in others)],
            help=f"write `{head}` as several stages, so that what is to be read is one"
            if stage
            else "give the step that is to be read a `name`, or make it a stage",
            remedies=_written_out(stage, resolution) if stage else (),
        )


def _report_item(first: Identifier, others: Sequence[Identifier], report: Report) -> None:
    """Report what would be one of a list, if a block were given one."""
    report.add(
        "unknown-stage",
        f"`{_head(first)}` is one map here, and `{_written(first)}` would be one of a list",
        _place(first),
        secondary=[Label(_place(name), "and here") for name in others],
        help="let the block say that it is given a list: `params: {input: tensors}`",
    )


def _in_brackets(head: str, names: Sequence[Identifier]) -> Iterator[Edit]:
    """Positions behind dots or slashes, in brackets, which YAML wants to be quoted."""
    for name in names:
        if position := POSITION.fullmatch(_written(name)[len(head) :]):
            yield Edit(_place(name), f'"{head}[{position[1]}]"')


def _parts(resolution: Resolution) -> Iterator[Identifier]:
    """The names that are parts of what is no list."""
    spec = resolution.spec
    for block in spec.blocks.values():
        own = [p.name.text for p in block.parameters if p.type == "tensors"]
        lists = {*own, *loops_of(block.body), *resolution.carried.named(block)}
        yield from (name for name in _read_in(block.body, resolution) if _is_none(name, lists))
    lists = {stage.name.text for stage in spec.stages if lone_loop(stage.body)}
    lists |= resolution.carried.stages
    for stage in spec.stages:
        read = [*([stage.origin] if stage.origin else []), *_read_in(stage.body, resolution)]
        yield from (name for name in read if _is_none(name, lists))
    yield from (name for _, name in spec.outputs if is_part(name))


def _read_in(body: Body, resolution: Resolution) -> Iterator[Identifier]:
    return (name for step in steps(body) for name in resolution.reads(step))


def _is_none(name: Identifier, lists: Container[str]) -> bool:
    is_item = isinstance(name, ListName) and name.index is not None
    return name.text not in lists if is_item else is_part(name)


def _written(name: Identifier) -> str:
    return name.written if isinstance(name, ListName) else name.text


def _place(name: Identifier) -> Span:
    return name.whole if isinstance(name, ListName) else name.span


def _read(resolution: Resolution) -> Iterator[Identifier]:
    """All names of tensors that a spec reads."""
    spec = resolution.spec
    for part in (*spec.blocks.values(), *spec.stages):
        for step in steps(part.body):
            yield from resolution.reads(step)
    yield from (stage.origin for stage in spec.stages if stage.origin)
    yield from (name for _, name in spec.outputs)


def _head(name: Identifier) -> str:
    found = IDENTIFIER.match(name.text)
    return found[0] if found else name.text


def _written_out(stage: Stage, resolution: Resolution) -> Remedies:
    """The stages `enc_0`, `enc_1`... in the place of a row of steps, with all that reads them."""
    count = len(stage.body)
    if not 1 < count <= MOST_STAGES or not all(map(_is_plain, stage.body)):
        return ()
    names = [f"{stage.name.text}_{i}" for i in range(count)]
    lines = [f"{name}: {_text(step)}" for name, step in zip(names, stage.body, strict=True)]
    taken = {other.name.text for other in resolution.spec.stages}
    if taken & {*names} or any("\n" in line or len(line) > LONGEST for line in lines):
        return ()
    row = "\n" + " " * (stage.name.span.column - 1)
    edits = [Edit(stage.span, row.join(lines)), *_renamed(stage.name.text, names, resolution)]
    return ((tuple(edits),),) if len(edits) > 1 else ()


def _text(step: Step) -> str:
    text = step.span.text
    return text if text[:1] in "{[" or ":" not in text else f"{{{text}}}"


def _is_plain(step: Step) -> bool:
    return isinstance(step, Call) and not step.name and not step.origin


def _renamed(stage: str, names: Sequence[str], resolution: Resolution) -> Iterator[Edit]:
    """What reads a stage or a part of it, reading one of these; nothing where one is not there."""
    edits: list[Edit] = []
    for name in _read(resolution):
        if _head(name) == stage:
            index = POSITION.fullmatch(_written(name)[len(stage) :])
            at = int(index[1]) if index else -1
            if not -len(names) <= at < len(names) or not (index or _written(name) == stage):
                return
            edits.append(Edit(_place(name), names[at]))
    yield from edits
