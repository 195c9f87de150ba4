"""Updates: the statements that bind variables of channels, and bring them up to date."""

from collections.abc import Iterator, Sequence

from cnngen.expressions.algebra import equal, linear_step
from cnngen.expressions.expression import Binary, Conditional, Expression, InputChannels, Name
from cnngen.plan.program import Bind, Node, Pass
from cnngen.python.nodes import Assign, Augment, If, Statement
from cnngen.targets.torch.expressions import Step
from cnngen.targets.torch.scope import Scope


def prepared(found: Sequence[Node]) -> Iterator[tuple[Sequence[Bind], Step | Pass | None]]:
    """Each node with the variables that are bound right before it; those behind the last one."""
    binds: list[Bind] = []
    for node in found:
        if isinstance(node, Bind):
            binds.append(node)
        else:
            yield tuple(binds), node
            binds = []
    if binds:
        yield tuple(binds), None


def bound(binds: Sequence[Bind], scope: Scope) -> Iterator[Statement]:
    """The assignments of variables, but for those that have their values already."""
    for node in binds:
        if not node.moves:
            yield Assign((scope.node(node.variable),), scope.node(node.channels))


def updated(variable: Name | None, channels: Expression, scope: Scope) -> Iterator[Statement]:
    """Bring the variable of a loop or a choice up to date."""
    if variable is None:
        return
    old, new = scope.variables.resolve(variable), scope.variables.resolve(channels)
    assert isinstance(old, Name | InputChannels)
    if equal(old, new):
        return
    match new:
        case Binary("//" | "*" as operator, left, right) if left == old:
            yield Augment(scope.node(old), operator, scope.node(right))
        case _ if (gain := linear_step(new, old)) is not None:
            yield Augment(scope.node(old), "+", scope.node(gain))
        case Conditional(test, then, otherwise) if otherwise == old:
            yield If(((scope.node(test), (Assign((scope.node(old),), scope.node(then)),)),))
        case _:
            yield Assign((scope.node(old),), scope.node(new))
