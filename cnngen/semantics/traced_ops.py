"""Traced ops: what an op or a join makes of a tensor, for all values of the parameters.

What generated code must know is noted in the network. A note may be wrong for other values of some
parameters: these are collected in `found`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from cnngen.expressions.algebra import free_names, mentions_input
from cnngen.expressions.evaluate import UNDETERMINED, EvaluationError, Undetermined, evaluate
from cnngen.expressions.expression import Expression, Name
from cnngen.ops import OPS
from cnngen.ops.base import RUNNING, Image, Op
from cnngen.semantics.facts import (
    NOTHING,
    NOWHERE,
    Fact,
    ParameterNames,
    Symbols,
    Traced,
    TracedList,
    union,
)
from cnngen.semantics.network import Fixed, Network, Scope
from cnngen.semantics.resized import ONE, Resizing
from cnngen.semantics.resolve import Resolution
from cnngen.syntax.tree import Branches, BranchLoop, Call, Distribution, Identifier, ListName

Path = tuple[Call, ...]
Sizes = dict[Path, tuple[int, int]]
Free = tuple[Expression, tuple[str, ...], bool]


@dataclass(frozen=True, slots=True)
class Trail:
    """Where a body is followed: the facts of its names and tensors, and the tensor that its block
    was given.

    With the defaults, the program takes a certain way through conditions and loops: there, `beyond`
    is empty. Anywhere else it has parameters, one of which must change for the program to get
    there. `path` are the calls around.
    """

    facts: Mapping[str, Fact]
    tensors: Mapping[str, Traced]
    entry: Traced
    scope: Scope
    path: Path = ()
    beyond: ParameterNames = NOTHING
    lists: Mapping[str, TracedList] = field(default_factory=dict[str, TracedList])

    def past(self, names: ParameterNames) -> "Trail":
        return self if self.beyond else replace(self, beyond=names)


@dataclass(slots=True)
class TracedOps:
    """Says of one network what an op, a join and an expression give. `flattened` has the sizes that
    are flattened, as they will be printed.
    """

    network: Network
    flattened: Sizes
    symbols: Symbols
    resizing: Resizing
    found: dict[str, Fixed] = field(default_factory=dict[str, Fixed])
    free: dict[int, Free] = field(default_factory=dict[int, Free])

    @property
    def resolution(self) -> Resolution:
        return self.network.resolution

    def _fix(self, names: ParameterNames, changed: Fixed) -> None:
        for name in names:
            self.found.setdefault(name, changed)

    def op(self, call: Call, x: Traced, place: Trail) -> Traced:
        op, arguments = self.resolution.ops[call], self.resolution.arguments[call]
        if rank := self.resizing.takes(op):
            x = replace(x, rank=self.symbols.constant(rank))
        self._note_rank(call, op, x, place)
        if op.flattens:
            return self._flatten(call, x, place)
        if op.weights is not Op.weights:
            self._fix(x.area, "size")  # PyTorch is told how many channels there are
        size = self._size(call, op, x, place)
        rank = x.rank if op.gives == "same" else self.symbols.constant(op.gives)
        given = {n: v for n, v in arguments.items() if not isinstance(v, Distribution)}
        channels = op.channels(given, (RUNNING,))
        if channels == RUNNING:
            return Traced(rank, size, x.channels, x.area)
        facts = {**place.facts, RUNNING.name: x.channels}
        area = x.area if RUNNING.name in free_names(channels) else NOTHING
        return Traced(rank, size, self.fact(channels, replace(place, facts=facts)), area)

    def _size(self, call: Call, op: type[Op], x: Traced, place: Trail) -> Fact:
        if op.sized_like:
            (other,) = self.resolution.tensors(call).values()
            return self.read(other, place).size
        arguments = self.resolution.arguments[call]
        return self.resizing.after(op, arguments, x.size, lambda value: self.fact(value, place))

    def read(self, name: Identifier, place: Trail) -> Traced:
        """The tensor of a name."""
        if not isinstance(name, ListName) or name.index is None:
            return place.tensors[name.text]
        found, index = place.lists[name.text], self.fact(name.index, place)
        if found.items is not None and index.known:
            at: int = index.value
            return found.items[at]
        assert found.any is not None, "there is what the network reads"
        return found.any

    def _note_rank(self, call: Call, op: type[Op], x: Traced, place: Trail) -> None:
        rank = x.rank.value
        if rank is not UNDETERMINED:
            noted = self.network.ranks.setdefault(call, rank)
        else:
            noted = self.network.ranks.get(call)
        if op.ranked:
            self._fix(x.rank.names, "rank")
            if rank != noted or rank is UNDETERMINED:
                self._fix(place.beyond, "rank")

    def _flatten(self, call: Call, x: Traced, place: Trail) -> Traced:
        """A vector; the number of positions that its features come from is printed as a number."""
        vector = x.rank.value == "vector"
        sure = (vector and x.rank.known) or (x.size.known and x.size.value == ONE)
        changing = NOTHING if sure else x.rank.names | x.size.names
        area = ONE if vector else x.size.value
        if not self._noted((*place.path, call), area, place):
            changing |= place.beyond
        channels = x.channels
        if not sure:
            known = UNDETERMINED not in (channels.value, area)
            value = channels.value * prod(area) if known else UNDETERMINED
            channels = self.symbols.made(value, [x.rank, x.size, channels], "features")
        return Traced(self.symbols.constant("vector"), NOWHERE, channels, x.area | changing)

    def _noted(self, path: Path, area: Any, place: Trail) -> bool:
        """Note the size that is flattened here; whether its area is that of an earlier note."""
        if area is UNDETERMINED:
            return False
        if path not in self.flattened:
            self.flattened[path] = area
            self.network.flattened.setdefault(path[-1], []).append((Image(1, *area), place.scope))
        return prod(self.flattened[path]) == prod(area)

    def join(self, step: Branches | BranchLoop, arms: list[tuple[Fact, Traced]]) -> Traced:
        """What branches give together, each with whether it is there. The ranks and sizes of those
        that are agree (but for gates), so the one that depends on the fewest parameters is taken.
        """
        op = OPS[step.join.text]
        always = [arm for test, arm in arms if test.known]
        optional = [(test, arm) for test, arm in arms if not test.known]
        if not always:  # one of them is there
            always = [self._any_of(optional)]
        first = self._joined(op, always)
        size, channels = first.size, first.channels
        choice = self.symbols.choice
        for test, arm in optional if op.gates else ():
            size = choice(test, self._gated([size, arm.size]), size)
            channels = choice(test, self._widest([channels, arm.channels]), channels)
        if op.concatenates:
            nothing = self.symbols.constant(0)
            channels = self._sum(
                arm.channels if test.known else choice(test, arm.channels, nothing)
                for test, arm in arms
            )
        return Traced(first.rank, size, channels, union(arm.area for _, arm in arms))

    def _any_of(self, arms: list[tuple[Fact, Traced]]) -> Traced:
        """The first branch that is there."""
        *others, (_, found) = arms
        for test, arm in reversed(others):
            found = self.symbols.either(test, arm, found)
        return found

    def _joined(self, op: type[Op], arms: list[Traced]) -> Traced:
        """What branches give together that are always there."""

        def plainest(facts: Iterable[Fact]) -> Fact:
            return min(facts, key=lambda fact: len(fact.names))

        rank = plainest(arm.rank for arm in arms)
        sizes, channels = [arm.size for arm in arms], [arm.channels for arm in arms]
        if op.gates:
            return Traced(rank, self._gated(sizes), self._widest(channels))
        return Traced(rank, plainest(sizes), plainest(channels))

    def _sum(self, numbers: Iterable[Fact]) -> Fact:
        facts = [*numbers]
        values = [fact.value for fact in facts]
        value = UNDETERMINED if UNDETERMINED in values else sum(values)
        return self.symbols.made(value, facts, "concat")

    def _widest(self, channels: list[Fact]) -> Fact:
        """The channels of a product: branches of 1 x H x W are gates to the others. Where others
        agree with the defaults, they agree.
        """
        wide = [fact for fact in channels if not (fact.known and fact.value == 1)] or channels
        values = {fact.value for fact in wide}
        if len(values) > 1 and UNDETERMINED not in values:
            return self.symbols.made(max(values), wide, "widest")
        return min(wide, key=lambda fact: len(fact.names))

    def _gated(self, sizes: list[Fact]) -> Fact:
        """The size of a product: branches of 1 x 1 are gates to the others, if there are others."""
        maps = {fact.symbol: fact for fact in sizes if not (fact.known and fact.value == ONE)}
        if len(maps) < 2:
            return next(iter(maps.values()), sizes[0])
        known = [fact for fact in maps.values() if fact.known]
        if known:
            return known[0]
        values = [fact.value for fact in maps.values() if fact.value is not UNDETERMINED]
        value = max(values, key=prod) if len(values) == len(maps) else UNDETERMINED
        return self.symbols.made(value, maps.values(), "gated")

    def fact(self, expression: Expression, place: Trail) -> Fact:
        """What is known of the value of an expression."""
        names, input = self._names(expression)
        parts = {name: place.facts[name] for name in names if name in place.facts}
        channels = None
        if input:
            self._fix(place.entry.area, "size")  # in PyTorch, a number is printed for it
            channels = place.entry.channels
        try:
            value = evaluate(
                expression,
                {name: fact.value for name, fact in parts.items()},
                None if channels is None or channels.value is UNDETERMINED else channels.value,
            )
        except (EvaluationError, Undetermined):
            value = UNDETERMINED
        if isinstance(expression, Name) and expression.name in parts:
            return parts[expression.name]
        facts = [*parts.values(), *([channels] if channels else [])]
        return self.symbols.made(value, facts, "expression", expression)

    def _names(self, expression: Expression) -> tuple[tuple[str, ...], bool]:
        """The free names, and whether `input.channels` stands there."""
        key = id(expression)  # stays unique, as the expression is kept below
        if key not in self.free:
            free = tuple(sorted(free_names(expression)))
            self.free[key] = expression, free, mentions_input(expression)
        return self.free[key][1:]
