"""Nodes that compute with single values: activations, joins, and what a constant does to maps."""

from collections.abc import Callable
from dataclasses import replace

from cnngen.foreign.complete_op import complete_op
from cnngen.foreign.onnx_axes import groups_of, order_of, standard, transposed, whole
from cnngen.foreign.onnx_call import Call
from cnngen.foreign.onnx_constants import Constant
from cnngen.foreign.onnx_drafts import Drafts, Flow, UnreadableError, per_channel
from cnngen.foreign.onnx_patterns import is_hard_sigmoid
from cnngen.ops.base import Image, Op

PLAIN = {
    "Relu": "relu",
    "Relu6": "relu6",
    "Abs": "abs",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "HardTanh": "hard_tanh",
    "HardSwish": "hard_swish",
    "Silu": "silu",
    "Mish": "mish",
    "Softplus": "softplus",
    "Selu": "selu",
}
JOINS = {
    "Add": "add",
    "Sum": "add",
    "Sub": "subtract",
    "Mul": "multiply",
    "Max": "max",
    "Mean": "mean",
}
SOFTMAX_OF_ONE_AXIS = 13  # the version of the format
LEARNT = "`affine` learns a scale and a shift together, and a `conv` or `linear` has a bias"
BIASED = {"conv", "depthwise_conv", "transposed_conv", "linear"}
NORMS = {"layer_norm", "group_norm", "instance_norm"}


def plain(d: Drafts, call: Call) -> Flow:
    return d.pointwise(call, complete_op(PLAIN[call.op]), d.flow(call))


def leaky_relu(d: Drafts, call: Call) -> Flow:
    return d.pointwise(
        call, complete_op("leaky_relu", slope=call.number("alpha", 0.01)), d.flow(call)
    )


def elu(d: Drafts, call: Call) -> Flow:
    return d.pointwise(call, complete_op("elu", alpha=call.number("alpha", 1.0)), d.flow(call))


def gelu(d: Drafts, call: Call) -> Flow:
    tanh = call.word("approximate", "none") == "tanh"
    return d.pointwise(call, complete_op("gelu", approximate=tanh), d.flow(call))


def hard_sigmoid(d: Drafts, call: Call) -> Flow:
    if not is_hard_sigmoid(call):
        raise UnreadableError(
            f"has a slope of {call.number('alpha', 0.2):g}", "that of `hard_sigmoid` is 1/6"
        )
    return d.pointwise(call, complete_op("hard_sigmoid"), d.flow(call))


def swish(d: Drafts, call: Call) -> Flow:
    if call.number("alpha", 1) != 1:
        raise UnreadableError("has a slope in its sigmoid", "`silu` has none")
    return d.pointwise(call, complete_op("silu"), d.flow(call))


def clip(d: Drafts, call: Call) -> Flow:
    raise UnreadableError(
        "keeps values between other limits", "`relu6`, `hard_tanh` and `relu` have theirs"
    )


def prelu(d: Drafts, call: Call) -> Flow:
    flow, slope = d.flow(call), d.weight(call, 1)
    shared = slope.count == 1
    found = slope.seen(lambda v: v.reshape(1)) if shared else per_channel(slope, flow)
    if found is None:
        raise UnreadableError("has slopes that are not one for each channel")
    result = d.add(
        call, complete_op("prelu", shared=shared), flow.source, weights={"weight": found}
    )
    return Flow(result.source, flow.shape, flow.axes)


def softmax(d: Drafts, call: Call) -> Flow:
    """Over channels, or over groups of them."""
    flow = d.flow(call)
    if d.opset < SOFTMAX_OF_ONE_AXIS and len(flow.axes) > 2:
        raise UnreadableError(
            f"is over all axes that follow, in version {d.opset} of the format",
            f"export it as version {SOFTMAX_OF_ONE_AXIS} or a later one",
        )
    axis = flow.axes[call.integer("axis", -1) % len(flow.axes)]
    channels = flow.shape.dimensions[0]
    word = "softmax" if call.op == "Softmax" else "log_softmax"
    if axis == whole("c", channels):
        return d.pointwise(call, complete_op(word), flow)
    groups = groups_of(axis, channels)
    if groups and call.op == "Softmax":
        return d.pointwise(call, complete_op("group_softmax", groups=groups), flow)
    raise UnreadableError("is not over channels", "`softmax` is over the channels of a position")


def dropout(d: Drafts, call: Call) -> Flow:
    rate = d.constant(call, 1)
    share = rate.scalar if rate else call.number("ratio", 0.5)
    return d.pointwise(call, complete_op("dropout", rate=share), d.flow(call))


def negative(d: Drafts, call: Call) -> Flow:
    return d.pointwise(call, complete_op("scale", by=-1.0), d.flow(call))


# --- joins --------------------------------------------------------------------------------------


def join(d: Drafts, call: Call) -> Flow:
    values = [d.value(call, i) for i in range(len(call.inputs))]
    constants = [value for value in values if isinstance(value, Constant)]
    if constants:
        return _with_constant(d, call, constants)
    flows = [d.flow(call, i) for i in range(len(values))]
    if len(flows) == 1:
        return flows[0]
    order = order_of(d.batch, [(flow.shape, flow.axes) for flow in flows])
    largest = max(flows, key=lambda flow: flow.shape.numbers)
    if order is None and all(_goes_with(flow, largest) for flow in flows):
        result = d.add(call, complete_op(JOINS[call.op]), *(flow.source for flow in flows))
        return replace(result, axes=largest.axes)
    if order is None:
        flows = [d.seen(d.settled(call, flow)) for flow in flows]
        order = tuple(range(len(flows[0].axes)))
    sources = [flow.source for flow in flows]
    op = complete_op(JOINS[call.op])
    if call.op != "Mul":
        sources = _alike(d, call, sources)
    result = d.add(call, op, *sources)
    return replace(result, axes=transposed(standard(d.batch, result.shape), order))


