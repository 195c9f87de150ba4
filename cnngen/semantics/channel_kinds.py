"""Whether `input.channels` is what an expression needs: one number, or the list of them that it is
where the input is a list of maps.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from cnngen.diagnostics.model import Report
from cnngen.expressions.algebra import mentions_input
from cnngen.expressions.expression import (
    ABSENT,
    Apply,
    Binary,
    Conditional,
    Constant,
    Expression,
    Index,
    InputChannels,
    ListOf,
    Slice,
    Unary,
    children,
)
from cnngen.semantics.carried import Kind
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.walk import expressions, steps
from cnngen.syntax.tree import Block, Branches, Call, Distribution, Each, Stage, Step

Wanted = Literal["number", "list", "either"]
NUMBERS = ("int", "float", "bool")
LISTS = ("ints", "floats", "bools", "records")
MAPS = ("tensor", "tensors", "op")
ARITHMETIC = ("-", "/", "//", "%", "**", "<", "<=", ">", ">=")


def check_channels(
    part: Block | Stage, given: Kind, resolution: Resolution, report: Report
) -> None:
    """Report `input.channels` in the steps of a block or a stage where it is not what is needed
    there, as the input is one map, or a list of them.
    """
    if given == "unknown":
        return
    for step in steps(part.body):
        for expression, wanted in _expressions(step, resolution):
            if mentions_input(expression):
                for wrong in _wrong(expression, wanted, given == "list"):
                    _report(wrong, part, given == "list", report)


def _expressions(step: Step, resolution: Resolution) -> Iterator[tuple[Expression, Wanted]]:
    """The expressions of a step, with what is needed there."""
    match step:
        case Call():
            types = _types(step, resolution)
            for name, value in resolution.arguments.get(step, {}).items():
                if name in types and not isinstance(value, Distribution):
                    yield value, _wanted(types[name])
        case Each():
            walked = resolution.map_lists(step)
            yield from _each((xs for name, xs in step.lists if name.text not in walked), "list")
        case Branches():
            yield from _each((arm.test for arm in step.arms if arm.test is not None), "number")
        case _:
            yield from _each(expressions(step), "number")


def _types(call: Call, resolution: Resolution) -> dict[str, str]:
    """The kinds of values that a call takes."""
    if op := resolution.ops.get(call):
        return {name: each.kind for name, each in op.attributes.items() if each.kind != "tensor"}
    block = resolution.blocks.get(call)
    given = block.parameters if block else ()
    return {each.name.text: each.type for each in given if each.type not in MAPS}


def _wanted(kind: str) -> Wanted:
    return "number" if kind in NUMBERS else "list" if kind in LISTS else "either"


def _wrong(expression: Expression, wanted: Wanted, is_list: bool) -> Iterator[Expression]:
    """The parts of an expression of `input.channels` that are of the wrong kind."""
    if _kind(expression, is_list) not in ("either", wanted) and wanted != "either":
        yield expression
        return
    for part, needed in _parts(expression, wanted):
        if mentions_input(part):
            yield from _wrong(part, needed, is_list)


def _report(wrong: Expression, part: Block | Stage, is_list: bool, report: Report) -> None:
    if wrong.span is None:
        return
    if is_list:
        message = "`input.channels` is a list here, a number for each map, and one is needed"
        if not isinstance(wrong, InputChannels):
            message = "this is a list, as `input.channels` is one here, and a number is needed"
        help = "`input.channels[0]` is the first of them, and `sum(input.channels)` all together"
    else:
        message = "`input.channels` is one number here, and a list is needed"
        help = "let the block say that it is given a list: `params: {input: tensors}`"
        if isinstance(part, Stage):
            help = "these are the channels of one map, which the stage is given"
    report.add("wrong-type", message, wrong.span, help=help)


def _kind(expression: Expression, is_list: bool) -> Wanted:
    """Whether the value is a number or a list; either, where that hangs on other names."""
    match expression:
        case InputChannels():
            return "list" if is_list else "number"
        case ListOf() | Slice() | Apply("range"):
            return "list"
        case Constant() | Unary() | Apply():
            return "number"
        case Binary("+" | "*", left, right):
            kinds = _kind(left, is_list), _kind(right, is_list)
            if "list" in kinds:
                return "list"
            return "number" if kinds == ("number", "number") else "either"
        case Binary():
            return "number"
        case Conditional(_, then, otherwise):
            kinds = _kind(then, is_list), _kind(otherwise, is_list)
            return kinds[0] if kinds[0] == kinds[1] else "either"
        case _:
            return "either"


def _parts(expression: Expression, wanted: Wanted) -> Iterator[tuple[Expression, Wanted]]:
    """The parts of an expression, with what is needed there."""
    match expression:
        case Index(of, index):
            yield of, "list"
            yield index, "number"
        case Slice(of, start, stop, step):
            yield of, "list"
            yield from _each((part for part in (start, stop, step) if part != ABSENT), "number")
        case Apply("len" | "sum" | "max" | "min", (of,)):
            yield of, "list"
        case Apply() | Unary():
            yield from _each(children(expression), "number")
        case Binary(operator) if operator in ARITHMETIC:
            yield from _each(children(expression), "number")
        case Conditional(test, then, otherwise):
            yield test, "number"
            yield from _each((then, otherwise), wanted)
        case _:
            yield from _each(children(expression), "either")


def _each(parts: Iterable[Expression], wanted: Wanted) -> Iterator[tuple[Expression, Wanted]]:
    for part in parts:
        yield part, wanted
