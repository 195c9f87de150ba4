"""Modules: the statements that build the module of a region, and the expression for it.

What can be one expression is one. Anything else is built in a variable, or in the attribute that it
is for.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import takewhile
from typing import assert_never

from cnngen.expressions.expression import Expression, Name
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
)
from cnngen.python import nodes
from cnngen.python.construct import call, if_else, text
from cnngen.python.flat import flat
from cnngen.python.nodes import Assign, Do, For, If, Statement
from cnngen.python.variables import names
from cnngen.targets.loops import free_index, position
from cnngen.targets.torch import joins
from cnngen.targets.torch.construct import CONSTRUCT, EMPTY, EMPTY_LIST, IDENTITY, SELF, own
from cnngen.targets.torch.expressions import (
    Item,
    Step,
    choice_expression,
    expression,
    header,
    joining,
    list_expression,
    loop_of,
    read_only,
    sequential,
    word_of,
)
from cnngen.targets.torch.layers import layer
from cnngen.targets.torch.names import attribute, called
from cnngen.targets.torch.scope import Scope
from cnngen.targets.torch.updates import bound, prepared, updated
from cnngen.targets.torch.words import word

Written = Iterator[Statement]
Made = Generator[Statement, None, nodes.Node]
"""Statements, and then the expression that they prepare."""


# --- One module


def module(node: Step, scope: Scope, name: str = "", binds: Sequence[Bind] = ()) -> Made:
    """The module of a node, and the author's name for it, if it has one. `binds` are those right
    before it.
    """
    if not isinstance(node, Loop):
        yield from bound(binds, scope)
    match node:
        case Call():
            made = layer(node, scope)
            if node.asked is None:
                return made
            instance = nodes.Name(scope.variables.instances[node.asked.name])
            yield Assign((instance,), made)
            return instance
        case Join():
            return (yield from container(node, scope))
        case JoinLoop():
            return (yield from _list(node, scope))
        case Reuse():
            return own(attribute(node.called))
        case Gather():
            raise AssertionError("a list is joined by a `forward`, not by a module")
        case Choice() if (whole := choice_expression(node, scope)) is not None:
            return whole
        case Loop() | Choice():
            variable = scope.variables.new(name or word(node))
            yield from assign_node(node, variable, scope, binds if isinstance(node, Loop) else ())
            return variable
        case _:
            assert_never(node)


def body(region: Region, scope: Scope, name: str = "") -> Made:
    """The module of a region, and the author's name for it, if it has one."""
    if (whole := expression(region, scope)) is not None:
        return whole
    if region.layout == "single":
        made: nodes.Node = IDENTITY
        for binds, node in prepared(region.nodes):
            if node is None or isinstance(node, Pass):
                yield from bound(binds, scope)
            else:
                made = yield from module(node, scope, name, binds)
        return made
    if all(_is_fixed(node, scope) for node in region.nodes):
        return sequential((yield from _items(region.nodes, scope)), scope)
    variable = scope.variables.new(name or word(region))
    yield from build(region, variable, scope)
    return variable


def container(join: Join, scope: Scope) -> Made:
    """A join inside a chain: a module that joins what its children give."""
    if join.always != join.arms:
        variable = scope.variables.new("branches")
        yield from _fill_container(join, variable, scope)
        return variable
    arms = yield from _named(join.arms, scope)
    return joining(join, arms, scope)


def _list(node: JoinLoop, scope: Scope) -> Made:
    """Branches of a loop inside a chain: a list that joins what its modules give."""
    made = joins.list_class(node.op, scope.file.speller)
    if (whole := list_expression(node, made, scope)) is not None:
        return whole
    variable = scope.variables.new("branches")
    yield from assign_list(node, variable, made, scope)
    return variable


def assign_list(node: JoinLoop, target: nodes.Node, made: str, scope: Scope) -> Written:
    """Assign a list of the modules of all iterations, where it belongs."""
    if (whole := list_expression(node, made, scope)) is not None:
        yield Assign((target,), whole)
        return
    yield Assign((target,), call(made))
    if node.collected is not None:
        yield _no_channels(node.collected, scope)
    names, iterable = loop_of(node, scope)
    inside = [*_appended(node.body, target, scope)]
    if node.update is not None:
        inside += updated(node.variable, node.update, scope)
    if node.collected is not None:
        inside.append(_collected(node.collected, node.body.gives.channels, scope))
    yield For(names, iterable, tuple(inside))


def _fill_container(join: Join, target: nodes.Node, scope: Scope) -> Written:
    """Assign a join with branches that may be absent to a variable or an attribute."""
    yield from fill(
        target,
        [(arm, None if arm.test is None else scope.node(arm.test)) for arm in join.arms],
        lambda arms: joining(join, arms, scope),
        scope,
    )


