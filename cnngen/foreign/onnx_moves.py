"""Nodes that move numbers, leave some out or add zeros: as views as long as nothing computes, or as
our ops.
"""

from collections.abc import Sequence
from math import prod

import numpy as np

from cnngen.foreign.complete_op import complete_op
from cnngen.foreign.onnx_axes import (
    Factor,
    ViewError,
    flattened,
    reshaped,
    standard,
    transposed,
    whole,
)
from cnngen.foreign.onnx_call import Call
from cnngen.foreign.onnx_constants import (
    TYPES,
    axes_of,
    slices,
    split_evenly,
    squeezed_axes,
    target_sizes,
)
from cnngen.foreign.onnx_drafts import Drafts, Flow, UnreadableError
from cnngen.foreign.onnx_pad import pad_amounts, pad_value
from cnngen.ops.attribute import Sides
from cnngen.ops.base import Image

MOST_GATHERED = 4096


def same(d: Drafts, call: Call) -> Flow:
    return d.flow(call)


def cast(d: Drafts, call: Call) -> Flow:
    if not TYPES.get(call.integer("to", 0), "").startswith("float"):
        raise UnreadableError("makes other than floating-point numbers", "no op does so")
    return d.flow(call)


def reshape(d: Drafts, call: Call) -> Flow:
    flow, sizes = d.flow(call), d.constant(call, 1)
    told = sizes.integers() if sizes else call.integers("shape")
    if told is None:
        raise UnreadableError("is not told a shape")
    return _viewed(d, call, flow, target_sizes(call, told, flow.sizes))


def flatten(d: Drafts, call: Call) -> Flow:
    flow = d.flow(call)
    axis = call.integer("axis", 1) % (len(flow.axes) + 1)
    sizes = (prod(flow.sizes[:axis]), prod(flow.sizes[axis:]))
    return _viewed(d, call, flow, sizes)


def squeeze(d: Drafts, call: Call) -> Flow:
    flow = d.flow(call)
    out = squeezed_axes(axes_of(call, d.constant(call, 1)), flow.sizes)
    if any(flow.sizes[i] != 1 for i in out):
        raise UnreadableError("squeezes an axis that has more than one place")
    sizes = tuple(size for i, size in enumerate(flow.sizes) if i not in out or i == 0)
    return _viewed(d, call, flow, sizes)


def unsqueeze(d: Drafts, call: Call) -> Flow:
    flow = d.flow(call)
    axes = axes_of(call, d.constant(call, 1)) or ()
    rank = len(flow.axes) + len(axes)
    flow = d.unflattened(flow)
    new, rest = {axis % rank for axis in axes}, iter(flow.axes)
    seen = tuple(() if i in new else next(rest) for i in range(rank))
    return Flow(flow.source, flow.shape, seen)


def _viewed(d: Drafts, call: Call, flow: Flow, sizes: Sequence[int]) -> Flow:
    flow = d.unflattened(flow) if len(sizes) > 2 else flow
    return _at_once(d, call, Flow(flow.source, flow.shape, reshaped(flow.axes, sizes)))


def _at_once(d: Drafts, call: Call, flow: Flow) -> Flow:
    """What is features or maps again gets its op here, where the model says so. What is neither is
    a step to something else.
    """
    if flow.axes[:1] != (whole("n", d.batch),):
        return flow
    if d.is_rearranged(flow) or flow.axes == flattened(d.batch, flow.shape):
        return d.seen(d.settled(call, flow))
    return flow


def transpose(d: Drafts, call: Call) -> Flow:
    flow = d.flow(call)
    order = call.integers("perm") or tuple(reversed(range(len(flow.axes))))
    return Flow(flow.source, flow.shape, transposed(flow.axes, order))


def expand(d: Drafts, call: Call) -> Flow:
    flow, sizes = d.flow(call), d.constant(call, 1)
    if sizes is None or np.broadcast_shapes(flow.sizes, sizes.integers()) != flow.sizes:
        raise UnreadableError(
            "copies maps to more positions or channels",
            "`multiply` and `resize: {like: ...}` do so for a gate or a map of 1 x 1",
        )
    return flow


