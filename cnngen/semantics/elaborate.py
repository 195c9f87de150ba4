"""Elaborate: a resolved spec and numbers -> the concrete graph of layers, with shapes.

Shapes are inferred on the way, because `input.channels` may stand in any expression.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from cnngen.diagnostics.model import Label, Report
from cnngen.ops import OPS
from cnngen.ops.base import UNKNOWN, Image, Op, ShapeError, Unknown
from cnngen.program.algebra import free_names, mentions_input
from cnngen.semantics.attributes import Invalid, argument_span, bind, show
from cnngen.semantics.count import count_layers
from cnngen.semantics.evaluate import EvaluationError, Undetermined, evaluate
from cnngen.semantics.keys import Arrangement
from cnngen.semantics.network import INPUT, Layer, Network, Scope, Tensor
from cnngen.semantics.parameters import UNDETERMINED, checked, model_values
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.walk import argument_expressions
from cnngen.source import Span
from cnngen.syntax.expression import Expression, Value
from cnngen.syntax.tree import (
    Argument,
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

MAX_LAYERS = 200_000


class TooManyLayers(Exception):
    """Ends the elaboration; the diagnostic has been reported."""


@dataclass(slots=True, eq=False)
class Elaboration:
    """What grows while the layers are laid out."""

    resolution: Resolution
    report: Report
    limit: int
    network: Network
    training: bool = False
    ops: dict[tuple[Any, ...], Op | None] = field(default_factory=dict[tuple[Any, ...], Op | None])
    names: dict[Call, tuple[tuple[str, ...], bool]] = field(
        default_factory=dict[Call, tuple[tuple[str, ...], bool]]
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a body is laid out: its scope, and the tensors that can be read by name."""

    scope: Scope
    tensors: Mapping[str, Tensor]


def elaborate(
    resolution: Resolution,
    report: Report,
    *,
    input: Image | None = None,
    max_layers: int = MAX_LAYERS,
) -> Network | None:
    """The concrete network; None where none can be made. Shapes behind a mistake are unknown."""
    spec = resolution.spec
    image = input or Image(spec.input.channels, spec.input.height, spec.input.width)
    if resolution.recursive:
        return None
    values = model_values(spec, report)
    if not count_layers(resolution, values, image.channels, max_layers, report):
        return None
    network = Network(resolution, image)
    elaboration = Elaboration(resolution, report, max_layers, network)
    network.graph.add_node(INPUT)
    tensors = {INPUT: Tensor(INPUT, image)}
    running = tensors[INPUT]
    try:
        for stage in spec.stages:
            given = _read(tensors, stage.origin.text) if stage.origin else running
            elaboration.training = stage.training
            output = _stage(stage, given, values, tensors, elaboration)
            tensors[stage.name.text] = network.stages[stage.name.text] = output
            if not stage.training:
                running = output
    except TooManyLayers:
        return None
    network.outputs = {name.text: stage.text for name, stage in spec.outputs} or {
        stage.name.text: stage.name.text for stage in spec.stages if not stage.training
    }
    if not spec.outputs:
        network.outputs = dict(list(network.outputs.items())[-1:])
    return network


def _stage(
    stage: Stage,
    given: Tensor,
    values: Mapping[str, Value],
    tensors: Mapping[str, Tensor],
    elaboration: Elaboration,
) -> Tensor:
    first = stage.body[0].origin if stage.body else None
    read = _read(tensors, first.text) if first else given
    scope = Scope(values, _channels(read.shape), stage=stage)
    arrangement = elaboration.resolution.arrangement(stage.body)
    return _body(
        stage.body, arrangement, stage.name.text, given, Place(scope, tensors), elaboration
    )


