"""Walking the tree: the bodies, calls and expressions in a step of any kind."""

from collections.abc import Iterator
from typing import assert_never

from cnngen.expressions.expression import Expression
from cnngen.syntax.tree import (
    ArgumentValue,
    Body,
    Branches,
    BranchLoop,
    Call,
    Distribution,
    Each,
    ListName,
    Reference,
    Repeat,
    Reuse,
    Step,
    When,
)


def nested_bodies(step: Step) -> tuple[Body, ...]:
    """The bodies inside a step."""
    match step:
        case Call() | Reference() | Reuse():
            return ()
        case Repeat():
            return (step.body,)
        case Each():
            return (step.body,) if step.between is None else (step.body, step.between)
        case When():
            return (step.body,) if step.orelse is None else (step.body, step.orelse)
        case Branches():
            return tuple(branch.body for branch in step.arms)
        case BranchLoop():
            return ((step.loop,),)
        case _:
            assert_never(step)


def steps(body: Body) -> Iterator[Step]:
    """All steps of a body, those inside others too, in the order of the file."""
    for step in body:
        yield step
        for nested in nested_bodies(step):
            yield from steps(nested)


def calls(body: Body) -> Iterator[Call]:
    return (step for step in steps(body) if isinstance(step, Call))


def loop_variables(body: Body) -> set[str]:
    """The variables of all loops in a body."""
    return {name.text for step in steps(body) if isinstance(step, Each) for name, _ in step.lists}


def expressions(step: Step) -> Iterator[Expression]:
    """The expressions of a step itself, without those of the bodies inside it."""
    match step:
        case Call():
            for argument in step.arguments:
                yield from value_expressions(argument.value)
        case Repeat():
            yield step.times
        case Each():
            yield from (values for _, values in step.lists)
        case When():
            yield step.test
        case Branches():
            yield from (branch.test for branch in step.arms if branch.test is not None)
            yield from (step.maps,) if step.maps is not None else ()
        case Reference() | Reuse() | BranchLoop():
            return
        case _:
            assert_never(step)


def positions(step: Step) -> Iterator[Expression]:
    """The position in a list of maps that a step reads at, if it reads one of a list."""
    if isinstance(step.origin, ListName) and step.origin.index is not None:
        yield step.origin.index


def value_expressions(value: ArgumentValue) -> Iterator[Expression]:
    """The expressions in what a call gives."""
    if isinstance(value, Distribution):
        for _, part in value.arguments:
            yield from value_expressions(part)
    else:
        yield value


def takes_input(body: Body) -> bool:
    """Whether a body reads what it is given."""
    if not body:
        return True
    first = body[0]
    if first.origin:
        return False
    if isinstance(first, Branches):
        return first.maps is None and any(takes_input(branch.body) for branch in first.arms)
    if isinstance(first, BranchLoop):
        return takes_input(first.loop.body)
    return True