def pad(d: Drafts, call: Call) -> Flow:
    amounts, filled = pad_amounts(call, d.program), pad_value(call, d.program)
    if filled != 0 or amounts is None:
        mode = call.word("mode", "constant")
        raise UnreadableError(
            f"pads by {mode}" if mode != "constant" else "pads with other numbers than 0",
            "`zero_pad` and `pad_channels` add zeros; `blur_pool` reflects",
        )
    source = d.image(call, d.flow(call))
    if len(amounts) != 8 or amounts[0] or amounts[4]:
        raise UnreadableError("pads other than channels, heights and widths")
    _, c0, top, left, _, c1, bottom, right = amounts
    outer = (top, bottom, left, right)
    result = d.seen(source)
    if min(amounts) < 0:
        cut = tuple(max(-n, 0) for n in outer)
        if c0 < 0 or c1 < 0:
            raise UnreadableError("leaves out channels by a negative padding")
        result = d.add(call, complete_op("crop", padding=cut), result.source)
        outer = tuple(max(n, 0) for n in outer)
    if any(outer):
        result = d.add(call, complete_op("zero_pad", padding=outer), result.source)
    if c0 or c1:
        result = d.add(call, complete_op("pad_channels", before=c0, after=c1), result.source)
    return result


# --- parts of channels and positions ------------------------------------------------------------


def split(d: Drafts, call: Call) -> Sequence[Flow]:
    flow = d.flow(call)
    axis = call.integer("axis", 0) % len(flow.axes)
    flow = _settled(d, call, flow, axis)
    sizes = axes_of(call, d.constant(call, 1), "split")
    total = flow.sizes[axis]
    if call.op == "SplitToSequence":
        if sizes is None or len(sizes) == 1:
            each = max((sizes or (1,))[0], 1)
            sizes = tuple(min(each, total - i) for i in range(0, total, each))
    elif sizes is None:
        sizes = split_evenly(total, len(call.outputs))
    if sum(sizes) != total or min(sizes, default=0) < 1:
        raise UnreadableError("splits into other sizes than there are")
    ends = np.cumsum(sizes).tolist()
    ranges = zip(sizes, ends, strict=True)
    parts = [_channels(d, call, flow, axis, end - size, end) for size, end in ranges]
    d.divided.update(part.source for part in parts)
    return parts


def element(d: Drafts, call: Call) -> Flow:
    """One of a list of tensors."""
    value, index = d.value(call), d.constant(call, 1)
    if not isinstance(value, list | tuple) or index is None:
        raise UnreadableError("takes one of what is no list")
    return value[index.integers()[0]]


def cut(d: Drafts, call: Call) -> Flow:
    """A `Slice`: of channels, or of positions, or every n-th of these."""
    flow = d.flow(call)
    given = [d.constant(call, i) for i in range(1, 5)]
    ranges = slices(call, len(flow.axes), given)
    if ranges is None:
        raise UnreadableError("is not told what to leave out")
    parts = {axis: range(*slice(*part).indices(flow.sizes[axis])) for axis, part in ranges.items()}
    parts = {axis: part for axis, part in parts.items() if part != range(flow.sizes[axis])}
    rest: dict[int, range] = {}
    for axis, part in parts.items():
        flow = _settled(d, call, flow, axis)
        if part.step == 1 and len(part) and _is_channels(flow, axis):
            flow = _channels(d, call, flow, axis, part.start, part.stop)
            if any(constant and constant.sizes_of for constant in given):
                d.divided.add(flow.source)
        else:
            rest[axis] = part
    return _positions(d, call, flow, rest) if rest else flow


def _is_channels(flow: Flow, axis: int) -> bool:
    axes = flow.axes[axis]
    return bool(axes) and axes == whole("c", flow.shape.dimensions[0])


def _settled(d: Drafts, call: Call, flow: Flow, axis: int) -> Flow:
    """Maps whose channels were put in another order get it before a part of them is taken."""
    if len(flow.axes) != 4 or axis != 1 or _is_channels(flow, axis):
        return flow
    return d.seen(d.image(call, flow))