def fill(
    target: nodes.Node,
    arms: Sequence[tuple[Arm, nodes.Node | None]],
    made: Callable[[Sequence[Item]], nodes.Node],
    scope: Scope,
) -> Written:
    """Assign a dictionary of modules, `made` of the first branches, and add the others in order:
    from the first one with a condition on.
    """
    first = [arm for arm, _ in takewhile(lambda each: each[1] is None, arms)]
    yield Assign((target,), made((yield from _named(first, scope))))
    for arm, test in arms[len(first) :]:
        child = nodes.Subscript(target, text(attribute(arm.name)))
        if test is None:
            yield from _put(arm, child, scope)
        else:
            yield If(((test, (*_put(arm, child, scope),)),))


def _put(arm: Arm, target: nodes.Node, scope: Scope) -> Written:
    with scope.variables.names.passing():
        made = yield from body(arm.region, scope, arm.name)
        yield Assign((target,), made)
    yield from updated(arm.variable, arm.region.gives.channels, scope)


def assign_arm(arm: Arm, target: nodes.Node, test: nodes.Node | None, scope: Scope) -> Written:
    """Assign the module of a branch to an attribute, under its condition if it has one."""
    written = assign(arm.region, target, scope)
    if test is None:
        yield from written
    else:
        then = (*written, *updated(arm.variable, arm.region.gives.channels, scope))
        yield If(((test, then),))


def _named(arms: Sequence[Arm], scope: Scope) -> Generator[Statement, None, list[Item]]:
    items: list[Item] = []
    for arm in arms:
        items.append((arm.name, (yield from body(arm.region, scope, arm.name))))
    return items


def _items(found: Sequence[Node], scope: Scope) -> Generator[Statement, None, list[Item]]:
    items: list[Item] = []
    for binds, node in prepared(found):
        if node is None or isinstance(node, Pass):  # what it reads has been handed in
            yield from bound(binds, scope)
        else:
            name = word_of(node)
            items.append((name, (yield from module(node, scope, name, binds))))
    return items


# --- What is built where it belongs


def assign(region: Region, target: nodes.Node, scope: Scope) -> Written:
    """Assign the module of a region to a variable or an attribute."""
    match region.layout:
        case "single":
            for binds, node in prepared(region.nodes):
                if node is None or isinstance(node, Pass):
                    yield from bound(binds, scope)
                    yield from () if node is None else (Assign((target,), IDENTITY),)
                else:
                    yield from assign_node(node, target, scope, binds)
        case "chain":
            yield from build(region, target, scope)
        case _:
            yield Assign((target,), IDENTITY)


def assign_node(
    node: Step, target: nodes.Node, scope: Scope, binds: Sequence[Bind] = ()
) -> Written:
    match node:
        case Choice():
            yield from bound(binds, scope)
            yield from _assign_choice(node, target, scope)
        case Loop(written_out=True):
            yield from bound(binds, scope)
            yield from _assign_list(node, target, scope)
        case Loop():
            yield Assign((target,), EMPTY)
            yield from bound(binds, scope)
            yield from _loop(node, target, scope)
        case Join() if node.always != node.arms:
            yield from bound(binds, scope)
            yield from _fill_container(node, target, scope)
        case Call(asked=Name() as asked) if isinstance(target, nodes.Attribute):
            yield from bound(binds, scope)
            yield Assign((target,), layer(node, scope))
            scope.variables.put(asked, flat(target))
        case _:
            with scope.variables.names.passing():
                made = yield from module(node, scope, binds=binds)
                yield Assign((target,), made)


def _assign_list(node: Loop, target: nodes.Node, scope: Scope) -> Written:
    """Assign a list of modules: in one expression, if each is one."""
    written = [*_loop(node, target, scope)]
    match written:
        case [
            For(
                variables,
                iterable,
                (Do(nodes.Call(_, (nodes.Attribute() | nodes.Call() as made,))),),
            )
        ]:
            variables, iterable = read_only(variables, iterable, names(made), scope)
            each = nodes.Comprehension("", made, variables, iterable)
            yield Assign((target,), call("nn.ModuleList", each))
        case _:
            yield Assign((target,), EMPTY_LIST)
            if node.collected is not None:
                yield _no_channels(node.collected, scope)
            yield from written


def _no_channels(collected: Name, scope: Scope) -> Statement:
    """The list of the channels that iterations give, before the first one."""
    return Assign((scope.node(collected),), nodes.Display("[", ()), annotation="list[int]")


def _collected(collected: Name, channels: Expression, scope: Scope) -> Statement:
    """Add what an iteration gives to that list."""
    return _append(scope.node(collected), scope.node(channels))