def _read(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    return tensors.get(name, Tensor("", UNKNOWN))


def _channels(shape: object) -> int | None:
    match shape:
        case Image(channels=channels):
            return channels
        case Unknown():
            return None
        case _:
            return getattr(shape, "features", None)


def _body(
    body: Body,
    arrangement: Arrangement,
    path: str,
    x: Tensor,
    place: Place,
    elaboration: Elaboration,
) -> Tensor:
    """Lay out the steps of a body one after the other."""
    keys, tensors = (
        arrangement.keys,
        dict(place.tensors) if arrangement.layout == "graph" else place.tensors,
    )
    inner = replace(place, tensors=tensors)
    position = 0
    for step in body:
        if step.origin:
            x = _read(tensors, step.origin.text)
        if isinstance(step, Reference):
            continue
        if arrangement.layout == "single":
            at = path
        elif key := keys.get(step):
            at = f"{path}.{key}"
        else:
            at = f"{path}.{position}"
        if arrangement.layout == "graph":
            if isinstance(step, Branches) and not step.name:
                x = _branches(step, path, x, inner, elaboration, key=keys[step])
            else:
                x = _step(step, at, x, inner, elaboration)
            if step.name and isinstance(tensors, dict):
                tensors[step.name.text] = x
        elif isinstance(step, Repeat | Each) and step not in keys:
            x, position = _loop(step, path, position, x, inner, elaboration)
            continue
        else:
            x = _step(step, at, x, inner, elaboration)
        position += 1
    return x


def _step(step: Step, path: str, x: Tensor, place: Place, elaboration: Elaboration) -> Tensor:
    match step:
        case Call():
            if step in elaboration.resolution.blocks:
                return _block(step, path, x, place, elaboration)
            return _op(step, path, x, place, elaboration)
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


def _op(call: Call, path: str, x: Tensor, place: Place, elaboration: Elaboration) -> Tensor:
    op_class = elaboration.resolution.ops.get(call)
    if op_class is None:
        return Tensor(path, UNKNOWN)
    if op_class.joins:
        elaboration.report.add(
            "wrong-kind",
            f"`{op_class.name}` joins branches",
            call.callee.span,
            help=f"write `branches: {{...}}` with `join: {op_class.name}`",
        )
        return Tensor(path, UNKNOWN)
    op = _bound(call, op_class, place.scope, elaboration)
    return _add_layer(path, op, (x,), call, call.callee.span, place, elaboration)


def _bound(call: Call, op_class: type[Op], scope: Scope, elaboration: Elaboration) -> Op | None:
    """The op of a call with its values; equal ones are one object."""
    names, needs_input = _free(call, elaboration)
    key = (call, scope.channels if needs_input else None, *(scope.values.get(n) for n in names))
    if key not in elaboration.ops:
        elaboration.ops[key] = bind(
            call,
            op_class,
            elaboration.resolution.arguments[call],
            lambda expression: evaluate(expression, scope.values, scope.channels),
            elaboration.report,
            scope.trail,
        )
    return elaboration.ops[key]


def _free(call: Call, elaboration: Elaboration) -> tuple[tuple[str, ...], bool]:
    """The names that the arguments of a call depend on, and whether `input.channels` is one."""
    if call not in elaboration.names:
        parts = [
            part
            for value in elaboration.resolution.arguments[call].values()
            for part in argument_expressions(Argument(call.callee, value))
        ]
        names = sorted({name for part in parts for name in free_names(part)})
        elaboration.names[call] = tuple(names), any(mentions_input(part) for part in parts)
    return elaboration.names[call]


def _add_layer(
    path: str,
    op: Op | None,
    inputs: tuple[Tensor, ...],
    step: Step,
    span: Span,
    place: Place,
    elaboration: Elaboration,
    labels: Sequence[Label] = (),
) -> Tensor:
    """Infer the output of an op and put it into the graph."""
    network = elaboration.network
    if op is None or any(x.shape is UNKNOWN for x in inputs):
        return Tensor(path, UNKNOWN)
    if len(network.layers) >= elaboration.limit:
        _refuse_size(elaboration, span)
    shapes = tuple(x.shape for x in inputs)
    try:
        output = op.infer(*shapes)
    except ShapeError as error:
        at = span
        if isinstance(step, Call) and error.attribute:
            at = argument_span(step, error.attribute)
        label = error.label or (f"the input here is {shapes[0]}" if len(shapes) == 1 else "")
        elaboration.report.add(
            error.code,
            error.message,
            at,
            label,
            secondary=labels,
            notes=place.scope.trail(),
            help=error.help,
        )
        return Tensor(path, UNKNOWN)
    network.layers[path] = Layer(path, op, inputs, output, step, span, elaboration.training)
    network.graph.add_node(path)
    for x in inputs:
        network.graph.add_edge(x.path, path)
    if isinstance(step, Call):
        _note_use(step, op, shapes[0], place.scope, elaboration)
    return Tensor(path, output)


def _note_use(call: Call, op: Op, shape: object, scope: Scope, elaboration: Elaboration) -> None:
    """Keep what the printed program needs to know of this use."""
    network = elaboration.network
    rank = "image" if isinstance(shape, Image) else "vector"
    known = network.ranks.setdefault(call, rank)
    if known != rank and op.ranked:
        elaboration.report.add(
            "mixed-rank",
            f"this `{op.name}` works on images in one use of its block and on vectors in another",
            call.callee.span,
            notes=scope.trail(),
            help="make two blocks of it",
        )
    if op.name == "flatten" and isinstance(shape, Image):
        network.flattened.setdefault(call, []).append((shape, scope))


def _block(call: Call, path: str, x: Tensor, place: Place, elaboration: Elaboration) -> Tensor:
    block = elaboration.resolution.blocks[call]
    scope = _use(call, block, x, place.scope, elaboration)
    tensors = {INPUT: x}
    for parameter, name in elaboration.resolution.tensors(call).items():
        tensors[parameter] = _read(place.tensors, name.text)
    if x.shape is not UNKNOWN:
        rank = "image" if isinstance(x.shape, Image) else "vector"
        elaboration.network.block_ranks.setdefault(block, rank)
    arrangement = elaboration.resolution.arrangement(block.body, block=True)
    return _body(block.body, arrangement, path, x, Place(scope, tensors), elaboration)


def _use(call: Call, block: Block, x: Tensor, scope: Scope, elaboration: Elaboration) -> Scope:
    """The scope of one use of a block: its parameters, and the model's."""
    values = dict(elaboration_globals(scope))
    given = elaboration.resolution.arguments[call]
    for parameter in block.parameters:
        name = parameter.name.text
        expression = given.get(name, parameter.default)
        if parameter.type == "tensor":
            continue
        if expression is None or not isinstance(expression, Expression):
            values[name] = UNDETERMINED
        else:
            value = _evaluate(expression, scope if name in given else None, call, elaboration)
            try:
                values[name] = checked(parameter, value)
            except Invalid as error:
                values[name] = UNDETERMINED
                elaboration.report.add(
                    error.code,
                    error.message,
                    argument_span(call, name),
                    secondary=[Label(parameter.name.span, f"declared as {parameter.type}")],
                    notes=scope.trail(),
                    help=error.help,
                )
    return Scope(values, _channels(x.shape), block, call, scope)


def elaboration_globals(scope: Scope) -> Mapping[str, Value]:
    """The parameters of the model, which every block sees."""
    while scope.parent:
        scope = scope.parent
    return scope.values


def _evaluate(
    expression: Expression, scope: Scope | None, at: Step, elaboration: Elaboration
) -> Value:
    """The value of an expression, `UNDETERMINED` where it has none."""
    try:
        return evaluate(
            expression, scope.values if scope else {}, scope.channels if scope else None
        )
    except Undetermined:
        return UNDETERMINED
    except EvaluationError as error:
        if error.code != "unknown-name":
            elaboration.report.add(
                error.code,
                error.message,
                error.span or expression.span or at.span,
                notes=scope.trail() if scope else (),
                help=error.help,
            )
        return UNDETERMINED


def _loop(
    step: Repeat | Each, path: str, position: int, x: Tensor, place: Place, elaboration: Elaboration
) -> tuple[Tensor, int]:
    """Lay out the iterations of a loop; each takes one position, and so does what is between."""
    iterations = _iterations(step, place.scope, elaboration)
    if iterations is None:
        return Tensor(path, UNKNOWN), position
    between = step.between if isinstance(step, Each) else None
    resolution, layers = elaboration.resolution, elaboration.network.layers
    start = len(layers)
    for i, values in enumerate(iterations):
        scope = (
            replace(place.scope, values={**place.scope.values, **values}) if values else place.scope
        )
        inner = replace(place, scope=scope)
        if (
            i == 1
            and len(layers) + (len(iterations) - 1) * (len(layers) - start) > elaboration.limit
        ):
            _refuse_size(elaboration, step.span)
        if i > 0 and between is not None:
            arrangement = resolution.arrangement(between)
            x = _body(between, arrangement, f"{path}.{position}", x, inner, elaboration)
            position += 1
        arrangement = resolution.arrangement(step.body)
        x = _body(step.body, arrangement, f"{path}.{position}", x, inner, elaboration)
        position += 1
    return x, position


def _iterations(
    step: Repeat | Each, scope: Scope, elaboration: Elaboration
) -> Sequence[Mapping[str, Value]] | None:
    """The values of the loop's variables in each iteration."""
    if isinstance(step, Repeat):
        times = _evaluate(step.times, scope, step, elaboration)
        at = step.times.span or step.span
        if times is UNDETERMINED:
            return None
        if not isinstance(times, int) or isinstance(times, bool):
            _report(
                elaboration,
                "wrong-type",
                f"`repeat` must be a whole number, not {show(times)}",
                at,
                scope,
            )
            return None
        if times < 0:
            _report(
                elaboration, "out-of-range", f"`repeat` must be at least 0, not {times}", at, scope
            )
            return None
        if times > elaboration.limit:
            _refuse_size(elaboration, at)
        return [{}] * times
    columns: list[tuple[Value, ...]] = []
    for variable, expression in step.lists:
        values = _evaluate(expression, scope, step, elaboration)
        if values is UNDETERMINED:
            return None
        if not isinstance(values, tuple):
            at = expression.span or variable.span
            message = f"`{variable.text}` must run through a list, not {show(values)}"
            _report(elaboration, "wrong-type", message, at, scope)
            return None
        columns.append(values)
    if len({len(values) for values in columns}) > 1:
        lengths = " and ".join(str(len(values)) for values in columns)
        at = step.lists[0][0].span.to(step.lists[-1][0].span)
        message = f"the lists of `each` have different lengths: {lengths}"
        _report(
            elaboration,
            "unequal-lists",
            message,
            step.lists[1][0].span if len(columns) == 2 else at,
            scope,
        )
        return None
    names = [variable.text for variable, _ in step.lists]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _report(elaboration: Elaboration, code: str, message: str, at: Span, scope: Scope) -> None:
    elaboration.report.add(code, message, at, notes=scope.trail())


def _refuse_size(elaboration: Elaboration, at: Span) -> None:
    elaboration.report.add(
        "too-many-layers",
        f"the network has more than {elaboration.limit} layers",
        at,
        help="use smaller numbers, or raise the limit with `--max-layers`",
    )
    raise TooManyLayers


def _when(step: When, path: str, x: Tensor, place: Place, elaboration: Elaboration) -> Tensor:
    test = _evaluate(step.test, place.scope, step, elaboration)
    if test is UNDETERMINED or test == "training":  # which has been reported
        return Tensor(path, UNKNOWN)
    if not isinstance(test, bool):
        at = step.test.span or step.span
        message = f"a condition must be true or false, not {show(test)}"
        _report(elaboration, "wrong-type", message, at, place.scope)
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
    _warn_of_repeated_input(step, x, outputs, place, elaboration)
    op = OPS[step.join.text]({})
    labels = [
        Label(name.span, str(output.shape))
        for (name, _), output in zip(step.arms, outputs, strict=True)
    ]
    at = f"{path}.{key or step.join.text}"
    return _add_layer(at, op, tuple(outputs), step, step.join.span, place, elaboration, labels)


def _warn_of_repeated_input(
    step: Branches, x: Tensor, outputs: Sequence[Tensor], place: Place, elaboration: Elaboration
) -> None:
    if step.join.text != "concat":
        return
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
