"""Graphs: layers as attributes, and a `forward` where tensors meet."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cnngen.plan.program import (
    Bind,
    Call,
    Choice,
    Join,
    Loop,
    Node,
    Pass,
    Region,
    Reuse,
    Unit,
)
from cnngen.python import nodes
from cnngen.python.construct import call, text
from cnngen.python.flat import flat
from cnngen.python.nodes import (
    Assign,
    Augment,
    Binary,
    Name,
    Return,
    Statement,
    Subscript,
    with_origin,
)
from cnngen.semantics.network import INPUT
from cnngen.semantics.walk import steps
from cnngen.syntax.tree import Reuse as ReuseStep
from cnngen.targets.torch.construct import dictionary, own
from cnngen.targets.torch.expressions import Item
from cnngen.targets.torch.modules import (
    Made,
    Written,
    assign,
    assign_node,
    body,
    container,
)
from cnngen.targets.torch.names import attribute
from cnngen.targets.torch.scope import Scope
from cnngen.targets.torch.spell import spell_join
from cnngen.targets.torch.updates import bound, prepared

X = Name("x")
LONG = 70  # a value longer than this gets a line of its own


@dataclass(slots=True)
class Forward:
    """A `forward` in the making: its lines, and what each tensor is that can be read by name."""

    tensors: dict[str, nodes.Node]
    lines: list[Statement] = field(default_factory=list[Statement])

    def let(self, name: Name, value: nodes.Node) -> Name:
        self.lines.append(Assign((name,), value))
        return name


def graph(unit: Unit, scope: Scope, forward: Forward) -> Written:
    """The layers of a block that joins, which are called one after the other."""
    resolution = scope.file.network.resolution
    read = {name.text for step in steps(unit.block.body) for name in resolution.reads(step)}
    value: nodes.Node = X
    forward.tensors[INPUT] = X
    if INPUT in read:
        forward.tensors[INPUT] = forward.let(scope.variables.new("given"), X)
    for binds, node in prepared(unit.body.nodes):
        if not isinstance(node, Call | Loop | Choice):
            yield from bound(binds, scope)
        if node is None:
            break
        if node.step.origin:
            value = forward.tensors[node.step.origin.text]
        match node:
            case Join():
                if not isinstance(value, Name):
                    value = forward.let(X, value)
                name = node.level if isinstance(node.level, str) else ""
                value = yield from join(node, value, name, scope, forward)
                value = _summed(node, value, scope, forward)
            case Reuse():
                value = again(node, value)
            case Pass():
                pass
            case Call() | Loop() | Choice():
                module = own(attribute(str(node.key)))
                yield from assign_node(node, module, scope, binds)
                value = applied(node, module, value, forward, scope)
        name = node.step.name.text if node.step.name else ""
        if name in read:
            variable = scope.variables.new(name)
            value = forward.tensors[name] = forward.let(variable, value)
        elif len(flat(value)) > LONG and node.step is not unit.block.body[-1]:
            value = forward.let(X, value)
    forward.lines.append(Return(value))


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
    if isinstance(node, Call) and _has_forward(node, scope):  # else the block reads no other
        handed = scope.file.network.resolution.tensors(node.step).values()
        tensors = [forward.tensors[name.text] for name in handed]
    return call(module, value, *tensors)


def _has_forward(made: Call, scope: Scope) -> bool:
    unit = made.layer.made
    return isinstance(unit, Unit) and scope.file.classes[unit].forward is not None


def join(node: Join, value: nodes.Node, name: str, scope: Scope, forward: Forward) -> Made:
    """What joins the branches; a `name` is a level of its own for their layers."""
    reads = scope.file.network.resolution.reads
    owner = own(attribute(name))
    inside = [step for _, arm in node.step.arms for step in steps(arm)]
    alone = not any(reads(step) or isinstance(step, ReuseStep) for step in inside)
    if name and alone:
        with scope.variables.names.passing():
            made = yield from container(node, scope)
            yield Assign((owner,), made)
        return call(owner, value)
    entries: list[Item] = []
    inputs: list[nodes.Node] = []
    for arm, region in node.arms:
        key = attribute(arm)
        module = Subscript(owner, text(key)) if name else own(key)
        first = first_node(region)
        origin = first.step.origin if first else None
        source = forward.tensors[origin.text] if origin else value
        if passes(region):
            inputs.append(source)
            continue
        if isinstance(first, Reuse):
            inputs.append(again(first, source))
            continue
        if name:
            entries.append((key, (yield from body(region, scope, arm))))
        else:
            yield from assign(region, module, scope)
        inputs.append(applied(first, module, source, forward, scope))
    if entries:
        yield Assign((owner,), call("nn.ModuleDict", dictionary(entries)))
    return joined(node, inputs, scope)


def _summed(node: Join, value: nodes.Node, scope: Scope, forward: Forward) -> nodes.Node:
    """A sum of two is written over that of its tensors which nobody else reads."""
    index = scope.file.overwriting.joins.get(node)
    match value:
        case Binary("+", left, right) if index is not None and len(node.arms) == 2:
            kept, other = (left, right) if index == 0 else (right, left)
            variable = forward.let(scope.variables.new(node.arms[index][0]), kept)
            forward.lines.append(Augment(variable, "+", other, node.step))
            return variable
        case _:
            return value


def joined(node: Join, inputs: Sequence[nodes.Node], scope: Scope) -> nodes.Node:
    """The expression that joins tensors."""
    return with_origin(spell_join(node.op, inputs, scope.file.speller), node.step)


def first_node(region: Region) -> "Call | Loop | Choice | Join | Reuse | Pass | None":
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
