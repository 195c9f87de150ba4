"""A `forward` in the making, and what is read and called in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cnngen.expressions.algebra import simplify
from cnngen.expressions.expression import Constant, Expression
from cnngen.plan.program import (
    Bind,
    Call,
    Choice,
    Gather,
    Join,
    JoinLoop,
    Loop,
    Node,
    Pass,
    Region,
    Reuse,
    Unit,
)
from cnngen.python import nodes
from cnngen.python.construct import call
from cnngen.python.nodes import Assign, Name, Return, Statement, Subscript, with_origin
from cnngen.syntax.tree import Identifier, ListName
from cnngen.targets.map_lists import list_node
from cnngen.targets.torch.construct import own
from cnngen.targets.torch.names import attribute
from cnngen.targets.torch.scope import Scope
from cnngen.targets.torch.variables import Names

X = Name("x")


@dataclass(slots=True)
class Forward:
    """A `forward` in the making: its lines, and what each tensor, and each list of them, is that
    can be read by name. Its variables get names of `names`.
    """

    tensors: dict[str, nodes.Node]
    names: Names
    lines: list[Statement] = field(default_factory=list[Statement])
    lists: dict[str, nodes.Node] = field(default_factory=dict[str, nodes.Node])

    def new(self, name: str) -> Name:
        return Name(self.names.free(name))

    def let(self, name: Name, value: nodes.Node, annotation: str = "") -> Name:
        self.lines.append(Assign((name,), value, annotation=annotation))
        return name


def read(name: Identifier, forward: Forward, scope: Scope) -> nodes.Node:
    """A tensor, or one of a list."""
    if not isinstance(name, ListName) or name.index is None:
        whole = forward.lists if name.text not in forward.tensors else forward.tensors
        return whole[name.text]
    return Subscript(forward.lists[name.text], _position(name.index, scope))


def list_of(maps: Expression, forward: Forward, scope: Scope) -> nodes.Node:
    """A list of tensors."""

    def position(expression: Expression) -> nodes.Node:
        return _position(expression, scope)

    return list_node(maps, forward.tensors.__getitem__, forward.lists.__getitem__, position)


def _position(expression: Expression, scope: Scope) -> nodes.Node:
    """A position in a list: a number, or an attribute, as a `forward` knows no parameters."""
    position = simplify(expression)
    if isinstance(position, Constant):
        return scope.node(position)
    return own(scope.position(position))


def again(node: Reuse, value: nodes.Node) -> nodes.Node:
    """A module that was made before, called again."""
    if passes(node.part):
        return value
    return with_origin(call(own(attribute(node.called)), value), node.step)


def applied(
    node: Node | None, module: nodes.Node, value: nodes.Node, forward: Forward, scope: Scope
) -> nodes.Node:
    """A module called with the running tensor and the other tensors that its node reads."""
    tensors: list[nodes.Node] = []
    if isinstance(node, Call) and isinstance(unit := node.layer.made, Unit):
        handed = scope.file.network.resolution.tensors(node.step)
        lists = scope.file.network.resolution.map_lists(node.step)
        if scope.file.classes[unit].forward is not None:  # else the block reads no other
            for name in (each.name for each in unit.tensors):
                listed = lists.get(name)
                tensors.append(
                    read(handed[name], forward, scope)
                    if listed is None
                    else list_of(listed, forward, scope)
                )
    return call(module, value, *tensors)


def with_return(lines: Sequence[Statement], value: nodes.Node) -> list[Statement]:
    """The lines and `return value`; the last line itself, where it assigns just that."""
    match lines[-1] if lines else None:
        case Assign((target,), made, comment) if target == value:
            return [*lines[:-1], Return(made, comment)]
        case _:
            return [*lines, Return(value)]


def first_node(
    region: Region,
) -> "Call | Loop | Choice | Join | JoinLoop | Gather | Reuse | Pass | None":
    """The first node that reads a tensor."""
    return next((node for node in region.nodes if not isinstance(node, Bind)), None)


def passes(region: Region) -> bool:
    """Whether a region gives its input as it is."""
    return all(
        isinstance(node, Pass | Bind)
        or (
            isinstance(node, Call)
            and not isinstance(node.layer.made, Unit)
            and node.layer.made.is_identity
        )
        or (isinstance(node, Reuse) and passes(node.part))
        for node in region.nodes
    )
