"""PyTorch's convolutions and pools, and the padding before them."""

from typing import Any

from cnngen.foreign.filters import binomial, standardized
from cnngen.foreign.held import weight_key
from cnngen.foreign.lowering import Lowering, Made, NoOpError, View, one_run, shown
from cnngen.foreign.torch_calls import arguments, pair, step
from cnngen.foreign.torch_views import Arguments, Handler
from cnngen.foreign.trace_torch import Call, Traced
from cnngen.ops.attribute import Padding, Pair, Sides
from cnngen.ops.base import Image

NONE: Sides = (0, 0, 0, 0)
PADS = "pads"  # a padding that is only known with what follows


# --- Padding


def pad(low: Lowering, call: Call, given: Arguments) -> View:
    """Zeros around maps or channels; what lies around them otherwise, a convolution or pool may
    know.
    """
    if not any(given["pad"]):
        return low.view(given["input"])
    node = low.maps(given["input"])
    pads = [*given["pad"], *[0] * (6 - len(given["pad"]))]
    left, right, top, bottom, before, after = pads[:6]
    constant = given.get("mode") in (None, "constant")
    zeros = constant and not given.get("value")
    if zeros and not any(pads[:4]):
        return shown(low.node(call, "pad_channels", [node], before=before, after=after))
    if before or after or min(pads) < 0:
        raise NoOpError(
            "`pad` of channels and positions at once, or by less than nothing",
            "`zero_pad` is for positions, `pad_channels` for channels, `crop` takes away",
        )
    if zeros and not _varies(low, call):
        return shown(low.node(call, "zero_pad", [node], padding=(top, bottom, left, right)))
    what = (
        "`pad` by an amount that depends on the size of the maps"
        if zeros
        else f"`pad` with {given.get('value') if constant else given['mode'] + ' values'}"
    )
    error = NoOpError(what, "`zero_pad` adds zeros, by fixed numbers")
    x = node.shape
    assert isinstance(x, Image)
    shape = Image(x.channels, x.height + top + bottom, x.width + left + right)
    return shown(low.half(call, PADS, node, error, shape=shape))


def _varies(low: Lowering, call: Call) -> bool:
    twin = low.others.get(call)
    return twin is not None and [*arguments(twin)["pad"]] != [*arguments(call)["pad"]]


def _computes_pads(low: Lowering) -> bool:
    """Whether the model pads by amounts that depend on sizes: some differ on a larger image, or
    one line of its source pads by several.
    """
    pads = [call for call in low.run.calls if call.name == "pad"]
    if any(_varies(low, call) for call in pads):
        return True
    by_line: dict[str, set[tuple[int, ...]]] = {}
    for call in pads:
        by_line.setdefault(call.line, set()).add((*arguments(call)["pad"],))
    return any(len(different) > 1 for different in by_line.values())


def _padded(
    low: Lowering, call: Call, x: Made, kernel: Pair, stride: Pair, dilation: Pair, border: Any
) -> tuple[Made, Padding]:
    """What a window slides over without the padding before it, and that padding. A module that pads
    for itself has padded with what `border` says.
    """
    before = x.call
    if before is None or x.word not in ("zero_pad", PADS):
        return x, NONE
    given = arguments(before)
    mode, filling = given.get("mode") or "constant", given.get("value") or 0.0
    own = one_run(before, call) or filling == -float("inf")
    if mode != "constant" or filling != border or not own:
        return x, NONE
    twins = [before, low.others[before]] if before in low.others else []
    if _computes_pads(low) and all(_is_same(each, kernel, stride, dilation) for each in twins):
        return x.inputs[0], "same"
    if _varies(low, before):
        return x, NONE
    left, right, top, bottom = [*given["pad"], 0, 0][:4]
    return x.inputs[0], (top, bottom, left, right)


