"""Channels: what a body makes of a number of channels, as an expression in its block's terms."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from cnngen.expressions.algebra import (
    TooComplex,
    add,
    equal,
    free_names,
    linear_step,
    mentions_input,
    multiply,
    simplify,
    substitute,
)
from cnngen.expressions.evaluate import evaluate
from cnngen.expressions.expression import (
    Apply,
    Binary,
    Conditional,
    Constant,
    Expression,
    InputChannels,
    ListOf,
    Name,
    walk,
)
from cnngen.ops import OPS
from cnngen.ops.base import RUNNING, Image
from cnngen.plan.map_channels import (
    MapChannels,
    alike,
    channels_of_list,
    length,
    total,
    with_totals,
)
from cnngen.plan.turns import agreed, apart, side_by_side, unrolled
from cnngen.semantics.areas import Areas
from cnngen.semantics.network import INPUT, Network, Scope
from cnngen.semantics.resolve import Resolution
from cnngen.syntax.forms import APART
from cnngen.syntax.tree import (
    NAMED,
    Block,
    Body,
    Branches,
    BranchLoop,
    Call,
    Distribution,
    Each,
    Identifier,
    ListName,
    Reference,
    Repeat,
    Reuse,
    Stage,
    Step,
    When,
)


@dataclass(frozen=True, slots=True)
class Known:
    """The channels of what can be read by name at a place: of maps, and of lists of maps."""

    maps: Mapping[str, Expression | None]
    lists: Mapping[str, MapChannels | None] = field(default_factory=dict[str, "MapChannels | None"])

    def read(self, name: Identifier) -> Expression | None:
        if not isinstance(name, ListName) or name.index is None:
            return self.maps.get(name.text)
        found = self.lists.get(name.text)
        return None if found is None else found.at(name.index)

    def follow(self, name: Identifier) -> Expression | None:
        """What `from` reads: of a list those of all its maps."""
        whole = not isinstance(name, ListName) or name.index is None
        if whole and name.text not in self.maps:
            found = self.lists.get(name.text)
            return found and found.listed
        return self.read(name)

    def listed(self, maps: Expression) -> MapChannels | None:
        return channels_of_list(maps, self.read, self.lists.get)


Arm = tuple[Expression | None, Expression | None]
"""The condition of a branch, if it may be absent, and its channels, if they have a closed form."""

IN_CHANNELS = "in channels"  # what a block is handed as those of its input
LONGEST = 30  # parts of a closed form; what is longer is worth a variable


def channels_of(tensor: str) -> Name:
    """The symbol for the channels of a tensor that a block is given; no author can write it."""
    return Name(f"{tensor} channels")


class Channels:
    """Symbolic channels of the blocks of one spec; None where there is no closed form."""

    def __init__(self, resolution: Resolution, areas: Areas) -> None:
        self.resolution = resolution
        self.areas = areas
        self.gates = _gates(areas.network)
        self.blocks: dict[Block, Expression | None] = {}

    def block(self, block: Block) -> Expression | None:
        """What a block gives, in terms of `input.channels` and its parameters."""
        if block not in self.blocks:
            tensors = {
                p.name.text: channels_of(p.name.text)
                for p in block.parameters
                if p.type == "tensor"
            }
            maps: dict[str, Expression] = dict(tensors)
            lists = {
                p.name.text: MapChannels(channels_of(p.name.text))
                for p in block.parameters
                if p.type == "tensors"
            }
            if block.takes_list:
                lists[INPUT] = MapChannels(InputChannels())
            else:
                maps[INPUT] = InputChannels()
            try:
                self.blocks[block] = self.body(block.body, InputChannels(), Known(maps, lists))
            except TooComplex:
                self.blocks[block] = None
        return self.blocks[block]

    def body(self, body: Body, channels: Expression | None, known: Known) -> Expression | None:
        """What a body makes of `channels`; `known` are those of the tensors that it can read by
        name.
        """
        maps, lists = dict(known.maps), dict(known.lists)
        names = Known(maps, lists)
        for step in body:
            if step.origin:
                channels = names.follow(step.origin)
            carries = step in self.resolution.carried.steps
            if step.name and isinstance(step, Repeat | Each) and not carries:
                lists[step.name.text] = self.iterations(step, channels, names)
            channels = self.step(step, channels, names)
            if channels is not None and is_long(channels):
                channels = None
            if step.name and carries:
                lists[step.name.text] = channels and MapChannels(channels)
            elif step.name:
                maps[step.name.text] = channels
        return channels

    def step(self, step: Step, channels: Expression | None, known: Known) -> Expression | None:
        match step:
            case Call():
                tensors = {
                    channels_of(parameter).name: known.read(name)
                    for parameter, name in self.resolution.tensors(step).items()
                }
                for parameter, maps in self.resolution.map_lists(step).items():
                    found = known.listed(maps)
                    tensors[channels_of(parameter).name] = found and found.listed
                return self.call(step, channels, tensors)
            case Reference():
                return channels
            case Repeat():
                return self._repeat(step, channels, known)
            case Each():
                return self._each(step, channels, known)
            case When():
                then = self.body(step.body, channels, known)
                otherwise = self.body(step.orelse or (), channels, known)
                return choose(step.test, then, otherwise)
            case Branches(maps=maps) if maps is not None:
                found = known.listed(maps)
                return None if found is None else self.gather(step, found)
            case Branches():
                arms = [(arm.test, self.body(arm.body, channels, known)) for arm in step.arms]
                return self.join(step, arms)
            case BranchLoop():
                return self.join_loop(step, channels, known)
            case Reuse():
                return self.again(self.resolution.shared[step], channels, known)
            case _:
                assert_never(step)

    def again(
        self,
        part: Stage | Step,
        channels: Expression | None,
        known: Known,
    ) -> Expression | None:
        """What a part makes of channels where it is used again, whatever it reads at first."""
        first, *others = part.body if isinstance(part, Stage) else (part,)
        return self.body(tuple(others), self.step(first, channels, known), known)

    def call(
        self, call: Call, channels: Expression | None, tensors: Mapping[str, Expression | None]
    ) -> Expression | None:
        """What an op or a block gives for `channels`."""
        if (op := self.resolution.ops.get(call)) is None:
            return common_form(
                self._used(call, b, channels, tensors) for b in self.resolution.called(call)
            )
        arguments = self.arguments(call)
        if op.flattens:
            return channels and self.areas.features(call, channels)
        given = (channels,) if channels is not None else ()
        if not given and op.channels(arguments, (RUNNING,)) == RUNNING:
            return None
        result = op.channels(arguments, given or (RUNNING,))
        return None if RUNNING.name in free_names(result) else simplify(result)

    def _used(
        self,
        call: Call,
        block: Block,
        channels: Expression | None,
        tensors: Mapping[str, Expression | None],
    ) -> Expression | None:
        """What a block gives where a call uses it."""
        inner = self.block(block)
        if inner is None or (channels is None and mentions_input(inner)):
            return None
        if any(tensors.get(name, inner) is None for name in free_names(inner)):
            return None
        given = {name: value for name, value in tensors.items() if value is not None}
        names = self.arguments(call, block) | given | self.areas.handed(call, block)
        return self.given_by_unit(call, inner, names, channels)

    def given_by_unit(
        self,
        call: Call,
        gives: Expression,
        names: Mapping[str, Expression],
        channels: Expression | None,
    ) -> Expression:
        """What a block gives, in the terms of its user. In it, a list of maps is that of their
        channels, of which there are as many.
        """
        lists = {name: channels_of(name).name for name in self.resolution.map_lists(call)}
        counted = {name: names[symbol] for name, symbol in lists.items() if symbol in names}
        block = self.resolution.blocks.get(call)
        if channels is not None and block is not None and block.takes_list:
            counted[INPUT] = channels
        found = substitute(gives, {**names, **counted}, channels)
        return agreed(simplify(with_totals(found) if lists or INPUT in counted else found))

    def gather(self, step: Branches, maps: MapChannels) -> Expression:
        """The channels of a list of maps that are joined, or stay apart."""
        if step.join.text == APART:
            return maps.listed
        return total(maps.listed) if OPS[step.join.text].concatenates else maps.at(Constant(0))

    def join(self, step: Branches, arms: Sequence[Arm]) -> Expression | None:
        """The channels of a join. All branches of an `add` agree, as do those of a product that are
        no gates, so the plainest of them is taken that is always there.
        """
        if step.join.text == APART:
            given = [channels for _, channels in arms]
            return None if None in given else ListOf(_known(given))
        op = OPS[step.join.text]
        if op.concatenates:
            given = [_if_there(test, channels) for test, channels in arms]
            return None if None in given else simplify(op.channels({}, _known(given)))
        full = [arm for i, arm in enumerate(arms) if not self.is_gate(step, i)]
        if not full:  # each in another use of a block
            given = [arm for _, arm in arms]
            return None if None in given else Apply("max", _known(given))
        always = [channels for test, channels in full if test is None]
        if always:
            plain = tuple(sorted(_known(always), key=_plainness))
            return simplify(op.channels({}, plain)) if plain else None
        gates = [arm for arm in arms if arm[0] is None]
        return _first([*full, *gates[:1]])

    def join_loop(
        self, step: BranchLoop, channels: Expression | None, known: Known
    ) -> Expression | None:
        """The channels of a join of iterations, all of which are given `channels`."""
        loop = step.loop
        times = self.times(loop, known)
        turn = self.body(loop.body, channels, self.inside(loop, known))
        if turn is None or times is None:
            return None
        walked = self.resolution.map_lists(loop)
        if not walked:
            return self._side_by_side(step, turn, times, {})
        lists = {channels_of(name).name: known.listed(maps) for name, maps in walked.items()}
        listed = {name: found.listed for name, found in lists.items() if found is not None}
        found = self._side_by_side(step, turn, times, listed)
        return found and simplify(with_totals(found))

    def _side_by_side(
        self,
        step: BranchLoop,
        turn: Expression,
        times: Expression,
        channels: Mapping[str, Expression],
    ) -> Expression | None:
        if step.join.text == APART:
            return apart(step.loop, turn, times, channels)
        return side_by_side(OPS[step.join.text], step.loop, turn, times, channels)

    def is_gate(self, step: Branches, i: int) -> bool:
        """Whether a branch of a product has one channel, whatever the others have."""
        return i in self.gates.get(step, frozenset())

    def depends(self, step: Branches) -> bool:
        """Whether the channels of a join depend on which of its branches are there."""
        apart = step.join.text == APART
        return (
            apart
            or OPS[step.join.text].concatenates
            or not any(
                branch.test is None and not self.is_gate(step, i)
                for i, branch in enumerate(step.arms)
            )
        )

    def arguments(self, call: Call, block: Block | None = None) -> dict[str, Expression]:
        """The arguments of a call that are expressions; of a block, with the defaults of its
        parameters.
        """
        given = self.resolution.arguments[call]
        found = {name: v for name, v in given.items() if not isinstance(v, Distribution)}
        for parameter in block.parameters if block else ():
            if isinstance(parameter.default, Expression) and parameter.type not in NAMED:
                found.setdefault(parameter.name.text, parameter.default)
        return found

    def _repeat(self, step: Repeat, channels: Expression | None, known: Known) -> Expression | None:
        if channels is None:
            return None
        return _repeated(self.body(step.body, RUNNING, known), step.times, channels)

    def _each(self, step: Each, channels: Expression | None, known: Known) -> Expression | None:
        if step.between is not None and not self._keeps(step.between, known):
            return None
        turn = None if channels is None else self.turn(step, known)
        if channels is None or turn is None:
            return None
        walked = self.resolution.map_lists(step)
        if not walked and (end := unrolled(step, turn, RUNNING, channels)) is not None:
            return end
        times = self.times(step, known)
        result = None if times is None else _repeated(turn, times, channels)
        return None if result is None or variables(step) & free_names(result) else result

    def turn(self, step: Repeat | Each, known: Known) -> Expression | None:
        """What an iteration makes of `RUNNING`."""
        return self.body(step.body, RUNNING, self.inside(step, known))

    def inside(self, step: Repeat | Each, known: Known) -> Known:
        """What can be read in an iteration: the maps that the loop walks through, too."""
        maps = dict(known.maps)
        for name, walked in self.resolution.map_lists(step).items():
            found = known.listed(walked)
            maps[name] = None if found is None else found.each or channels_of(name)
        return replace(known, maps=maps)

    def times(self, step: Repeat | Each, known: Known) -> Expression | None:
        """How often a loop runs."""
        if isinstance(step, Repeat):
            return step.times
        walked = self.resolution.map_lists(step)
        for name, values in step.lists:
            if name.text not in walked:
                return Apply("len", (values,))
        found = known.listed(next(iter(walked.values())))
        return None if found is None else length(found.listed)

    def iterations(
        self, step: Repeat | Each, channels: Expression | None, known: Known
    ) -> MapChannels | None:
        """The channels that the iterations of a loop give: of each the same, or those that it goes
        through.
        """
        times, turn = self.times(step, known), self.turn(step, known)
        if times is None or turn is None or channels is None:
            return None
        between = step.between if isinstance(step, Each) else None
        if turn == RUNNING and (between is None or self._keeps(between, known)):
            return alike(channels, times)
        if not free_names(turn) & {RUNNING.name, *variables(step)}:
            return alike(turn, times)
        if isinstance(step, Each) and isinstance(turn, Name):
            walked = self.resolution.map_lists(step)
            for name, values in step.lists:
                if name.text in walked and turn == channels_of(name.text):
                    found = known.listed(values)
                    return None if found is None else MapChannels(found.listed)
                if name.text not in walked and turn == Name(name.text):
                    return MapChannels(values)
        return None

    def _keeps(self, body: Body, known: Known) -> bool:
        return self.body(body, RUNNING, known) == RUNNING


def variables(step: Repeat | Each) -> set[str]:
    """The variables of a loop, and the symbols for the channels of those that are maps."""
    names = [name.text for name, _ in step.lists] if isinstance(step, Each) else []
    return {*names, *(channels_of(name).name for name in names)}


def _repeated(
    turn: Expression | None, times: Expression, channels: Expression
) -> Expression | None:
    """What a loop gives for `channels`; `turn` is what one iteration makes of `RUNNING`. Of
    iterations that map `c` to `c + k`, `n` give `c + n * k`; where what they give does not depend
    on `c`, the loop gives just that, if it runs at all.
    """
    if turn is None:
        return None
    if turn == RUNNING or equal(turn, channels):
        return channels
    if RUNNING.name not in free_names(turn):
        return choose(Binary(">", times, Constant(0)), turn, channels)
    if (gain := linear_step(turn, RUNNING)) is not None:
        return simplify(add(channels, multiply(times, gain)))
    return None


def common_form(found: Iterable[Expression | None]) -> Expression | None:
    """The closed form that all of these are, if it is one."""
    first, *others = found
    same = first is not None and all(o is not None and equal(first, o) for o in others)
    return first if same else None


def is_long(channels: Expression) -> bool:
    return sum(1 for _ in walk(channels)) > LONGEST


def choose(
    test: Expression, then: Expression | None, otherwise: Expression | None
) -> Expression | None:
    """One of two under a condition; one of them where they agree."""
    if then is None or otherwise is None:
        return None
    return then if equal(then, otherwise) else simplify(Conditional(test, then, otherwise))


def _gates(network: Network) -> Mapping[Step, frozenset[int]]:
    """The branches of each product that are gates of 1 x H x W somewhere in the network."""
    found: dict[Step, frozenset[int]] = {}
    for layer in network.layers.values():
        if not isinstance(layer.step, Branches) or layer.step.maps is not None:
            continue
        if layer.op.gates and isinstance(layer.output, Image):
            full = layer.output.channels
            gates = {
                i
                for i, x in zip(_there(layer.step, layer.scope), layer.inputs, strict=True)
                if isinstance(x.shape, Image) and x.shape.channels < full
            }
            found[layer.step] = found.get(layer.step, frozenset()) | gates
    return found


def _there(step: Branches, scope: Scope) -> list[int]:
    """The branches that are there in a scope."""
    return [
        i
        for i, branch in enumerate(step.arms)
        if branch.test is None or evaluate(branch.test, scope.values, scope.channels) is True
    ]


def _known(arms: Iterable[Expression | None]) -> tuple[Expression, ...]:
    return tuple(arm for arm in arms if arm is not None)


def _if_there(test: Expression | None, channels: Expression | None) -> Expression | None:
    """What an optional branch adds to the channels of a `concat`."""
    return channels if test is None else choose(test, channels, Constant(0))


def _first(arms: Sequence[Arm]) -> Expression | None:
    """The channels of the first branch that is there."""
    (_, found), *others = reversed(arms)
    for test, channels in others:
        assert test is not None
        found = choose(test, channels, found)
    return found


def _plainness(channels: Expression) -> int:
    """Constants before expressions, and what depends on a condition last."""
    match channels:
        case Constant():
            return 0
        case InputChannels():
            return 2
        case Conditional():
            return 3
        case _:
            return 1