def _channels(d: Drafts, call: Call, flow: Flow, axis: int, start: int, stop: int) -> Flow:
    if not _is_channels(flow, axis) or not isinstance(flow.shape, Image):
        raise UnreadableError(
            "takes a part of other axes than channels", "`slice_channels` takes channels"
        )
    op = complete_op("slice_channels", start=start, stop=stop)
    result = d.add(call, op, flow.source)
    axes = list(flow.axes)
    axes[axis] = whole("c", stop - start)
    return Flow(result.source, result.shape, tuple(axes))


def _positions(d: Drafts, call: Call, flow: Flow, parts: dict[int, range]) -> Flow:
    source = d.image(call, flow)
    height, width = parts.get(2, range(flow.sizes[2])), parts.get(3, range(flow.sizes[3]))
    if set(parts) - {2, 3} or not len(height) or not len(width):
        raise UnreadableError("takes a part of other axes than channels, heights and widths")
    if min(height.step, width.step) < 1:
        raise UnreadableError("turns maps round", "no op reverses the order of positions")
    outer = (*_left_out(height, flow.sizes[2]), *_left_out(width, flow.sizes[3]))
    if any(outer):
        source = _cropped(d, call, source, outer).source
    if (height.step, width.step) == (1, 1):
        return d.seen(source)
    return _every_nth(d, call, source, (height.step, width.step))


def _left_out(part: range, size: int) -> tuple[int, int]:
    """How many are left out before and behind, besides those that are stepped over."""
    behind = size - 1 - part[-1]
    return part.start, behind if behind >= part.step else 0


def _cropped(d: Drafts, call: Call, source: str, outer: Sides) -> Flow:
    """A file may crop axis after axis."""
    before = d.drafts.get(source)
    if before and before.op.name == "crop" and d.is_read_once(source):
        both = tuple(a + b for a, b in zip(outer, before.op.values["padding"], strict=True))
        return d.change(source, complete_op("crop", padding=both))
    return d.add(call, complete_op("crop", padding=outer), source)


def _every_nth(d: Drafts, call: Call, source: str, steps: tuple[int, int]) -> Flow:
    """A pooling of windows of one pixel, of both axes if a file goes through one after another."""
    before = d.drafts.get(source)
    chosen = before and before.op.name == "max_pool" and before.op.values["kernel"] == (1, 1)
    if before and chosen and d.is_read_once(source):
        rows, columns = before.op.values["stride"]
        strides = (rows * steps[0], columns * steps[1])
        return d.change(source, complete_op("max_pool", kernel=1, stride=strides))
    return d.add(call, complete_op("max_pool", kernel=1, stride=steps), source)


def gather(d: Drafts, call: Call) -> Flow:
    """Channels by a list of their numbers, or one of them alone."""
    flow, indices = d.flow(call), d.constant(call, 1)
    axis = call.integer("axis", 0) % len(flow.axes)
    flow = _settled(d, call, flow, axis)
    if indices is None or len(indices.shape) > 1 or not _is_channels(flow, axis):
        raise UnreadableError(
            "gathers by a table, or along other axes than channels",
            "`gather_channels` takes channels in the order of a list",
        )
    total = flow.sizes[axis]
    if indices.count > MOST_GATHERED or not isinstance(flow.shape, Image):
        raise UnreadableError("gathers features, or more channels than a list may have")
    wanted = [i + total if i < 0 else i for i in indices.integers()]
    axes = list(flow.axes)
    if not indices.shape:
        result = _channels(d, call, flow, axis, wanted[0], wanted[0] + 1)
        return Flow(result.source, result.shape, (*axes[:axis], *axes[axis + 1 :]))
    result = d.add(call, complete_op("gather_channels", channels=tuple(wanted)), flow.source)
    axes[axis] = whole("c", len(wanted))
    return Flow(result.source, result.shape, tuple(axes))


# --- positions to channels and back -------------------------------------------------------------


