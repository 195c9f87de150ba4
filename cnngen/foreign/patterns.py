"""Several calls that are one op: what the last of them makes of those before."""

from collections.abc import Sequence
from math import prod
from typing import Any

from cnngen.foreign.held import UnknownValueError, depends_on, value, weight_key
from cnngen.foreign.lowering import Lowering, Made, NoOpError, View, one_run, shown
from cnngen.foreign.torch_calls import arguments, pair, step
from cnngen.foreign.trace_torch import Call, Traced
from cnngen.ops.base import Image

GATED = {"sigmoid": "silu", "hard_sigmoid": "hard_swish"}


def of_product(low: Lowering, call: Call, a: Made, b: Made) -> Made | None:
    """`x * sigmoid(x)` and the like."""
    for x, gate in ((a, b), (b, a)):
        if gate.inputs == (x,) and gate.word in GATED:
            return low.node(call, GATED[gate.word], [x])
        if (
            gate.word == "tanh"
            and gate.inputs[0].word == "softplus"
            and gate.inputs[0].inputs == (x,)
        ):
            return low.node(call, "mish", [x])
    return None


def of_quotient(low: Lowering, call: Call, node: Made, by: float) -> Made | None:
    """`relu6(x + 3) / 6` and `x * relu6(x + 3) / 6`; a sum of so many tensors."""
    by = round(by, 9)
    if by == 6 and (x := _clipped(node)):
        return low.node(call, "hard_sigmoid", [x])
    if by == 6 and node.word == "multiply" and len(node.inputs) == 2:
        for x, gate in (node.inputs, node.inputs[::-1]):
            if _clipped(gate) is x:
                return low.node(call, "hard_swish", [x])
    if node.word == "add" and len(terms := _terms(node, call)) == by:
        return low.node(call, "mean", terms)
    return None


def _clipped(node: Made) -> Made | None:
    """The `x` of `relu6(x + 3)`."""
    if node.word != "relu6" or node.inputs[0].word != "offset" or node.inputs[0].number != 3:
        return None
    return node.inputs[0].inputs[0]


def _terms(node: Made, call: Call) -> list[Made]:
    """What a sum adds, if it was added in one module."""
    if node.word == "add" and node.call and node.call.inside == call.inside:
        return [term for x in node.inputs for term in _terms(x, call)]
    return [node]


def of_held(low: Lowering, call: Call, word: str, node: Made, other: Traced) -> Made | None:
    """What was given a tensor of constants or statistics, as an average pool that does not count
    its border.
    """
    if word == "div" and node.word in ("avg_pool", "counted_pool"):
        return _uncounted(low, call, node, other)
    if word == "sub" and (key := _statistic(low, node, other)):
        error = NoOpError("`sub` with statistics", "`standardize` divides, too")
        return low.half(call, "centred", node, error, {"mean": key})
    if word == "sub" and len(other.sizes) == 2 and other.sizes[1:] == node.shape.dimensions:
        error = NoOpError("`sub` with constants", "there is `rbf`, for distances from points")
        return low.half(call, "difference", node, error)
    if word == "div" and node.word == "centred" and (key := _deviation(other)):
        weights = {**node.weights, "variance": key}
        return low.node(call, "standardize", node.inputs, weights)
    return None


def _uncounted(low: Lowering, call: Call, node: Made, other: Traced) -> Made | None:
    """An average of what a window covers: divided by the same pool of ones."""
    pool = other.call
    if pool is None or pool.name != "avg_pool2d" or node.call is None:
        return None
    ours, theirs = arguments(node.call), arguments(pool)
    if {k: v for k, v in ours.items() if k != "input"} != {
        k: v for k, v in theirs.items() if k != "input"
    }:
        return None
    if not depends_on(
        other, lambda x: x.call is not None and x.call.name.startswith(("ones", "new_ones"))
    ):
        return None
    kernel = pair(ours["kernel_size"])
    window = {
        "kernel": kernel,
        "stride": None if step(ours, kernel) == kernel else step(ours, kernel),
    }
    if node.op is None:
        return low.node(call, "avg_pool", node.inputs, **window, padding="same")
    padding, ceil = node.op.values["padding"], node.op.values["ceil"]
    given = {**window, "padding": padding, "ceil": ceil, "count_include_pad": False}
    return low.node(call, "avg_pool", node.inputs, **given)


def _statistic(low: Lowering, node: Made, other: Traced) -> str:
    """The buffer that has a number for each channel."""
    key = weight_key(other)
    channels = node.shape.dimensions[0]
    return key if key and key not in low.parameters and prod(other.sizes) == channels else ""


def _deviation(other: Traced) -> str:
    """The buffer of which a standard deviation is the root."""
    while other.call and other.call.reads:
        if other.call.name == "sqrt":
            return weight_key(other.call.reads[0])
        other = other.call.reads[0]
    return ""


def of_square(low: Lowering, call: Call, node: Made) -> Made | None:
    if node.word != "difference":
        return None
    error = NoOpError("squares of differences", "there is `rbf`, which adds them up")
    return low.half(call, "squares", node, error)


def of_sum(low: Lowering, call: Call, node: Made) -> Made | None:
    """Squared distances from points whose coordinates are 1 and -1."""
    if node.word != "squares" or (difference := node.inputs[0].call) is None:
        return None
    try:
        points = value(difference.reads[1], low.of_key)
    except UnknownValueError:
        return None
    if not bool((points.abs() == 1).all()):
        return None
    digits = points.shape[1]
    bits = max(n for n in range(1, 33) if digits % n == 0)
    codes = tuple(
        tuple(
            sum(2 ** (bits - 1 - i) for i in range(bits) if point[start + i] > 0)
            for start in range(0, digits, bits)
        )
        for point in points.tolist()
    )
    return low.node(call, "rbf", node.inputs[0].inputs, codes=codes, bits=bits)


def of_window(low: Lowering, call: Call, node: Made, ranges: Sequence[range]) -> Made | None:
    """A transposed convolution that takes away what TensorFlow does, an odd row from the end."""
    x, op = node.inputs[0].shape if node.inputs else None, node.op
    if not isinstance(x, Image) or op is None or node.word != "transposed_conv":
        return None
    if any(op.values["padding"]) or not one_run(node.call, call):
        return None
    values = {name: op.values[name] for name in ("kernel", "stride", "dilation")}
    for size, window, by, spread, part in zip(
        (x.height, x.width), *values.values(), ranges, strict=True
    ):
        rest = max(spread * (window - 1) + 1 - by, 0)
        if part != range(rest // 2, rest // 2 + size * by):
            return None
    others = {name: op.values[name] for name in ("out", "groups", "bias")}
    said = {**values, **others, "padding": "same"}
    return low.node(call, node.word, [*node.inputs], node.weights, **said)


def of_concat(low: Lowering, call: Call, listed: list[Any], dim: int) -> View | None:
    """Maps beside zeros."""
    given = [i for i, each in enumerate(listed) if low.depends(each)]
    if dim != 1 or len(given) != 1 or len(listed) == 1:
        return None
    zeros = [each for i, each in enumerate(listed) if i not in given]
    if not all(isinstance(each, Traced) and _zero(low, each) for each in zeros):
        return None
    node = low.maps(listed[given[0]])
    assert isinstance(node.shape, Image)
    before = sum(each.sizes[1] for each in listed[: given[0]])
    after = sum(each.sizes[1] for each in listed[given[0] + 1 :])
    return shown(low.node(call, "pad_channels", [node], before=before, after=after))


def _zero(low: Lowering, held: Traced) -> bool:
    try:
        return not bool(value(held, low.of_key).any())
    except UnknownValueError:
        return False
