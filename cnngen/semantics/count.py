"""Count: how many layers a network will have, by multiplying, before any of them is made."""

from dataclasses import dataclass, field
from typing import assert_never

from cnngen.diagnostics.model import Report
from cnngen.expressions.effort import STEP, Effort
from cnngen.expressions.evaluate import (
    UNDETERMINED,
    EvaluationError,
    MaybeValue,
    Undetermined,
    Values,
    evaluate,
)
from cnngen.expressions.expression import Expression
from cnngen.semantics.resolve import Resolution
from cnngen.source import Span
from cnngen.syntax.tree import (
    Block,
    Body,
    Branch,
    Branches,
    BranchLoop,
    Call,
    Each,
    Reference,
    Repeat,
    Reuse,
    Stage,
    Step,
    When,
)


class Exceeded(Exception):
    def __init__(self, span: Span) -> None:
        self.span = span


@dataclass(slots=True)
class Count:
    """`seen` has the number of layers of each block for given parameters, so that counting takes
    linear time where each block uses another one twice.
    """

    resolution: Resolution
    globals: Values
    limit: int
    effort: Effort = field(default_factory=Effort)
    seen: dict[tuple[object, ...], int] = field(default_factory=dict[tuple[object, ...], int])


def count_layers(resolution: Resolution, values: Values, limit: int, report: Report) -> bool:
    """Whether the network keeps to the limit.

    What depends on `input.channels` is not known yet: a loop then counts once, and a condition as
    the larger of its bodies; a parameter that is a block counts as the largest that it may be.
    """
    count = Count(resolution, values, limit)
    total = 0
    try:
        for stage in resolution.spec.stages:
            total = _within(total + _body(stage.body, values, count), count, stage.span)
    except Exceeded as exceeded:
        report.add(
            "too-many-layers",
            f"the network has more than {limit:,} layers",
            exceeded.span,
            help="use smaller numbers, or raise the limit with `--max-layers`",
        )
        return False
    return True


def _within(total: int, count: Count, at: Span) -> int:
    if total > count.limit:
        raise Exceeded(at)
    return total


def _body(body: Body, values: Values, count: Count) -> int:
    total = 0
    for step in body:
        count.effort.spend(STEP, step.span)
        total = _within(total + _step(step, values, count), count, step.span)
    return total


def _step(step: Step, values: Values, count: Count) -> int:
    match step:
        case Call():
            return _call(step, values, count)
        case Reference():
            return 0
        case Repeat():
            times = _value(step.times, values, count)
            total = _body(step.body, values, count)
            if isinstance(times, int):
                total *= max(times, 0)
            return _within(total, count, step.times.span or step.span)
        case Each():
            return _each(step, values, count)
        case When():
            return _when(step, values, count)
        case Reuse():
            part = count.resolution.shared.get(step)
            body = part.body if isinstance(part, Stage) else (part,) if part else ()
            return _body(body, values, count)
        case Branches():
            return 1 + sum(_branch(branch, values, count) for branch in step.arms)
        case BranchLoop():
            return 1 + _step(step.loop, values, count)
        case _:
            assert_never(step)


def _call(call: Call, values: Values, count: Count) -> int:
    blocks = count.resolution.called(call)
    if not blocks:
        count.effort.earn()
        return 1
    return max(_use(call, block, values, count) for block in blocks)


def _use(call: Call, block: Block, values: Values, count: Count) -> int:
    given = count.resolution.arguments[call]
    inner = dict(count.globals)
    for parameter in block.parameters:
        name = parameter.name.text
        expression = given.get(name, parameter.default)
        inner[name] = UNDETERMINED
        kinds = ("tensor", "tensors", "op", "block")
        if isinstance(expression, Expression) and parameter.type not in kinds:
            inner[name] = _value(expression, values if name in given else {}, count)
    key = (block, *(inner[parameter.name.text] for parameter in block.parameters))
    if key not in count.seen:
        count.seen[key] = _body(block.body, inner, count)
    return count.seen[key]


def _each(step: Each, values: Values, count: Count) -> int:
    lists = [(name.text, _value(expression, values, count)) for name, expression in step.lists]
    columns = [(name, column) for name, column in lists if isinstance(column, tuple)]
    if len(columns) < len(lists):
        unknown: dict[str, MaybeValue] = {name: UNDETERMINED for name, _ in lists}
        return _body(step.body, {**values, **unknown}, count)
    total = 0
    for i, row in enumerate(zip(*(column for _, column in columns), strict=False)):
        inner = {**values, **{name: v for (name, _), v in zip(columns, row, strict=True)}}
        total = _within(total + _body(step.body, inner, count), count, step.span)
        if i and step.between is not None:
            total = _within(total + _body(step.between, inner, count), count, step.span)
    return total


def _when(step: When, values: Values, count: Count) -> int:
    test = _value(step.test, values, count)
    if test is True:
        return _body(step.body, values, count)
    if test is False:
        return _body(step.orelse or (), values, count)
    return max(_body(step.body, values, count), _body(step.orelse or (), values, count))


def _branch(branch: Branch, values: Values, count: Count) -> int:
    absent = branch.test is not None and _value(branch.test, values, count) is False
    return 0 if absent else _body(branch.body, values, count)


def _value(expression: Expression, values: Values, count: Count) -> MaybeValue:
    try:
        return evaluate(expression, values, None, count.effort)
    except (EvaluationError, Undetermined):
        return UNDETERMINED
