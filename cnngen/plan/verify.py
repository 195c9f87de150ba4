"""Verify: what holds of every program, whichever pass it comes from.

A program that breaks a rule is a mistake of a pass, never of a spec.
"""

from cnngen.expressions.algebra import free_names
from cnngen.expressions.evaluate import UNDETERMINED, EvaluationError, Undetermined, evaluate
from cnngen.expressions.expression import Constant, Expression
from cnngen.ops.base import Image, Shape, Unknown
from cnngen.plan.program import (
    Bind,
    Call,
    Choice,
    Gather,
    Join,
    JoinLoop,
    Loop,
    Maps,
    Node,
    Pass,
    Program,
    Region,
    Reuse,
    Unit,
    Value,
    regions,
    walk,
)
from cnngen.semantics.network import Network, Scope


class BrokenProgram(AssertionError):
    """A pass made a program that breaks a rule; the message says which, and where."""


def verify(program: Program) -> None:
    """Raise `BrokenProgram` unless every rule holds."""
    for unit in program.units:
        numbers = {unit.input.number, *(n for x in unit.tensors for n in _numbers(x))}
        _Rules(unit.name, numbers, {*unit.handed}).region(unit.body)
    known = {x.number for x in program.inputs}
    model = _Rules("the model", known, {n for x in program.inputs for n in free_names(x.channels)})
    for stage in program.stages:
        model.known = set(known)
        model.region(stage.body)
        known.add(stage.gives.number)
        for node in stage.body.nodes:
            if isinstance(node, Loop) and node.keeps is not None:
                known.update(node.keeps.numbers)
    for unit in (*program.units, *program.stages):
        _check_numbers(unit.body, program.network)


class _Rules:
    """Values are given before they are read, variables bound before they are used, and no two
    nodes of a region have one key.
    """

    def __init__(self, where: str, known: set[int], bound: set[str]) -> None:
        self.where, self.known, self.bound = where, known, bound

    def region(self, region: Region) -> None:
        self.read(region.given)
        keys: list[object] = []
        for node in region.nodes:
            match node:
                case Bind():
                    self.expression(node.channels)
                    self.bound.add(node.variable.name)
                    continue
                case Call():
                    keys.append(node.key)
                    for value in (node.reads, *node.tensors.values()):
                        self.read(value)
                    for maps in node.lists.values():
                        self.read_list(maps)
                    if node.asked:
                        self.bound.add(node.asked.name)
                    if node.reads.rank != node.rank and isinstance(node.layer.made, Unit):
                        raise BrokenProgram(f"{self.where}: the rank of a call changed")
                case Gather():
                    keys.append(node.key if node.level is None else node.level)
                    self.read_list(node.maps)
                case Loop() | Choice() | Reuse():
                    keys.append(node.key)
                    self.read(node.reads)
                case Join():
                    arms = [arm.name for arm in node.arms]
                    keys += [node.key, *arms] if node.level is None else [node.level]
                    self.read(node.reads)
                case JoinLoop():
                    keys.append(node.level)
                    self.read(node.reads)
                    self.expression(node.variable or Constant(0))
                case Pass():
                    self.read(node.reads)
            self.inside(node)
            self.known.add(node.gives.number)
            if isinstance(node, Loop) and node.keeps is not None:
                self.known.update(node.keeps.numbers)
            if isinstance(node, Loop | JoinLoop) and node.collected is not None:
                self.bound.add(node.collected.name)
        named = [key for key in keys if isinstance(key, str)]
        if len(named) != len(set(named)):
            raise BrokenProgram(f"{self.where}: two nodes of one region have one key")
        self.read(region.gives)

    def inside(self, node: Node) -> None:
        """The regions of a node. What is bound in one that may be left out, may never be."""
        before = set(self.bound)
        match node:
            case Join():
                for arm in node.arms:
                    before = set(self.bound)
                    for expression in filter(None, (arm.test, arm.variable)):
                        self.expression(expression)
                    self.region(arm.region)
                    self.bound = self.bound if arm.test is None else before
            case Loop(walks=walks) | JoinLoop(walks=walks):
                for walked in walks:
                    self.read_list(walked.maps)
                    self.known.add(walked.value.number)
                    self.bound |= {walked.symbol.name} if walked.symbol else set()
                for inner in regions(node):
                    self.region(inner)
                self.bound = before
            case _:
                for inner in regions(node):
                    self.region(inner)
                self.bound = before

    def read(self, value: Value) -> None:
        if value.number not in self.known:
            raise BrokenProgram(f"{self.where}: %{value.number} is read before it is given")
        self.expression(value.channels)

    def read_list(self, maps: Maps) -> None:
        for number in maps.numbers:
            if number not in self.known:
                raise BrokenProgram(f"{self.where}: the list %{number} is read before it is given")
        self.expression(maps.channels.listed)

    def expression(self, expression: Expression) -> None:
        """No author can write a name with a space in it: those are variables of passes."""
        for name in free_names(expression):
            if " " in name and name not in self.bound:
                raise BrokenProgram(f"{self.where}: `{name}` is used before it is bound")


def _numbers(given: Value | Maps) -> tuple[int, ...]:
    return given.numbers if isinstance(given, Maps) else (given.number,)


def _check_numbers(region: Region, network: Network) -> None:
    """The channels of every value are those of the layers that it stands for, where they are said
    without variables of loops.
    """
    for node in walk(region):
        if isinstance(node, Call) and not isinstance(node.layer.made, Unit):
            for layer in map(network.layers.__getitem__, node.paths):
                if layer.shares:
                    continue  # a pool that is used again may be given other channels
                path = layer.path
                for value, shape in (
                    (node.reads, layer.inputs[0].shape),
                    (node.gives, layer.output),
                ):
                    said = _evaluated(value.channels, layer.scope)
                    if said is not None and said != _channels(shape):
                        raise BrokenProgram(f"`{path}` has {shape}, not {said} channels")


def _evaluated(expression: Expression, scope: Scope) -> object:
    """The value of an expression in a scope, None where it hangs on a variable or has none."""
    if any(name not in scope.values for name in free_names(expression)):
        return None
    try:
        value = evaluate(expression, scope.values, scope.channels)
    except (EvaluationError, Undetermined):
        return None
    return None if value is UNDETERMINED else value


def _channels(shape: Shape | Unknown) -> int | None:
    match shape:
        case Image():
            return shape.channels
        case Unknown():
            return None
        case _:
            return shape.features
