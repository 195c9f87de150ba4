"""Layers: one op with its values and shapes, put into the graph.

What explains a mistake is imported where there is one.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cnngen.diagnostics.model import Label, Remedies, Report
from cnngen.expressions.algebra import free_names, mentions_input
from cnngen.expressions.evaluate import EvaluationError, evaluate
from cnngen.ops.attribute import LARGEST, UnknownValue
from cnngen.ops.base import UNKNOWN, Image, Op, Shape, ShapeError
from cnngen.semantics.attributes import argument_span, bind
from cnngen.semantics.elaboration import Elaboration, Place
from cnngen.semantics.network import Layer, Rank, Scope, Tensor
from cnngen.semantics.walk import argument_expressions
from cnngen.source import Span
from cnngen.syntax.tree import Argument, ArgumentValue, Body, Branches, Call

MOST_PARTS = 1000


def lay_op(call: Call, path: str, x: Tensor, place: Place, elaboration: Elaboration) -> Tensor:
    """The layer of one call of an op."""
    op_class = elaboration.resolution.ops.get(call)
    if op_class is None:
        return Tensor(path, UNKNOWN)
    op = _bound(call, op_class, place.scope, elaboration)
    if op.lists and op.is_whole:
        elaboration.effort.spend(_numbers_in_lists(op), call.span)
    return lay(path, op, (x,), call, call.callee.span, x, place, elaboration)


def _bound(call: Call, op_class: type[Op], scope: Scope, elaboration: Elaboration) -> Op:
    """The op of a call with its values; equal ones are one object."""
    names, needs_input = _free(call, elaboration)
    values = [scope.values.get(name) for name in names]
    for value in values:
        if isinstance(value, tuple):
            elaboration.effort.spend(len(value), call.span)  # what hashing it costs
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
    """Warn of values that most likely mean something else."""
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
    """Where a wrong value came from; None if the same was said of another op that got it."""
    from cnngen.semantics.explanations.given import origins

    labels = origins(value, error.span, scope, elaboration.resolution.spec)
    key = (error.message, *(label.span for label in labels))
    if labels and key in elaboration.blamed:
        return None
    elaboration.blamed.add(key)
    return labels


def _numbers_in_lists(op: Op) -> int:
    """What each layer of an op reads again."""
    lists: list[tuple[int | tuple[int, ...], ...]] = [op.values[name] for name in op.lists]
    return sum(len(item) if isinstance(item, tuple) else 1 for items in lists for item in items)


def _free(call: Call, elaboration: Elaboration) -> tuple[tuple[str, ...], bool]:
    """The names that the arguments depend on, and whether `input.channels` is among them."""
    if call not in elaboration.names:
        parts = [
            part
            for value in elaboration.resolution.arguments[call].values()
            for part in argument_expressions(Argument(call.callee, value))
        ]
        names = sorted({name for part in parts for name in free_names(part)})
        elaboration.names[call] = tuple(names), any(mentions_input(part) for part in parts)
    return elaboration.names[call]


def lay(
    path: str,
    op: Op,
    inputs: tuple[Tensor, ...],
    step: Call | Branches,
    span: Span,
    given: Tensor,
    place: Place,
    elaboration: Elaboration,
) -> Tensor:
    """Infer the output of an op and put it into the graph; `given` is what its step was given."""
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
            _report(error, op, inputs, step, span, given, place, elaboration)
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
    step: Call | Branches,
    span: Span,
    given: Tensor,
    place: Place,
    elaboration: Elaboration,
) -> None:
    """Say that shapes do not fit, and how they came about."""
    from cnngen.semantics.explanations.join_remedies import remedies_of_join
    from cnngen.semantics.explanations.remedies import remedies_of_layer
    from cnngen.semantics.explanations.story import story_of_join, story_of_layer

    scope, network, report = place.scope, elaboration.network, elaboration.report
    at = (
        argument_span(step, error.attribute) if isinstance(step, Call) and error.attribute else span
    )
    if report.has(error.code, at):
        return
    label = error.label
    remedies: Remedies = ()
    if isinstance(step, Branches):
        forks = [_read_by(body, given, place, elaboration) for _, body in step.arms]
        story = story_of_join(step, inputs, forks, network)
        if all(layer.op.is_whole for layer in network.layers.values()):
            remedies = remedies_of_join(step, inputs, forks, scope, network)
    else:
        story = story_of_layer(error, given, network)
        if op.is_whole:
            remedies = remedies_of_layer(error, step, op, given, scope)
        label = label or f"the input here is {given.shape}"
    report.add(
        error.code,
        error.message,
        at,
        label,
        secondary=story.labels,
        notes=(*scope.trail(), *story.notes),
        help=error.help,
        remedies=remedies,
    )


def _read_by(body: Body, given: Tensor, place: Place, elaboration: Elaboration) -> Tensor:
    """What a branch begins with."""
    origin = body[0].origin if body else None
    return elaboration.read(place.tensors, origin) if origin else given


def _is_too_large(shape: Shape) -> bool:
    """Whether a number leaves the range of indices, or a vector has parts without end."""
    if isinstance(shape, Image):
        return max(shape.channels, shape.height, shape.width) > LARGEST
    return shape.features > LARGEST or len(shape.parts) > MOST_PARTS


def _note_use(call: Call, op: Op, shape: object, scope: Scope, elaboration: Elaboration) -> None:
    """Keep what the printed program needs to know of this use."""
    network = elaboration.network
    rank: Rank = "image" if isinstance(shape, Image) else "vector"
    if network.ranks.setdefault(call, rank) != rank and op.ranked:
        elaboration.report.add(
            "mixed-rank",
            f"this `{op.name}` works on images in one use of its block and on vectors in another",
            call.callee.span,
            notes=scope.trail(),
            help="make two blocks of it",
        )
    if op.name == "flatten" and isinstance(shape, Image):
        network.flattened.setdefault(call, []).append((shape, scope))
