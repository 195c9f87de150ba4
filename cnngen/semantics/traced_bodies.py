"""Traced bodies: the steps of a body followed for all parameters at once, into all branches and
loops.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
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
from cnngen.syntax.forms import APART
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
Running = Traced | TracedList
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
        self.made: dict[object, Running] = {}
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

    def body(self, body: Body, x: Running, place: Trail) -> Running:
        tensors, lists = dict(place.tensors), dict(place.lists)
        place = replace(place, tensors=tensors, lists=lists)
        for step in body:
            self.visits += 1
            if self.visits > MOST_VISITS:
                raise TooManyVisits
            if step.origin:
                x = self.follow(step.origin, place)
            x = self._step(step, x, place)
            if step.name and isinstance(x, TracedList):
                lists[step.name.text] = x
            elif step.name and isinstance(x, Traced):
                tensors[step.name.text] = x
                if step in self.turns:
                    lists[step.name.text] = self.turns[step]
        return x

    def follow(self, name: Identifier, place: Trail) -> Running:
        """What `from` reads: a list, too, if a step gives one."""
        whole = not isinstance(name, ListName) or name.index is None
        if whole and name.text not in place.tensors:
            return place.lists[name.text]
        return self.ops.read(name, place)

    def entry(self, x: Running) -> Traced:
        """What `input.channels` asks: of a list, the list of them."""
        if isinstance(x, Traced):
            return x
        whole = self._merged([*x.items] if x.items is not None else [x.any] if x.any else [])
        items = x.items or ()
        values = [item.channels.value for item in items]
        value = UNDETERMINED if x.items is None or UNDETERMINED in values else tuple(values)
        channels = self.symbols.made(value, [item.channels for item in items], "channels of a list")
        if x.items is None:
            channels = Fact(UNDETERMINED, self.all, self.symbols.fresh())
        assert whole is not None, "a list that is carried has maps"
        return replace(whole, channels=channels)

    def _one(self, x: Running) -> Traced:
        assert isinstance(x, Traced), "elaboration refuses a list here"
        return x

    def _step(self, step: Step, x: Running, place: Trail) -> Running:
        if step in self.shared:
            self.places[step] = place
        match step:
            case Call():
                if step in self.resolution.block_uses.steps:
                    return trace_chosen(step, self._one(x), place, self)
                if block := self.resolution.blocks.get(step):
                    return self.block(step, block, x, place)
                return self.ops.op(step, self._one(x), place)
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

    def _reuse(self, step: Reuse, x: Running) -> Running:
        """A part as it is at its first place, whatever that reads."""
        part = self.resolution.shared[step]
        first, *others = part.body if isinstance(part, Stage) else (part,)
        place = self.places[part]
        return self.body(tuple(others), self._step(first, x, place), place)

    def _when(self, step: When, x: Running, place: Trail) -> Running:
        test = self.ops.fact(step.test, place)
        bodies = {True: step.body, False: step.orelse or ()}
        if test.known and isinstance(test.value, bool):
            return self.body(bodies[test.value], x, place)
        past = place.past(test.names or self.all)
        then, otherwise = (
            self.body(body, x, place if test.value is holds else past)
            for holds, body in bodies.items()
        )
        if isinstance(then, Traced) and isinstance(otherwise, Traced):
            return self.symbols.either(test, then, otherwise)
        return self._pairwise(
            then, otherwise, lambda one, other: self.symbols.either(test, one, other)
        )

    def _pairwise(
        self, one: Running, other: Running, both: Callable[[Traced, Traced], Traced]
    ) -> TracedList:
        """Two lists of which one is there: map by map, if they are of one length."""
        assert isinstance(one, TracedList) and isinstance(other, TracedList)
        first, second = one.items, other.items
        if first is not None and second is not None and len(first) == len(second):
            found = tuple(both(a, b) for a, b in zip(first, second, strict=True))
            return TracedList(found, self._merged(found))
        if one.any is None or other.any is None:
            return TracedList(None, one.any or other.any)
        return TracedList(None, both(one.any, other.any))

    def _branches(self, step: Branches, x: Running, place: Trail) -> Running:
        arms: list[tuple[Fact, Traced]] = []
        always = self.symbols.constant(True)
        if step.maps is not None:
            found = self._list(step.maps, place)
            return found if step.join.text == APART else self._joined(step, found)
        for branch in step.arms:
            test = always if branch.test is None else self.ops.fact(branch.test, place)
            if test.known and test.value is False:
                continue
            past = place if test.value is True else place.past(test.names or self.all)
            arms.append((test, self._one(self.body(branch.body, x, past))))
        if step.join.text == APART:
            items = tuple(arm for _, arm in arms)
            return TracedList(items, self._merged(items))
        return self.ops.join(step, arms) if arms else x  # which was reported, or is never reached

    def block_of_one(self, call: Call, block: Block, x: Traced, place: Trail) -> Traced:
        """What a block gives that takes one map and gives one."""
        return self._one(self.block(call, block, x, place))

    def block(self, call: Call, block: Block, x: Running, place: Trail) -> Running:
        given = self.resolution.arguments[call]
        facts: dict[str, Fact] = {}
        for parameter in block.parameters:
            value = given.get(parameter.name.text)
            value = parameter.default if value is None else value
            kinds = ("tensor", "tensors", "op", "block")
            if parameter.type not in kinds and isinstance(value, Expression):
                facts[parameter.name.text] = self.ops.fact(value, place)
        facts |= chosen_facts(call, block, place, self)
        tensors = {INPUT: x} if isinstance(x, Traced) else {}
        tensors |= {
            parameter: self.ops.read(name, place)
            for parameter, name in self.resolution.tensors(call).items()
        }
        given_lists = self.resolution.map_lists(call).items()
        lists = {name: self._list(maps, place) for name, maps in given_lists}
        if isinstance(x, TracedList):
            lists[INPUT] = x
        facts |= {name: self._length_of(found) for name, found in lists.items()}
        entry = self.entry(x)
        rank = entry.rank.value
        if rank is not UNDETERMINED:
            self.network.block_ranks.setdefault(block, rank)
        scope = Scope({}, None, "", block, call, place.scope)
        path = (*place.path, call)
        inner = Trail({**self.model, **facts}, tensors, entry, scope, path, place.beyond, lists)
        if block in self.flattening:  # what is flattened depends on the path
            return self.body(block.body, x, inner)
        known = ((name, _known(maps)) for name, maps in lists.items())
        key = block, *facts.values(), *tensors.items(), *known, place.beyond
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

    def _repeat(self, step: Repeat, x: Running, place: Trail) -> Running:
        times = self.ops.fact(step.times, place)
        if not (self.unroll and times.known):
            return self._turns(step, x, place, times, {}, times.value)
        turns: list[Running] = []
        for _ in range(times.value):
            after = self.body(step.body, x, place)
            if _known(after) == _known(x):
                break
            x = after
            turns.append(x)
        turns += [x] * (times.value - len(turns))
        self._note_turns(step, turns)
        return x

    def _note_turns(self, step: Repeat | Each, turns: Sequence[Running]) -> None:
        """Note what the iterations of a loop gave, where that is a map each time."""
        maps = tuple(x for x in turns if isinstance(x, Traced))
        if len(maps) == len(turns):
            self.turns[step] = TracedList(maps, self._merged(maps))

    def _each(self, step: Each, x: Running, place: Trail) -> Running:
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
        turns: list[Running] = []
        for i, row in enumerate(rows):
            maps = {name: found.items[i] for name, found in walked.items() if found.items}
            inner = replace(place, facts={**place.facts, **row}, tensors={**place.tensors, **maps})
            if i > 0 and step.between is not None:
                x = self.body(step.between, x, inner)
            x = self.body(step.body, x, inner)
            turns.append(x)
        self._note_turns(step, turns)
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

    def _branch_loop(self, step: BranchLoop, x: Running, place: Trail) -> Running:
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
            each = self._one(self.body(loop.body, x, inner))
            if step.join.text == APART:
                return TracedList(None, each)
            any_of = self.ops.join(step, [(always, each)])
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
            arms.append((always, self._one(self.body(loop.body, x, inner))))
        if step.join.text == APART:
            items = tuple(arm for _, arm in arms)
            return TracedList(items, self._merged(items))
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
        x: Running,
        place: Trail,
        count: Fact,
        variables: Mapping[str, Fact],
        times: object,
    ) -> Running:
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
                given = self._turned(x, self.body(between, x, at), turn)
            after = self.body(step.body, given, inner if many and times > 0 else past)
            is_new = isinstance(after, TracedList) != isinstance(x, TracedList)
            # A loop that makes one map of a list begins with maps of its own, and has some.
            merged = after if is_new else self._turned(x, after, turn)
            if _known(merged) == _known(x):
                if isinstance(after, Traced):
                    self.turns[step] = TracedList(None, after)
                return x
            x = merged

    def _turned(self, x: Running, after: Running, turn: Fact) -> Running:
        if isinstance(x, Traced) and isinstance(after, Traced):
            return self.symbols.turned(x, after, turn)
        place = count()

        def turned(one: Traced, other: Traced) -> Traced:
            symbol = self.symbols.number("map", next(place), turn.symbol)
            return self.symbols.turned(one, other, replace(turn, symbol=symbol))

        return self._pairwise(x, after, turned)


def _known(x: Running) -> object:
    """What is known, to compare: of a list whose maps are known, `any` follows from these."""
    return x.items if isinstance(x, TracedList) and x.items is not None else x


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
