"""Graphs: layers as attributes, and a `forward` where tensors meet."""

from cnngen.plan import loops
from cnngen.plan.program import (
    Arm,
    Call,
    Choice,
    Gather,
    Join,
    JoinLoop,
    Loop,
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
    Attribute,
    Augment,
    Binary,
    Conditional,
    Display,
    Do,
    For,
    If,
    Name,
    Statement,
    Subscript,
    with_origin,
)
from cnngen.semantics.network import INPUT
from cnngen.semantics.walk import steps
from cnngen.syntax.tree import ListName, Stage
from cnngen.syntax.tree import Reuse as ReuseStep
from cnngen.syntax.tree import Step as AuthorsStep
from cnngen.targets.loops import counted
from cnngen.targets.map_lists import walked
from cnngen.targets.torch import joins
from cnngen.targets.torch.construct import own
from cnngen.targets.torch.expressions import children
from cnngen.targets.torch.forward import (
    Forward,
    X,
    again,
    applied,
    first_node,
    list_of,
    passes,
    read,
    with_return,
)
from cnngen.targets.torch.functions import function, is_function
from cnngen.targets.torch.modules import Made, Written, assign_arm, assign_list, assign_node, fill
from cnngen.targets.torch.names import attribute, tensor
from cnngen.targets.torch.optional import Input, joined, optional
from cnngen.targets.torch.scope import Scope
from cnngen.targets.torch.spell import spell_join, spell_list
from cnngen.targets.torch.updates import bound, prepared

EVERY_SECOND = nodes.Slice(None, None, nodes.Number("2"))
LONG = 70  # a value longer than this gets a line of its own


def graph(unit: Unit, scope: Scope, forward: Forward) -> Written:
    """The layers of a block that joins, which are called one after the other."""
    resolution = scope.file.network.resolution
    names = [name for step in steps(unit.block.body) for name in resolution.reads(step)]
    kept = {name.text for name in names if not isinstance(name, ListName)}
    value = _entered(unit, kept, scope, forward)
    for binds, node in prepared(unit.body.nodes):
        if not isinstance(node, Call | Loop | Choice):
            yield from bound(binds, scope)
        if node is None:
            break
        if node.step.origin:
            value = read(node.step.origin, forward, scope)
        match node:
            case Gather():
                value = gathered(node, forward, scope)
            case Loop(written_out=True):
                module = own(attribute(str(node.key)))
                yield from assign_node(node, module, scope, binds)
                value = looped(node, module, value, forward, scope)
            case Join():
                value = value if isinstance(value, Name) else forward.let(X, value)
                name = node.level if isinstance(node.level, str) else ""
                value = yield from join(node, value, name, scope, forward)
                value = _summed(node, value, scope, forward)
            case JoinLoop():
                value = value if isinstance(value, Name) else forward.let(X, value)
                name = str(node.level)
                value = yield from join_list(node, value, name, node.step, scope, forward)
            case Reuse():
                value = again(node, value)
            case Pass():
                pass
            case Call() | Choice() if is_function(node):
                yield from bound(binds, scope)
                value = yield from function(node, str(node.key), value, scope, forward)
            case Call() | Loop() | Choice():
                module = own(attribute(str(node.key)))
                yield from assign_node(node, module, scope, binds)
                value = applied(node, module, value, forward, scope)
        name = node.step.name.text if node.step.name else ""
        if name in kept or (name and node.gives.listed):
            value = forward.let(scope.variables.new(name), value)
            (forward.lists if node.gives.listed else forward.tensors)[name] = value
        elif len(flat(value)) > LONG and node.step is not unit.block.body[-1]:
            value = forward.let(X, value)
    forward.lines[:] = with_return(forward.lines, value)


def _entered(unit: Unit, kept: set[str], scope: Scope, forward: Forward) -> nodes.Node:
    """What a block is given, which has another name where it is read again."""
    if unit.input.listed:
        return forward.lists[INPUT]
    forward.tensors[INPUT] = X
    if INPUT in kept:
        forward.tensors[INPUT] = forward.let(scope.variables.new("given"), X)
    return X


