"""Traced bodies: the steps of a body followed for all parameters at once, into all branches and
loops.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from cnngen.expressions.evaluate import UNDETERMINED, Value, evaluate
from cnngen.expressions.expression import Expression, ListOf
from cnngen.ops import OPS
from cnngen.semantics.facts import Fact, ParameterNames, Symbols, Traced, union
from cnngen.semantics.network import INPUT, Network, Scope
from cnngen.semantics.resized import Resizing
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.traced_ops import Sizes, TracedOps, Trail
from cnngen.semantics.walk import calls
from cnngen.syntax.tree import (
    Block,
    Body,
    Branches,
    BranchLoop,
    Call,
    Each,
    Parameter,
    Reference,
    Repeat,
    Reuse,
    Stage,
    Step,
    When,
)

MOST_VISITS = 20_000


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
        self.flattening = _flattening(self.resolution)
        parameters = self.resolution.spec.parameters
        self.model = {
            p.name.text: self._of_parameter(p, held) for p in parameters if p.type != "op"
        }
        self.all = union(fact.names for fact in self.model.values())

    def _of_parameter(self, parameter: Parameter, held: ParameterNames) -> Fact:
        assert isinstance(parameter.default, Expression)
        name, value = parameter.name.text, evaluate(parameter.default, {})
        if name in held:
            return self.symbols.constant(value)
        return Fact(value, frozenset({name}), self.symbols.number("parameter", name))

    def body(self, body: Body, x: Traced, place: Trail) -> Traced:
        tensors = dict(place.tensors)
        place = replace(place, tensors=tensors)
        for step in body:
            self.visits += 1
            if self.visits > MOST_VISITS:
                raise TooManyVisits
            if step.origin:
                x = tensors[step.origin.text]
            x = self._step(step, x, place)
            if step.name:
                tensors[step.name.text] = x
        return x

    def _step(self, step: Step, x: Traced, place: Trail) -> Traced:
        if step in self.shared:
            self.places[step] = place
        match step:
            case Call():
                if block := self.resolution.blocks.get(step):
                    return self._block(step, block, x, place)
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
        for branch in step.arms:
            always = self.symbols.constant(True)
            test = always if branch.test is None else self.ops.fact(branch.test, place)
            if test.known and test.value is False:
                continue
            past = place if test.value is True else place.past(test.names or self.all)
            arms.append((test, self.body(branch.body, x, past)))
        return self.ops.join(step, arms) if arms else x  # which was reported, or is never reached

    def _block(self, call: Call, block: Block, x: Traced, place: Trail) -> Traced:
        given = self.resolution.arguments[call]
        facts: dict[str, Fact] = {}
        for parameter in block.parameters:
            value = given.get(parameter.name.text)
            value = parameter.default if value is None else value
            if parameter.type not in ("tensor", "op") and isinstance(value, Expression):
                facts[parameter.name.text] = self.ops.fact(value, place)
        tensors = {INPUT: x} | {
            parameter: place.tensors[name.text]
            for parameter, name in self.resolution.tensors(call).items()
        }
        rank = x.rank.value
        if rank is not UNDETERMINED:
            self.network.block_ranks.setdefault(block, rank)
        scope = Scope({}, None, "", block, call, place.scope)
        path = (*place.path, call)
        inner = Trail({**self.model, **facts}, tensors, x, scope, path, place.beyond)
        if block in self.flattening:  # what is flattened depends on the path
            return self.body(block.body, x, inner)
        key = block, *facts.values(), *tensors.items(), place.beyond
        if key not in self.made:
            self.made[key] = self.body(block.body, x, inner)
        return self.made[key]

    # --- loops ------------------------------------------------------------------------------------

    def _repeat(self, step: Repeat, x: Traced, place: Trail) -> Traced:
        times = self.ops.fact(step.times, place)
        if not (self.unroll and times.known):
            return self._turns(step, x, place, times, {}, times.value)
        for _ in range(times.value):
            after = self.body(step.body, x, place)
            if after == x:
                break
            x = after
        return x

    def _each(self, step: Each, x: Traced, place: Trail) -> Traced:
        lists = [self.ops.fact(values, place) for _, values in step.lists]
        rows = self._rows(step, lists, place)
        if rows is None:
            count = self.symbols.made(UNDETERMINED, lists, "turns")
            items = _items(lists[0])
            times = UNDETERMINED if items is None else len(items)
            return self._turns(step, x, place, count, self._variables(step, lists), times)
        for i, row in enumerate(rows):
            inner = replace(place, facts={**place.facts, **row})
            if i > 0 and step.between is not None:
                x = self.body(step.between, x, inner)
            x = self.body(step.body, x, inner)
        return x

    def _rows(
        self, step: Each, lists: Sequence[Fact], place: Trail
    ) -> list[Mapping[str, Fact]] | None:
        """The variables in each iteration, if it is sure how many there are."""
        length = self._length(step, lists)
        if length is None:
            return None
        return [
            {
                name.text: self._item(expression, values, i, place)
                for (name, expression), values in zip(step.lists, lists, strict=True)
            }
            for i in range(length)
        ]

    def _variables(self, step: Each, lists: Sequence[Fact]) -> Mapping[str, Fact]:
        """The variables in any iteration."""
        return {
            name.text: Fact(UNDETERMINED, values.names, self.symbols.fresh())
            for (name, _), values in zip(step.lists, lists, strict=True)
        }

    def _branch_loop(self, step: BranchLoop, x: Traced, place: Trail) -> Traced:
        """Iterations side by side; where their number is not sure, as one that stands for all."""
        loop, always = step.loop, self.symbols.constant(True)
        if isinstance(loop, Repeat):
            lists = [self.ops.fact(loop.times, place)]
            known = self.unroll and lists[0].known
            rows = [dict[str, Fact]()] * lists[0].value if known else None
        else:
            lists = [self.ops.fact(values, place) for _, values in loop.lists]
            rows = self._rows(loop, lists, place)
        if rows is None:
            variables = self._variables(loop, lists) if isinstance(loop, Each) else None
            inner = replace(place, facts={**place.facts, **(variables or {})})
            any_of = self.ops.join(step, [(always, self.body(loop.body, x, inner))])
            if not OPS[step.join.text].concatenates:
                return any_of
            total = self.symbols.made(UNDETERMINED, [*lists, any_of.channels], "concat of turns")
            return replace(any_of, channels=total)
        facts = [replace(place, facts={**place.facts, **row}) for row in rows]
        arms = [(always, self.body(loop.body, x, inner)) for inner in facts]
        return self.ops.join(step, arms) if arms else x  # which was reported, or is never reached

    def _length(self, step: Each, lists: Sequence[Fact]) -> int | None:
        """How many iterations a loop makes, if that is sure. Its lists are of one length, so any
        will do.
        """
        for (_, expression), values in zip(step.lists, lists, strict=True):
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
                return x
            x = merged


def _flattening(resolution: Resolution) -> set[Block]:
    """The blocks with a `flatten` in them, or in a block that they use."""
    found: set[Block] = set()
    for block in resolution.order:
        for call in calls(block.body):
            inner = resolution.blocks.get(call)
            if inner in found if inner else resolution.ops[call].flattens:
                found.add(block)
    return found


def _items(fact: Fact) -> tuple[Value, ...] | None:
    value: Value = fact.value
    return value if isinstance(value, tuple) else None
