"""Lower regions: the bodies of a block or of the model, with the channels that they are given."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import assert_never

from cnngen.expressions.algebra import add, equal, free_names, simplify, substitute
from cnngen.expressions.evaluate import evaluate
from cnngen.expressions.expression import (
    Binary,
    Conditional,
    Constant,
    Expression,
    Index,
    InputChannels,
    Name,
    walk,
)
from cnngen.ops import OPS
from cnngen.ops.base import Op
from cnngen.plan import loops
from cnngen.plan.channels import IN_CHANNELS, Channels, Known, channels_of, choose, is_long
from cnngen.plan.map_channels import MapChannels
from cnngen.plan.program import (
    Arm,
    Bind,
    Call,
    Choice,
    Gather,
    Join,
    JoinLoop,
    Key,
    Layer,
    Loop,
    Maps,
    Node,
    Pass,
    Region,
    Reuse,
    Unit,
    Value,
    Walk,
)
from cnngen.plan.ranks import Ranks, after_op, representative
from cnngen.plan.readable import Readable
from cnngen.plan.turns import so_far
from cnngen.semantics.areas import Areas
from cnngen.semantics.keys import Arrangement
from cnngen.semantics.map_lists import lone_loop, loops_of
from cnngen.semantics.network import Network, Rank
from cnngen.semantics.types import Types, types_of
from cnngen.semantics.words import needs_two_layers
from cnngen.syntax.tree import (
    ArgumentValue,
    Block,
    Body,
    Branch,
    Branches,
    BranchLoop,
    Distribution,
    Each,
    Reference,
    Repeat,
    Stage,
    Step,
    When,
)
from cnngen.syntax.tree import Call as CallStep
from cnngen.syntax.tree import Reuse as ReuseStep


@dataclass(frozen=True, slots=True)
class Running:
    """The tensor that the next step reads. Its channels are `owned` where they are a variable that
    nobody else reads, so that a loop may change it.
    """

    value: Value
    owned: bool = False

    @property
    def channels(self) -> Expression:
        return self.value.channels


@dataclass(slots=True)
class RegionLowering:
    """Lowers the bodies of a block, or (`block` is None) of the model's stages.

    In a stage, `entry` are the channels that `input.channels` stands for; in a block it is None,
    and `input.channels` stays. `parts` are those that are used again, each with its own entry.
    """

    network: Network
    areas: Areas
    closed_forms: Channels
    units: Mapping[Block, Unit]
    paths: Mapping[Step, tuple[str, ...]]
    block: Block | None
    readable: Readable = field(default_factory=Readable)
    parts: dict[Stage | Step, tuple[Region, Expression | None]] = field(
        default_factory=dict[Stage | Step, tuple[Region, Expression | None]]
    )
    entry: Expression | None = None
    nodes: list[Node] = field(default_factory=list[Node])
    numbers: Iterator[int] = field(default_factory=lambda: count(1))  # of variables
    values: Iterator[int] = field(default_factory=count)
    ranks: Ranks = field(default_factory=Ranks)

    @property
    def shared(self) -> frozenset[Stage | Step]:
        return self.network.resolution.parts

    def region(self, body: Body, arrangement: Arrangement, x: Running) -> tuple[Region, Running]:
        """A body that is given a tensor."""
        origin = body[0].origin if body else None
        given = self.readable.follow(origin) if origin else x.value
        shared = self.shared
        with self.collected() as nodes:
            position: Expression = Constant(0)
            for step in body:
                if step.origin:
                    x = Running(self.readable.follow(step.origin))
                if isinstance(step, Reference):
                    nodes.append(Pass(x.value, x.value, step))
                    continue
                key: Key = arrangement.keys.get(step)
                if isinstance(step, Repeat | Each) and key is None:
                    x = self._loop(step, None, position, x)
                    position = loops.after(position, step)
                else:
                    if key is None and arrangement.layout != "single":
                        key = position
                    x = self._step(step, key, arrangement, x)
                    position = simplify(add(position, Constant(1)))
                if step.name and arrangement.layout == "graph":  # where others can read it
                    x = replace(self.settle(x), owned=False)
                    self.readable.note(step.name.text, x.value)
                    if step in shared:
                        made = next(n for n in reversed(nodes) if not isinstance(n, Bind | Gather))
                        part = Region("single", made.reads, (made,), made.gives)
                        self.parts[step] = part, self.entry
        return Region(arrangement.layout, given, tuple(nodes), x.value), x

    @contextmanager
    def collected(self) -> Generator[list[Node]]:
        """The nodes that are added inside, in a list of their own."""
        outer, self.nodes = self.nodes, []
        try:
            yield self.nodes
        finally:
            self.nodes = outer

    def _step(self, step: Step, key: Key, arrangement: Arrangement, x: Running) -> Running:
        match step:
            case CallStep():
                if self.network.resolution.called(step):
                    return self._unit_call(step, key, x)
                return self._op_call(step, key, x)
            case Repeat() | Each():
                return self._loop(step, key, Constant(0), x)
            case When():
                return self._choice(step, key, x)
            case Branches():
                joined = arrangement.layout == "graph" and not step.name
                level, word = (None, key) if joined else (key, step.join.text)
                return self._join(step, level, word, x)
            case BranchLoop():
                return self._join_loop(step, key, x)
            case ReuseStep():
                return self._reuse(step, key, x)
            case Reference():
                return x
            case _:
                assert_never(step)

    # --- Calls

    def _op_call(self, call: CallStep, key: Key, x: Running) -> Running:
        if self.network.resolution.ops[call].weights is not Op.weights:
            x = self.settle(x)
        arguments = self.network.resolution.arguments[call]
        return self._short(self._layer(call, key, x, arguments, self.paths.get(call, ())))

    def _layer(
        self,
        call: CallStep,
        key: Key,
        x: Running,
        arguments: Mapping[str, ArgumentValue],
        paths: tuple[str, ...],
    ) -> Running:
        """The layer of an op, or one of two, where a condition decides on a word."""
        op = self.network.resolution.ops[call]
        if call in self.network.resolution.choosing:
            for name in op.attributes:
                if needs_two_layers(op, name, arguments, self._types()):
                    return self._either(call, key, x, arguments, name, paths)
        rank = self.network.ranks.get(call, x.value.rank)  # what is not used follows others
        after = self._given_by(call, self._after_op(call, op, x))
        layer, tensors = Layer(op, arguments), self._tensors(call)
        self.nodes.append(Call(key, layer, x.value, tensors, after.value, call, rank, paths=paths))
        return after

    def _tensors(self, call: CallStep) -> dict[str, Value]:
        """What a call reads besides the running tensor."""
        named = self.network.resolution.tensors(call)
        return {name: self.readable.read(other) for name, other in named.items()}

    def _types(self) -> Types:
        parameters = self.network.resolution.spec.parameters
        return types_of((*parameters, *(self.block.parameters if self.block else ())))

    def _either(
        self,
        call: CallStep,
        key: Key,
        x: Running,
        arguments: Mapping[str, ArgumentValue],
        name: str,
        paths: tuple[str, ...],
    ) -> Running:
        """Two layers, one for each value that an attribute may have, under the key of the one that
        the author wrote.
        """
        choice = arguments[name]
        assert isinstance(choice, Conditional)
        scopes = {path: self.network.layers[path].scope for path in paths}
        tests = {p: evaluate(choice.test, s.values, s.channels) for p, s in scopes.items()}
        regions: list[Region] = []
        after = x
        for value, holds in ((choice.then, True), (choice.otherwise, False)):
            with self.collected() as nodes:
                found = tuple(path for path in paths if tests[path] is holds)
                after = self._layer(call, None, x, {**arguments, name: value}, found)
            regions.append(Region("single", x.value, tuple(nodes), after.value))
        step = When(choice.test, (call,), (call,), call.span, call.name, call.origin)
        after = self._given_by(call, after)
        then, otherwise = regions
        given = after.value
        self.nodes.append(Choice(key, choice.test, x.value, then, otherwise, None, given, step))
        return after

    def _after_op(self, call: CallStep, op: type[Op], x: Running) -> Running:
        if op.flattens:
            features = self.areas.features(call, x.channels)
            return replace(x, value=replace(x.value, channels=features, rank="vector"))
        entry = self.entry or InputChannels()
        arguments = {
            name: substitute(value, {}, entry)
            for name, value in self.network.resolution.arguments[call].items()
            if not isinstance(value, Distribution)
        }
        channels = op.channels(arguments, (x.channels,))
        rank = after_op(op, x.value.rank)
        if channels == x.channels:
            return replace(x, value=replace(x.value, rank=rank))
        return Running(replace(x.value, channels=simplify(channels), rank=rank))

    def _unit_call(self, call: CallStep, key: Key, x: Running) -> Running:
        resolution = self.network.resolution
        blocks = resolution.called(call)
        block, unit = blocks[0], self.units[blocks[0]]
        chosen = tuple(self.units[b] for b in blocks) if call in resolution.block_uses.steps else ()
        if unit.takes_channels or is_long(x.channels):
            x = self.settle(x)
        tensors = self._tensors(call)
        others = {channels_of(name).name: value.channels for name, value in tensors.items()}
        given = resolution.map_lists(call)
        lists = {name: self.readable.listed(maps) for name, maps in given.items()}
        others |= {channels_of(name).name: maps.channels.listed for name, maps in lists.items()}
        areas = self.areas.handed(call, block)
        handed = {IN_CHANNELS: x.channels, **others, **areas}
        handed |= {p.name.text: Name(p.name.text) for p in unit.captured}
        arguments = self.closed_forms.arguments(call, None if chosen else block)
        rank = self.ranks.after(unit, x.value.rank)
        listed = call in resolution.carried.steps
        asked = None
        closed = self._closed_form((call,), x) if chosen else unit.channels
        if closed is None:
            asked = Name(f"out_channels {next(self.numbers)}")
            after = Running(replace(x.value, channels=asked, rank=rank, listed=listed))
        elif chosen:
            after = Running(replace(x.value, channels=closed, rank=rank))
        else:
            entry = self.entry or InputChannels()
            names = {name: substitute(value, {}, entry) for name, value in arguments.items()}
            channels = self.closed_forms.given_by_unit(
                call, closed, names | others | areas, x.channels
            )
            kept = channels == x.channels
            channels = x.channels if kept else channels
            value = replace(x.value, channels=channels, rank=rank, listed=listed)
            after = Running(value, kept and x.owned)
        after = self._given_by(call, after)
        ops = resolution.op_uses.given[call] | resolution.block_uses.given[call]
        layer = Layer(unit, arguments, handed, ops, chosen)
        paths = self.paths.get(call, ())
        self.nodes.append(
            Call(key, layer, x.value, tensors, after.value, call, x.value.rank, asked, paths, lists)
        )
        return self._short(after)

    def value(self, channels: Expression, rank: Rank = "image", name: str = "") -> Value:
        """A tensor that was not there before."""
        return Value(next(self.values), channels, rank, name)

    def _given_by(self, step: Step, x: Running) -> Running:
        """The tensor that a step gives: a new one, with these channels."""
        name = step.name.text if step.name else ""
        value = self.value(x.channels, x.value.rank, name)
        return replace(x, value=replace(value, listed=x.value.listed))

    # --- Variables of channels

    def settle(self, x: Running) -> Running:
        """Bind channels that depend on a condition, are long, or are in one of several lists, to a
        variable to read them.
        """
        bind = _depends(x.channels) or is_long(x.channels) or _is_in_several(x.channels)
        return self.bound(x) if bind else x

    def _short(self, x: Running) -> Running:
        """Bind channels that are long, before they grow in what follows."""
        return self.bound(x) if is_long(x.channels) else x

    def bound(self, x: Running) -> Running:
        """Channels in a variable of their own, which a target leaves out if nothing reads it."""
        variable = Name(f"channels {next(self.numbers)}")
        moves = x.owned and isinstance(x.channels, Name | InputChannels)
        self.nodes.append(Bind(variable, x.channels, moves, x.value.listed))
        return Running(replace(x.value, channels=variable), owned=True)

    # --- Loops, conditions, joins

    def _loop(self, step: Repeat | Each, key: Key, first: Expression, x: Running) -> Running:
        x = self.settle(x)
        variable: Name | None
        names, given = self.readable.channels(), x.channels
        walks = self._walks(step)
        inside = self.closed_forms.inside(step, names)
        if (last := self._last(step, x.channels, names)) is not None:
            between, body, turn = self._iteration(step, replace(x, owned=False))
            after, variable = Running(replace(turn.value, channels=last)), None
        elif loops.keeps_channels(step, x.channels, self.entry, self.closed_forms, inside):
            between, body, turn = self._iteration(step, replace(x, owned=False))
            after, variable = Running(replace(turn.value, channels=x.channels), x.owned), None
        else:
            x = self.bound(x)
            variable = _variable(x)
            between, body, turn = self._iteration(step, x)
            end = None if walks else loops.end_of_loop(step, turn.channels, variable, given)
            after = Running(replace(turn.value, channels=end or variable), end is None)
        after = self._given_by(step, after)
        keeps, collected = self._kept(step, given, names, after.value.rank)
        if keeps is not None and free_names(keeps.channels.listed) & free_names(after.channels):
            after = replace(after, owned=False)
        written_out = self.network.resolution.is_written_out(step)
        self.nodes.append(
            Loop(
                *(key, first, x.value, body, between, variable, after.value, step),
                *(written_out, walks, keeps, collected),
            )
        )
        return after

    def _last(self, step: Repeat | Each, given: Expression, names: Known) -> Expression | None:
        """What a loop gives in the end whose iterations do not read what the one before gave, where
        that has a closed form.
        """
        times = self.closed_forms.times(step, names)
        if times is None or not (step.body and step.body[0].origin):
            return None
        channels = self.closed_forms.iterations(step, given, names)
        if channels is None:
            return None
        last = substitute(channels.at(Constant(-1)), {}, self.entry)
        return choose(simplify(Binary(">", times, Constant(0))), last, given)

    def _walks(self, step: Repeat | Each) -> tuple[Walk, ...]:
        """The variables of a loop that are maps, which can be read from now on."""
        found: list[Walk] = []
        for name, written in self.network.resolution.map_lists(step).items():
            maps = self.readable.listed(written)
            symbol = None if maps.channels.each else channels_of(name)
            channels = maps.channels.each or channels_of(name)
            self.readable.tensors[name] = self.value(channels, maps.rank, name)
            found.append(Walk(self.readable.tensors[name], maps, symbol))
        return tuple(found)

    def _kept(
        self, step: Repeat | Each, given: Expression, names: Known, rank: Rank
    ) -> tuple[Maps | None, Name | None]:
        """What the iterations of a loop gave, if that is read, and the variable for the list of
        their channels, if it takes one.
        """
        name = self.loop_names.get(step, "")
        if not name or step not in self.network.resolution.listed:
            return None, None
        channels = self.closed_forms.iterations(step, given, names)
        collected: Name | None = None
        if channels is None:
            collected = channels_of(name)
            channels = MapChannels(collected)
        elif self.entry is not None:
            each = channels.each and substitute(channels.each, {}, self.entry)
            channels = MapChannels(substitute(channels.listed, {}, self.entry), each)
        self.readable.lists[name] = Maps((next(self.values),), channels, rank, name)
        return self.readable.lists[name], collected

    @property
    def loop_names(self) -> Mapping[Step, str]:
        """The names of loops that are read as lists."""
        spec = self.network.resolution.spec
        stages = ((lone_loop(stage.body), stage.name.text) for stage in spec.stages)
        own = {loop: name for name, loop in loops_of(self.block.body).items()} if self.block else {}
        return {**{loop: name for loop, name in stages if loop}, **own}

    def _iteration(self, step: Repeat | Each, x: Running) -> tuple[Region | None, Region, Running]:
        """What stands between two iterations, an iteration, and what it gives."""
        arrangement = self.network.resolution.arrangement
        between, inner = None, x
        if isinstance(step, Each) and step.between is not None:
            between, after = self.region(step.between, arrangement(step.between), x)
            inner = Running(replace(after.value, channels=x.channels, name=""), x.owned)
        body, after = self.region(step.body, arrangement(step.body), inner)
        return between, body, after

    def _choice(self, step: When, key: Key, x: Running) -> Running:
        x = self.settle(x)
        closed = [self._closed_form(body, x) for body in (step.body, step.orelse or ())]
        if None in closed:
            x = self.bound(x)
        then, after = self._arm(step.body, x, closed[0])
        otherwise, other = (
            (None, x) if step.orelse is None else self._arm(step.orelse, x, closed[1])
        )
        variable = _variable(x) if None in closed else None
        channels: Expression | None = variable
        if channels is None:
            test = substitute(step.test, {}, self.entry)
            channels = choose(test, after.channels, other.channels)
            assert channels is not None
        owned = variable is not None or (x.owned and channels == x.channels)
        given = self._given_by(step, Running(replace(after.value, channels=channels), owned))
        self.nodes.append(
            Choice(key, step.test, x.value, then, otherwise, variable, given.value, step)
        )
        return self._short(given)

    def _closed_form(self, body: Body, x: Running) -> Expression | None:
        """What a body makes of the channels, where that needs no variable."""
        closed = self.closed_forms.body(body, x.channels, self.readable.channels())
        return None if closed is None else substitute(closed, {}, self.entry)

    def _arm(self, body: Body, x: Running, closed: Expression | None) -> tuple[Region, Running]:
        """A region of a choice. What is bound in it, nothing reads behind it."""
        outer = x if closed is None else replace(x, owned=False)
        region, after = self.region(body, self.network.resolution.arrangement(body), outer)
        if closed is None or not (_variables(after.channels) - _variables(x.channels)):
            return region, after
        return region, replace(after, value=replace(after.value, channels=closed))

    def _reuse(self, step: ReuseStep, key: Key, x: Running) -> Running:
        shared = self.network.resolution.shared[step]
        part, entry = self.parts[shared]
        channels: Expression | None = part.gives.channels
        if not equal(x.channels, part.given.channels):  # as symbols, or it has no weights
            closed = self.closed_forms.again(shared, x.channels, self.readable.channels())
            channels = channels if closed is None else substitute(closed, {}, entry)
        value = replace(x.value, channels=channels, rank=part.gives.rank)
        after = self._given_by(step, Running(value))
        assert shared.name is not None, "only what has a name is used again"
        self.nodes.append(Reuse(key, shared.name.text, part, x.value, after.value, step))
        return self._short(after)

    def _join(self, step: Branches, level: Key, key: Key, x: Running) -> Running:
        op, paths = OPS.get(step.join.text), self.paths.get(step, ())
        if step.maps is not None:
            maps = self.readable.listed(step.maps)
            channels = substitute(self.closed_forms.gather(step, maps.channels), {}, self.entry)
            value = replace(self.value(channels, maps.rank), listed=op is None)
            gathered = Running(value)
            after = self._given_by(step, gathered)
            self.nodes.append(Gather(key, level, op, maps, after.value, step, paths))
            return self._short(after)
        counted = self.closed_forms.depends(step)
        found = [self._branch(branch, x, counted) for branch in step.arms]
        tests = [arm.test and substitute(arm.test, {}, self.entry) for arm, _ in found]
        given = [*zip(tests, (channels for _, channels in found), strict=True)]
        channels = self.closed_forms.join(step, given)
        assert channels is not None
        arms = tuple(arm for arm, _ in found)
        rank = representative(arms).region.gives.rank
        value = replace(x.value, channels=channels, rank=rank, listed=op is None)
        after = self._given_by(step, Running(value))
        self.nodes.append(Join(key, level, op, x.value, arms, after.value, step, paths))
        return self._short(after)

    def _join_loop(self, step: BranchLoop, level: Key, x: Running) -> Running:
        op, paths = OPS.get(step.join.text), self.paths.get(step, ())
        x, body = replace(self.settle(x), owned=False), step.loop.body
        names, walks = self.readable.channels(), self._walks(step.loop)
        closed = self.closed_forms.join_loop(step, x.channels, names)
        channels = closed and simplify(substitute(closed, {}, self.entry))
        variable, collected = None, None
        if channels is None and op is None:
            word = step.name.text if step.name else "out"
            channels = collected = Name(f"{word} channels {next(self.numbers)}")
        elif channels is None:
            channels = variable = Name(f"channels {next(self.numbers)}")
            self.nodes.append(Bind(variable, Constant(0)))
        region, turn = self.region(body, self.network.resolution.arrangement(body), x)
        value = replace(x.value, channels=channels, rank=turn.value.rank, listed=op is None)
        after = self._given_by(step, Running(value, owned=variable is not None))
        update = op and variable and so_far(op, variable, turn.channels)
        joined = (op, x.value, region, variable, update, after.value)
        self.nodes.append(JoinLoop(step.join.text, level, *joined, step, paths, walks, collected))
        return self._short(after)

    def _branch(self, branch: Branch, x: Running, counted: bool) -> tuple[Arm, Expression]:
        """A branch of a join, and the channels that it gives; where these are `counted`, in terms
        of what is bound outside of it if it is optional.
        """
        arrangement = self.network.resolution.arrangement(branch.body)
        given = replace(x, owned=False)
        if branch.test is None:
            region, after = self.region(branch.body, arrangement, given)
            return Arm(branch.name.text, region), after.channels
        closed = self._closed_form(branch.body, x) if counted else x.channels
        variable: Name | None = None
        if closed is None:
            closed = variable = Name(f"channels {next(self.numbers)}")
            self.nodes.append(Bind(variable, Constant(0)))
        region, after = self.region(branch.body, arrangement, given)
        if not _variables(after.channels) - _variables(x.channels):
            closed = after.channels if variable is None else closed
        return Arm(branch.name.text, region, branch.test, variable), closed


def _depends(channels: Expression) -> bool:
    """Whether channels depend on a condition."""
    return any(isinstance(part, Conditional) for part, _ in walk(channels))


def _is_in_several(channels: Expression) -> bool:
    """Whether channels are an item of two lists one behind the other."""
    match channels:
        case Index(Binary("+"), _):
            return True
        case _:
            return False


def _variable(x: Running) -> Name:
    """The variable in which channels were bound."""
    assert isinstance(x.channels, Name)
    return x.channels


def _variables(channels: Expression) -> frozenset[str]:
    return frozenset(name for name in free_names(channels) if " " in name)