# --- Lists of maps


def gathered(node: Gather, forward: Forward, scope: Scope) -> nodes.Node:
    """What joins the tensors of a list."""
    assert node.step.maps is not None
    match list_of(node.step.maps, forward, scope):
        case nodes.Display("[", (only,)) if node.op is not None:
            return only
        case nodes.Display("[", items) if not any(isinstance(x, nodes.Starred) for x in items):
            return with_origin(spell_join(node.op, items, scope.file.speller), node.step)
        case listed:
            return with_origin(spell_list(node.op, listed, scope.file.speller), node.step)


def looped(
    loop: Loop,
    modules: nodes.Node,
    value: nodes.Node,
    forward: Forward,
    scope: Scope,
    *,
    last: bool = True,
) -> nodes.Node:
    """Write a loop that calls one module after the other; gives what the last one gave, if
    something reads that.
    """
    kept: Name | None = None
    if loop.keeps is not None:
        kept = forward.new(loop.keeps.name)
        forward.lists[loop.keeps.name] = kept
    alone = not last and not loops.reads_running(loop) and loop.between is None
    if value != X and not (alone and kept):
        forward.let(X, value)
    if kept is not None and not alone:
        forward.let(kept, nodes.Display("[", ()), "list[Tensor]")
    with forward.names.passing():
        layer, variables = forward.new("layer"), _map_variables(loop, forward)
        first = first_node(loop.body)
        origin = first.step.origin if first else None
        given = read(origin, forward, scope) if origin else X
        whole = first if loop.body.layout == "single" else None
        made = applied(whole, layer, given, forward, scope)
        # What stands between two iterations reads one tensor, whatever they read.
        apart = loop.between is not None and bool(variables or made != call(layer, X))
        index = forward.new("i") if loop.between is not None and (kept or apart) else None
        turns = Subscript(modules, EVERY_SECOND) if apart else modules
        target, iterable = _beside_maps(layer, turns, variables, loop, forward, scope)
        if kept is not None and alone:
            forward.let(kept, nodes.Comprehension("[", made, target, iterable))
            return X
        lines: list[Statement] = [Assign((X,), made)]
        if apart and index is not None:
            lines.insert(0, _between(modules, index))
        if kept is not None:
            keep = Do(call(Attribute(kept, "append"), X))
            lines.append(keep if index is None or apart else If(((_is_even(index), (keep,)),)))
        if index is not None:
            target, iterable = counted(index, target, iterable)
        forward.lines.append(For(target, iterable, tuple(lines)))
    return X


def _map_variables(loop: Loop | JoinLoop, forward: Forward) -> tuple[Name, ...]:
    """The variables of a loop that are maps, which can be read from now on."""
    variables = tuple(Name(tensor(walk.value.name)) for walk in loop.walks)
    for walk, variable in zip(loop.walks, variables, strict=True):
        forward.tensors[walk.value.name] = variable
    return variables


def _beside_maps(
    module: Name,
    modules: nodes.Node,
    variables: tuple[Name, ...],
    loop: Loop | JoinLoop,
    forward: Forward,
    scope: Scope,
) -> tuple[nodes.Node, nodes.Node]:
    """What a loop over modules assigns and goes through: the maps that it walks through, too."""
    if not variables:
        return module, modules
    step = loop.step.loop if isinstance(loop, JoinLoop) else loop.step
    maps = scope.file.network.resolution.map_lists(step).values()
    lists = [modules, *(walked(list_of(each, forward, scope)) for each in maps)]
    return Display("bare", (module, *variables)), call("zip", *lists, strict=nodes.Number("True"))


def _between(modules: nodes.Node, index: Name) -> Statement:
    """Call what stands before an iteration, if that is not the first one."""
    before = Binary("-", Binary("*", nodes.Number("2"), index), nodes.Number("1"))
    called = Assign((X,), call(Subscript(modules, before), X))
    return If(((Binary(">", index, nodes.Number("0")), (called,)),))


def _is_even(index: Name) -> nodes.Node:
    """Whether this is an iteration, and not what stands between two."""
    return Binary("==", Binary("%", index, nodes.Number("2")), nodes.Number("0"))


