"""Modules: the statements that build the module of a region, and the expression for it.

What can be one expression is one. Anything else is built in a variable, or in the attribute that it
is for. Whether a region is an expression is found out from the inside outwards, once for each, so
that nothing is written twice.
"""

from collections.abc import Generator, Iterator, Sequence
from typing import assert_never

from cnngen.expressions.algebra import equal, linear_step
from cnngen.expressions.expression import (
    Binary,
    Conditional,
    Expression,
    InputChannels,
    Name,
    Unary,
)
from cnngen.plan.program import Bind, Call, Choice, Join, Loop, Node, Pass, Region
from cnngen.python import nodes
from cnngen.python.flat import flat
from cnngen.python.nodes import Assign, Augment, Do, For, If, Statement
from cnngen.syntax.tree import Repeat
from cnngen.targets.torch.construct import (
    CONSTRUCT,
    EMPTY,
    IDENTITY,
    SELF,
    call,
    dictionary,
    pairs,
    text,
)
from cnngen.targets.torch.layers import layer
from cnngen.targets.torch.scope import Scope

Written = Iterator[Statement]
Made = Generator[Statement, None, nodes.Node]
"""Statements, and then the expression that they prepare."""
Step = Call | Loop | Choice | Join
Item = tuple[str, nodes.Node]
"""A module in a Sequential, and its key there if it has a word."""

STEPS = "steps"  # what a module is called that the author gave no name
LONGEST_CHOICE = 80


# --- One module


