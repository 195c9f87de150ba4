"""What all calls of an op in a file have in common, so that the class of ours that makes its layers
needs no parameter for it.
"""

from collections.abc import Iterator, Mapping

from cnngen.expressions.algebra import free_names, mentions_input
from cnngen.expressions.expression import Constant, Expression
from cnngen.ops.base import Op
from cnngen.ops.convolution import SeparableConv
from cnngen.plan.program import Call, Program, Region, regions
from cnngen.syntax.tree import ArgumentValue
from cnngen.targets.spelling import Speller
from cnngen.targets.torch.attributes import Printer

Arguments = Mapping[str, ArgumentValue]
OPS: tuple[type[Op], ...] = (SeparableConv,)
"""The ops whose classes can do without some of their parameters."""


def common_attributes(program: Program, speller: Speller) -> dict[str, dict[str, str]]:
    """Of each of these ops the code of the attributes of which all its calls share a constant."""
    bodies = [part.body for part in (*program.units, *program.stages)]
    calls = [call for body in bodies for call in _calls(body)]
    alike = {op: [c.layer.arguments for c in calls if c.layer.made is op] for op in OPS}
    return {op.name: _common(op, found, speller) for op, found in alike.items() if found}


def _calls(region: Region) -> Iterator[Call]:
    for node in region.nodes:
        if isinstance(node, Call):
            yield node
        for inner in regions(node):
            yield from _calls(inner)


def _common(op: type[Op], calls: list[Arguments], speller: Speller) -> dict[str, str]:
    printer, first = Printer(speller, {}, None), dict(calls[0])
    shared = [name for name in op.attributes if _is_shared(name, calls)]
    code = printer.attributes(op, first) if shared else {}
    return {name: code[name] for name in shared if name in code}


def _is_shared(name: str, calls: list[Arguments]) -> bool:
    """Whether an attribute has one constant value everywhere; half a window also hangs on that."""
    first = calls[0][name]
    names = ("kernel", "dilation", name) if first == Constant("half") else (name,)
    return all(
        _is_constant(arguments[each]) and arguments[each] == calls[0][each]
        for arguments in calls
        for each in names
    )


def _is_constant(value: ArgumentValue) -> bool:
    return isinstance(value, Expression) and not (free_names(value) or mentions_input(value))
