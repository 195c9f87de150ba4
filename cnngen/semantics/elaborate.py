"""Elaborate: a resolved spec and numbers -> the concrete graph of layers, with shapes.

Shapes are inferred on the way, because `input.channels` may stand in any expression.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from cnngen.diagnostics.model import Report
from cnngen.expressions.effort import Exhausted
from cnngen.expressions.evaluate import UNDETERMINED, Values
from cnngen.ops import OPS
from cnngen.ops.base import UNKNOWN, Image, Unknown, Vector
from cnngen.semantics.attributes import show
from cnngen.semantics.count import count_layers
from cnngen.semantics.elaboration import MAX_LAYERS, Elaboration, Place, TooManyLayers, value_in
from cnngen.semantics.keys import Arrangement
from cnngen.semantics.layers import lay, lay_op
from cnngen.semantics.loops import iterations
from cnngen.semantics.network import INPUT, Network, Scope, Tensor
from cnngen.semantics.parameters import argument, model_values
from cnngen.semantics.resolution import Resolution
from cnngen.semantics.stages import output_stages
from cnngen.semantics.variants import note_variants
from cnngen.syntax.tree import (
    Block,
    Body,
    Branches,
    Call,
    Each,
    Reference,
    Repeat,
    Stage,
    Step,
    When,
)


def elaborate(
    resolution: Resolution,
    report: Report,
    *,
    input: Image | None = None,
    max_layers: int = MAX_LAYERS,
    lenient: bool = False,
) -> Network | None:
    """The concrete network; None where none can be made. Shapes behind a mistake are unknown, or
    `lenient` lets branches be joined as if they were as large as the first.
    """
    spec = resolution.spec
    image = input or Image(spec.input.channels, spec.input.height, spec.input.width)
    if resolution.endless:
        return None
    values = model_values(spec, report)
    network = Network(resolution, image)
    try:
        if not count_layers(resolution, values, max_layers, report):
            return None
        _lay_stages(values, Elaboration(resolution, report, max_layers, network, lenient))
    except TooManyLayers:
        return None
    except Exhausted as exhausted:
        report.add(
            "too-large",
            "the loops and lists of this spec take more steps than can be checked",
            exhausted.span or spec.name.span,
            "no further than here",
            help="use smaller numbers and fewer loops in each other",
        )
        return None
    network.graph.add_nodes_from([INPUT, *network.layers])
    network.graph.add_edges_from(
        (x.path, layer.path) for layer in network.layers.values() for x in layer.inputs
    )
    network.outputs = output_stages(spec)
    if not report.failed:
        note_variants(network)
    return network


def _lay_stages(values: Values, elaboration: Elaboration) -> None:
    network = elaboration.network
    image = network.input
    running = Tensor(INPUT, image if image.channels else UNKNOWN)
    tensors = {INPUT: running}
    for stage in elaboration.resolution.spec.stages:
        given = elaboration.read(tensors, stage.origin) if stage.origin else running
        elaboration.training = stage.name.text in elaboration.resolution.training
        output = _stage(stage, given, values, tensors, elaboration)
        tensors[stage.name.text] = network.stages[stage.name.text] = output
        if not stage.training:
            running = output


def _stage(
    stage: Stage,
    given: Tensor,
    values: Values,
    tensors: Mapping[str, Tensor],
    elaboration: Elaboration,
) -> Tensor:
    first = stage.body[0].origin if stage.body else None
    read = elaboration.read(tensors, first) if first else given
    place = Place(Scope(values, _channels(read), stage.name.text, stage=stage), tensors)
    arrangement = elaboration.resolution.arrangement(stage.body)
    return _body(stage.body, arrangement, stage.name.text, given, place, elaboration)


def _channels(x: Tensor) -> int | None:
    match x.shape:
        case Image(channels=channels):
            return channels
        case Vector(features=features):
            return features
        case Unknown():
            return None
        case _:
            assert_never(x.shape)


def _body(
    body: Body,
    arrangement: Arrangement,
    path: str,
    x: Tensor,
    place: Place,
    elaboration: Elaboration,
) -> Tensor:
    """Lay out the steps of a body one after the other."""
    if arrangement.layout == "graph":
        return _graph(body, arrangement, path, x, place, elaboration)
    position = 0
    for step in body:
        elaboration.visit(step)
        key = arrangement.keys.get(step)
        if step.origin:
            x = elaboration.read(place.tensors, step.origin)
        if arrangement.layout == "single" and not isinstance(step, Repeat | Each):
            return _step(step, path, x, place, elaboration)
        if isinstance(step, Repeat | Each) and key is None:
            x, position = _loop(step, path, position, x, place, elaboration)
        elif not isinstance(step, Reference):
            x = _step(step, f"{path}.{key or position}", x, place, elaboration)
            position += 1
    return x


def _graph(
    body: Body,
    arrangement: Arrangement,
    path: str,
    x: Tensor,
    place: Place,
    elaboration: Elaboration,
) -> Tensor:
    """Lay out the body of a block in which steps read others by name."""
    tensors = dict(place.tensors)
    place = replace(place, tensors=tensors)
    for step in body:
        elaboration.visit(step)
        if step.origin:
            x = elaboration.read(tensors, step.origin)
        if isinstance(step, Reference):
            continue
        key = arrangement.keys[step]
        if isinstance(step, Branches) and not step.name:
            x = _branches(step, path, x, place, elaboration, key=key)
        else:
            x = _step(step, f"{path}.{key}", x, place, elaboration)
        if step.name:
            tensors[step.name.text] = x
    return x


def _step(step: Step, path: str, x: Tensor, place: Place, elaboration: Elaboration) -> Tensor:
    match step:
        case Call():
            if block := elaboration.resolution.blocks.get(step):
                return _block(step, block, path, x, place, elaboration)
            return lay_op(step, path, x, place, elaboration)
        case Repeat() | Each():
            return _loop(step, path, 0, x, place, elaboration)[0]
        case When():
            return _when(step, path, x, place, elaboration)
        case Branches():
            return _branches(step, path, x, place, elaboration)
        case Reference():
            return x
        case _:
            assert_never(step)


def _block(
    call: Call, block: Block, path: str, x: Tensor, place: Place, elaboration: Elaboration
) -> Tensor:
    resolution = elaboration.resolution
    values = dict(place.scope.outermost.values)  # the model's parameters, which every block sees
    for parameter in block.parameters:
        if parameter.type != "tensor":
            value = argument(call, parameter, place.scope, elaboration)
            values[parameter.name.text] = value
    tensors = {INPUT: x}
    for parameter, name in resolution.tensors(call).items():
        tensors[parameter] = elaboration.read(place.tensors, name)
    if x.shape is not UNKNOWN:
        rank = "image" if isinstance(x.shape, Image) else "vector"
        elaboration.network.block_ranks.setdefault(block, rank)
    scope = Scope(values, _channels(x), path, block, call, place.scope, given=tensors)
    arrangement = resolution.arrangement(block.body, block=True)
    return _body(block.body, arrangement, path, x, Place(scope, tensors), elaboration)


def _loop(
    step: Repeat | Each, path: str, position: int, x: Tensor, place: Place, elaboration: Elaboration
) -> tuple[Tensor, int]:
    """Lay out the iterations of a loop; each takes a position, and so does what is between."""
    rounds = iterations(step, place.scope, elaboration)
    if rounds is None:
        return Tensor(path, UNKNOWN), position
    between = step.between if isinstance(step, Each) else None
    resolution, layers = elaboration.resolution, elaboration.network.layers
    start, times = len(layers), elaboration.times
    elaboration.times *= len(rounds)
    for i, values in enumerate(rounds):
        elaboration.visit(step)
        inner = replace(place, scope=place.scope.inside(values)) if values else place
        if i == 1 and (len(layers) - start) * elaboration.times > elaboration.limit:
            elaboration.refuse_size(step.span)
        for body in (between,) * (i > 0) + (step.body,):
            if body is not None:
                arrangement = resolution.arrangement(body)
                x = _body(body, arrangement, f"{path}.{position}", x, inner, elaboration)
                position += 1
        if x.shape is UNKNOWN:  # the other iterations could say nothing new
            break
    elaboration.times = times
    return x, position


def _when(step: When, path: str, x: Tensor, place: Place, elaboration: Elaboration) -> Tensor:
    test = value_in(place.scope, step.test, step, elaboration)
    if test is UNDETERMINED:
        return Tensor(path, UNKNOWN)
    if not isinstance(test, bool):
        elaboration.report.add(
            "wrong-type",
            f"a condition must be `true` or `false`, not {show(test)}",
            step.test.span or step.span,
            notes=place.scope.trail(),
            help="compare it, for example with `> 0`",
        )
        return Tensor(path, UNKNOWN)
    body = step.body if test else step.orelse or ()
    arrangement = elaboration.resolution.arrangement(body)
    return _body(body, arrangement, path, x, place, elaboration)


def _branches(
    step: Branches, path: str, x: Tensor, place: Place, elaboration: Elaboration, key: str = ""
) -> Tensor:
    """Lay out the arms side by side below one path; the join is there under its key."""
    outputs: list[Tensor] = []
    for name, body in step.arms:
        arrangement = elaboration.resolution.arrangement(body)
        outputs.append(_body(body, arrangement, f"{path}.{name.text}", x, place, elaboration))
    if step.join.text == "concat":
        _warn_of_repeated_input(step, x, outputs, place, elaboration)
    if step.join.text not in OPS:  # which was reported
        return Tensor(path, UNKNOWN)
    op = elaboration.ops.setdefault((step.join.text,), OPS[step.join.text]({}))
    at = f"{path}.{key or step.join.text}"
    return lay(at, op, tuple(outputs), step, step.join.span, x, place, elaboration)


def _warn_of_repeated_input(
    step: Branches, x: Tensor, outputs: Sequence[Tensor], place: Place, elaboration: Elaboration
) -> None:
    for (name, body), output in zip(step.arms, outputs, strict=True):
        skipped = len(body) == 1 and isinstance(body[0], When) and body[0].orelse is None
        if skipped and output is x:
            elaboration.report.add(
                "repeated-input",
                f"`{name.text}` passes its input on, which `concat` then repeats",
                name.span,
                notes=place.scope.trail(),
                help="give the `when` an `else`, or put it around the whole `branches`",
            )
