"""Regions of the plan as statements on tensors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import assert_never

from cnngen.expressions.algebra import add, multiply, simplify, subtract
from cnngen.expressions.expression import Constant, Expression, Name
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
    regions,
    step_of,
)
from cnngen.python import nodes
from cnngen.python.construct import call
from cnngen.python.flat import flat
from cnngen.python.nodes import Origin, with_origin
from cnngen.semantics.map_lists import names_in
from cnngen.semantics.resolve import Resolution
from cnngen.syntax.tree import Each, Identifier, ListName, Repeat
from cnngen.targets.keras.calls import op_call, unit_call
from cnngen.targets.keras.construct import applied, channels_of
from cnngen.targets.keras.frame import Frame
from cnngen.targets.keras.layer_name import LayerName
from cnngen.targets.keras.shared import (
    entry,
    first_step,
    identity,
    may_pass,
    model,
    only_layer,
    passes,
)
from cnngen.targets.keras.spell import spell_join, spell_list
from cnngen.targets.keras.suite import Suite
from cnngen.targets.loops import UNREAD, loop_header, position
from cnngen.targets.map_lists import walked

LONGEST_POSITION = 30  # characters of code in a layer's name
ZERO, TWO = Constant(0), Constant(2)


@dataclass(slots=True)
class Bound:
    """A variable for a position that takes long to say: the place of its assignment, and what it
    stands for.
    """

    index: int
    variable: str
    position: Expression
    code: nodes.Node


def write_region(
    region: Region,
    name: LayerName,
    x: str,
    out: str,
    code: Suite,
    frame: Frame,
    *,
    is_given: bool = False,
) -> str:
    """Write the statements of a region that reads the variable `x` and writes `out`; gives the
    variable of its result. One that `is_given` what it reads begins with `x`, whatever its first
    step names.
    """
    resolution = frame.file.program.network.resolution
    kept = names_read(region, resolution) if region.layout == "graph" else set[str]()
    bound: list[Bound] = []
    flattened = False
    steps = [node for node in region.nodes if not isinstance(node, Bind)]  # tensors know channels
    for i, node in enumerate(steps):
        step = step_of(node)
        if step is not None and step.origin and not (is_given and i == 0):
            x = read(step.origin, out, code, frame)
        if isinstance(node, Pass) or flattened:
            flattened = False
            continue
        given = step.name.text if step is not None and step.name else ""
        used = given if step in frame.shared and region.layout == "graph" else ""
        if used:
            frame.parts[used] = frame.variable(used)
        listed = not isinstance(node, Bind) and node.gives.listed
        target = frame.variable(given) if given in kept or (given and listed) else out
        if isinstance(node, Loop) and node.key is None:
            first = _from(bound, node.first)
            x = _loop(node, name, first, x, target, code, frame)
            if region.layout == "chain":
                _bind(loops.after(first, node.step), node, bound, code, frame)
            continue
        key = node.level if isinstance(node, Join | JoinLoop | Gather) else node.key
        if key is not None and not isinstance(key, str):
            key = _from(bound, key)
        at = name if key is None else name.below(key, frame.scope)
        if (pool := _pool_before_flatten(steps[i : i + 2])) is not None:
            layer = with_origin(call(pool, name=at.node), step)
            made = with_origin(applied(layer, nodes.Name(x)), step_of(steps[i + 1]))
            code.assign(target, made)
            x, flattened = target, True
        elif used:
            assert not isinstance(node, Gather), "what reads several maps is not used again"
            part = Region("single", node.reads, (node,), node.gives)
            write = partial(_node, node, at, code=code, frame=frame)
            x = write_part(part, used, at, x, target, write, code, frame)
        else:
            x = _node(node, at, x, target, code, frame)
        if given and listed:
            frame.lists[given] = x
        elif given in kept:
            if x != target:  # an identity, whose variable other steps will write
                code.assign(target, nodes.Name(x))
            frame.tensors[given] = x = target
    for each in reversed(bound):
        code.define(each.index, each.variable, each.code)
    return x


def read(name: Identifier, out: str, code: Suite, frame: Frame) -> str:
    """The variable of a tensor; one of a list is put into `out`."""
    match frame.read(name):
        case nodes.Name(variable):
            return variable
        case item:
            code.assign(out, item)
            return out


def names_read(region: Region, resolution: Resolution) -> set[str]:
    """The names by which the nodes of a region read tensors."""
    found: set[str] = set()
    for node in region.nodes:
        step = step_of(node)
        if step is not None and step.origin and not isinstance(step.origin, ListName):
            found.add(step.origin.text)
        lists = resolution.map_lists(step).values() if step is not None else ()
        found |= {
            name.text for maps in lists for name in names_in(maps) if not isinstance(name, ListName)
        }
        if isinstance(node, Call):
            found |= {tensor.name for tensor in node.tensors.values() if tensor.name}
        for inner in regions(node):
            found |= names_read(inner, resolution)
    return found


def _bind(position: Expression, loop: Loop, bound: list[Bound], code: Suite, frame: Frame) -> None:
    """Bind the position behind a loop to a variable, where it takes long to say."""
    made = frame.scope.node(position)
    if len(flat(made)) > LONGEST_POSITION:
        whole = loops.after(loop.first, loop.step)
        bound.append(Bound(len(code.statements), frame.variable("position"), whole, made))


def _from(bound: Sequence[Bound], position: Expression) -> Expression:
    """A position counted from the variable that was bound last."""
    if not bound:
        return position
    last = bound[-1]
    return simplify(add(Name(last.variable), subtract(position, last.position)))


def _pool_before_flatten(pair: Sequence[Node]) -> str | None:
    """The layer that is both a global pool and a `flatten` behind it: Keras' pools give vectors
    unless told otherwise.
    """
    match pair:
        case [Call(step=pool) as first, Call(step=after) as second]:
            alone = not pool.name and not after.name and not after.origin
            made = first.layer.made
            flatten = second.layer.made
            if isinstance(made, Unit) or isinstance(flatten, Unit):
                return None
            if alone and flatten.flattens and made.flat_in_keras:
                return f"layers.{made.flat_in_keras}"
        case _:
            pass
    return None


def _node(node: Node, name: LayerName, x: str, out: str, code: Suite, frame: Frame) -> str:
    match node:
        case Call(layer=layer):
            if isinstance(layer.made, Unit):
                code.assign(out, unit_call(node, layer.made, name, x, frame), node.step)
                return out
            return _op(node, name, x, out, code, frame)
        case Loop(first=first):
            return _loop(node, name, first, x, out, code, frame)
        case Choice():
            return _choice(node, name, x, out, code, frame)
        case Join():
            return _join(node, name, x, out, code, frame)
        case Gather():
            return _gather(node, name, out, code, frame)
        case JoinLoop():
            return _join_loop(node, name, x, out, code, frame)
        case Reuse():
            return _call_part(node.called, node.part, x, out, code, frame, node.step)
        case Pass() | Bind():
            return x
        case _:
            assert_never(node)


def write_part(
    part: Region,
    called: str,
    name: LayerName,
    x: str,
    out: str,
    write: Callable[[str, str], str],
    code: Suite,
    frame: Frame,
) -> str:
    """Write a part that is used again: the layer or model that it is, and its first call. `write`
    writes its layers between two variables, and gives that of its result.
    """
    if not passes(part):
        made = only_layer(part, name, frame)
        if made is None:
            taken = set(frame.taken)
            inputs, y = frame.variable("inputs"), frame.variable("y")
            entry(part, x, code, inputs, frame)
            read = inputs
            if may_pass(part):
                read = y
                code.assign(y, identity(inputs, name, frame))
            made = model(inputs, write(read, y), name)
            frame.taken = taken
        code.assign(frame.parts[called], made, first_step(part))
    return _call_part(called, part, x, out, code, frame)


def _call_part(
    called: str, part: Region, x: str, out: str, code: Suite, frame: Frame, origin: Origin = None
) -> str:
    if passes(part):
        return x
    code.assign(out, applied(nodes.Name(frame.parts[called]), nodes.Name(x)), origin)
    return out


def _op(node: Call, name: LayerName, x: str, out: str, code: Suite, frame: Frame) -> str:
    """Write an op; a depthwise layer or else a grouped one, where the number of channels tells."""
    made = node.layer.made
    if not isinstance(made, Unit) and made.is_identity:
        return x
    first, *others = op_call(node, name, x, frame)
    if not others:
        _assign(out, first, node, code)
        return out
    then, otherwise = code.inside(), code.inside()
    _assign(out, first, node, then)
    _assign(out, others[0], node, otherwise)
    groups = node.layer.arguments["groups"]
    assert isinstance(groups, Expression)
    test = nodes.Binary("==", channels_of(nodes.Name(x)), frame.scope.node(groups))
    code.choose(test, then, otherwise)
    return out


def _assign(out: str, value: nodes.Node, node: Call, code: Suite) -> None:
    """Assign the value of an op; what pads its input is a statement of its own."""
    match value:
        case nodes.Call(layer, (nodes.Call() as padded, *rest)):
            code.assign(out, padded, node.step)
            value = nodes.Call(layer, (nodes.Name(out), *rest))
        case _:
            pass
    code.assign(out, value, node.step)


# --- Loops, conditions, joins


def _loop(
    node: Loop,
    name: LayerName,
    first: Expression,
    x: str,
    out: str,
    code: Suite,
    frame: Frame,
) -> str:
    """Write a loop; its counter gives the positions of its iterations."""
    if loops.reads_running(node):
        _enter(x, out, code)
    kept = frame.variable(node.keeps.name) if node.keeps else ""
    if node.keeps:
        code.assign(kept, nodes.Display("[", ()))
    maps, own = _maps(node.step, frame), position(node.step)
    with frame.index(frame.scope.called(own) if own else None) as index:
        counter = Name(own or index)
        counts = isinstance(node.step, Repeat) and first != ZERO  # from its first position on
        step = counter if node.between is None else multiply(TWO, counter)
        at = counter if counts else simplify(add(first, step))
        body = code.inside()
        if node.between is not None:
            between = body.inside()
            before = simplify(subtract(at, Constant(1)))
            _arm(node.between, name.below(before, frame.scope), out, out, between, frame)
            body.choose(nodes.Binary(">", nodes.Name(index), nodes.Number("0")), between)
        _arm(node.body, name.below(at, frame.scope), out, out, body, frame)
        if node.keeps:
            body.do(call(nodes.Attribute(nodes.Name(kept), "append"), nodes.Name(out)))
            frame.lists[node.keeps.name] = kept
        asked = nodes.Name(index) if index in body.names else None
        variables = _variables(node.step, body.names, frame)
        target, iterable = loop_header(node.step, asked, variables, frame.scope.node, maps)
        if counts and asked is not None:
            last = loops.after(first, node.step)
            iterable = call("range", frame.scope.node(first), frame.scope.node(last))
    code.loop(target, iterable, body)
    return out


def _maps(step: Repeat | Each, frame: Frame) -> dict[str, nodes.Node]:
    """The lists of maps that a loop walks through, by its variables, which can be read now."""
    lists = frame.file.program.network.resolution.map_lists(step)
    frame.tensors |= {variable: frame.scope.called(variable) for variable in lists}
    return {variable: walked(frame.listed(each)) for variable, each in lists.items()}


def _variables(step: Repeat | Each, used: set[str], frame: Frame) -> list[str]:
    """The variables of an `each`; what nobody reads is marked so."""
    lists = step.lists if isinstance(step, Each) else ()
    called = [frame.scope.called(variable.text) for variable, _ in lists]
    return [name if name in used else f"{UNREAD}{name}" for name in called]


def _enter(x: str, out: str, code: Suite) -> None:
    """What is written under a loop or a condition must have a value before."""
    if x != out:
        code.assign(out, nodes.Name(x))


def _arm(region: Region, name: LayerName, x: str, out: str, code: Suite, frame: Frame) -> None:
    """Write a region that ends in `out`."""
    before = len(code.statements)
    value = write_region(region, name, x, out, code, frame)
    if value != out:
        code.assign(out, nodes.Name(value))
    elif len(code.statements) == before:
        code.nothing()


def _choice(node: Choice, name: LayerName, x: str, out: str, code: Suite, frame: Frame) -> str:
    then = code.inside()
    if node.otherwise is None:
        _enter(x, out, code)
        test = frame.scope.node(node.test)
        _arm(node.then, name, out, out, then, frame)
        code.choose(test, then)
        return out
    test = frame.scope.node(node.test)
    _arm(node.then, name, x, out, then, frame)
    otherwise = code.inside()
    _arm(node.otherwise, name, x, out, otherwise, frame)
    code.choose(test, then, otherwise)
    return out


def _gather(node: Gather, name: LayerName, out: str, code: Suite, frame: Frame) -> str:
    """Write what joins a list; a single one is left as it is."""
    assert node.step.maps is not None and isinstance(node.key, str)
    at = name.below(node.key, frame.scope).node
    listed = frame.listed(node.step.maps)
    match listed:
        case _ if node.op is None:
            made: nodes.Node = listed
        case nodes.Display("[", (only,)):
            made = only
        case nodes.Display("[", (_, _, *_)):
            made = spell_list(node.op, listed, at, frame.scope.speller)
        case _:
            several = nodes.Binary(">", call("len", listed), nodes.Number("1"))
            joined = spell_list(node.op, listed, at, frame.scope.speller)
            made = nodes.Conditional(several, joined, nodes.Subscript(listed, nodes.Number("0")))
    code.assign(out, made, node.step)
    return out


def _join(node: Join, name: LayerName, x: str, out: str, code: Suite, frame: Frame) -> str:
    """Write the arms one after the other, each in a variable of its own, then the join."""
    taken = set(frame.taken)
    assert isinstance(node.key, str)
    at = name.below(node.key, frame.scope).node
    value = out
    if node.always == node.arms:
        inputs = [_branch(arm, name, x, code, frame) for arm in node.arms]
        code.assign(out, spell_join(node.op, inputs, at, frame.scope.speller), node.step)
    elif len(node.always) == 1 and len(node.arms) == 2:
        value = _one_or_both(node, name, at, x, out, code, frame)
    else:
        _listed(node, name, at, x, out, code, frame)
    frame.taken = taken | {value}
    return value


def _branch(arm: Arm, name: LayerName, x: str, code: Suite, frame: Frame) -> str:
    """Write what a branch computes; gives the variable of its result."""
    below = name.below(arm.name, frame.scope)
    return write_region(arm.region, below, x, frame.variable(arm.name), code, frame)


def _one_or_both(
    node: Join, name: LayerName, at: nodes.Node, x: str, out: str, code: Suite, frame: Frame
) -> str:
    """Write a branch and, under a condition, another one and the join of both. What the first one
    computed is written over; what it passed on is not.
    """
    (always,), (other,) = node.always, (arm for arm in node.arms if arm.test is not None)
    assert other.test is not None
    known = {x, *frame.tensors.values()}
    kept = _branch(always, name, x, code, frame)
    out = out if kept in known else kept
    then, otherwise = code.inside(), code.inside()
    added = _branch(other, name, x, then, frame)
    inputs = [kept if arm is always else added for arm in node.arms]
    then.assign(out, spell_join(node.op, inputs, at, frame.scope.speller), node.step)
    otherwise.assign(out, nodes.Name(kept))
    code.choose(frame.scope.node(other.test), then, otherwise if kept != out else None)
    return out


def _listed(
    node: Join, name: LayerName, at: nodes.Node, x: str, out: str, code: Suite, frame: Frame
) -> None:
    """Write a list, to which each branch is appended that is there, and the join of these."""
    branches = nodes.Name(frame.variable("branches"))
    first = [*takewhile(lambda arm: arm.test is None, node.arms)]
    inputs = [nodes.Name(_branch(arm, name, x, code, frame)) for arm in first]
    code.assign(branches.text, nodes.Display("[", tuple(inputs)))
    for arm in node.arms[len(first) :]:
        inner = code if arm.test is None else code.inside()
        value = nodes.Name(_branch(arm, name, x, inner, frame))
        inner.do(call(nodes.Attribute(branches, "append"), value))
        if arm.test is not None:
            code.choose(frame.scope.node(arm.test), inner)
    made = spell_list(node.op, branches, at, frame.scope.speller)
    if len(node.always) < 2:
        several = nodes.Binary(">", call("len", branches), nodes.Number("1"))
        made = nodes.Conditional(several, made, nodes.Subscript(branches, nodes.Number("0")))
    code.assign(out, made, node.step)


def _join_loop(node: JoinLoop, name: LayerName, x: str, out: str, code: Suite, frame: Frame) -> str:
    """Write a list of what all iterations give, in one expression where that can be; and a join."""
    taken, loop = set(frame.taken), node.step.loop
    appended, branch = frame.variable("branches"), frame.variable("branch")
    maps, own = _maps(loop, frame), position(loop)
    with frame.index(frame.scope.called(own) if own else None) as index:
        body = code.inside()
        at = name.below(Name(own or index), frame.scope)
        value = write_region(node.body, at, x, branch, body, frame)
        asked = nodes.Name(index) if index in body.names else None
        variables = _variables(loop, body.names, frame)
        target, iterable = loop_header(loop, asked, variables, frame.scope.node, maps)
    element = _only_value(body, value)
    apart = node.op is None and (element is not None or out != x)
    branches = nodes.Name(out if apart else appended)
    if element is not None:
        code.assign(branches.text, nodes.Comprehension("[", element, target, iterable))
    else:  # all iterations read `x`
        body.do(call(nodes.Attribute(branches, "append"), nodes.Name(value)))
        code.assign(branches.text, nodes.Display("[", ()))
        code.loop(target, iterable, body)
    if node.op is None:
        frame.taken = taken | {branches.text}
        return branches.text
    assert isinstance(node.key, str)
    joined = name.below(node.key, frame.scope).node
    code.assign(out, spell_list(node.op, branches, joined, frame.scope.speller), node.step)
    frame.taken = taken | {out}
    return out


def _only_value(body: Suite, value: str) -> nodes.Node | None:
    """The value of a variable, where nothing but its assignment leads to it."""
    match body.statements:
        case []:
            return nodes.Name(value)
        case [nodes.Assign((nodes.Name(target),), made, origin=origin)] if target == value:
            return made if origin is None else with_origin(made, origin)
        case _:
            return None
