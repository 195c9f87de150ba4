"""Nodes with windows, weights or statistics as our ops: convolutions, poolings and norms."""

import re
from dataclasses import replace
from typing import Any

from cnngen.foreign.complete_op import complete_op
from cnngen.foreign.onnx_axes import groups_of, standard, whole
from cnngen.foreign.onnx_call import Call
from cnngen.foreign.onnx_constants import Constant, axes_of, single
from cnngen.foreign.onnx_drafts import Drafts, Flow, UnreadableError
from cnngen.ops.attribute import Padding
from cnngen.ops.base import Image, Op, Vector

Pair = tuple[int, int]
UNNAMED = re.compile(r"val_\d+|onnx::\w+|.*Constant.*")  # what exporters call what no model holds


def convolution(d: Drafts, call: Call) -> Flow:
    weight, flow = d.weight(call, 1), d.flow(call)
    if len(weight.shape) == 3 == len(flow.axes):
        return _of_a_row(d, call, flow, weight)
    if len(weight.shape) != 4:
        raise UnreadableError(
            f"convolves over {max(len(weight.shape) - 2, 0)} dimensions", "maps have two of them"
        )
    return _convolved(d, call, d.image(call, flow), weight)


def _of_a_row(d: Drafts, call: Call, flow: Flow, weight: Constant) -> Flow:
    """Along one axis: that of the heights of maps that are one column wide."""
    attributes = dict(call.attributes)
    for name in ("kernel_shape", "strides", "dilations"):
        if (numbers := call.integers(name)) is not None:
            attributes[name] = (*numbers, 1)
    if (pads := call.integers("pads")) is not None:
        attributes["pads"] = (pads[0], 0, pads[1], 0)
    source = d.image(call, Flow(flow.source, flow.shape, (*flow.axes, ())))
    call = replace(call, attributes=attributes)
    result = _convolved(d, call, source, weight.seen(lambda v: v.reshape(*v.shape, 1)))
    return Flow(result.source, result.shape, result.axes[:3])