def join(node: Join, value: nodes.Node, name: str, scope: Scope, forward: Forward) -> Made:
    """What joins the branches; a `name` is a level of its own for their layers."""
    reads = scope.file.network.resolution.reads
    owner = own(attribute(name))
    inside = [step for arm in node.step.arms for step in steps(arm.body)]
    alone = not any(reads(step) or isinstance(step, ReuseStep) for step in inside)
    if name and alone and node.op is not None:
        yield from assign_node(node, owner, scope)
        return call(owner, value)
    flags: dict[Arm, nodes.Node] = {}
    for arm in node.arms:
        if arm.test is not None:
            flags[arm] = own(scope.flag(f"{name}_{arm.name}" if name else arm.name))
            yield Assign((flags[arm],), scope.node(arm.test))
    made = [(arm, flags.get(arm)) for arm in node.arms if _has_module(arm.region)]
    if name and made:
        yield from fill(owner, made, lambda arms: call("nn.ModuleDict", *children(arms)), scope)
    for arm, flag in () if name else made:
        yield from assign_arm(arm, own(attribute(arm.name)), flag, scope)
    inputs: list[Input] = []
    for arm in node.arms:
        key = attribute(arm.name)
        module = Subscript(owner, text(key)) if name else own(key)
        first = first_node(arm.region)
        origin = first.step.origin if first else None
        source = read(origin, forward, scope) if origin else value
        if is_function(first):
            given = yield from function(first, f"{name}_{key}".lstrip("_"), source, scope, forward)
            if isinstance(given, Conditional):
                given = forward.let(forward.new(arm.name), given)
        else:
            given = _given_by(arm, module, source, forward, scope)
        inputs.append(Input(arm, given, flags.get(arm)))
    if flags:
        return optional(node, inputs, scope, forward)
    return joined(node, [each.value for each in inputs], scope)


def join_list(
    node: JoinLoop,
    value: nodes.Node,
    name: str,
    part: Stage | AuthorsStep,
    scope: Scope,
    forward: Forward,
) -> Made:
    """What joins the branches of a loop, whose modules are a list under a name: one that joins, if
    the `part` that it is is used again.
    """
    owner, first = own(attribute(name)), first_node(node.body)
    if part in scope.file.network.resolution.parts:
        yield from assign_list(node, owner, joins.list_class(node.op, scope.file.speller), scope)
        return with_origin(call(owner, value), node.step)
    yield from assign_list(node, owner, "nn.ModuleList", scope)
    with forward.names.passing():
        branch, variables = forward.new("branch"), _map_variables(node, forward)
        target, iterable = _beside_maps(branch, owner, variables, node, forward, scope)
        origin = first.step.origin if first else None
        source = read(origin, forward, scope) if origin else value
        given = applied(first, branch, source, forward, scope)
    listed = nodes.Comprehension("[", given, target, iterable)
    return with_origin(spell_list(node.op, listed, scope.file.speller), node.step)


def _has_module(region: Region) -> bool:
    """Whether a branch has a module of its own."""
    first = first_node(region)
    return not (passes(region) or isinstance(first, Reuse) or is_function(first))


def _given_by(
    arm: Arm, module: nodes.Node, source: nodes.Node, forward: Forward, scope: Scope
) -> nodes.Node:
    """What a branch gives for a tensor."""
    first = first_node(arm.region)
    if passes(arm.region):
        return source
    if isinstance(first, Reuse):
        return again(first, source)
    return applied(first, module, source, forward, scope)


def _summed(node: Join, value: nodes.Node, scope: Scope, forward: Forward) -> nodes.Node:
    """A sum or difference of two is written over that of its tensors which nobody else reads."""
    index = scope.file.overwriting.joins.get(node)
    match value:
        case Binary("+" | "-" as sign, left, right) if index is not None and len(node.arms) == 2:
            kept, other = (left, right) if index == 0 else (right, left)
            variable = forward.let(scope.variables.new(node.arms[index].name), kept)
            forward.lines.append(Augment(variable, sign, other, node.step))
            return variable
        case _:
            return value
