"""Traced bodies: the steps of a body followed for all parameters at once, into all branches and
loops.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from cnngen.expressions.evaluate import UNDETERMINED, Undetermined, Value, evaluate
from cnngen.expressions.expression import Expression, ListOf
from cnngen.ops import OPS
from cnngen.semantics.chosen_blocks import blocks_of_model
from cnngen.semantics.facts import Fact, ParameterNames, Symbols, Traced, TracedList, union
from cnngen.semantics.map_lists import items_of, names_in
from cnngen.semantics.network import INPUT, Network, Scope
from cnngen.semantics.resized import Resizing
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.traced_blocks import chosen_facts, trace_chosen
from cnngen.semantics.traced_ops import Sizes, TracedOps, Trail
from cnngen.semantics.walk import calls
from cnngen.syntax.tree import (
    Block,
    Body,
    Branches,
    BranchLoop,
    Call,
    Each,
    Identifier,
    ListName,
    Parameter,
    Reference,
    Repeat,
    Reuse,
    Stage,
    Step,
    When,
)

MOST_VISITS = 20_000
Pairs = Sequence[tuple[str, Expression]]  # variables, and the lists of their values


class TooManyVisits(Exception):
    """Following the tree takes too many steps."""


class TracedBodies:
    """Follows the bodies of one network; `ops` says what is in them. `held` are parameters that
    keep their defaults. With `unroll`, loops of known length are followed iteration by iteration.
    """

    def __init__(self, network: Network, sizes: Sizes, held: ParameterNames, unroll: bool) -> None:
        self.network, self.resolution, self.unroll = network, network.resolution, unroll
        self.symbols = Symbols()
        self.ops = TracedOps(network, sizes, self.symbols, Resizing(self.symbols))
        self.visits = 0
        self.made: dict[object, Traced] = {}
        self.places: dict[
            Stage | Step, Trail
        ] = {}  # where the parts that are used again were first
        self.shared = self.resolution.parts
        self.turns: dict[Step, TracedList] = {}  # what the iterations of each loop gave
        self.flattening = _flattening(self.resolution)
        parameters = self.resolution.spec.parameters
        self.model = {
            p.name.text: self._of_parameter(p, held) for p in parameters if p.type != "op"
        }
        self.all = union(fact.names for fact in self.model.values())

    def _of_parameter(self, parameter: Parameter, held: ParameterNames) -> Fact:
        assert isinstance(parameter.default, Expression)
        name, chosen = parameter.name.text, blocks_of_model(self.resolution)
        value = chosen[name] if name in chosen else evaluate(parameter.default, {})
        if name in held:
            return self.symbols.constant(value)
        return Fact(value, frozenset({name}), self.symbols.number("parameter", name))

    def body(self, body: Body, x: Traced, place: Trail) -> Traced:
        tensors, lists = dict(place.tensors), dict(place.lists)
        place = replace(place, tensors=tensors, lists=lists)
        for step in body:
            self.visits += 1
            if self.visits > MOST_VISITS:
                raise TooManyVisits
            if step.origin:
                x = self.ops.read(step.origin, place)
            x = self._step(step, x, place)
            if step.name:
                tensors[step.name.text] = x
                if step in self.turns:
                    lists[step.name.text] = self.turns[step]
        return x

    def _step(self, step: Step, x: Traced, place: Trail) -> Traced:
        if step in self.shared:
            self.places[step] = place
        match step:
            case Call():
                if step in self.resolution.block_uses.steps:
                    return trace_chosen(step, x, place, self)
                if block := self.resolution.blocks.get(step):
                    return self.block(step, block, x, place)
                return self.ops.op(step, x, place)
            case When():
                return self._when(step, x, place)
            case Repeat():
                return self._repeat(step, x, place)
            case Each():
                return self._each(step, x, place)
            case Branches():
                return self._branches(step, x, place)
            case BranchLoop():
                return self._branch_loop(step, x, place)
            case Reference():
                return x
            case Reuse():
                return self._reuse(step, x)
            case _:
                assert_never(step)

    def _reuse(self, step: Reuse, x: Traced) -> Traced:
        """A part as it is at its first place, whatever that reads."""
        part = self.resolution.shared[step]
        first, *others = part.body if isinstance(part, Stage) else (part,)
        place = self.places[part]
        return self.body(tuple(others), self._step(first, x, place), place)

    def _when(self, step: When, x: Traced, place: Trail) -> Traced:
        test = self.ops.fact(step.test, place)
        bodies = {True: step.body, False: step.orelse or ()}
        if test.known and isinstance(test.value, bool):
            return self.body(bodies[test.value], x, place)
        past = place.past(test.names or self.all)
        then, otherwise = (
            self.body(body, x, place if test.value is holds else past)
            for holds, body in bodies.items()
        )
        return self.symbols.either(test, then, otherwise)

    def _branches(self, step: Branches, x: Traced, place: Trail) -> Traced:
        arms: list[tuple[Fact, Traced]] = []
        always = self.symbols.constant(True)
        if step.maps is not None:
            return self._joined(step, self._list(step.maps, place))
        for branch in step.arms:
            test = always if branch.test is None else self.ops.fact(branch.test, place)
            if test.known and test.value is False:
                continue
            past = place if test.value is True else place.past(test.names or self.all)
            arms.append((test, self.body(branch.body, x, past)))
        return self.ops.join(step, arms) if arms else x  # which was reported, or is never reached

    def block(self, call: Call, block: Block, x: Traced, place: Trail) -> Traced:
        given = self.resolution.arguments[call]
        facts: dict[str, Fact] = {}
        for parameter in block.parameters:
            value = given.get(parameter.name.text)
            value = parameter.default if value is None else value
            kinds = ("tensor", "tensors", "op", "block")
            if parameter.type not in kinds and isinstance(value, Expression):
                facts[parameter.name.text] = self.ops.fact(value, place)
        facts |= chosen_facts(call, block, place, self)
        tensors = {INPUT: x} | {
            parameter: self.ops.read(name, place)
            for parameter, name in self.resolution.tensors(call).items()
        }
        given_lists = self.resolution.map_lists(call).items()
        lists = {name: self._list(maps, place) for name, maps in given_lists}
        facts |= {name: self._length_of(found) for name, found in lists.items()}
        rank = x.rank.value
        if rank is not UNDETERMINED:
            self.network.block_ranks.setdefault(block, rank)
        scope = Scope({}, None, "", block, call, place.scope)
        path = (*place.path, call)
        inner = Trail({**self.model, **facts}, tensors, x, scope, path, place.beyond, lists)
        if block in self.flattening:  # what is flattened depends on the path
            return self.body(block.body, x, inner)
        key = block, *facts.values(), *tensors.items(), *lists.items(), place.beyond
        if key not in self.made:
            self.made[key] = self.body(block.body, x, inner)
        return self.made[key]

    # --- lists of maps ----------------------------------------------------------------------------

    def _list(self, maps: Expression, place: Trail) -> TracedList:
        """The items of a list, if it is sure how many there are."""

        def number(expression: Expression) -> int:
            fact = self.ops.fact(expression, place)
            if not fact.known:
                raise Undetermined
            return fact.value

        def several(name: str) -> tuple[Traced, ...]:
            items = place.lists[name].items
            if items is None:
                raise Undetermined
            return items

        try:
            items = items_of(maps, lambda name: self.ops.read(name, place), several, number)
        except Undetermined:
            read = [self._any(name, place) for name in names_in(maps)]
            return TracedList(None, self._merged([x for x in read if x is not None]))
        return TracedList(tuple(items), self._merged(items))

    def _any(self, name: Identifier, place: Trail) -> Traced | None:
        whole = isinstance(name, ListName) and name.index is None
        return place.lists[name.text].any if whole else self.ops.read(name, place)

    def _merged(self, items: Sequence[Traced]) -> Traced | None:
        """What is known of any of these."""
        if not items:
            return None
        found, *others = items
        turn = Fact(UNDETERMINED, self.all, self.symbols.fresh())
        for other in others:
            found = self.symbols.turned(found, other, turn)
        return found

    def _length_of(self, found: TracedList) -> Fact:
        """What a list is in expressions, which ask for its length only."""
        if found.items is not None:
            return self.symbols.constant((None,) * len(found.items))
        return Fact(UNDETERMINED, self.all, self.symbols.fresh())

    def _joined(self, step: Branches, maps: TracedList) -> Traced:
        """What a list of maps gives together."""
        always = self.symbols.constant(True)
        if maps.items is not None:
            return self.ops.join(step, [(always, item) for item in maps.items])
        assert maps.any is not None, "there is what the network reads"
        whole = self.ops.join(step, [(always, maps.any)])
        unknown = Fact(UNDETERMINED, self.all, self.symbols.fresh())
        return replace(whole, channels=unknown)

    # --- loops ------------------------------------------------------------------------------------

    def _repeat(self, step: Repeat, x: Traced, place: Trail) -> Traced:
        times = self.ops.fact(step.times, place)
        if not (self.unroll and times.known):
            return self._turns(step, x, place, times, {}, times.value)
        turns: list[Traced] = []
        for _ in range(times.value):
            after = self.body(step.body, x, place)
            if after == x:
                break
            x = after
            turns.append(x)
        turns += [x] * (times.value - len(turns))
        self.turns[step] = TracedList(tuple(turns), self._merged(turns))
        return x

    def _each(self, step: Each, x: Traced, place: Trail) -> Traced:
        walked = {n: self._list(m, place) for n, m in self.resolution.map_lists(step).items()}
        pairs = [(name.text, values) for name, values in step.lists if name.text not in walked]
        lists = [self.ops.fact(values, place) for _, values in pairs]
        rows = self._rows(pairs, lists, [*walked.values()], place)
        if rows is None:
            unsure = [self._length_of(found) for found in walked.values()]
            count = self.symbols.made(UNDETERMINED, [*lists, *unsure], "turns")
            maps = {name: found.any for name, found in walked.items() if found.any is not None}
            place = replace(place, tensors={**place.tensors, **maps}) if maps else place
            items = _items(lists[0]) if lists else None
            times = UNDETERMINED if items is None else len(items)
            return self._turns(step, x, place, count, self._variables(pairs, lists), times)
        turns: list[Traced] = []
        for i, row in enumerate(rows):
            maps = {name: found.items[i] for name, found in walked.items() if found.items}
            inner = replace(place, facts={**place.facts, **row}, tensors={**place.tensors, **maps})
            if i > 0 and step.between is not None:
                x = self.body(step.between, x, inner)
            x = self.body(step.body, x, inner)
            turns.append(x)
        self.turns[step] = TracedList(tuple(turns), self._merged(turns))
        return x

    def _rows(
        self,
        pairs: Pairs,
        lists: Sequence[Fact],
        walked: Sequence[TracedList],
        place: Trail,
    ) -> list[Mapping[str, Fact]] | None:
        """The variables in each iteration, if it is sure how many there are."""
        length = self._length(pairs, lists, walked)
        if length is None:
            return None
        return [
            {
                name: self._item(expression, values, i, place)
                for (name, expression), values in zip(pairs, lists, strict=True)
            }
            for i in range(length)
        ]

    def _variables(self, pairs: Pairs, lists: Sequence[Fact]) -> Mapping[str, Fact]:
        """The variables in any iteration."""
        return {
            name: Fact(UNDETERMINED, values.names, self.symbols.fresh())
            for (name, _), values in zip(pairs, lists, strict=True)
        }

    def _branch_loop(self, step: BranchLoop, x: Traced, place: Trail) -> Traced:
        """Iterations side by side; where their number is not sure, as one that stands for all."""
        loop, always = step.loop, self.symbols.constant(True)
        walked = {n: self._list(m, place) for n, m in self.resolution.map_lists(loop).items()}
        pairs: Pairs = []
        if isinstance(loop, Repeat):
            lists = [self.ops.fact(loop.times, place)]
            known = self.unroll and lists[0].known
            rows = [dict[str, Fact]()] * lists[0].value if known else None
        else:
            pairs = [(name.text, values) for name, values in loop.lists if name.text not in walked]
            lists = [self.ops.fact(values, place) for _, values in pairs]
            rows = self._rows(pairs, lists, [*walked.values()], place)
        if rows is None:
            unsure = [self._length_of(found) for found in walked.values()]
            facts = {**place.facts, **self._variables(pairs, lists if pairs else ())}
            maps = {name: found.any for name, found in walked.items() if found.any is not None}
            inner = replace(place, facts=facts, tensors={**place.tensors, **maps})
            any_of = self.ops.join(step, [(always, self.body(loop.body, x, inner))])
            if not OPS[step.join.text].concatenates:
                return any_of
            total = [*lists, *unsure, any_of.channels]
            return replace(
                any_of, channels=self.symbols.made(UNDETERMINED, total, "concat of turns")
            )
        arms: list[tuple[Fact, Traced]] = []
        for i, row in enumerate(rows):
            maps = {name: found.items[i] for name, found in walked.items() if found.items}
            inner = replace(place, facts={**place.facts, **row}, tensors={**place.tensors, **maps})
            arms.append((always, self.body(loop.body, x, inner)))
        return self.ops.join(step, arms) if arms else x  # which was reported, or is never reached

    def _length(
        self, pairs: Pairs, lists: Sequence[Fact], walked: Sequence[TracedList]
    ) -> int | None:
        """How many iterations a loop makes, if that is sure. Its lists are of one length, so any
        will do, unless that of others, which are maps, is not sure.
        """
        if any(found.items is None for found in walked):
            return None
        for found in walked:
            if found.items is not None:
                return len(found.items)
        for (_, expression), values in zip(pairs, lists, strict=True):
            items = _items(values)
            if self.unroll and isinstance(expression, ListOf):
                return len(expression.items)
            if self.unroll and values.known and items is not None:
                return len(items)
        return None

    def _item(self, expression: Expression, values: Fact, i: int, place: Trail) -> Fact:
        if isinstance(expression, ListOf) and i < len(expression.items):
            return self.ops.fact(expression.items[i], place)
        items = _items(values) or ()
        value = items[i] if i < len(items) else UNDETERMINED
        return self.symbols.made(value, [values], "item", i)

    def _turns(
        self,
        step: Repeat | Each,
        x: Traced,
        place: Trail,
        count: Fact,
        variables: Mapping[str, Fact],
        times: object,
    ) -> Traced:
        """A loop of any number of iterations, followed until a fixpoint; with the defaults it makes
        `times`.
        """
        inner = replace(place, facts={**place.facts, **variables})
        past = inner.past(count.names or self.all)
        between = step.between if isinstance(step, Each) else None
        many = isinstance(times, int)
        turn = replace(count, symbol=self.symbols.fresh())
        while True:
            given = x
            if between is not None:
                at = inner if many and times > 1 else past
                given = self.symbols.turned(x, self.body(between, x, at), turn)
            after = self.body(step.body, given, inner if many and times > 0 else past)
            merged = self.symbols.turned(x, after, turn)
            if merged == x:
                self.turns[step] = TracedList(None, after)
                return x
            x = merged


def _flattening(resolution: Resolution) -> set[Block]:
    """The blocks with a `flatten` in them, or in a block that they use."""
    found: set[Block] = set()
    for block in resolution.order:
        for call in calls(block.body):
            inner = resolution.called(call)
            if found & {*inner} if inner else resolution.ops[call].flattens:
                found.add(block)
    return found


def _items(fact: Fact) -> tuple[Value, ...] | None:
    value: Value = fact.value
    return value if isinstance(value, tuple) else None