def depth_to_space(d: Drafts, call: Call) -> Flow:
    """As views of what it does by definition: channels first (`CRD`), or blocks first."""
    flow, size = d.flow(call), call.integer("blocksize", 0)
    n, c, h, w = _four(flow)
    if size < 1 or c % size**2:
        raise UnreadableError("has a block that does not fit its channels")
    if call.word("mode", "DCR") == "DCR":
        flow = _channels_swapped(d, call, flow, size**2)
    axes = reshaped(flow.axes, (n, c // size**2, size, size, h, w))
    axes = reshaped(transposed(axes, (0, 1, 4, 2, 5, 3)), (n, c // size**2, h * size, w * size))
    return _at_once(d, call, Flow(flow.source, flow.shape, axes))


def space_to_depth(d: Drafts, call: Call) -> Flow:
    flow, size = d.flow(call), call.integer("blocksize", 0)
    n, c, h, w = _four(flow)
    if size < 1 or h % size or w % size:
        raise UnreadableError("has a block that does not fit its maps")
    axes = reshaped(flow.axes, (n, c, h // size, size, w // size, size))
    axes = transposed(axes, (0, 1, 3, 5, 2, 4))
    axes = reshaped(axes, (n, c * size**2, h // size, w // size))
    return _channels_swapped(d, call, _at_once(d, call, Flow(flow.source, flow.shape, axes)), c)


def _channels_swapped(d: Drafts, call: Call, flow: Flow, groups: int) -> Flow:
    """The first channel of each group, then the second of each."""
    n, c, h, w = _four(flow)
    axes = reshaped(flow.axes, (n, groups, c // groups, h, w))
    axes = reshaped(transposed(axes, (0, 2, 1, 3, 4)), (n, c, h, w))
    return _at_once(d, call, Flow(flow.source, flow.shape, axes))


def _four(flow: Flow) -> tuple[int, int, int, int]:
    if len(flow.axes) != 4:
        raise ViewError("it reads what is no maps")
    n, c, h, w = flow.sizes
    return n, c, h, w


def concatenate(d: Drafts, call: Call) -> Flow:
    flows = [d.flow(call, i) for i in range(len(call.inputs))]
    if len({len(flow.axes) for flow in flows}) != 1:
        raise UnreadableError("puts together tensors of other ranks")
    axis = call.integer("axis", 0) % len(flows[0].axes)
    if _is_stack(flows, axis):
        return _stacked(d, call, flows, axis)
    if any(f.axes != standard(d.batch, f.shape) for f in flows) and not all(
        f.axes[axis] == whole("c", f.shape.dimensions[0]) for f in flows
    ):
        flows = [d.seen(d.settled(call, flow)) for flow in flows]
    first = flows[0].axes
    if any(
        f.axes[axis] != whole("c", f.shape.dimensions[0])
        or len(f.axes) != len(f.shape.dimensions) + 1
        or (*f.axes[:axis], *f.axes[axis + 1 :]) != (*first[:axis], *first[axis + 1 :])
        for f in flows
    ):
        raise UnreadableError(
            "puts maps together along other axes than channels",
            "`concat` is along the channels",
        )
    result = d.add(call, complete_op("concat"), *(f.source for f in flows))
    axes = list(first)
    axes[axis] = whole("c", result.shape.dimensions[0])
    return Flow(result.source, result.shape, tuple(axes))


def _is_stack(flows: Sequence[Flow], axis: int) -> bool:
    """Whether tensors are put beside each other along an axis that they had not."""
    return len(flows[0].axes) > len(flows[0].shape.dimensions) + 1 and all(
        not flow.axes[axis] and flow.shape == flows[0].shape for flow in flows
    )


def _stacked(d: Drafts, call: Call, flows: Sequence[Flow], axis: int) -> Flow:
    """A `concat` whose groups of channels are along an axis of their own."""
    result = d.add(call, complete_op("concat"), *(flow.source for flow in flows))
    channels = flows[0].shape.dimensions[0]
    axes = list(flows[0].axes)
    if len(flows) > 1:
        axes[axis] = (Factor("c", channels, len(flows)),)
    return Flow(result.source, result.shape, tuple(axes))
