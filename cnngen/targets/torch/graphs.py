"""Graphs: layers as attributes, and a `forward` where tensors meet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from cnngen.expressions.algebra import simplify
from cnngen.expressions.expression import Constant, Expression
from cnngen.expressions.expression import Name as Word
from cnngen.plan import loops
from cnngen.plan.program import (
    Arm,
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
    Return,
    Statement,
    Subscript,
    with_origin,
)
from cnngen.semantics.network import INPUT
from cnngen.semantics.walk import steps
from cnngen.syntax.tree import Identifier, ListName, Stage
from cnngen.syntax.tree import Reuse as ReuseStep
from cnngen.syntax.tree import Step as AuthorsStep
from cnngen.targets.loops import counted
from cnngen.targets.map_lists import list_node, walked
from cnngen.targets.spelling import spelling
from cnngen.targets.torch import joins
from cnngen.targets.torch.construct import own
from cnngen.targets.torch.expressions import children
from cnngen.targets.torch.modules import (
    Made,
    Written,
    assign_arm,
    assign_list,
    assign_node,
    fill,
)
from cnngen.targets.torch.names import attribute, tensor
from cnngen.targets.torch.scope import Scope
from cnngen.targets.torch.spell import spell_function, spell_join, spell_list
from cnngen.targets.torch.updates import bound, prepared
from cnngen.targets.torch.use import Reading
from cnngen.targets.torch.variables import Names
from cnngen.targets.values import attribute_values, value_node

X = Name("x")
EVERY_SECOND = nodes.Slice(None, None, nodes.Number("2"))
LONG = 70  # a value longer than this gets a line of its own


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
        return forward.tensors[name.text]
    return Subscript(forward.lists[name.text], _position(name.index, scope))


def _list_of(maps: Expression, forward: Forward, scope: Scope) -> nodes.Node:
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


def graph(unit: Unit, scope: Scope, forward: Forward) -> Written:
    """The layers of a block that joins, which are called one after the other."""
    resolution = scope.file.network.resolution
    names = [name for step in steps(unit.block.body) for name in resolution.reads(step)]
    kept = {name.text for name in names if not isinstance(name, ListName)}
    value: nodes.Node = X
    forward.tensors[INPUT] = X
    if INPUT in kept:
        forward.tensors[INPUT] = forward.let(scope.variables.new("given"), X)
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
        if name in kept:
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
    if isinstance(node, Call) and isinstance(unit := node.layer.made, Unit):
        handed = scope.file.network.resolution.tensors(node.step)
        lists = scope.file.network.resolution.map_lists(node.step)
        if scope.file.classes[unit].forward is not None:  # else the block reads no other
            for name in (each.name for each in unit.tensors):
                listed = lists.get(name)
                tensors.append(
                    read(handed[name], forward, scope)
                    if listed is None
                    else _list_of(listed, forward, scope)
                )
    return call(module, value, *tensors)


# --- Lists of maps


def gathered(node: Gather, forward: Forward, scope: Scope) -> nodes.Node:
    """What joins the tensors of a list."""
    assert node.step.maps is not None
    match _list_of(node.step.maps, forward, scope):
        case nodes.Display("[", (only,)):
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
    lists = [modules, *(walked(_list_of(each, forward, scope)) for each in maps)]
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
    if name and alone:
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


def joined(node: Join, inputs: Sequence[nodes.Node], scope: Scope) -> nodes.Node:
    """The expression that joins tensors."""
    return with_origin(spell_join(node.op, inputs, scope.file.speller), node.step)


# --- Ops that read several tensors


def is_function(node: Node | None) -> bool:
    """Whether a node is no module but an expression: an op that reads several tensors, or one of
    two such.
    """
    match node:
        case Call(layer=layer):
            return not isinstance(layer.made, Unit) and bool(layer.made.tensors)
        case Choice(then=then):
            return is_function(first_node(then))
        case _:
            return False


def function(
    node: Node | None, key: str, value: nodes.Node, scope: Scope, forward: Forward
) -> Made:
    """What such a node gives. What depends on parameters in it, the constructor keeps in attributes
    that begin with the key.
    """
    if isinstance(node, Choice):
        assert node.otherwise is not None
        then, otherwise = first_node(node.then), first_node(node.otherwise)
        flag = own(scope.attribute(f"{key}_{_word(then, otherwise)}"))
        yield Assign((flag,), scope.node(node.test))
        first = yield from function(then, key, value, scope, forward)
        second = yield from function(otherwise, key, value, scope, forward)
        return nodes.Conditional(flag, first, second)
    assert isinstance(node, Call) and not isinstance(node.layer.made, Unit)
    file, op = scope.file, node.layer.made
    values = attribute_values(op, node.layer.arguments, scope.types)
    given: dict[str, nodes.Node] = {}
    for name, each in values.items():
        given[name] = value_node(each, scope.node, file.speller.use)
        if not isinstance(each, str | Constant):
            kept = own(scope.attribute(f"{key}_{name}"))
            yield Assign((kept,), given[name])
            given[name] = kept
    named = file.network.resolution.tensors(node.step)
    tensors = {name: read(other, forward, scope) for name, other in named.items()}
    with spelling(node.step):
        made = spell_function(Reading(op, values, given, value, tensors, file.speller))
    return with_origin(made, node.step)


def _word(then: Node | None, otherwise: Node | None) -> str:
    """The word of the attribute in which two calls differ."""
    match then, otherwise:
        case Call(layer=one), Call(layer=other):
            pairs = ((one.arguments[name], value) for name, value in other.arguments.items())
            words = (a.name for a, b in pairs if a != b and isinstance(a, Word))
            return next(words, "first")
        case _:
            return "first"


# --- Branches that may be absent


@dataclass(frozen=True, slots=True)
class Input:
    """What a branch gives, and the flag that says whether it is there, if it may be absent."""

    arm: Arm
    value: nodes.Node
    flag: nodes.Node | None


def optional(node: Join, inputs: Sequence[Input], scope: Scope, forward: Forward) -> nodes.Node:
    """What joins the branches that are there."""
    always = [each for each in inputs if each.flag is None]
    if len(always) == 1 and len(inputs) == 2:
        return _one_or_both(node, inputs, always[0], scope, forward)
    if always and node.op.accumulates:
        return _accumulated(node, inputs, scope, forward)
    return _listed(node, inputs, scope, forward)


def _one_or_both(
    node: Join, inputs: Sequence[Input], always: Input, scope: Scope, forward: Forward
) -> nodes.Node:
    """`a + b if self.has_a else b`, or `b += a` under the condition."""
    (other,) = (each for each in inputs if each is not always)
    assert other.flag is not None
    kept = always.value
    if not isinstance(kept, Name):
        kept = forward.let(forward.new(always.arm.name), kept)
    if node in scope.file.overwriting.joins:
        added = Augment(kept, "+", other.value, node.step)
        forward.lines.append(If(((other.flag, (added,)),)))
        return kept
    both = joined(node, [kept if each is always else each.value for each in inputs], scope)
    return Conditional(other.flag, both, kept)


def _accumulated(node: Join, inputs: Sequence[Input], scope: Scope, forward: Forward) -> nodes.Node:
    """What the branches give that are always there, and under a condition each of the others."""
    first = [each.value for each in inputs if each.flag is None]
    made = joined(node, first, scope) if len(first) > 1 else first[0]
    total = forward.let(forward.new("joined"), made)
    for each in inputs:
        if each.flag is not None:
            more: Statement = Assign((total,), joined(node, [total, each.value], scope))
            if node in scope.file.overwriting.joins:
                more = Augment(total, "+", each.value, node.step)
            forward.lines.append(If(((each.flag, (more,)),)))
    return total


def _listed(node: Join, inputs: Sequence[Input], scope: Scope, forward: Forward) -> nodes.Node:
    """What joins a list, to which each branch is appended that is there."""
    first = [each.value for each in takewhile(lambda each: each.flag is None, inputs)]
    branches = forward.let(forward.new("branches"), nodes.Display("[", tuple(first)))
    for each in inputs[len(first) :]:
        more = Do(call(nodes.Attribute(branches, "append"), each.value))
        forward.lines.append(more if each.flag is None else If(((each.flag, (more,)),)))
    made = spell_list(node.op, branches, scope.file.speller)
    return with_origin(made, node.step)


# --- Regions


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