def _goes_with(flow: Flow, largest: Flow) -> bool:
    """Whether values that meet are at the same place of their maps, or of one of 1 x 1."""
    if len(flow.axes) != len(largest.axes) or type(flow.shape) is not type(largest.shape):
        return False
    sizes = dict(zip("nchw", (1, *flow.shape.dimensions), strict=False))
    return all(
        mine == theirs or (not mine and all(sizes[factor.letter] == 1 for factor in theirs))
        for mine, theirs in zip(flow.axes, largest.axes, strict=True)
    )


def _alike(d: Drafts, call: Call, sources: list[str]) -> list[str]:
    """Maps of 1 x 1 are copied to all positions of the others."""
    shapes = [d.shape(source) for source in sources]
    images = [shape for shape in shapes if isinstance(shape, Image)]
    if len(images) < len(shapes):
        return sources
    large = max(range(len(shapes)), key=lambda i: images[i].height * images[i].width)
    result: list[str] = []
    for source, shape in zip(sources, images, strict=True):
        if (shape.height, shape.width) == (1, 1) != (images[large].height, images[large].width):
            op = complete_op("resize", like=sources[large])
            source = d.add(call, op, source, sources[large]).source
        result.append(source)
    return result


def _with_constant(d: Drafts, call: Call, constants: list[Constant]) -> Flow:
    if len(call.inputs) != 2 or len(constants) != 1:
        raise UnreadableError("joins constants and maps", "a join has branches of the network")
    first = isinstance(d.value(call, 0), Constant)
    flow, (constant,) = d.flow(call, int(first)), constants
    number = constant.scalar
    if len(constant.shape) > len(flow.axes):
        raise UnreadableError("is given a constant of more axes than there are", LEARNT)
    match call.op:
        case "Max" if number == 0:
            return d.pointwise(call, complete_op("relu"), flow)
        case "Mul" if number is not None:
            return d.pointwise(call, complete_op("scale", by=number), flow)
        case "Mul":
            return _scaled(d, call, flow, constant)
        case "Add" if number == 0:
            return flow
        case "Add":
            return _shifted(d, flow, constant)
        case "Sub" if number == 0 and not first:
            return flow
        case _:
            raise UnreadableError(f"is given the constant `{constant.key[:60]}`", LEARNT)


def divide(d: Drafts, call: Call) -> Flow:
    constant = d.value(call, 1)
    number = constant.scalar if isinstance(constant, Constant) else None
    if not number:
        raise UnreadableError("divides by what is no number", "`scale` divides by a constant")
    return d.pointwise(call, complete_op("scale", by=1 / number), d.flow(call))


def _scaled(d: Drafts, call: Call, flow: Flow, constant: Constant) -> Flow:
    """One number for each channel: the scale of a norm, or one alone."""
    weight = per_channel(constant, flow)
    if weight is None:
        raise UnreadableError("multiplies by what is not one number for each channel", LEARNT)
    op = complete_op("affine", shift=False)
    result = d.add(call, op, flow.source, weights={"weight": weight})
    return Flow(result.source, flow.shape, flow.axes)


def _shifted(d: Drafts, flow: Flow, constant: Constant) -> Flow:
    """One number for each channel: the shift of what scaled it, or a bias."""
    draft, weight = d.drafts.get(flow.source), per_channel(constant, flow)
    if draft is None or weight is None or not d.is_read_once(flow.source):
        raise UnreadableError("adds a constant", LEARNT)
    if draft.op.name == "affine" and not draft.op.values["shift"]:
        before = d.drafts.get(draft.inputs[0])
        weights = {"weight": draft.weights["weight"], "bias": weight}
        plain_norm = before and before.op.name in NORMS and not before.op.values["affine"]
        if before and plain_norm and d.is_read_once(draft.inputs[0]):
            del d.drafts[flow.source]
            changed = d.change(draft.inputs[0], _changed(before.op, affine=True), weights)
        else:
            changed = d.change(flow.source, complete_op("affine"), weights)
        return Flow(changed.source, flow.shape, flow.axes)
    if draft.op.name in BIASED and not draft.op.values["bias"]:
        weights = {**draft.weights, "bias": weight}
        d.change(flow.source, _changed(draft.op, bias=True), weights)
        return flow
    raise UnreadableError("adds a constant", LEARNT)


def _changed(op: Op, **values: bool) -> Op:
    return type(op)({**op.values, **values})


ACTIVATIONS: dict[str, Callable[[Drafts, Call], Flow]] = {
    **dict.fromkeys(PLAIN, plain),
    "LeakyRelu": leaky_relu,
    "Elu": elu,
    "Gelu": gelu,
    "com.microsoft.Gelu": gelu,
    "HardSigmoid": hard_sigmoid,
    "Swish": swish,
    "Clip": clip,
    "PRelu": prelu,
    "Softmax": softmax,
    "LogSoftmax": softmax,
    "Dropout": dropout,
    "Neg": negative,
}
