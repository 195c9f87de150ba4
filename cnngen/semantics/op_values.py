"""Ops as values: what a parameter of type `op` is given: `act: relu`, `act: gelu if new else act`.

Each op that is named so stands in the tree as a call, like a step: it has attributes, defaults and
a place. It is applied where a step has the name of the parameter.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from cnngen.expressions.expression import Expression, Name
from cnngen.ops.any_of import AnyOp, any_of
from cnngen.ops.base import Op
from cnngen.semantics.walk import calls, value_expressions
from cnngen.syntax.tree import ArgumentValue, Block, Call, Parameter, Stage


@dataclass(frozen=True, slots=True, eq=False)
class Passed:
    """The op that a parameter of the block or of the network is, handed on."""

    parameter: Parameter


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """One of two, as a condition decides."""

    test: Expression
    then: "OpValue"
    otherwise: "OpValue"


OpValue = Call | Passed | Chosen
Arguments = Mapping[Call, Mapping[str, ArgumentValue]]


@dataclass(slots=True, eq=False)
class OpUses:
    """The parameters of a spec that are ops.

    `steps` has the parameter of each step that applies one, `defaults` what parameters are by
    themselves, and `given` what calls give to those of blocks. Parameters that hand on to each
    other are of one kind: `kinds` has what is true of all the ops that any of them may be.
    """

    steps: dict[Call, Parameter] = field(default_factory=dict[Call, Parameter])
    defaults: dict[Parameter, OpValue] = field(default_factory=dict[Parameter, OpValue])
    given: dict[Call, dict[str, OpValue]] = field(default_factory=dict[Call, dict[str, OpValue]])
    kinds: dict[Parameter, "Kind"] = field(default_factory=dict[Parameter, "Kind"])


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Parameters that may be the same ops: these, as they are `named`, and `op` is any of them."""

    parameters: frozenset[Parameter]
    named: tuple[Call, ...]
    op: type[AnyOp]


def named_ops(value: OpValue) -> Iterator[Call]:
    """The ops that stand in a value."""
    match value:
        case Call():
            yield value
        case Passed():
            return
        case Chosen(then=then, otherwise=otherwise):
            yield from named_ops(then)
            yield from named_ops(otherwise)


def handed_on(value: OpValue) -> Iterator[Parameter]:
    """The parameters that a value hands on."""
    match value:
        case Call():
            return
        case Passed(parameter):
            yield parameter
        case Chosen(then=then, otherwise=otherwise):
            yield from handed_on(then)
            yield from handed_on(otherwise)


def op_expressions(value: OpValue, arguments: Arguments) -> Iterator[Expression]:
    """The expressions on which a value depends: conditions, attributes, and the names of those that
    it hands on.
    """
    match value:
        case Call():
            for each in arguments.get(value, {}).values():
                yield from value_expressions(each)
        case Passed(parameter):
            yield Name(parameter.name.text)
        case Chosen(test, then, otherwise):
            yield test
            yield from op_expressions(then, arguments)
            yield from op_expressions(otherwise, arguments)


def all_named(
    uses: OpUses, parameters: Iterable[Parameter], parts: Iterable[Block | Stage]
) -> Iterator[Call]:
    """The ops that are named as values in a network: for its parameters, and in parts of it."""
    values = [uses.defaults[each] for each in parameters if each in uses.defaults]
    for part in parts:
        own = part.parameters if isinstance(part, Block) else ()
        values += [uses.defaults[each] for each in own if each in uses.defaults]
        values += [v for call in calls(part.body) for v in uses.given.get(call, {}).values()]
    for value in values:
        yield from named_ops(value)


def linked(
    parameters: Iterable[Parameter], flows: Iterable[tuple[Parameter, OpValue]]
) -> dict[Parameter, set[Parameter]]:
    """The parameters that may be the same, as they hand on to each other."""
    groups = {parameter: {parameter} for parameter in parameters}
    for parameter, value in flows:
        for other in handed_on(value):
            merged = groups[parameter] | groups.setdefault(other, {other})
            groups |= dict.fromkeys(merged, merged)
    return groups


def find_kinds(
    uses: OpUses, called: Callable[[Call], Iterable[Block]], ops: Mapping[Call, type[Op]]
) -> None:
    """Find which ops the parameters may be; `called` gives the blocks that a call may be of."""
    flows = [*uses.defaults.items()]
    for call, given in uses.given.items():
        for block in called(call):
            taken = {p.name.text: p for p in block.parameters if p.type == "op"}
            flows += [(taken[name], value) for name, value in given.items() if name in taken]
    groups = linked({*uses.steps.values(), *(parameter for parameter, _ in flows)}, flows)
    for group in {id(each): each for each in groups.values()}.values():
        named = [c for parameter, value in flows if parameter in group for c in named_ops(value)]
        known = tuple(call for call in named if call in ops)
        kind = Kind(frozenset(group), known, any_of(ops[call] for call in known))
        uses.kinds |= dict.fromkeys(group, kind)
