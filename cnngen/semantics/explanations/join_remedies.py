"""Remedies for joins: edits that may give all branches one shape. `remedy.py` tries which of them
do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise, product

from cnngen.diagnostics.model import Edit, Remedies, Remedy
from cnngen.expressions.algebra import free_names, mentions_input
from cnngen.expressions.evaluate import MaybeValue
from cnngen.expressions.expression import Binary, Conditional, Expression
from cnngen.ops.base import Image, Op
from cnngen.ops.movement import Scatter
from cnngen.semantics.explanations.arms import Arm, Target, is_near, pair, resized, size_of
from cnngen.semantics.explanations.given import given, places
from cnngen.semantics.explanations.story import (
    Joined,
    channel_source,
    common_origin,
    layers_between,
)
from cnngen.semantics.network import Layer, Network, Scope, Tensor
from cnngen.syntax.edits import with_argument, with_branch, with_steps
from cnngen.syntax.tree import ArgumentValue, Branch, BranchLoop, Call, Reference, When

MOST_FORMS = 8  # of one way to mend a join
MOST_SPELLINGS = 3
MOST_WINDOWS = 3
LARGEST_STRIDE = 4


def remedies_of_join(op: Op, joined: Sequence[Joined], scope: Scope, network: Network) -> Remedies:
    """For each shape that a branch has, edits by which the others may get it."""
    common = common_origin([fork for _, _, fork in joined], network)
    arms = [
        Arm(
            branch,
            _working(x, fork, network),
            [y for y in layers_between(fork, common, network) if not y.op.is_identity],
            channel_source(x, network),
            x.shape,
        )
        for branch, x, fork in joined
        if isinstance(x.shape, Image)
    ]
    if len(arms) < len(joined):
        return ()
    models = {arm.shape: arm for arm in reversed(arms)}
    shapes = [arm.shape for arm in arms]
    ways: dict[tuple[Remedy, ...], int] = {}
    nearly = all(is_near(one, two) for one, two in pairwise(arms))  # what rounding lost is added
    for model in sorted(
        models.values(), key=lambda arm: (-shapes.count(arm.shape), -arm.shape.height * nearly)
    ):
        target = Target(model, type(op), _readable(model, scope, network))
        options = [
            list(islice(_options(arm, target, scope), MOST_FORMS))
            for arm in arms
            if target.other_channels(arm) or target.other_size(arm)
        ]
        if way := _together(options):
            if padding := _padding(model, scope):
                way += [_merged(iter([form, padding])) for form in way]
            ways[tuple(way)] = len(options)
    fewest = min(ways.values(), default=0)  # branches to change
    return tuple(way for way, changed in ways.items() if changed == fewest)


def _together(options: Sequence[Sequence[Remedy]]) -> list[Remedy]:
    """The first options of all branches, the second ones, and so on."""
    if not (options and all(options)):
        return []
    forms = range(max(map(len, options)))
    return [_merged(o[min(i, len(o) - 1)] for o in options) for i in forms]


def remedies_of_loop(
    step: BranchLoop,
    op: Op,
    outputs: Sequence[Tensor],
    forks: Sequence[Tensor],
    scope: Scope,
    network: Network,
) -> Remedies:
    """Padding and strides in the branches of a loop, by which they may have one size."""
    branch = Branch(step.join, step.loop.body)
    arms = [
        Arm(branch, _working(x, fork, network), [], None, x.shape)
        for x, fork in zip(outputs, forks, strict=True)
        if isinstance(x.shape, Image)
    ]
    padded = _merged(_padding(arm, scope) for arm in arms)
    return (*(((padded,),) if padded else ()), *_of_one_size(arms, op, scope))


def _of_one_size(arms: Sequence[Arm], op: Op, scope: Scope) -> Iterator[tuple[Remedy, ...]]:
    """For each shape that an iteration gives, edits by which the others may get its size."""
    for model in {arm.shape: arm for arm in arms}.values():
        target = Target(model, type(op))
        others = [arm for arm in arms if target.other_size(arm)]
        if way := _together(
            [[*islice(_other_sizes(o, target, scope), MOST_FORMS)] for o in others]
        ):
            yield tuple(way)


def _readable(model: Arm, scope: Scope, network: Network) -> tuple[str, ...]:
    """Maps as large as those of a branch, the latest first: in a block, its input may be."""
    if scope.block is not None:
        return ("input",)
    sizes = {
        name: (x.shape.height, x.shape.width)
        for name, x in network.stages.items()
        if isinstance(x.shape, Image)
    }
    return tuple(islice((name for name in reversed(sizes) if sizes[name] == size_of(model)), 1))


def _working(x: Tensor, fork: Tensor, network: Network) -> list[Layer]:
    """The layers of a branch that do something."""
    return [y for y in layers_between(x, fork, network) if not y.op.is_identity]


def _merged(remedies: Iterator[Remedy]) -> Remedy:
    return tuple(dict.fromkeys(edit for remedy in remedies for edit in remedy))


def _options(arm: Arm, target: Target, scope: Scope) -> Iterator[Remedy]:
    """How one branch may get the shape of another, the most likely way first."""
    if not arm.layers:
        if arm.branch.test is not None:
            yield from _narrower_condition(arm.branch.test, arm, target, scope)
        elif len(arm.body) == 1 and isinstance(test := arm.body[0], When):
            yield from _other_condition(test, arm, target, scope)
            return
        upstream = replace(arm, layers=arm.upstream)
        if not target.other_channels(arm):
            yield from _other_sizes(upstream, target, scope)
        if target.other_channels(arm) or not is_near(arm, target.arm):
            yield from _projections(arm, target, scope)
        if not target.other_channels(arm):
            yield from resized(arm, target)
        return
    channels = list(_other_channels(arm, target, scope)) if target.other_channels(arm) else [()]
    sizes = [()]
    if target.other_size(arm):
        sizes = [*_other_sizes(arm, target, scope), *resized(arm, target)]
    yield from (way + other for other, way in product(sizes, channels))


def _other_condition(test: When, arm: Arm, target: Target, scope: Scope) -> Iterator[Remedy]:
    """A condition that also holds where the shapes differ for another reason."""
    span = test.test.span
    if span is None:
        return
    if target.other_channels(arm):
        for out in _spellings(target.arm, scope):
            yield (Edit(span, f"{span.text} or input.channels != {out}"),)
    if target.other_size(arm) and (stride := _stride(target.arm, scope)):
        yield (Edit(span, f"{span.text} or {stride} != 1"),)


def _narrower_condition(
    test: Expression, arm: Arm, target: Target, scope: Scope
) -> Iterator[Remedy]:
    """A condition that does not hold where the shapes differ for another reason."""
    span = test.span
    if span is None:
        return
    loose = isinstance(test, Conditional) or (isinstance(test, Binary) and test.operator == "or")
    text = f"({span.text})" if loose else span.text
    if target.other_channels(arm):
        for out in _spellings(target.arm, scope):
            yield (Edit(span, f"{text} and input.channels == {out}"),)
    if target.other_size(arm) and (stride := _stride(target.arm, scope)):
        yield (Edit(span, f"{text} and {stride} == 1"),)


def _projections(arm: Arm, target: Target, scope: Scope) -> Iterator[Remedy]:
    """A convolution of 1 x 1 where the input is passed on, as the other branch has its own."""
    ops = [layer.op.name for layer in target.arm.layers]
    bias = _bias(target.arm.channel_source)
    strides = _stride_spellings(arm, target, scope) if target.other_size(arm) else ["1"]
    for stride in strides:
        for out in _spellings(target.arm, scope):
            strided = f", stride: {stride}" if stride != "1" else ""
            steps = [f"conv: {{out: {out}, kernel: 1{strided}{bias}}}"]
            steps += ["batch_norm"] if "batch_norm" in ops else []
            if not arm.body:
                yield (with_branch(arm.branch.name, steps),)
            elif isinstance(last := arm.body[-1], Reference):
                yield (with_steps(last.span, [last.span.text, *steps]),)
            elif isinstance(last, Call) and len(arm.body) == 1 and not last.origin:
                yield (with_steps(last.span, steps),)


def _bias(source: Layer | None) -> str:
    """The `bias` of a convolution as the one of the other branch has it."""
    argument = given(source.step, "bias") if source and isinstance(source.step, Call) else None
    span = argument.value.span if argument else None
    return f", bias: {span.text}" if span else ""


def _other_channels(arm: Arm, target: Target, scope: Scope) -> Iterator[Remedy]:
    source = arm.channel_source
    if source in arm.layers and (place := _decided(source, "out", scope)):
        for out in _spellings(target.arm, place[2]):
            yield (with_argument(place[0], place[1], out),)


def _other_sizes(arm: Arm, target: Target, scope: Scope) -> Iterator[Remedy]:
    """Paddings and strides that may be missing or too much."""
    yield from _output_paddings(arm, target, scope)
    windows = [layer for layer in arm.layers if "kernel" in layer.op.attributes]
    padding = _padding(arm, scope)
    if padding:
        yield padding
    strided = [w for w in windows if w.op.values["stride"] != (1, 1)]
    plain = [w for w in windows if w.op.values["stride"] == (1, 1)]
    larger = arm.shape.height > target.arm.shape.height
    near = is_near(arm, target.arm)  # then no stride is missing, or too much
    for window in sorted(plain, key=lambda w: w.op.values["kernel"] == (1, 1))[:MOST_WINDOWS]:
        if not near and larger != _enlarges(window):
            place = _decided(window, "stride", scope)
            for stride in _stride_spellings(arm, target, place[2] if place else scope):
                yield _set(window, "stride", stride, scope)
                if padding:
                    yield _merged(iter([_set(window, "stride", stride, scope), padding]))
    for window in strided[:MOST_WINDOWS]:
        if not near and not larger:
            yield _set(window, "stride", "1", scope)
        if "ceil" in window.op.attributes and not window.op.values["ceil"]:
            yield _set(window, "ceil", "true", scope)


def _output_paddings(arm: Arm, target: Target, scope: Scope) -> Iterator[Remedy]:
    """Rows and columns that a transposed convolution may add, where rounding lost them."""
    lacks = [n - m for n, m in zip(size_of(target.arm), size_of(arm), strict=True)]
    for layer in reversed(arm.layers):
        if "output_padding" in layer.op.attributes:
            added = layer.op.values["output_padding"]
            total = [a + lack for a, lack in zip(added, lacks, strict=True)]
            if all(0 <= n < s for n, s in zip(total, layer.op.values["stride"], strict=True)):
                yield _set(layer, "output_padding", pair(total), scope)


def _padding(arm: Arm, scope: Scope) -> Remedy:
    """Padding for the windows of a branch that have too little: `half` keeps the size with an odd
    kernel, `same` with an even one.
    """
    windows = [layer for layer in arm.layers if "kernel" in layer.op.attributes]
    found: list[Remedy] = []
    for window in windows:
        kernel, padding = window.op.values["kernel"], window.op.values["padding"]
        is_even = any(size % 2 == 0 for size in kernel)
        if is_even and window.op.values["stride"] == (1, 1) and _takes_same(window, padding):
            found.append(_set(window, "padding", "same", scope))
        elif max(kernel) > 2 and padding == (0, 0, 0, 0):
            found.append(_set(window, "padding", "half", scope))
    return _merged(iter(found))


def _takes_same(window: Layer, padding: object) -> bool:
    return padding != "same" and "same" in window.op.attributes["padding"].choices


def _set(layer: Layer, name: str, value: str, scope: Scope) -> Remedy:
    """Another value for an attribute, at the place where the value is decided."""
    place = _decided(layer, name, scope)
    return (with_argument(place[0], place[1], value),) if place else ()


def _decided(layer: Layer | None, name: str, scope: Scope) -> tuple[Call, str, Scope] | None:
    """The place where a value is decided, if only one branch depends on it."""
    place = None
    if layer and isinstance(layer.step, Call) and name in layer.op.attributes:
        for place in places(layer.step, name, layer.scope):
            if place[2].call is scope.call:
                break
    return place


def _spellings(model: Arm, scope: Scope) -> list[str]:
    """The channels of a branch, as they may be written at another place."""
    number = model.shape.channels
    found = [_as_written(model.channel_source, "out", scope)]
    found += ["input.channels"] if scope.channels == number else []
    found += [name for name in _own_names(scope) if _is(scope.values.get(name), number)]
    return [*filter(None, found)][: MOST_SPELLINGS - 1] + [str(number)]


def _stride_spellings(arm: Arm, target: Target, scope: Scope) -> list[str]:
    """The stride that makes a branch as small (or large) as another, if that is a usual one."""
    ratios = [
        round(max(n, m) / min(n, m)) for n, m in zip(size_of(arm), size_of(target.arm), strict=True)
    ]
    if not 1 < max(ratios) <= LARGEST_STRIDE:
        return []
    number = str(ratios[0]) if ratios[0] == ratios[1] else f"[{ratios[0]}, {ratios[1]}]"
    return list(dict.fromkeys([*filter(None, [_stride(target.arm, scope)]), number]))


def _stride(model: Arm, scope: Scope) -> str | None:
    """The stride of a branch, as it is written there; where it has several, of the first."""
    strided = [w for w in model.layers if w.op.values.get("stride") not in (None, (1, 1))]
    return _as_written(strided[0], "stride", scope) if strided else None


def _as_written(layer: Layer | None, name: str, scope: Scope) -> str | None:
    """The text of an attribute's value, if it means the same in the other scope."""
    if layer is None or not isinstance(layer.step, Call):
        return None
    for call, called, at in places(layer.step, name, layer.scope):
        argument = given(call, called)
        if argument and argument.value.span and _means_the_same(argument.value, at, scope):
            return argument.value.span.text
    return None


def _means_the_same(value: ArgumentValue, here: Scope, there: Scope) -> bool:
    if not isinstance(value, Expression):
        return False
    names = free_names(value)
    return (
        names <= _own_names(there)
        and all(there.values.get(name) == here.values.get(name) for name in names)
        and (here.channels == there.channels or not mentions_input(value))
    )


def _own_names(scope: Scope) -> set[str]:
    """The names that a block itself defines; it can, but seldom should, use the model's."""
    if scope.block is None:
        return set(scope.values)
    return {*scope.loops, *(parameter.name.text for parameter in scope.block.parameters)}


def _is(value: MaybeValue, number: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value == number


def _enlarges(layer: Layer) -> bool:
    return any(isinstance(along, Scatter) for along in layer.op.moves(layer.inputs[0].shape))
