"""Chosen blocks: which one a parameter is in one use of a block, and in the model."""

from collections.abc import Callable
from typing import assert_never

from cnngen.expressions.expression import Expression
from cnngen.semantics.network import Scope
from cnngen.semantics.op_values import Chosen, OpValue, Passed
from cnngen.semantics.resolve import Resolution
from cnngen.syntax.tree import Block, Call

Holds = Callable[[Expression], bool | None]  # whether a condition does; None after a mistake


def block_of(call: Call, scope: Scope, resolution: Resolution) -> Block | None:
    """The block that a call is of in a scope; None for an op, and after a mistake."""
    parameter = resolution.block_uses.steps.get(call)
    if parameter is None:
        return resolution.blocks.get(call)
    block = scope.blocks.get(parameter.name.text)
    return block if block in resolution.called(call) else None


def blocks_of_model(resolution: Resolution) -> dict[str, Block]:
    """The blocks that parameters of the model are."""
    uses = resolution.block_uses
    own = {p: uses.defaults.get(p) for p in resolution.spec.parameters}
    return {p.name.text: uses.named[v] for p, v in own.items() if isinstance(v, Call)}


def given_blocks(
    call: Call, block: Block, scope: Scope, resolution: Resolution, holds: Holds
) -> dict[str, Block]:
    """The blocks that a block is given by a call in a scope, or that its parameters are by
    themselves.
    """
    uses, found = resolution.block_uses, dict[str, Block]()
    given = uses.given.get(call, {})
    for parameter in block.parameters:
        if parameter.type == "block":
            name = parameter.name.text
            value = given.get(name, uses.defaults.get(parameter))
            chosen = None if value is None else _chosen(value, scope, resolution, holds)
            if chosen is not None:
                found[name] = chosen
    return found


def _chosen(value: OpValue, scope: Scope, resolution: Resolution, holds: Holds) -> Block | None:
    match value:
        case Call():
            return resolution.block_uses.named[value]
        case Passed(parameter):
            return scope.blocks.get(parameter.name.text)
        case Chosen(test, then, otherwise):
            test_holds = holds(test)
            if test_holds is None:
                return None
            return _chosen(then if test_holds else otherwise, scope, resolution, holds)
        case _:
            assert_never(value)