def _assign_choice(choice: Choice, target: nodes.Node, scope: Scope) -> Written:
    """Assign a module under a condition, and what stands for it otherwise."""
    then = _arm(choice, choice.then, assign(choice.then, target, scope), scope)
    if choice.otherwise is None:
        yield Assign((target,), IDENTITY)
        yield If(((scope.node(choice.test), then),))
        return
    otherwise = _arm(choice, choice.otherwise, assign(choice.otherwise, target, scope), scope)
    yield if_else(scope.node(choice.test), then, otherwise)


def build(region: Region, target: nodes.Node, scope: Scope) -> Written:
    """Build a Sequential in place: what is fixed in one call, then loops and conditions that append
    to it.
    """
    fixed = _fixed(region, scope)
    with scope.variables.names.passing():
        made = sequential((yield from _items(fixed, scope)), scope)
        if target == SELF:
            yield Do(nodes.Call(CONSTRUCT, made.arguments, made.explode))
        else:
            yield Assign((target,), made)
    for binds, node in prepared(region.nodes[len(fixed) :]):
        if node is None or isinstance(node, Pass):
            yield from bound(binds, scope)
        else:
            yield from _extend(node, target, scope, binds)


def _fixed(region: Region, scope: Scope) -> Sequence[Node]:
    """The first nodes, as many as one call can have."""
    count = 0
    for i, node in enumerate(region.nodes):
        if region.layout == "single" or not _is_fixed(node, scope):
            break
        count = count if isinstance(node, Bind) else i + 1
    return region.nodes[:count]


def _is_fixed(node: Node, scope: Scope) -> bool:
    """Whether a node is one module that can stand among others."""
    match node:
        case Call() | Join() | JoinLoop() | Reuse() | Pass() | Bind():
            return True
        case Choice():
            return choice_expression(node, scope) is not None
        case Loop() | Gather():
            return False


def _extend(node: Step, target: nodes.Node, scope: Scope, binds: Sequence[Bind]) -> Written:
    """Append a node to the Sequential `target`."""
    match node:
        case Loop() if not word_of(node):
            yield from bound(binds, scope)
            yield from _loop(node, target, scope)
        case Choice() if not word_of(node) and not _is_fixed(node, scope):
            yield from bound(binds, scope)
            yield from _extend_by_choice(node, target, scope)
        case _:
            name = word_of(node)
            with scope.variables.names.passing():
                made = yield from module(node, scope, name, binds)
                add = nodes.Attribute(target, "add_module")
                yield Do(call(add, text(attribute(name)), made)) if name else _append(target, made)


def _extend_by_choice(choice: Choice, target: nodes.Node, scope: Scope) -> Written:
    """A condition in a chain has a position of its own: where its layers are left out, an identity
    takes it.
    """
    then = _arm(choice, choice.then, _appended(choice.then, target, scope), scope)
    otherwise: tuple[Statement, ...] = (_append(target, IDENTITY),)
    if choice.otherwise is not None:
        appended = _appended(choice.otherwise, target, scope)
        otherwise = _arm(choice, choice.otherwise, appended, scope)
    yield if_else(scope.node(choice.test), then, otherwise)


def _arm(choice: Choice, region: Region, written: Written, scope: Scope) -> tuple[Statement, ...]:
    return (*written, *updated(choice.variable, region.gives.channels, scope))


def _append(target: nodes.Node, made: nodes.Node) -> Statement:
    return Do(call(nodes.Attribute(target, "append"), made))


def _appended(region: Region, target: nodes.Node, scope: Scope) -> Written:
    with scope.variables.names.passing():
        made = yield from body(region, scope)
        yield _append(target, made)


# --- Loops


def _loop(loop: Loop, target: nodes.Node, scope: Scope) -> Written:
    """Append each iteration; where channels change, a variable goes with them."""
    own = position(loop.step)
    index = called(own) if own else free_index(scope.variables.names.taken)
    index = nodes.Name(index) if loop.between else None
    inside: list[Statement] = []
    if loop.between is not None and index is not None:
        between = [*_iteration(loop, loop.between, target, scope)]
        inside.append(If(((nodes.Binary(">", index, nodes.Number("0")), tuple(between)),)))
    inside += _iteration(loop, loop.body, target, scope)
    target_names, iterable = header(loop.step, loop.walks, index, scope)
    yield For(target_names, iterable, tuple(inside))


def _iteration(loop: Loop, region: Region, target: nodes.Node, scope: Scope) -> Written:
    yield from _appended(region, target, scope)
    yield from updated(loop.variable, region.gives.channels, scope)
    if loop.collected is not None and region is loop.body:
        yield _collected(loop.collected, loop.variable or region.gives.channels, scope)
