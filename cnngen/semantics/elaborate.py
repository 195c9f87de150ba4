"""Elaborate: a resolved spec and numbers -> the concrete graph of layers, with shapes.

Shapes are inferred on the way, because `input.channels` may stand in any expression. Bodies are
followed step by step, loops iteration by iteration and blocks use by use; each call of an op
becomes a layer. What explains a mistake is imported only where there is one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, assert_never

from cnngen.diagnostics.model import Label, Remedies, Report
from cnngen.expressions.algebra import free_names, mentions_input
from cnngen.expressions.effort import Exhausted
from cnngen.expressions.evaluate import (
    UNDETERMINED,
    EvaluationError,
    MaybeValue,
    Values,
    evaluate,
    weight,
)
from cnngen.expressions.expression import Expression
from cnngen.ops import OPS
from cnngen.ops.attribute import LARGEST, UnknownValue
from cnngen.ops.base import UNKNOWN, Image, Op, Shape, ShapeError, Unknown
from cnngen.semantics.attributes import Invalid, argument_span, bind
from cnngen.semantics.chosen_blocks import block_of, blocks_of_model, given_blocks
from cnngen.semantics.count import count_layers
from cnngen.semantics.elaboration import (
    MAX_LAYERS,
    NOTHING,
    Elaboration,
    Given,
    Maps,
    Original,
    Place,
    TooManyLayers,
    channels_of,
    is_unknown,
    one_of,
    truth_of,
    value_of,
)
from cnngen.semantics.iterations import Iterations, inside, iterations
from cnngen.semantics.keys import Arrangement
from cnngen.semantics.map_lists import lone_loop
from cnngen.semantics.network import INPUT, Layer, NamedOp, Network, Rank, Scope, Tensor
from cnngen.semantics.op_values import Chosen, OpValue, Passed
from cnngen.semantics.parameters import checked, model_values, place
from cnngen.semantics.reading import branches_of, follow, maps_of, read_map
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.reuse import Again, check_again
from cnngen.semantics.stages import output_stages
from cnngen.semantics.unread import check_unread
from cnngen.semantics.variants import note_variants
from cnngen.source import Span
from cnngen.syntax.forms import APART
from cnngen.syntax.tree import (
    ArgumentValue,
    Block,
    Body,
    Branch,
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

MOST_PARTS = 1000  # of a vector


def elaborate(
    resolution: Resolution,
    report: Report,
    *,
    inputs: Mapping[str, Shape] | None = None,
    max_layers: int = MAX_LAYERS,
    lenient: bool = False,
) -> Network | None:
    """The concrete network; None where there can be none. Shapes behind a mistake are unknown.
    `inputs` are other shapes than those of the spec, and `lenient` lets branches be joined as if
    all were as large as the largest.
    """
    spec = resolution.spec
    own = {x.name.text: x.shape for x in spec.inputs if not isinstance(x.shape, Unknown)}
    if resolution.endless:
        return None
    values = model_values(spec, report)
    network = Network(resolution, own | dict(inputs or {}))
    shared = resolution.parts
    elaboration = Elaboration(resolution, report, max_layers, network, lenient, shared=shared)
    try:
        if not count_layers(resolution, values, max_layers, report):
            return None
        _lay_stages(values, elaboration)
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
    network.graph.add_nodes_from([*network.inputs, *network.layers])
    network.graph.add_edges_from(
        (x.path, layer.path) for layer in network.layers.values() for x in layer.inputs
    )
    network.outputs = output_stages(spec)
    if elaboration.absent and not report.failed:
        check_unread(network, elaboration.absent, report)
    if not report.failed:
        note_variants(network)
        _rank_named_ops(network)
    return network


def _rank_named_ops(network: Network) -> None:
    """Note of ops that are named as values and not used yet what others of their kind are given."""
    uses = network.resolution.op_uses
    for kind in set(uses.kinds.values()):
        steps = (call for call, parameter in uses.steps.items() if parameter in kind.parameters)
        known: list[Rank] = [network.ranks[step] for step in steps if step in network.ranks]
        for call in kind.named if known else ():
            network.ranks.setdefault(call, known[0])


def _lay_stages(values: Values, elaboration: Elaboration) -> None:
    network = elaboration.network
    parameters = elaboration.resolution.spec.parameters
    scope = Scope(values, None, "")
    ops = _ops(parameters, {}, elaboration.resolution.spec.name.span, scope, elaboration)
    model = replace(scope, ops=ops, blocks=blocks_of_model(elaboration.resolution))
    stages = {stage.name.text for stage in elaboration.resolution.spec.stages}
    tensors = {
        name: Tensor(name, shape if name not in stages else UNKNOWN)  # else that was reported
        for name, shape in network.inputs.items()
    }
    lists: dict[str, Maps | None] = {}
    running: Given = tensors.get(INPUT, NOTHING)
    for stage in elaboration.resolution.spec.stages:
        name = stage.name.text
        place = Place(replace(model, path=name, stage=stage), tensors, lists)
        given = follow(stage.origin, place, elaboration) if stage.origin else running
        elaboration.training = name in elaboration.resolution.training
        before = len(network.layers)
        output = _stage(stage, given, place, elaboration)
        if stage in elaboration.shared:
            read = _read_by(stage.body, given, place, elaboration)
            _note_original(stage, name, read, output, before, elaboration)
        network.stages[name] = one_of(output)
        if isinstance(output, tuple):
            lists[name] = network.lists[name] = output
        else:
            tensors[name] = output
            if loop := lone_loop(stage.body):
                lists[name] = elaboration.turns.get(loop)
        if not stage.training:
            running = output


def _stage(stage: Stage, given: Given, place: Place, elaboration: Elaboration) -> Given:
    read = _read_by(stage.body, given, place, elaboration)
    place = replace(place, scope=replace(place.scope, channels=channels_of(read)))
    arrangement = elaboration.resolution.arrangement(stage.body)
    return _body(stage.body, arrangement, stage.name.text, given, place, elaboration)


def _body(
    body: Body,
    arrangement: Arrangement,
    path: str,
    x: Given,
    place: Place,
    elaboration: Elaboration,
) -> Given:
    """Elaborate the steps of a body one after the other."""
    if arrangement.layout == "graph":
        return _graph(body, arrangement, path, x, place, elaboration)
    position = 0
    for step in body:
        elaboration.visit(step)
        key = arrangement.keys.get(step)
        if step.origin:
            x = follow(step.origin, place, elaboration)
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
    x: Given,
    place: Place,
    elaboration: Elaboration,
) -> Given:
    """Elaborate the body of a block in which steps read others by name."""
    tensors, lists = dict(place.tensors), dict(place.lists)
    place = replace(place, tensors=tensors, lists=lists)
    for step in body:
        elaboration.visit(step)
        if step.origin:
            x = follow(step.origin, place, elaboration)
        if isinstance(step, Reference):
            continue
        key, given, before = arrangement.keys[step], x, len(elaboration.network.layers)
        if isinstance(step, Branches) and not step.name:
            x = _branches(step, path, x, place, elaboration, key=key)
        else:
            x = _step(step, f"{path}.{key}", x, place, elaboration)
        if step.name and isinstance(x, tuple):
            lists[step.name.text] = x
        elif step.name and isinstance(x, Tensor):
            tensors[step.name.text] = x
            lists[step.name.text] = elaboration.turns.get(step)
        if step in elaboration.shared:
            _note_original(step, f"{path}.{key}", given, x, before, elaboration)
    return x


def _step(step: Step, path: str, x: Given, place: Place, elaboration: Elaboration) -> Given:
    match step:
        case Call():
            if block := block_of(step, place.scope, elaboration.resolution):
                return _block(step, block, path, x, place, elaboration)
            if isinstance(x, tuple):
                return Tensor(path, UNKNOWN)  # which `check_kinds` has reported
            return _op_layer(step, path, x, place, elaboration)
        case Repeat() | Each():
            return _loop(step, path, 0, x, place, elaboration)[0]
        case When():
            return _when(step, path, x, place, elaboration)
        case Branches():
            return _branches(step, path, x, place, elaboration)
        case BranchLoop():
            return _branch_loop(step, path, x, place, elaboration)
        case Reference():
            return x
        case Reuse():
            if isinstance(x, tuple):
                return Tensor(path, UNKNOWN)  # which `check_kinds` has reported
            return _reuse(step, path, x, place, elaboration)
        case _:
            assert_never(step)


def _block(
    call: Call, block: Block, path: str, x: Given, place: Place, elaboration: Elaboration
) -> Given:
    if isinstance(x, tuple) != block.takes_list:
        return Tensor(path, UNKNOWN)  # which `check_kinds` has reported
    resolution = elaboration.resolution
    values = dict(place.scope.outermost.values)  # the model's parameters, which every block sees
    for parameter in block.parameters:
        if parameter.type not in ("tensor", "tensors", "op", "block"):
            value = _argument(call, parameter, place.scope, elaboration)
            values[parameter.name.text] = value
    tensors = {INPUT: x} if isinstance(x, Tensor) else {}
    for parameter, name in resolution.tensors(call).items():
        tensors[parameter] = read_map(name, place, elaboration)
    lists = {n: maps_of(m, place, elaboration) for n, m in resolution.map_lists(call).items()}
    if isinstance(x, tuple):
        lists[INPUT] = x
    for parameter, maps in lists.items():  # in expressions, a list has a length
        values[parameter] = UNDETERMINED if maps is None else (None,) * len(maps)
    if (shape := one_of(x).shape) is not UNKNOWN:
        rank = "image" if isinstance(shape, Image) else "vector"
        elaboration.network.block_ranks.setdefault(block, rank)
    given = resolution.op_uses.given[call]
    ops = _ops(block.parameters, given, call.span, place.scope, elaboration)
    ops = {**place.scope.outermost.ops, **ops}
    scope = Scope(values, channels_of(x), path, block, call, place.scope, given=tensors, ops=ops)
    scope = replace(scope, blocks=_blocks(call, block, place.scope, elaboration))
    arrangement = resolution.arrangement(block.body, block=True)
    return _body(block.body, arrangement, path, x, Place(scope, tensors, lists), elaboration)


def _ops(
    parameters: Sequence[Parameter],
    given: Mapping[str, OpValue],
    at: Span,
    scope: Scope,
    elaboration: Elaboration,
) -> dict[str, NamedOp]:
    """The ops that parameters are: what is given in this scope, or else their own."""
    ops: dict[str, NamedOp] = {}
    for parameter in parameters:
        if parameter.type == "op":
            default = elaboration.resolution.op_uses.defaults.get(parameter)
            value = given.get(parameter.name.text, default)
            if value and (named := _named_op(value, at, scope, elaboration)):
                ops[parameter.name.text] = named
    return ops


def _blocks(call: Call, block: Block, scope: Scope, elaboration: Elaboration) -> dict[str, Block]:
    """The blocks that parameters are in a use of a block."""

    def holds(test: Expression) -> bool | None:
        return truth_of(test, call.span, scope, elaboration)

    own = given_blocks(call, block, scope, elaboration.resolution, holds)
    return {**scope.outermost.blocks, **own}


def _named_op(value: OpValue, at: Span, scope: Scope, elaboration: Elaboration) -> NamedOp | None:
    """The op that a value is in a scope; None after a mistake."""
    match value:
        case Call():
            op_class = elaboration.resolution.ops[value]
            return NamedOp(_bound(value, op_class, scope, elaboration), value)
        case Passed(parameter):
            return scope.ops.get(parameter.name.text)
        case Chosen(test, then, otherwise):
            holds = truth_of(test, at, scope, elaboration)
            if holds is None:
                return None
            return _named_op(then if holds else otherwise, at, scope, elaboration)
        case _:
            assert_never(value)


def _argument(
    call: Call, parameter: Parameter, scope: Scope, elaboration: Elaboration
) -> MaybeValue:
    """The value that a parameter of a block has in one use."""
    name = parameter.name.text
    given = elaboration.resolution.arguments[call].get(name)
    expression = given or parameter.default
    if not isinstance(expression, Expression):
        return UNDETERMINED
    value = value_of(scope if given else None, expression, call.span, elaboration)
    try:
        return checked(parameter, value)
    except Invalid as error:
        elaboration.report.add(
            error.code,
            error.message,
            place(error, expression) or argument_span(call, name),
            secondary=[Label(parameter.name.span, f"declared as {parameter.type}")],
            notes=scope.trail(),
            help=error.help,
        )
        return UNDETERMINED


def _loop(
    step: Repeat | Each, path: str, position: int, x: Given, place: Place, elaboration: Elaboration
) -> tuple[Given, int]:
    """Elaborate the iterations of a loop. Each takes a position in the chain around it, and so does
    each body between two of them.
    """
    rounds = iterations(step, place, elaboration)
    elaboration.turns[step] = None
    if rounds is None or not (rounds or _passes_on(step, x, place, elaboration)):
        return Tensor(path, UNKNOWN), position
    turns: list[Tensor] = []
    between = step.between if isinstance(step, Each) else None
    resolution, layers = elaboration.resolution, elaboration.network.layers
    start, times = len(layers), elaboration.times
    elaboration.times *= len(rounds)
    for i, turn in enumerate(rounds):
        elaboration.visit(step)
        inner = inside(place, turn)
        if i == 1 and (len(layers) - start) * elaboration.times > elaboration.limit:
            elaboration.refuse_size(step.span)
        for body in (between,) * (i > 0) + (step.body,):
            if body is not None:
                arrangement = resolution.arrangement(body)
                x = _body(body, arrangement, f"{path}.{position}", x, inner, elaboration)
                position += 1
        if is_unknown(x):  # the other iterations could say nothing new
            break
        if isinstance(x, Tensor):
            turns.append(x)
    else:
        elaboration.turns[step] = tuple(turns)
    elaboration.times = times
    return x, position


def _passes_on(loop: Repeat | Each, x: Given, place: Place, elaboration: Elaboration) -> bool:
    """Whether a loop without an iteration gives what it does with some: one map, or a list."""
    gives_list = loop in elaboration.resolution.carried.steps
    if isinstance(x, tuple) == gives_list:
        return True
    given, wanted = ("one map", "a list") if gives_list else ("a list of maps", "one map")
    counted = loop.times if isinstance(loop, Repeat) else loop.lists[0][1]
    if not is_unknown(x):
        elaboration.report.add(
            "wrong-type",
            f"without an iteration, this loop gives {given}, as it is given, and not {wanted}",
            counted.span or loop.span,
            notes=place.scope.trail(),
            help="let it make one iteration at least",
        )
    return False


def _when(step: When, path: str, x: Given, place: Place, elaboration: Elaboration) -> Given:
    test = truth_of(step.test, step.span, place.scope, elaboration)
    if test is None:
        return Tensor(path, UNKNOWN)
    body = step.body if test else step.orelse or ()
    arrangement = elaboration.resolution.arrangement(body)
    return _body(body, arrangement, path, x, place, elaboration)


def _branches(
    step: Branches, path: str, x: Given, place: Place, elaboration: Elaboration, key: str = ""
) -> Given:
    """Elaborate the branches below one path, where their join stands under its key. One that is
    left alone needs no join.
    """
    outputs: dict[Branch, Tensor] = {}
    apart = step.join.text == APART
    known = apart or step.join.text in OPS  # else it was reported
    if step.maps is not None:
        found = branches_of(step.maps, place, elaboration)
        known, outputs = known and found is not None, found or {}
    for branch in step.arms:
        there = branch.test is None or truth_of(branch.test, step.span, place.scope, elaboration)
        if there:
            arrangement = elaboration.resolution.arrangement(branch.body)
            below = f"{path}.{branch.name.text}"
            given = _body(branch.body, arrangement, below, x, place, elaboration)
            if isinstance(given, tuple):
                given = Tensor(below, UNKNOWN)  # which `check_kinds` has reported
            outputs[branch] = given
        elif there is None:
            known = False
        else:
            elaboration.absent.append(branch)
    if not known or not (step.arms or step.maps):  # which was reported
        return Tensor(path, UNKNOWN)
    if not outputs:
        return _report_no_branch(step, path, place, elaboration)
    if apart:
        given = tuple(outputs.values())
        return Tensor(path, UNKNOWN) if is_unknown(given) else given
    if len(outputs) == 1:
        return next(iter(outputs.values()))
    if OPS[step.join.text].concatenates:
        _warn_of_repeated_input(outputs, one_of(x), place, elaboration)
    op = elaboration.ops.setdefault((step.join.text,), OPS[step.join.text]({}))
    at = f"{path}.{key or step.join.text}"
    joined = tuple(outputs.values())
    return _layer(
        at, op, joined, step, step.join.span, one_of(x), place, elaboration, tuple(outputs)
    )


def _report_no_branch(step: Branches, path: str, place: Place, elaboration: Elaboration) -> Tensor:
    if step.maps is not None:
        elaboration.report.add(
            "no-branch-left",
            "there are no maps in this list",
            step.maps.span or step.join.span,
            notes=place.scope.trail(),
            help="let it have one map at least: `[stem] + encoder`",
        )
        return Tensor(path, UNKNOWN)
    tests = [branch.test.span for branch in step.arms if branch.test and branch.test.span]
    elaboration.report.add(
        "no-branch-left",
        "all of these branches are absent",
        step.join.span,
        secondary=[Label(span, "false") for span in tests],
        notes=place.scope.trail(),
        help="let one of them be there always: `identity` passes the input on",
    )
    return Tensor(path, UNKNOWN)


def _branch_loop(
    step: BranchLoop, path: str, x: Given, place: Place, elaboration: Elaboration
) -> Given:
    """Elaborate a branch for each iteration, below its position, and their join beside these."""
    loop, layers = step.loop, elaboration.network.layers
    rounds = iterations(loop, place, elaboration)
    apart = step.join.text == APART
    if rounds is None or not (apart or step.join.text in OPS):  # which was reported
        return Tensor(path, UNKNOWN)
    if not rounds:
        return _report_no_iteration(step, path, place, elaboration)
    start, times = len(layers), elaboration.times
    elaboration.times *= len(rounds)
    arrangement = elaboration.resolution.arrangement(loop.body)
    outputs: list[Tensor] = []
    for i, turn in enumerate(rounds):
        elaboration.visit(loop)
        if i == 1 and (len(layers) - start) * elaboration.times > elaboration.limit:
            elaboration.refuse_size(step.span)
        inner = inside(place, turn)
        given = _body(loop.body, arrangement, f"{path}.{i}", x, inner, elaboration)
        if isinstance(given, tuple):
            given = Tensor(path, UNKNOWN)  # which `check_kinds` has reported
        outputs.append(given)
        if outputs[-1].shape is UNKNOWN:  # the other iterations could say nothing new
            break
    elaboration.times = times
    if apart:
        return Tensor(path, UNKNOWN) if is_unknown(tuple(outputs)) else tuple(outputs)
    op = elaboration.ops.setdefault((step.join.text,), OPS[step.join.text]({}))
    at, joined = f"{path}.{step.join.text}", tuple(outputs)
    return _layer(at, op, joined, step, step.join.span, one_of(x), place, elaboration, rounds)


def _report_no_iteration(
    step: BranchLoop, path: str, place: Place, elaboration: Elaboration
) -> Tensor:
    loop = step.loop
    counted = loop.times if isinstance(loop, Repeat) else loop.lists[0][1]
    elaboration.report.add(
        "no-branch-left",
        "this loop makes no branch",
        step.join.span,
        secondary=[Label(counted.span or loop.span, "no iteration")],
        notes=place.scope.trail(),
        help="let one of them be there at least, or put a `when` around the whole `branches`",
    )
    return Tensor(path, UNKNOWN)


def _warn_of_repeated_input(
    outputs: Mapping[Branch, Tensor], x: Tensor, place: Place, elaboration: Elaboration
) -> None:
    for branch, output in outputs.items():
        body = branch.body
        skipped = len(body) == 1 and isinstance(body[0], When) and body[0].orelse is None
        if skipped and output is x:
            elaboration.report.add(
                "repeated-input",
                f"`{branch.name.text}` passes its input on, which `concat` then repeats",
                branch.name.span,
                notes=place.scope.trail(),
                help="write `else: nothing` for a branch that is absent then, or another `else`",
            )


# --- What is used again


def _note_original(
    part: Stage | Step,
    path: str,
    given: Given,
    gives: Given,
    before: int,
    elaboration: Elaboration,
) -> None:
    """Note what a part made, whose first layer is the one behind so many others."""
    if isinstance(given, tuple) or isinstance(gives, tuple):  # which `check_kinds` has reported
        return
    layers = elaboration.network.layers
    last = [*islice(reversed(layers.values()), len(layers) - before)]
    elaboration.originals[part] = Original(path, given, gives, tuple(reversed(last)))
    elaboration.network.parts.add(path)


def _reuse(step: Reuse, path: str, x: Tensor, place: Place, elaboration: Elaboration) -> Tensor:
    """Apply a part that was made to another tensor: each of its layers again, as it is."""
    part = elaboration.resolution.shared.get(step)
    original = elaboration.originals.get(part) if part else None
    if original is None or UNKNOWN in (x.shape, original.gives.shape):
        return Tensor(path, UNKNOWN)
    network, again = elaboration.network, Again(original.path, path, place.scope.stage)
    tensors = {original.given.path: x}
    for layer in original.layers:
        elaboration.visit(step)
        if len(network.layers) >= elaboration.limit:
            elaboration.refuse_size(step.span)
        if any(tensor.path not in tensors for tensor in layer.inputs):
            return Tensor(path, UNKNOWN)  # a name clash, which was reported
        inputs = tuple(tensors[tensor.path] for tensor in layer.inputs)
        output = _output_again(step, original, layer, inputs, x, place, elaboration)
        if output is None:
            return Tensor(path, UNKNOWN)
        at = again.path(layer.path)
        network.layers[at] = replace(
            layer,
            path=at,
            inputs=inputs,
            output=output,
            scope=again.scope(layer.scope, tensors),
            training=elaboration.training,
            shares=layer.shares or layer.path,
        )
        elaboration.effort.earn()
        tensors[layer.path] = Tensor(at, output)
    return tensors[original.gives.path]


def _output_again(
    step: Reuse,
    original: Original,
    layer: Layer,
    inputs: tuple[Tensor, ...],
    x: Tensor,
    place: Place,
    elaboration: Elaboration,
) -> Shape | None:
    """What a layer gives when it is used again; None where it does not fit, which is reported."""
    shapes = tuple(tensor.shape for tensor in inputs)
    try:
        check_again(layer, shapes)
        output = _output(layer.op, shapes, lenient=elaboration.lenient)
    except ShapeError as error:
        from cnngen.semantics.explanations.reuse_errors import report_reuse

        report_reuse(error, step, layer, original.given, x, place.scope, elaboration.report)
        return None
    if _is_too_large(output):
        _report_size(layer.op, output, step.target.span, place.scope, elaboration.report)
        return None
    return output


# --- Layers


def _op_layer(call: Call, path: str, x: Tensor, place: Place, elaboration: Elaboration) -> Tensor:
    """The layer of one call of an op, or of a parameter that is one."""
    op_class = elaboration.resolution.ops.get(call)
    named = _named(call, place.scope, elaboration)
    if op_class is None or (named is None and call in elaboration.resolution.op_uses.steps):
        return Tensor(path, UNKNOWN)
    op = named.op if named else _bound(call, op_class, place.scope, elaboration)
    if op.lists and op.is_whole:
        elaboration.effort.spend(_numbers_in_lists(op), call.span)
    others = elaboration.resolution.tensors(call).values() if op.tensors else ()
    inputs = x, *(read_map(name, place, elaboration) for name in others)
    return _layer(path, op, inputs, call, call.callee.span, x, place, elaboration)


def _named(call: Call, scope: Scope, elaboration: Elaboration) -> NamedOp | None:
    """The op that a step applies which has the name of a parameter."""
    parameter = elaboration.resolution.op_uses.steps.get(call)
    return scope.ops.get(parameter.name.text) if parameter else None


def _bound(call: Call, op_class: type[Op], scope: Scope, elaboration: Elaboration) -> Op:
    """The op of a call with its values; equal ones are one object."""
    names, needs_input = _free(call, elaboration)
    values = [scope.values.get(name) for name in names]
    for value in values:
        elaboration.effort.spend(weight(value), call.span)  # what hashing it costs
    key = (call, scope.channels if needs_input else None, *values)
    if key not in elaboration.ops:
        elaboration.ops[key] = bind(
            call,
            op_class,
            elaboration.resolution.arguments[call],
            lambda expression: evaluate(
                expression, scope.values, scope.channels, elaboration.effort
            ),
            elaboration.report,
            scope.trail,
            lambda value, error: _new_origins(value, error, scope, elaboration),
        )
        _doubt(call, elaboration.ops[key], scope, elaboration)
    return elaboration.ops[key]


def _doubt(call: Call, op: Op | None, scope: Scope, elaboration: Elaboration) -> None:
    """Warn of values that are allowed and most likely a mistake."""
    try:
        doubts = tuple(op.doubts()) if op else ()
    except UnknownValue:  # of a mistake, which was reported
        return
    for doubt in doubts:
        value = elaboration.resolution.arguments[call][doubt.attribute]
        at = value.span or call.callee.span
        elaboration.report.add(
            *("unlikely-value", doubt.message, at), notes=scope.trail(), help=doubt.help
        )


def _new_origins(
    value: ArgumentValue, error: EvaluationError, scope: Scope, elaboration: Elaboration
) -> tuple[Label, ...] | None:
    """Where a wrong value came from; None if the same was reported for another op that got it."""
    from cnngen.semantics.explanations.given import origins

    labels = origins(value, error.span, scope, elaboration.resolution.spec)
    key = (error.message, *(label.span for label in labels))
    if labels and key in elaboration.blamed:
        return None
    elaboration.blamed.add(key)
    return labels


def _numbers_in_lists(op: Op) -> int:
    """How many elements of lists have to be read again for each layer of the op."""
    lists: list[tuple[int | tuple[int, ...], ...]] = [op.values[name] for name in op.lists]
    return sum(len(item) if isinstance(item, tuple) else 1 for items in lists for item in items)


def _free(call: Call, elaboration: Elaboration) -> tuple[tuple[str, ...], bool]:
    """The names on which the arguments depend, and whether `input.channels` stands in them."""
    if call not in elaboration.names:
        parts = [*elaboration.resolution.expressions(call)]
        names = sorted({name for part in parts for name in free_names(part)})
        elaboration.names[call] = tuple(names), any(mentions_input(part) for part in parts)
    return elaboration.names[call]


def _layer(
    path: str,
    op: Op,
    inputs: tuple[Tensor, ...],
    step: Call | Branches | BranchLoop,
    span: Span,
    given: Tensor,
    place: Place,
    elaboration: Elaboration,
    branches: Sequence[Branch] | Iterations = (),
) -> Tensor:
    """Infer the output of an op and add its layer; `given` is what its step was given. Of a join
    the inputs are what `branches` give, or the iterations of a loop.
    """
    network = elaboration.network
    if any([x.shape is UNKNOWN for x in inputs]):
        return Tensor(path, UNKNOWN)
    if len(network.layers) >= elaboration.limit:
        elaboration.refuse_size(span)
    shapes = tuple([x.shape for x in inputs])
    output = elaboration.outputs.get((op, *shapes))
    if output is None:
        try:
            output = _output(op, shapes, lenient=elaboration.lenient)
        except UnknownValue:
            return Tensor(path, UNKNOWN)
        except ShapeError as error:
            _report(error, op, inputs, step, span, given, place, elaboration, branches)
            return Tensor(path, UNKNOWN)
        if _is_too_large(output):
            _report_size(op, output, span, place.scope, elaboration.report)
            return Tensor(path, UNKNOWN)
        elaboration.outputs[op, *shapes] = output
    network.layers[path] = Layer(
        path, op, inputs, output, step, span, place.scope, elaboration.training
    )
    elaboration.effort.earn()
    if isinstance(step, Call):
        named = _named(step, place.scope, elaboration)
        if named is not None:
            network.ranks.setdefault(step, _rank(shapes[0]))
            _note_use(named.call, op, shapes[0], place.scope, elaboration, is_value=True)
        else:
            _note_use(step, op, shapes[0], place.scope, elaboration)
    return Tensor(path, output)


def _output(op: Op, shapes: Sequence[Any], *, lenient: bool) -> Shape:
    try:
        return op.infer(*shapes)
    except ShapeError:
        images = [x for x in shapes if isinstance(x, Image)]
        if not (lenient and op.joins and len(images) == len(shapes)):
            raise
        first = max(images, key=lambda x: x.height * x.width)
        return op.infer(*(replace(x, height=first.height, width=first.width) for x in images))


def _report_size(op: Op, output: Shape, span: Span, scope: Scope, report: Report) -> None:
    report.add(
        "too-large",
        f"the output of `{op.name}` is too large: {output}",
        span,
        notes=scope.trail(),
        help="use fewer or smaller steps that enlarge their input",
    )


def _report(
    error: ShapeError,
    op: Op,
    inputs: tuple[Tensor, ...],
    step: Call | Branches | BranchLoop,
    span: Span,
    given: Tensor,
    place: Place,
    elaboration: Elaboration,
    branches: Sequence[Branch] | Iterations,
) -> None:
    """Report that shapes do not fit, and explain how they came about."""
    from cnngen.semantics.explanations.join_remedies import remedies_of_join, remedies_of_loop
    from cnngen.semantics.explanations.remedies import remedies_of_layer
    from cnngen.semantics.explanations.story import story_of_join, story_of_layer, story_of_loop

    scope, network, report = place.scope, elaboration.network, elaboration.report
    at = (
        argument_span(step, error.attribute) if isinstance(step, Call) and error.attribute else span
    )
    if report.has(error.code, at):
        return
    label = error.label
    remedies: Remedies = ()
    if isinstance(step, Branches):
        arms = [branch for branch in branches if isinstance(branch, Branch)]
        forks = [one_of(_read_by(branch.body, given, place, elaboration)) for branch in arms]
        joined = [*zip(arms, inputs, forks, strict=True)]
        story = story_of_join(op, joined, network)
        if all(layer.op.is_whole for layer in network.layers.values()):
            remedies = remedies_of_join(op, joined, scope, network)
    elif isinstance(step, BranchLoop):
        rounds = [turn for turn in branches if not isinstance(turn, Branch)]
        story = story_of_loop([values for values, _ in rounds], inputs)
        forks = [
            one_of(_read_by(step.loop.body, given, inside(place, turn), elaboration))
            for turn in rounds
        ]
        remedies = remedies_of_loop(step, op, inputs, forks, scope, network)
    else:
        story = story_of_layer(error, given, network)
        named = _named(step, scope, elaboration)
        if named is not None:
            where = Label(named.call.callee.span, f"`{step.callee.text}` is this op")
            story = replace(story, labels=(where, *story.labels))
        elif op.is_whole:
            remedies = remedies_of_layer(error, step, op, given, scope, network)
        label = label or f"the input here is {given.shape}"
    report.add(
        error.code,
        error.message,
        at,
        label,
        secondary=story.labels,
        notes=(*scope.trail(), *story.notes),
        help=story.help or error.help,
        remedies=remedies,
    )


def _read_by(body: Body, given: Given, place: Place, elaboration: Elaboration) -> Given:
    """What a body begins with."""
    origin = body[0].origin if body else None
    return follow(origin, place, elaboration) if origin else given


def _is_too_large(shape: Shape) -> bool:
    """Whether a number is beyond the range of an index, or a vector was made of too many parts."""
    if isinstance(shape, Image):
        return max(shape.channels, shape.height, shape.width) > LARGEST
    return shape.features > LARGEST or len(shape.parts) > MOST_PARTS


def _rank(shape: object) -> Rank:
    return "image" if isinstance(shape, Image) else "vector"


def _note_use(
    call: Call,
    op: Op,
    shape: object,
    scope: Scope,
    elaboration: Elaboration,
    *,
    is_value: bool = False,
) -> None:
    """Remember of this call what generated code needs to know: its rank, and what it flattened. It
    may be where an op is named that is a value.
    """
    network = elaboration.network
    rank, where = _rank(shape), "place" if is_value else "use of its block"
    if network.ranks.setdefault(call, rank) != rank and op.ranked:
        elaboration.report.add(
            "mixed-rank",
            f"this `{op.name}` works on images in one {where} and on vectors in another",
            call.callee.span,
            notes=scope.trail(),
            help="make two parameters of it" if is_value else "make two blocks of it",
        )
    if op.flattens and isinstance(shape, Image):
        network.flattened.setdefault(call, []).append((shape, scope))