def _convolved(d: Drafts, call: Call, source: str, weight: Constant) -> Flow:
    out, _, *kernel = weight.shape
    channels, groups = d.shape(source).dimensions[0], call.integer("group", 1)
    values: dict[str, Any] = {
        "kernel": tuple(kernel),
        "stride": pair(call, "strides"),
        "padding": padding(call),
        "dilation": pair(call, "dilations"),
        "bias": False,
    }
    weights = {"weight": weight}
    bias = d.constant(call, 2)
    if bias and not _is_written(bias, 0):
        weights["bias"], values["bias"] = bias, True
    if groups == channels > 1 and out % groups == 0:
        op = complete_op("depthwise_conv", multiplier=out // groups, **values)
    else:
        op = complete_op("conv", out=out, groups=groups, **values)
    return d.add(call, op, source, weights=weights)


def transposed_convolution(d: Drafts, call: Call) -> Flow:
    weight, bias = d.weight(call, 1), d.constant(call, 2)
    if len(weight.shape) != 4:
        raise UnreadableError("convolves over other than two dimensions", "maps have two of them")
    if call.attributes.get("output_shape") is not None:
        raise UnreadableError("is told the size of its output", "give it its padding instead")
    groups, auto = call.integer("group", 1), call.word("auto_pad", "NOTSET")
    op = complete_op(
        "transposed_conv",
        out=weight.shape[1] * groups,
        kernel=weight.shape[2:],
        stride=pair(call, "strides"),
        padding="same" if auto == "SAME_UPPER" else _explicit(call),
        output_padding=pair(call, "output_padding", 0),
        dilation=pair(call, "dilations"),
        groups=groups,
        bias=bias is not None,
    )
    weights = {"weight": weight} | ({"bias": bias} if bias else {})
    return d.add(call, op, d.image(call, d.flow(call)), weights=weights)


def matrix_product(d: Drafts, call: Call) -> Flow:
    """Features times a matrix, or the channels of each position: a convolution of 1 x 1."""
    bias = d.constant(call, 2)
    if call.op == "Gemm" and (
        call.integer("transA", 0) or call.number("alpha", 1) != 1 or call.number("beta", 1) != 1
    ):
        raise UnreadableError("scales or transposes what it multiplies", "`linear` does neither")
    value = d.value(call, 1)
    if not isinstance(value, Constant):
        raise UnreadableError(
            "multiplies two tensors of the network", "attention has no op: its part stays outside"
        )
    if len(value.shape) != 2:
        raise UnreadableError("multiplies by more than a matrix", "`linear` has one matrix")
    weight = value if call.integer("transB", 0) else value.transposed((1, 0))
    weights = {"weight": weight}
    if bias and not _is_written(bias, 0):
        weights["bias"] = bias.seen(lambda v: v.reshape(-1))
    return _linear(d, call, d.flow(call), weights)


def _linear(d: Drafts, call: Call, flow: Flow, weights: dict[str, Constant]) -> Flow:
    out, features = weights["weight"].shape
    given = {"out": out, "bias": "bias" in weights}
    if len(flow.axes) == 2:
        op = complete_op("linear", **given)
        return d.add(call, op, d.vector(call, flow), weights=weights)
    if not isinstance(flow.shape, Image) or flow.axes[-1] != whole("c", flow.shape.channels):
        raise UnreadableError("multiplies along an axis that is not that of channels")
    if flow.shape.channels != features:
        raise UnreadableError(f"has weights for {features} channels")
    weights["weight"] = weights["weight"].seen(lambda v: v.reshape(out, features, 1, 1))
    result = d.add(call, complete_op("conv", kernel=1, **given), flow.source, weights=weights)
    return Flow(result.source, result.shape, (*flow.axes[:-1], whole("c", out)))


def pool(d: Drafts, call: Call) -> Flow:
    if pair(call, "dilations") != (1, 1) or len(call.outputs) > 1:
        raise UnreadableError("pools with a dilation, or gives the places of values, too")
    source = d.image(call, d.flow(call))
    values: dict[str, Any] = {"kernel": pair(call, "kernel_shape"), "stride": pair(call, "strides")}
    values["padding"] = padding(call)
    ceil = bool(call.integer("ceil_mode", 0))
    if call.op == "MaxPool":
        return d.add(call, complete_op("max_pool", ceil=ceil, **values), source)
    counted = bool(call.integer("count_include_pad", 0))
    if values["padding"] == (0, 0, 0, 0):
        counted = True  # our default: there is nothing to count
    op = complete_op("avg_pool", ceil=ceil, count_include_pad=counted, **values)
    return d.add(call, op, source)


def blur_pool(d: Drafts, call: Call) -> Flow:
    op = complete_op(
        "blur_pool", kernel=call.integer("kernel", 3), stride=call.integer("stride", 1)
    )
    return d.add(call, op, d.image(call, d.flow(call)))


def global_pool(d: Drafts, call: Call) -> Flow:
    word = "global_avg_pool" if call.op == "GlobalAveragePool" else "global_max_pool"
    return d.add(call, complete_op(word), d.image(call, d.flow(call)))


def adaptive_pool(d: Drafts, call: Call, sizes: tuple[int, ...]) -> Flow:
    """A pooling to a size, which the file tells as that of its output."""
    average = call.op == "AdaptiveAvgPool"
    if sizes == (1, 1):
        word = "global_avg_pool" if average else "global_max_pool"
        return d.add(call, complete_op(word), d.image(call, d.flow(call)))
    word = "adaptive_avg_pool" if average else "adaptive_max_pool"
    return d.add(call, complete_op(word, size=sizes), d.image(call, d.flow(call)))


REDUCTIONS = {
    ("ReduceMean", "positions"): "global_avg_pool",
    ("ReduceMax", "positions"): "global_max_pool",
    ("ReduceMean", "channels"): "channel_mean",
    ("ReduceMax", "channels"): "channel_max",
    ("ReduceSum", "groups"): "group_sum",
}


def reduction(d: Drafts, call: Call) -> Flow:
    """A mean, sum or maximum over positions, channels or groups of channels."""
    flow = d.flow(call)
    axes = axes_of(call, d.constant(call, 1))
    rank = len(flow.axes)
    if not rank:
        raise UnreadableError("reduces a number")
    over = {axis % rank for axis in axes} if axes else set(range(rank))
    what, given = _reduced(flow, over)
    word = REDUCTIONS.get((call.op, what))
    if word is None:
        raise UnreadableError(
            "reduces axes that no pooling does",
            "`global_avg_pool`, `global_max_pool`, `channel_mean`, `channel_max` and `group_sum`"
            " reduce positions, channels or groups",
        )
    result = d.add(call, complete_op(word, **given), flow.source)
    keep = bool(call.integer("keepdims", 1))
    left = [() if i in over else axis for i, axis in enumerate(flow.axes) if keep or i not in over]
    seen = Flow(result.source, result.shape, tuple(left))
    return d.seen(d.vector(call, seen)) if len(left) == 2 and what == "positions" else seen


def _reduced(flow: Flow, over: set[int]) -> tuple[str, dict[str, int]]:
    """What lies along these axes."""
    if not isinstance(flow.shape, Image):
        return "", {}
    factors = sorted(factor for i in over for factor in flow.axes[i])
    channels, *positions = standard(1, flow.shape)[1:]
    if factors == sorted(factor for axis in positions for factor in axis) and factors:
        return "positions", {}
    if factors == list(channels) and factors:
        return "channels", {}
    if not factors and flow.shape.height * flow.shape.width == 1:
        return "positions", {}
    groups = groups_of(tuple(factors), flow.shape.channels)
    return ("groups", {"groups": groups}) if groups else ("", {})


def batch_norm(d: Drafts, call: Call) -> Flow:
    flow = d.flow(call)
    scale, shift, mean, variance = (d.weight(call, i) for i in range(1, 5))
    affine = not _is_plain(scale, shift)
    op = complete_op(
        "batch_norm",
        eps=call.number("epsilon", 1e-5),
        momentum=_share_of_new(call.number("momentum", 0.9)),
        affine=affine,
    )
    weights = {"weight": scale, "bias": shift} if affine else {}
    weights |= {"running_mean": mean, "running_var": variance}
    return d.add(call, op, d.settled(call, flow), weights=weights)


def _share_of_new(kept: float) -> float:
    """The share of the new batch, which was written as that of the old ones."""
    return single(round(1 - kept, 7))


def instance_norm(d: Drafts, call: Call) -> Flow:
    """Over positions; of channels that were put beside them, too, a `group_norm`."""
    flow = d.flow(call)
    scale, shift = d.weight(call, 1), d.weight(call, 2)
    eps = call.number("epsilon", 1e-5)
    if not isinstance(flow.shape, Image) or len(flow.axes) < 3:
        raise UnreadableError("normalizes what is no maps")
    plain = _is_plain(scale, shift)
    if flow.axes == standard(d.batch, flow.shape):
        op = complete_op("instance_norm", eps=eps, affine=not plain)
        weights = {} if plain else {"weight": scale, "bias": shift}
        return d.add(call, op, flow.source, weights=weights)
    groups = groups_of(flow.axes[1], flow.shape.channels) or (0 if flow.axes[1] else 1)
    if not plain or not groups:
        raise UnreadableError("normalizes groups that are not adjacent channels")
    result = d.add(
        call, complete_op("group_norm", groups=groups, eps=eps, affine=False), flow.source
    )
    return Flow(result.source, flow.shape, flow.axes)


def group_norm(d: Drafts, call: Call) -> Flow:
    scale, shift = d.weight(call, 1), d.weight(call, 2)
    groups, eps = call.integer("num_groups", 1), call.number("epsilon", 1e-5)
    op = complete_op("group_norm", groups=groups, eps=eps, affine=True)
    weights = {"weight": scale, "bias": shift}
    return d.add(call, op, d.image(call, d.flow(call)), weights=weights)


def layer_norm(d: Drafts, call: Call) -> Flow:
    flow = d.flow(call)
    axis = call.integer("axis", -1) % len(flow.axes)
    scale, shift = d.weight(call, 1), d.constant(call, 2)
    if axis != len(flow.axes) - 1 or shift is None:
        raise UnreadableError("normalizes over several axes, or learns no shift")
    op = complete_op("layer_norm", eps=call.number("epsilon", 1e-5))
    return _over_channels(d, call, op, flow, {axis}, {"weight": scale, "bias": shift})


def standardized(d: Drafts, call: Call) -> Flow:
    """`(x - mean) / sqrt(variance + eps)`, which what is behind it may scale and shift."""
    flow = d.flow(call)
    over = {axis % len(flow.axes) for axis in call.integers("axes") or ()}
    eps = call.number("epsilon", 1e-5)
    if isinstance(flow.shape, Image) and _reduced(flow, over)[0] == "positions":
        return d.pointwise(call, complete_op("instance_norm", eps=eps, affine=False), flow)
    op = complete_op("layer_norm", eps=eps, affine=False)
    return _over_channels(d, call, op, flow, over, {})


def length_normalized(d: Drafts, call: Call) -> Flow:
    flow = d.flow(call)
    over = {axis % len(flow.axes) for axis in call.integers("axes") or ()}
    op = complete_op("l2_norm", eps=call.number("epsilon", 1e-12))
    return _over_channels(d, call, op, flow, over, {})


def _over_channels(
    d: Drafts, call: Call, op: Op, flow: Flow, over: set[int], weights: dict[str, Constant]
) -> Flow:
    channels = whole("c", flow.shape.dimensions[0])
    if len(over) != 1 or flow.axes[min(over)] != channels or _is_flat(flow):
        raise UnreadableError("normalizes over other axes than that of channels")
    result = d.add(call, op, flow.source, weights=weights)
    return Flow(result.source, flow.shape, flow.axes)


def _is_flat(flow: Flow) -> bool:
    return isinstance(flow.shape, Vector) and len(flow.axes) != 2


def local_response_norm(d: Drafts, call: Call) -> Flow:
    op = complete_op(
        "local_response_norm",
        size=call.integer("size", 1),
        alpha=call.number("alpha", 1e-4),
        beta=call.number("beta", 0.75),
        k=call.number("bias", 1.0),
    )
    return d.add(call, op, d.image(call, d.flow(call)))


def _is_plain(scale: Constant, shift: Constant) -> bool:
    return _is_written(scale, 1) and _is_written(shift, 0)


def _is_written(weight: Constant, value: float) -> bool:
    """Whether an exporter wrote the same number for each channel, because the model holds none."""
    unnamed = weight.computed or UNNAMED.fullmatch(weight.key)
    return bool(unnamed) and weight.all_are(value)


def pair(call: Call, name: str, default: int = 1) -> Pair:
    match call.integers(name):
        case None:
            return (default, default)
        case (height, width):
            return (height, width)
        case _:
            raise UnreadableError(f"has {name} for other than two dimensions", "maps have two")


def _explicit(call: Call) -> Padding:
    match call.integers("pads") or (0, 0, 0, 0):
        case (top, left, bottom, right):
            return (top, bottom, left, right)
        case _:
            raise UnreadableError("has pads for other than two dimensions", "maps have two")


def padding(call: Call) -> Padding:
    """Four sides, or `same` as TensorFlow means it."""
    match call.word("auto_pad", "NOTSET"):
        case "NOTSET":
            return _explicit(call)
        case "VALID":
            return (0, 0, 0, 0)
        case "SAME_UPPER":
            return "same"
        case other:
            raise UnreadableError(f"pads as {other}", "`same` has the larger half at the end")