def module(node: Step, scope: Scope, hint: str = STEPS, binds: Sequence[Bind] = ()) -> Made:
    """The module of a node; `hint` is what its variable is called, if it needs one. `binds` are
    those right before it.
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
        case Choice() if (whole := _choice_expression(node, scope)) is not None:
            return whole
        case Loop() | Choice():
            variable = scope.variables.fresh(hint)
            yield from assign_node(node, variable, scope, binds if isinstance(node, Loop) else ())
            return variable
        case _:
            assert_never(node)


def body(region: Region, scope: Scope, hint: str = STEPS) -> Made:
    """The module of a region."""
    if (whole := expression(region, scope)) is not None:
        return whole
    if region.layout == "single":
        made: nodes.Node = IDENTITY
        for binds, node in prepared(region.nodes):
            if node is None or isinstance(node, Pass):
                yield from bound(binds, scope)
            else:
                made = yield from module(node, scope, hint, binds)
        return made
    if all(_is_fixed(node, scope) for node in region.nodes):
        return sequential((yield from _items(region.nodes, scope)), scope)
    variable = scope.variables.fresh(hint)
    yield from build(region, variable, scope)
    return variable


def container(join: Join, scope: Scope) -> Made:
    """A join inside a chain: a module that joins what its children give."""
    arms: list[Item] = []
    for name, region in join.arms:
        arms.append((name, (yield from body(region, scope, name))))
    return _joining(join, arms, scope)


def _joining(join: Join, arms: Sequence[Item], scope: Scope) -> nodes.Node:
    return call(scope.file.speller.use(join.op.name.capitalize()), dictionary(arms))


def sequential(items: Sequence[Item], scope: Scope) -> nodes.Call:
    """A Sequential of modules, one a line where there are several."""
    if not any(key for key, _ in items):
        return call("nn.Sequential", *(made for _, made in items), explode=len(items) > 1)
    scope.file.speller.imports("collections", "OrderedDict")
    listed = pairs([(key or str(i), made) for i, (key, made) in enumerate(items)])
    return call("nn.Sequential", call("OrderedDict", listed))


def _items(found: Sequence[Node], scope: Scope) -> Generator[Statement, None, list[Item]]:
    items: list[Item] = []
    for binds, node in prepared(found):
        if node is None or isinstance(node, Pass):  # what it reads has been handed in
            yield from bound(binds, scope)
        else:
            word = _word(node)
            items.append((word, (yield from module(node, scope, word or STEPS, binds))))
    return items


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


def _word(node: Step) -> str:
    """The key of a node, if that is a word."""
    key = node.level if isinstance(node, Join) else node.key
    return key if isinstance(key, str) else ""


# --- What is an expression as a whole


def expression(region: Region, scope: Scope) -> nodes.Node | None:
    """The module of a region, if that needs no statements."""
    if region not in scope.expressions:
        scope.expressions[region] = _expression(region, scope)
    return scope.expressions[region]


def _expression(region: Region, scope: Scope) -> nodes.Node | None:
    items: list[Item] = []
    for node in region.nodes:
        if isinstance(node, Pass):
            continue
        if isinstance(node, Bind) or (made := _node_expression(node, scope)) is None:
            return None
        items.append((_word(node), made))
    if region.layout == "chain":
        return sequential(items, scope)
    return items[0][1] if items else IDENTITY


def _node_expression(node: Step, scope: Scope) -> nodes.Node | None:
    match node:
        case Call():
            return None if node.asked else layer(node, scope)
        case Loop():
            return None
        case Choice():
            return _choice_expression(node, scope)
        case Join():
            return _join_expression(node, scope)
        case _:
            assert_never(node)


def _join_expression(join: Join, scope: Scope) -> nodes.Node | None:
    arms: list[Item] = []
    for name, region in join.arms:
        if (made := expression(region, scope)) is None:
            return None
        arms.append((name, made))
    return _joining(join, arms, scope)


def _choice_expression(choice: Choice, scope: Scope) -> nodes.Node | None:
    """`a if test else b`, if both are short."""
    if choice not in scope.expressions:
        scope.expressions[choice] = _short_choice(choice, scope)
    return scope.expressions[choice]


def _short_choice(choice: Choice, scope: Scope) -> nodes.Node | None:
    arms = [choice.then] if choice.otherwise is None else [choice.then, choice.otherwise]
    if choice.variable or any(len(arm.nodes) > 1 for arm in arms):
        return None
    made = [expression(arm, scope) for arm in arms]
    then, otherwise = made[0], made[1] if len(made) > 1 else IDENTITY
    if then is None or otherwise is None:
        return None
    match choice.test:
        case Unary("not", test):
            whole = nodes.Conditional(scope.node(test), otherwise, then)
        case test:
            whole = nodes.Conditional(scope.node(test), then, otherwise)
    return whole if len(flat(whole)) <= LONGEST_CHOICE else None


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
        case Loop():
            yield Assign((target,), EMPTY)
            yield from bound(binds, scope)
            yield from _loop(node, target, scope)
        case _:
            with scope.variables.names.passing():
                made = yield from module(node, scope, binds=binds)
                yield Assign((target,), made)


def _assign_choice(choice: Choice, target: nodes.Node, scope: Scope) -> Written:
    """Assign a module under a condition, and what stands for it otherwise."""
    then = _arm(choice, choice.then, assign(choice.then, target, scope), scope)
    if choice.otherwise is None:
        yield Assign((target,), EMPTY if choice.then.layout == "chain" else IDENTITY)
        yield If(((scope.node(choice.test), then),))
        return
    otherwise = _arm(choice, choice.otherwise, assign(choice.otherwise, target, scope), scope)
    yield If(((scope.node(choice.test), then), (None, otherwise)))


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
        case Call() | Join() | Pass() | Bind():
            return True
        case Choice():
            return _choice_expression(node, scope) is not None
        case Loop():
            return False


def _extend(node: Step, target: nodes.Node, scope: Scope, binds: Sequence[Bind]) -> Written:
    """Append a node to the Sequential `target`."""
    match node:
        case Loop() if not _word(node):
            yield from bound(binds, scope)
            yield from _loop(node, target, scope)
        case Choice() if not _word(node) and not _is_fixed(node, scope):
            yield from bound(binds, scope)
            yield from _extend_by_choice(node, target, scope)
        case _:
            word = _word(node)
            with scope.variables.names.passing():
                made = yield from module(node, scope, word or STEPS, binds)
                add = nodes.Attribute(target, "add_module")
                yield Do(call(add, text(word), made)) if word else _append(target, made)


def _extend_by_choice(choice: Choice, target: nodes.Node, scope: Scope) -> Written:
    """A condition in a chain keeps its position: what is not there is an identity."""
    then = _arm(choice, choice.then, _appended(choice.then, target, scope), scope)
    otherwise: tuple[Statement, ...] = (_append(target, IDENTITY),)
    if choice.otherwise is not None:
        appended = _appended(choice.otherwise, target, scope)
        otherwise = _arm(choice, choice.otherwise, appended, scope)
    yield If(((scope.node(choice.test), then), (None, otherwise)))


def _arm(choice: Choice, region: Region, written: Written, scope: Scope) -> tuple[Statement, ...]:
    return (*written, *_update(choice.variable, region.gives.channels, scope))


def _append(target: nodes.Node, made: nodes.Node) -> Statement:
    return Do(call(nodes.Attribute(target, "append"), made))


def _appended(region: Region, target: nodes.Node, scope: Scope) -> Written:
    with scope.variables.names.passing():
        made = yield from body(region, scope)
        yield _append(target, made)


# --- Loops, and variables of channels


def _loop(loop: Loop, target: nodes.Node, scope: Scope) -> Written:
    """Append each iteration; where channels change, a variable goes with them."""
    index = nodes.Name(_index(scope)) if loop.between else None
    inside: list[Statement] = []
    if loop.between is not None and index is not None:
        between = [*_iteration(loop, loop.between, target, scope)]
        inside.append(If(((nodes.Binary(">", index, nodes.Number("0")), tuple(between)),)))
    inside += _iteration(loop, loop.body, target, scope)
    names, iterable = _header(loop, index, scope)
    yield For(names, iterable, tuple(inside))


def _iteration(loop: Loop, region: Region, target: nodes.Node, scope: Scope) -> Written:
    yield from _appended(region, target, scope)
    yield from _update(loop.variable, region.gives.channels, scope)


def _index(scope: Scope) -> str:
    """A name for a counter that nothing else has."""
    names = ("i", "j", "k", *(f"i{n}" for n in range(2, 100)))
    return next(name for name in names if name not in scope.variables.names.taken)


def _header(loop: Loop, index: nodes.Name | None, scope: Scope) -> tuple[nodes.Node, nodes.Node]:
    """What a loop assigns, and what it runs through."""
    if isinstance(loop.step, Repeat):
        return nodes.Name("_"), call("range", scope.node(loop.step.times))
    names = tuple(nodes.Name(variable.text) for variable, _ in loop.step.lists)
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


def bound(binds: Sequence[Bind], scope: Scope) -> Written:
    """The assignments of variables, but for those that have their values already."""
    for node in binds:
        if not node.moves:
            yield Assign((scope.node(node.variable),), scope.node(node.channels))


def _update(variable: Name | None, channels: Expression, scope: Scope) -> Written:
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
