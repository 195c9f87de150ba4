"""References to a part of a stage or a step (`enc.1`, `enc[1]`, `enc/1`), which cannot be read.

Only the output of a whole stage or step has a name. The remedy for a loop is to write it out, so
that each iteration is a stage.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from cnngen.diagnostics.model import Edit, Label, Remedies, Report
from cnngen.expressions.evaluate import EvaluationError, MaybeValue, Undetermined, evaluate
from cnngen.expressions.expression import Expression, ListOf, Name, walk
from cnngen.semantics.definitions import guess, listed
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.walk import expressions, steps
from cnngen.source import Span
from cnngen.syntax.parse_value import IDENTIFIER
from cnngen.syntax.tree import Call, Each, Identifier, Repeat, Spec, Stage, Step

MOST_STAGES = 12  # that a loop is written out to
LONGEST = 100

Values = Mapping[str, MaybeValue]


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
    for name in _read(resolution):
        if is_part(name):
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
        known = [Label(stage.name.span, f"the stage `{head}`")] if stage else []
        report.add(
            "unknown-stage",
            f"`{first.text}` is a part of `{head}`, and only what `{head}` gives as a whole"
            " can be read",
            first.span,
            secondary=[*known, *(Label(name.span, "nor can this") for name in others)],
            help=f"write `{head}` as several stages, so that what is to be read is one"
            if stage
            else "give the step that is to be read a `name`, or make it a stage",
            remedies=_written_out(stage, resolution) if stage else (),
        )


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
    """The stages `enc_0`, `enc_1`... in the place of a loop or of a row of steps, with all that
    reads them.
    """
    match stage.body:
        case (Each() | Repeat() as loop,) if not loop.name and not loop.origin:
            rows = _rows(loop, resolution.spec)
            between = loop.between if isinstance(loop, Each) else None
            bodies = [(*(between or () if i else ()), *loop.body) for i in range(len(rows))]
        case (Call(), Call(), *_) if all(map(_is_plain, stage.body)):
            rows: list[dict[str, str]] = [{} for _ in stage.body]
            bodies = [(step,) for step in stage.body]
        case _:
            return ()
    if not rows or len(rows) > MOST_STAGES:
        return ()
    names = [f"{stage.name.text}_{i}" for i in range(len(rows))]
    lines: list[str] = []
    for name, body, row in zip(names, bodies, rows, strict=True):
        written = [_with_values(step, row) for step in body]
        text = written[0] if len(written) == 1 else f"[{', '.join(written)}]"
        lines.append(f"{name}: {text}")
    taken = {other.name.text for other in resolution.spec.stages}
    if taken & {*names} or any("\n" in line or len(line) > LONGEST for line in lines):
        return ()
    row = "\n" + " " * (stage.name.span.column - 1)
    edits = [Edit(stage.span, row.join(lines)), *_renamed(stage.name.text, names, resolution)]
    return ((tuple(edits),),) if len(edits) > 1 else ()


def _is_plain(step: Step) -> bool:
    return isinstance(step, Call) and not step.name and not step.origin


def _renamed(stage: str, names: Sequence[str], resolution: Resolution) -> Iterator[Edit]:
    """What reads a stage or a part of it, reading one of these; nothing where one is not there."""
    edits: list[Edit] = []
    for name in _read(resolution):
        if _head(name) == stage:
            index = re.fullmatch(r"[./\[](-?\d{1,3})\]?", name.text[len(stage) :])
            at = int(index[1]) if index else -1
            if not -len(names) <= at < len(names) or not (index or name.text == stage):
                return
            edits.append(Edit(name.span, names[at]))
    yield from edits


def _rows(loop: Each | Repeat, spec: Spec) -> list[dict[str, str]]:
    """The values of a loop's variables in each iteration, as text; nothing where they are not
    known.
    """
    try:
        values: Values = {
            p.name.text: evaluate(p.default, {})
            for p in spec.parameters
            if isinstance(p.default, Expression) and p.type != "op"
        }
        if isinstance(loop, Repeat):
            times = evaluate(loop.times, values)
            return [{}] * times if isinstance(times, int) and times <= MOST_STAGES else []
        columns = {v.text: _elements(e, values) for v, e in loop.lists}
    except (EvaluationError, Undetermined):
        return []
    count = min(map(len, columns.values()), default=0)
    return [{name: texts[i] for name, texts in columns.items()} for i in range(count)]


def _elements(expression: Expression, values: Values) -> list[str]:
    """The elements of a list as they would be written."""
    numbers = evaluate(expression, values)
    if isinstance(expression, ListOf) and all(item.span for item in expression.items):
        return [item.span.text for item in expression.items if item.span]
    count = range(len(numbers)) if isinstance(numbers, tuple) else ()
    if isinstance(expression, Name):
        return [f"{expression.name}[{i}]" for i in count]
    return [str(number) for number in numbers] if isinstance(numbers, tuple) else []


def _with_values(step: Step, row: Mapping[str, str]) -> str:
    """The text of a step with values for the variables of a loop."""
    edits: list[Edit] = []
    for inner in steps((step,)):
        for expression in expressions(inner):
            if expression.span and (edit := _replaced(expression, expression.span, row)):
                edits.append(edit)
    text, start = step.span.text, step.span.start
    for edit in sorted(edits, key=lambda edit: -edit.span.start):
        text = text[: edit.span.start - start] + edit.text + text[edit.span.end - start :]
    return text if text[:1] in "{[" or ":" not in text else f"{{{text}}}"


def _replaced(expression: Expression, span: Span, row: Mapping[str, str]) -> Edit | None:
    text = span.text
    parts = [p for p, _ in walk(expression) if isinstance(p, Name) and p.name in row and p.span]
    for part in sorted(parts, key=lambda part: -part.span.start if part.span else 0):
        assert part.span
        at, value = part.span.start - span.start, row[part.name]
        whole = part is expression or re.fullmatch(r"[\w.\[\]]+", value)
        value = value if whole else f"({value})"
        text = text[:at] + value + text[at + len(part.name) :]
    if not parts:
        return None
    quoted = span.source.text[span.start - 1] in "\"'"
    needs = not isinstance(expression, ListOf) and re.search(r"[,\[\]{}]", text) is not None
    return Edit(span, f'"{text}"' if needs and not quoted else text)
