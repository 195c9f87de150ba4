"""Loops: their headers."""

from cnngen.expressions.expression import Expression
from cnngen.plan.program import Loop
from cnngen.python import nodes
from cnngen.syntax.tree import Repeat
from cnngen.targets.torch.construct import call
from cnngen.targets.torch.names import called
from cnngen.targets.torch.scope import Scope


def loop_index(scope: Scope) -> str:
    """A name for a counter that nothing else has."""
    names = ("i", "j", "k", *(f"i{n}" for n in range(2, 100)))
    return next(name for name in names if name not in scope.variables.names.taken)


def loop_header(
    loop: Loop, index: nodes.Name | None, scope: Scope
) -> tuple[nodes.Node, nodes.Node]:
    """What a loop assigns, and what it runs through."""
    if isinstance(loop.step, Repeat):
        return nodes.Name("_"), call("range", scope.node(loop.step.times))
    names = tuple(nodes.Name(called(variable.text)) for variable, _ in loop.step.lists)
    lists = tuple(_iterable(values, scope) for _, values in loop.step.lists)
    if len(names) == 1:
        target, iterable = names[0], lists[0]
    else:
        strict = nodes.Keyword("strict", nodes.Number("True"))
        target, iterable = nodes.Display("bare", names), call("zip", *lists, strict)
    if index is not None:
        inner = target if len(names) == 1 else nodes.Display("(", names)
        return nodes.Display("bare", (index, inner)), call("enumerate", iterable)
    return target, iterable


def _iterable(values: Expression, scope: Scope) -> nodes.Node:
    """A list to run through; a range stays a range."""
    match scope.node(values):
        case nodes.Call(nodes.Name("tuple"), (nodes.Call() as inner,)):
            return inner
        case other:
            return other
