"""A name that is taken already: the block or the loop can do without it, or use another one."""

import re
from collections.abc import Collection, Iterator, Sequence

from cnngen.diagnostics.model import Edit, Remedies, Remedy
from cnngen.expressions.expression import Constant, Name, walk
from cnngen.semantics.explanations.loop_index import available
from cnngen.semantics.keys import snake_case
from cnngen.semantics.walk import calls, expressions, nested_bodies, steps
from cnngen.source import Span
from cnngen.syntax.fixes import remove_entry
from cnngen.syntax.tree import Argument, Block, Body, Each, Identifier, Parameter, Spec

TYPE = re.compile(r"\s*:\s*\w*")


def instead_of_parameter(
    parameter: Parameter, block: Block, taken: Collection[str], spec: Spec
) -> tuple[str, Remedies]:
    """What to do about a parameter of a block that is called like one of the network."""
    name = parameter.name.text
    given = list(_given(name, block, spec))
    other = available((f"{snake_case(block.name.text)}_{name}", f"own_{name}"), "parameter", taken)
    renamed = _renamed(parameter.name, [block.body], other, [a.name.span for a in given])
    if not _is_the_same(parameter, given, block, spec):
        return f"call it, say, `{other}`", ((renamed,),)
    dropped = _dropped(parameter, given)
    return "drop it: a block sees the parameters of the network", ((dropped, renamed),)


def instead_of_variable(
    loop: Each, taken: Collection[str], variable: Identifier
) -> tuple[str, Remedies]:
    """What to do about the variable of a loop that is called like a parameter."""
    other = available((f"each_{variable.text}", f"own_{variable.text}"), "variable", taken)
    return f"call it, say, `{other}`", ((_renamed(variable, nested_bodies(loop), other, []),),)


def _given(name: str, block: Block, spec: Spec) -> Iterator[Argument]:
    """What the uses of a block give for a parameter."""
    for part in (*spec.blocks.values(), *spec.stages):
        for call in calls(part.body):
            if call.callee.text == block.name.text:
                yield from (a for a in call.arguments if a.name.text == name)


def _is_the_same(parameter: Parameter, given: Sequence[Argument], block: Block, spec: Spec) -> bool:
    """Whether a parameter always has the value that the network's has."""
    name = parameter.name.text
    if not all(isinstance(a.value, Name) and a.value.name == name for a in given):
        return False
    uses = [
        call
        for part in (*spec.blocks.values(), *spec.stages)
        for call in calls(part.body)
        if call.callee.text == block.name.text
    ]
    if len(given) == len(uses):
        return True
    own = next((p.default for p in spec.parameters if p.name.text == name), None)
    return (
        isinstance(own, Constant)
        and isinstance(parameter.default, Constant)
        and own.value == parameter.default.value
    )


def _dropped(parameter: Parameter, given: Sequence[Argument]) -> Remedy:
    at = parameter.name.span
    default = parameter.default.span if parameter.default else None
    found = TYPE.match(at.source.text, at.end)
    end = default.end if default else found.end() if found else at.end
    edits = [remove_entry(at, end)]
    edits += [remove_entry(a.name.span, a.value.span.end) for a in given if a.value.span]
    return tuple(edit for each in edits for edit in each)


def _renamed(name: Identifier, bodies: Sequence[Body], other: str, more: Sequence[Span]) -> Remedy:
    """A name and its uses, called otherwise."""
    uses = [
        part.span
        for body in bodies
        for step in steps(body)
        for expression in expressions(step)
        for part, _ in walk(expression)
        if isinstance(part, Name) and part.name == name.text and part.span
    ]
    applied = [
        call.callee.span for body in bodies for call in calls(body) if call.callee.text == name.text
    ]
    return tuple(Edit(span, other) for span in (name.span, *uses, *applied, *more))
