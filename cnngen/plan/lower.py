"""Lower: a network -> the program that every target prints of it.

A spec is checked with numbers and printed with symbols. This pass goes through the tree of the spec
once, block by block, and says of every tensor how many channels it has: as an expression over the
parameters of its block, or as a variable where a loop changes them. Whether it does is decided
before its body is lowered, by the closed forms of `channels.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cnngen.expressions.algebra import mentions_input
from cnngen.expressions.expression import Apply, Constant, Expression, InputChannels, Name
from cnngen.expressions.expression import walk as walk_parts
from cnngen.ops.base import Image, Op, Shape
from cnngen.plan.channels import IN_CHANNELS, Channels, channels_of
from cnngen.plan.lower_region import RegionLowering, Running
from cnngen.plan.map_channels import MapChannels
from cnngen.plan.program import (
    Bind,
    Call,
    Choice,
    Gather,
    Join,
    JoinLoop,
    Loop,
    Maps,
    Pass,
    Program,
    Region,
    Reuse,
    StageRegion,
    Unit,
    Value,
    step_of,
    walk,
)
from cnngen.plan.ranks import Ranks
from cnngen.semantics.areas import Areas
from cnngen.semantics.network import INPUT, Network, Rank, Scope
from cnngen.semantics.op_values import op_expressions
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.stages import first_origin, kept_stages
from cnngen.semantics.walk import expressions, positions, steps, value_expressions
from cnngen.syntax.tree import Block, Body, Stage, Step


def lower(network: Network, *, open_inputs: bool = False) -> Program:
    """The program of a network without mistakes; raises `TooComplex`.

    The channels of its inputs are those of the spec, unless a target lets them vary
    (`open_inputs`): then a symbol stands for those of each.
    """
    areas = Areas(network)
    channels = Channels(network.resolution, areas)
    paths = find_paths(network)
    units: dict[Block, Unit] = {}
    ranks = Ranks()

    def lowering(block: Block | None) -> RegionLowering:
        return RegionLowering(network, areas, channels, units, paths, block, ranks=ranks)

    for block in network.resolution.order:
        units[block] = _unit(block, lowering(block))
    model = lowering(None)
    said = {each.name.text: each.parameter for each in network.resolution.spec.inputs}
    inputs = tuple(
        model.value(channels_of(name) if open_inputs else _features(x, said[name]), _rank(x), name)
        for name, x in network.inputs.items()
    )
    return Program(network, tuple(units.values()), inputs, tuple(_stages(inputs, model)))


def _features(x: Shape, parameter: str | None) -> Expression:
    """The channels of an image, or the features of a vector, which a parameter may say."""
    if parameter:
        return Name(parameter)
    return Constant(x.channels if isinstance(x, Image) else x.features)


def _rank(x: Shape) -> Rank:
    return "image" if isinstance(x, Image) else "vector"


def _unit(block: Block, lowering: RegionLowering) -> Unit:
    network, resolution = lowering.network, lowering.network.resolution
    arrangement = resolution.arrangement(block.body, block=True)
    given = lowering.value(InputChannels(), network.block_ranks.get(block, "image"), INPUT)
    given = replace(given, listed=block.takes_list)
    tensors: list[Value | Maps] = []
    lowering.readable.note(INPUT, given)
    for parameter in block.parameters:
        name = parameter.name.text
        if parameter.type == "tensor":
            value = lowering.value(channels_of(name), "image", name)
            lowering.readable.tensors[name] = value
            tensors.append(value)
        elif parameter.type == "tensors":
            number = next(lowering.values)
            maps = Maps((number,), MapChannels(channels_of(name)), "image", name)
            lowering.readable.lists[name] = maps
            tensors.append(maps)
    alone = arrangement.layout != "graph" and not reads_input(block.body, lowering)
    body, _ = lowering.region(block.body, arrangement, Running(given, owned=alone))
    captured = resolution.captured[block.name.text]
    closed = lowering.closed_forms.block(block)
    gives = () if closed is not None else (body.gives.channels,)
    return Unit(
        block.name.text,
        block.about,
        block,
        tuple(p for p in block.parameters if p.type not in ("tensor", "tensors")),
        tuple(p for p in resolution.spec.parameters if p.name.text in captured),
        tuple(lowering.areas.arguments(block)),
        given,
        tuple(tensors),
        body,
        closed,
        block in resolution.block_uses.chosen
        or any(_asks_input(read) for read in (*_read(body, resolution), *gives)),
    )


def _asks_input(expression: Expression) -> bool:
    """Whether the channels of the input stand in an expression, or how many maps it has."""
    length = Apply("len", (Name(INPUT),))
    return mentions_input(expression) or any(part == length for part, _ in walk_parts(expression))


def _read(region: Region, resolution: Resolution) -> Iterator[Expression]:
    """The expressions that the nodes in a region depend on."""
    for node in walk(region):
        if (step := step_of(node)) is not None:
            yield from positions(step)
        match node:
            case Call():
                for value in node.layer.arguments.values():
                    yield from value_expressions(value)
                for op in node.layer.ops.values():
                    yield from op_expressions(op, resolution.arguments)
                if isinstance(node.layer.made, Unit):
                    handed = node.layer.handed
                    yield from (
                        value
                        for name, value in handed.items()
                        if name != IN_CHANNELS or node.layer.made.takes_channels
                    )
                elif node.layer.made.weights is not Op.weights:
                    yield node.reads.channels
            case Loop():
                yield from expressions(node.step)
                yield from (walked.maps.channels.listed for walked in node.walks if walked.symbol)
            case Choice():
                yield from expressions(node.step)
            case JoinLoop():
                yield from expressions(node.step.loop)
                yield from (walked.maps.channels.listed for walked in node.walks if walked.symbol)
                yield from () if node.collected is None else (node.body.gives.channels,)
            case Bind():
                yield node.channels
            case Join():
                yield from (arm.test for arm in node.arms if arm.test is not None)
            case Gather() | Reuse() | Pass():
                pass


def reads_input(body: Body, lowering: RegionLowering) -> bool:
    """Whether `input.channels` stands anywhere in a body."""
    read = lowering.network.resolution.expressions
    return any(mentions_input(part) for step in steps(body) for part in read(step))


def _stages(inputs: Sequence[Value], lowering: RegionLowering) -> Iterator[StageRegion]:
    network, resolution = lowering.network, lowering.network.resolution
    kept = kept_stages(resolution)
    outputs = {stage: name for name, stage in network.outputs.items()}
    lowering.readable.tensors.update({x.name: x for x in inputs})
    x = Running(inputs[0])  # of several, the first stage says which it reads
    for stage in resolution.spec.stages:
        name = stage.name.text
        region, after, entry = _stage(stage, x, lowering)
        after = replace(after, owned=after.owned and name not in kept)
        if stage in lowering.shared:  # where it is used again, the channels are the same
            after = replace(after, owned=False)
            lowering.parts[stage] = region, entry
        lowering.readable.note(name, after.value)
        training = name in resolution.training
        yield StageRegion(name, region, entry, name in kept, outputs.get(name, ""), training, stage)
        if not stage.training:
            x = after


def _stage(
    stage: Stage, x: Running, lowering: RegionLowering
) -> tuple[Region, Running, Expression]:
    if origin := first_origin(stage):
        x = Running(lowering.readable.follow(origin))
    given = x.value
    with lowering.collected() as bound:
        if reads_input(stage.body, lowering):
            x = replace(lowering.settle(x), owned=False)
        lowering.entry = x.value.channels
        arrangement = lowering.network.resolution.arrangement(stage.body)
        region, after = lowering.region(stage.body, arrangement, x)
    after = replace(after, value=replace(after.value, name=stage.name.text))
    whole = replace(region, given=given, nodes=(*bound, *region.nodes), gives=after.value)
    return whole, after, lowering.entry


def find_paths(network: Network) -> Mapping[Step, tuple[str, ...]]:
    """The paths of the layers that a step made, or of the uses of a block that a call made."""
    found: dict[Step, dict[str, None]] = {}
    seen: set[Scope] = set()
    for layer in network.layers.values():
        found.setdefault(layer.step, {})[layer.path] = None
        scope: Scope | None = layer.scope
        while scope is not None and scope not in seen:
            seen.add(scope)
            if scope.call is not None:
                found.setdefault(scope.call, {})[scope.path] = None
            scope = scope.parent
    return {step: tuple(paths) for step, paths in found.items()}