def _is_same(call: Call, kernel: Pair, stride: Pair, dilation: Pair) -> bool:
    """Whether as much is padded as TensorFlow does."""
    given = arguments(call)
    pads: list[int] = []
    sizes = given["input"].sizes[-2:]
    for size, window, by, spread in zip(sizes, kernel, stride, dilation, strict=True):
        total = max((-(-size // by) - 1) * by + spread * (window - 1) + 1 - size, 0)
        pads = [total // 2, total - total // 2, *pads]
    return [*given["pad"]] == pads


def _sides(padding: Any) -> Padding:
    if isinstance(padding, str):
        return "same" if padding == "same" else NONE
    rows, columns = pair(padding)
    return rows, rows, columns, columns


# --- Convolutions


def conv(low: Lowering, call: Call, given: Arguments) -> View:
    weight: Traced = given["weight"]
    x, groups = low.maps(given["input"]), given.get("groups", 1)
    out, _, *kernel = weight.sizes
    stride, dilation = pair(given.get("stride", 1)), pair(given.get("dilation", 1))
    sizes = {"kernel": (kernel[0], kernel[1]), "stride": stride, "dilation": dilation}
    padding = _sides(given.get("padding", 0))
    if found := _blurred(low, call, x, weight, given):
        return shown(found)
    if padding == NONE:
        x, padding = _padded(low, call, x, **sizes, border=0.0)
    said: dict[str, Any] = {**sizes, "padding": padding, "bias": given.get("bias") is not None}
    weights = low.weights(given, "weight", "bias")
    if found := standardized(weight):
        key, eps = found
        made = low.node(
            *(call, "standardized_conv", [x], {"weight": key, **weights}),
            **said,
            out=out,
            groups=groups,
            eps=eps,
        )
        return shown(made)
    if "weight" not in weights:
        raise _computed("convolution")
    channels = x.shape.dimensions[0]
    if groups == channels > 1 and out % groups == 0:
        multiplier = out // groups
        return shown(low.node(call, "depthwise_conv", [x], weights, **said, multiplier=multiplier))
    return shown(low.node(call, "conv", [x], weights, **said, out=out, groups=groups))


def _computed(layer: str) -> NoOpError:
    return NoOpError(
        f"a {layer} by weights that are computed",
        "there is `standardized_conv`; what computes the weights otherwise may be undone before,"
        " as by `torch.nn.utils.parametrize.remove_parametrizations`",
    )


def _blurred(low: Lowering, call: Call, x: Made, weight: Traced, given: Arguments) -> Made | None:
    """A convolution of each channel by binomial numbers."""
    if given.get("groups", 1) != weight.sizes[0] or weight_key(weight) in low.parameters:
        return None
    kernel, before = binomial(weight, low.of_key), x.call
    (by, across), dilation = pair(given.get("stride", 1)), pair(given.get("dilation", 1))
    if not kernel or by != across or dilation != (1, 1) or before is None:
        return None
    if x.word in ("zero_pad", PADS):
        pads, border = [*arguments(before)["pad"]], arguments(before).get("mode") or "constant"
        x = x.inputs[0]
    else:
        (rows, columns), border = pair(given.get("padding", 0)), "constant"
        pads = [columns, columns, rows, rows]
    if pads != [(kernel - 1) // 2, kernel // 2] * 2 or border not in ("reflect", "constant"):
        return None
    around = "reflect" if border == "reflect" else "zeros"
    return low.node(call, "blur_pool", [x], kernel=kernel, stride=by, border=around)


def conv1d(low: Lowering, call: Call, given: Arguments) -> View:
    """A convolution along one axis, as that of maps of one row."""
    view = low.view(given["input"])
    batch, channels, along = view.axes
    x = low.maps_of(View(view.node, (batch, channels, (), along), call), given["input"])
    weights = low.weights(given, "weight", "bias")
    if "weight" not in weights:
        raise _computed("convolution")
    (kernel,), (stride,), (dilation,) = (
        given["weight"].sizes[2:],
        *(
            [n] if isinstance(n, int) else n
            for n in (given.get("stride", 1), given.get("dilation", 1))
        ),
    )
    padding = given.get("padding", 0)
    side = padding if isinstance(padding, int) else padding[0]
    made = low.node(
        *(call, "conv", [x], weights),
        out=given["weight"].sizes[0],
        kernel=(1, kernel),
        stride=(1, stride),
        dilation=(1, dilation),
        padding="same" if padding == "same" else (0, 0, side, side),
        groups=given.get("groups", 1),
        bias="bias" in weights,
    )
    batch, channels, _, along = made.axes
    return View(made, (batch, channels, along), call)


def transposed(low: Lowering, call: Call, given: Arguments) -> View:
    weight: Traced = given["weight"]
    groups = given.get("groups", 1)
    weights = low.weights(given, "weight", "bias")
    if "weight" not in weights:
        raise _computed("transposed convolution")
    return shown(
        low.node(
            *(call, "transposed_conv", [low.maps(given["input"])], weights),
            out=weight.sizes[1] * groups,
            kernel=weight.sizes[2:],
            stride=pair(given.get("stride", 1)),
            padding=_sides(given.get("padding", 0)),
            output_padding=pair(given.get("output_padding", 0)),
            dilation=pair(given.get("dilation", 1)),
            groups=groups,
            bias="bias" in weights,
        )
    )


# --- Pools


def max_pool(low: Lowering, call: Call, given: Arguments) -> View:
    kernel = pair(given["kernel_size"])
    stride, padding = step(given, kernel), _sides(given.get("padding", 0))
    if pair(given.get("dilation", 1)) != (1, 1):
        raise NoOpError("`max_pool2d` with a dilation", "`max_pool` has no dilation")
    x = low.maps(given["input"])
    if padding == NONE:
        x, padding = _padded(low, call, x, kernel, stride, (1, 1), -float("inf"))
    return shown(
        low.node(
            *(call, "max_pool", [x]),
            kernel=kernel,
            stride=None if stride == kernel else stride,
            padding=padding,
            ceil=bool(given.get("ceil_mode", False)),
        )
    )


def avg_pool(low: Lowering, call: Call, given: Arguments) -> View:
    kernel = pair(given["kernel_size"])
    stride, padding = step(given, kernel), _sides(given.get("padding", 0))
    x = low.maps(given["input"])
    shape = x.shape
    assert isinstance(shape, Image)
    if given.get("divisor_override") not in (None, 0):
        raise NoOpError("`avg_pool2d` with a divisor of its own", "`avg_pool` and `scale`")
    if kernel == (shape.height, shape.width) and _follows(low, call, given["input"]):
        return shown(low.node(call, "global_avg_pool", [x]))
    if padding == NONE:
        x, padding = _padded(low, call, x, kernel, stride, (1, 1), 0.0)
    said: dict[str, Any] = {"kernel": kernel, "stride": None if stride == kernel else stride}
    if padding == "same":
        error = NoOpError(
            "`avg_pool2d` that counts what `same` pads", "with `padding: same` nothing counts it"
        )
        size = Image(shape.channels, *call.gives[0].sizes[2:])
        return shown(low.half(call, "counted_pool", x, error, shape=size))
    ceil, counted = bool(given.get("ceil_mode", False)), given.get("count_include_pad", True)
    counts = bool(counted) or padding == NONE
    return shown(
        low.node(
            *(call, "avg_pool", [x]),
            **said,
            padding=padding,
            ceil=ceil,
            count_include_pad=counts,
        )
    )


def _follows(low: Lowering, call: Call, x: Traced) -> bool:
    """Whether the kernel of a pool is the whole map, whatever its size."""
    twin = low.others.get(call)
    if twin is None:
        return False
    given = arguments(twin)
    return pair(given["kernel_size"]) == given["input"].sizes[-2:] != x.sizes[-2:]


def adaptive(low: Lowering, call: Call, given: Arguments) -> View:
    """To a size; where that is 1 x 1, over all positions."""
    size = given["output_size"]
    x = low.maps(given["input"])
    shape = x.shape
    assert isinstance(shape, Image)
    asked: tuple[Any, ...] = pair(size)
    if not all(isinstance(n, int) for n in asked):  # `None` keeps the size
        raise NoOpError(f"`{call.name}` of one axis", "it takes a height and a width here")
    kind = "max" if "max" in call.name else "avg"
    if asked == (1, 1):
        return shown(low.node(call, f"global_{kind}_pool", [x]))
    return shown(low.node(call, f"adaptive_{kind}_pool", [x], size=asked))


def adaptive_1d(low: Lowering, call: Call, given: Arguments) -> View:
    """Over all positions in a row."""
    view = low.view(given["input"])
    if pair(given["output_size"]) != (1, 1) or len(view.axes) != 3:
        raise NoOpError(f"`{call.name}`", "`global_avg_pool` takes the mean of all positions")
    batch, channels, height, width = view.node.axes
    if view.axes != (batch, channels, (*height, *width)):
        raise low.not_shown(given["input"])
    made = low.node(call, "global_avg_pool", [view.node])
    return View(made, (batch, channels, ()), call)


WINDOWS: dict[str, Handler] = {
    "pad": pad,
    "conv2d": conv,
    "conv1d": conv1d,
    "conv_transpose2d": transposed,
    "max_pool2d": max_pool,
    "avg_pool2d": avg_pool,
    **dict.fromkeys(("adaptive_avg_pool2d", "adaptive_max_pool2d"), adaptive),
    "adaptive_avg_pool1d": adaptive_1d,
}
