"""Expressions: the modules that need no statements.

Whether a region is one is found out from the inside outwards, once for each. Where nodes stand side
by side they are one call; a condition is `a if test else b`, if both are short.
"""

from collections.abc import Sequence
from typing import assert_never

from cnngen.expressions.expression import Unary
from cnngen.plan.map_channels import length
from cnngen.plan.program import (
    Bind,
    Call,
    Choice,
    Gather,
    Join,
    JoinLoop,
    Loop,
    Pass,
    Region,
    Reuse,
    Walk,
)
from cnngen.python import nodes
from cnngen.python.construct import call
from cnngen.python.flat import flat
from cnngen.python.nodes import with_origin
from cnngen.python.variables import names
from cnngen.syntax.tree import Each, Repeat
from cnngen.targets.loops import loop_header, uncounted, unwalked
from cnngen.targets.map_lists import walked
from cnngen.targets.torch import joins
from cnngen.targets.torch.construct import IDENTITY, SEQUENTIAL, dictionary, own, pairs
from cnngen.targets.torch.layers import layer
from cnngen.targets.torch.names import attribute, called
from cnngen.targets.torch.scope import Scope
from cnngen.targets.torch.tidy import marked

Step = Call | Loop | Choice | Join | JoinLoop | Gather | Reuse
Item = tuple[str, nodes.Node]
"""A module in a Sequential, and its key there if it has a word."""

LONGEST_CHOICE = 80


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
        items.append((word_of(node), made))
    if region.layout == "chain":
        return sequential(items, scope)
    return items[0][1] if items else IDENTITY


def _node_expression(node: Step, scope: Scope) -> nodes.Node | None:
    match node:
        case Call():
            return None if node.asked else layer(node, scope)
        case Loop() | Gather():
            return None
        case Choice():
            return choice_expression(node, scope)
        case Join():
            return _join_expression(node, scope)
        case JoinLoop():
            return list_expression(node, joins.list_class(node.op, scope.file.speller), scope)
        case Reuse():
            return own(attribute(node.called))
        case _:
            assert_never(node)


def _join_expression(join: Join, scope: Scope) -> nodes.Node | None:
    arms: list[Item] = []
    for arm in join.arms:
        if arm.test is not None or (made := expression(arm.region, scope)) is None:
            return None
        arms.append((arm.name, made))
    return joining(join, arms, scope)


def list_expression(node: JoinLoop, made: str, scope: Scope) -> nodes.Node | None:
    """The list of what each iteration makes: `nn.ModuleList(... for rate in rates)`."""
    if node.variable or node.collected or (element := expression(node.body, scope)) is None:
        return None
    used = names(element)
    target, iterable = read_only(*uncounted(*loop_of(node, scope), used), used, scope)
    listed = nodes.Comprehension("", element, target, iterable)
    return with_origin(call(made, listed), node.step)


def read_only(
    target: nodes.Node, iterable: nodes.Node, used: set[str], scope: Scope
) -> tuple[nodes.Node, nodes.Node]:
    """What a loop assigns, and what it runs through, if these are the names that it reads."""
    target, iterable = unwalked(target, iterable, scope.variables.walked - used)
    return marked(target, used), iterable


def loop_of(node: JoinLoop, scope: Scope) -> tuple[nodes.Node, nodes.Node]:
    """What the loop assigns, and what it goes through."""
    return header(node.step.loop, node.walks, None, scope)


def header(
    step: Repeat | Each, walks: Sequence[Walk], index: nodes.Name | None, scope: Scope
) -> tuple[nodes.Node, nodes.Node]:
    """What a loop assigns and runs through. In the place of maps there are their channels, where
    these differ.
    """
    found = {walk.value.name: walk for walk in walks}
    lists = step.lists if isinstance(step, Each) else ()
    if found and len(found) == len(lists) and not any(walk.symbol for walk in walks):
        times = length(walks[0].maps.channels.listed)
        return index or nodes.Name("_"), call("range", scope.node(times))
    maps = {
        name: walked(scope.node(walk.maps.channels.listed)) if walk.symbol else None
        for name, walk in found.items()
    }
    variables: list[str] = []
    for name, _ in lists:
        symbol = found[name.text].symbol if name.text in found else None
        variables.append(flat(scope.node(symbol)) if symbol else called(name.text))
    return loop_header(step, index, variables, scope.node, maps)


def choice_expression(choice: Choice, scope: Scope) -> nodes.Node | None:
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


def joining(join: Join, arms: Sequence[Item], scope: Scope) -> nodes.Node:
    speller = scope.file.speller
    if join.op is None:
        name = joins.apart_class("nn.ModuleDict", speller)
    else:
        name = speller.use(join.op.name.capitalize())
    made = call(name, *children(arms))
    return with_origin(made, join.step)


def children(arms: Sequence[Item]) -> list[nodes.Node]:
    """What a `ModuleDict` is given: its children, if there are any."""
    return [dictionary([(attribute(name), module) for name, module in arms])] if arms else []


def sequential(items: Sequence[Item], scope: Scope) -> nodes.Call:
    """A Sequential of modules, one a line where there are several."""
    if not any(key for key, _ in items):
        modules = tuple(made for _, made in items)
        return nodes.Call(SEQUENTIAL, modules, explode=len(items) > 1)
    scope.file.speller.imports("collections", "OrderedDict")
    listed = pairs([(attribute(key) or str(i), made) for i, (key, made) in enumerate(items)])
    return call("nn.Sequential", call("OrderedDict", listed))


def word_of(node: Step) -> str:
    """The key of a node, if that is a word."""
    key = node.level if isinstance(node, Join | JoinLoop | Gather) else node.key
    return key if isinstance(key, str) else ""
