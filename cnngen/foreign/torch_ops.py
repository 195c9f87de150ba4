"""PyTorch's functions as ops, with all their attributes."""

from collections.abc import Sequence
from math import prod
from typing import Any

from cnngen.foreign.held import UnknownValueError, value
from cnngen.foreign.lowering import (
    AxesError,
    Lost,
    LostError,
    Lowering,
    NoOpError,
    View,
    pure,
    shown,
)
from cnngen.foreign.sizes import interpolated
from cnngen.foreign.torch_arithmetic import ARITHMETIC
from cnngen.foreign.torch_calls import arguments, word_of
from cnngen.foreign.torch_views import VIEWS, Arguments, Handler, joined_axes
from cnngen.foreign.torch_windows import WINDOWS
from cnngen.foreign.trace_torch import Call, Traced
from cnngen.ops.base import Image

PLAIN = {
    **{name: name for name in ("relu", "relu6", "selu", "silu", "mish", "sigmoid", "tanh", "abs")},
    "hardswish": "hard_swish",
    "hardsigmoid": "hard_sigmoid",
}
"""Activations without arguments."""
RATES = {"dropout": "dropout", "dropout2d": "channel_dropout", "alpha_dropout": "alpha_dropout"}
ATTENTION = (
    "cnngen has no attention: networks with it cannot be imported; `--partial` writes what stands"
    " before it"
)
NEAREST = {
    **dict.fromkeys(
        ("scaled_dot_product_attention", "multi_head_attention_forward", "bmm", "baddbmm"),
        ATTENTION,
    ),
    **dict.fromkeys(
        ("matmul", "einsum", "mm", "addmm"),
        "`linear` and `conv` multiply by learnt matrices; products of two tensors, as in"
        " attention, have no op",
    ),
    **dict.fromkeys(("std", "var", "var_mean", "norm"), "nearest are `l2_norm` and the norms"),
    **dict.fromkeys(("exp", "log", "log2", "sqrt", "pow", "square", "rsqrt"), "no op computes it"),
    "celu": "nearest is `elu`",
    "threshold": "nearest are `relu` and `leaky_relu`",
    "softsign": "nearest is `tanh`",
    "glu": "write it as `slice_channels`, `sigmoid` and a `multiply` of both halves",
    "max_pool2d_with_indices": "a pooling gives nothing but its output",
    "avg_pool3d": "maps have two axes here",
    "conv3d": "maps have two axes here",
    "roll": "no op moves values around",
    "flip": "no op moves values around",
    "where": "no op chooses between values",
    "__setitem__": "write what is assigned as a `concat`",
    "topk": "no op sorts values",
    "grid_sample": "nearest is `resize`",
    "unfold": "nearest is `pixel_unshuffle`",
    "fold": "nearest is `pixel_shuffle`",
}
NOTHING = "no op computes this; `cnngen ops` lists what there is"


def lower(low: Lowering) -> None:
    """Go through all calls that depend on what the model is given."""
    for call in low.run.calls:
        if not any(low.depends(each) for each in call.reads):
            continue
        if not call.gives:
            low.note_size(call)
            continue
        if call.name.startswith("new_") or call.name.endswith("_like"):
            continue  # constants
        for traced, made in zip(call.gives, _results(low, call), strict=True):
            low.values[traced] = made


def _results(low: Lowering, call: Call) -> Sequence[View | Lost]:
    word = word_of(call)
    handler = HANDLERS.get(word)
    if handler is None:
        error = NoOpError(f"`{word}`", NEAREST.get(word, NOTHING))
        return [low.unsaid(call, error, each) for each in call.gives]
    try:
        made = handler(low, call, arguments(call))
    except LostError:
        return [low.unsaid(call, None, each) for each in call.gives]
    except NoOpError as error:
        return [low.unsaid(call, error, each) for each in call.gives]
    results = [made] if isinstance(made, View | Lost) else made
    return [
        low.checked(call, each, traced) for each, traced in zip(results, call.gives, strict=True)
    ]


# --- Each value by itself


def pointwise(
    low: Lowering,
    call: Call,
    x: Traced,
    word: str,
    weights: dict[str, str] | None = None,
    **given: Any,
) -> View:
    """An op that treats all positions alike; the axes may be in any order."""
    view = low.settle(low.view(x))
    if not pure(view):
        raise low.not_shown(x)
    return View(low.node(call, word, [view.node], weights, **given), view.axes, view.call)


def plain(low: Lowering, call: Call, given: Arguments) -> View:
    return pointwise(low, call, given["input"], PLAIN[word_of(call)])


def leaky_relu(low: Lowering, call: Call, given: Arguments) -> View:
    slope = given.get("negative_slope", 0.01)
    return pointwise(low, call, given["input"], "leaky_relu", slope=float(slope))


def elu(low: Lowering, call: Call, given: Arguments) -> View:
    return pointwise(low, call, given["input"], "elu", alpha=float(given.get("alpha", 1.0)))


def gelu(low: Lowering, call: Call, given: Arguments) -> View:
    tanh = given.get("approximate") == "tanh"
    return pointwise(low, call, given["input"], "gelu", approximate=tanh)


def softplus(low: Lowering, call: Call, given: Arguments) -> View:
    if (given.get("beta", 1), given.get("threshold", 20)) != (1, 20):
        raise NoOpError("`softplus` with a beta or threshold", "`softplus` is `log(1 + exp(x))`")
    return pointwise(low, call, given["input"], "softplus")


BOUNDS = {(0, None): "relu", (0, 6): "relu6", (-1, 1): "hard_tanh", (None, None): "identity"}


def clamp(low: Lowering, call: Call, given: Arguments) -> View:
    defaults = (-1, 1) if call.name == "hardtanh" else (None, None)
    low_end = given.get("min", given.get("min_val", defaults[0]))
    high_end = given.get("max", given.get("max_val", defaults[1]))
    if (word := BOUNDS.get((low_end, high_end))) is None:
        raise NoOpError(
            f"`{call.name}` from {low_end} to {high_end}",
            "there are `relu` (from 0), `relu6` (from 0 to 6) and `hard_tanh` (from -1 to 1)",
        )
    return pointwise(low, call, given["input"], word)


def dropout(low: Lowering, call: Call, given: Arguments) -> View:
    rate = float(given.get("p", 0.5))
    return pointwise(low, call, given["input"], RATES[word_of(call)], rate=rate)


# --- Over channels


def over_channels(
    low: Lowering,
    call: Call,
    x: Traced,
    dim: int,
    word: str,
    weights: dict[str, str] | None = None,
    **given: Any,
) -> View:
    """An op that treats the channels in their own way, which are this axis."""
    view = low.settle(low.view(x))
    if view.axes[dim] != view.node.axes[1]:
        raise AxesError(
            f"`{call.name}` along another axis than the channels",
            f"`{word}` is over the channels of each position (of a vector: features)",
        )
    return pointwise(low, call, x, word, weights, **given)


def softmax(low: Lowering, call: Call, given: Arguments) -> View:
    x, dim = given["input"], given.get("dim")
    view = low.settle(low.view(x))
    dim = (1 if dim is None else dim) % len(view.axes)
    shape = view.node.shape
    match view.axes[dim]:
        case (group,) if (
            group.axis == "channels"
            and isinstance(shape, Image)
            and group.stride > 1
            and group.size * group.stride == shape.channels
            and call.name == "softmax"
        ):
            made = low.node(call, "group_softmax", [view.node], groups=group.size)
            return View(made, view.axes, call)
        case _:
            return over_channels(low, call, x, dim, call.name)


def prelu(low: Lowering, call: Call, given: Arguments) -> View:
    slopes: Traced = given["weight"]
    weights = low.weights(given, "weight")
    try:
        found = value(slopes, low.of_key).flatten()
        start = float(f"{float(found[0]):.6g}") if bool((found == found[0]).all()) else 0.25
    except UnknownValueError:
        start = 0.25
    shared = prod(slopes.sizes) == 1
    return over_channels(low, call, given["input"], 1, "prelu", weights, shared=shared, start=start)


def batch_norm(low: Lowering, call: Call, given: Arguments) -> View:
    if given.get("running_mean") is None:
        raise NoOpError(
            "`batch_norm` without running statistics",
            "`batch_norm` always keeps them; `instance_norm` and `group_norm` have none",
        )
    weights = low.weights(given, "weight", "bias", "running_mean", "running_var")
    return over_channels(
        *(low, call, given["input"], 1, "batch_norm", weights),
        eps=float(given.get("eps", 1e-5)),
        momentum=float(given.get("momentum", 0.1)),
        affine=_both(given),
    )


def _both(given: Arguments) -> bool:
    """Whether a norm has a scale and a shift, or neither."""
    has = [given.get(name) is not None for name in ("weight", "bias")]
    if has[0] != has[1]:
        raise NoOpError(
            "a norm with a scale and no shift, or a shift and no scale",
            "a norm with `affine` has both; `affine: false` and an `affine` without `shift` follow"
            " each other",
        )
    return has[0]


def layer_norm(low: Lowering, call: Call, given: Arguments) -> View:
    x, axes = given["input"], [*given["normalized_shape"]]
    affine, eps = _both(given), float(given.get("eps", 1e-5))
    weights = low.weights(given, "weight", "bias")
    if len(axes) == 1:
        return over_channels(low, call, x, -1, "layer_norm", weights, eps=eps, affine=affine)
    if len(axes) == 3 and not affine:
        return shown(low.node(call, "group_norm", [low.maps(x)], groups=1, eps=eps, affine=False))
    raise NoOpError(
        "`layer_norm` over positions",
        "`layer_norm` is over the channels of each position, `group_norm: {groups: 1}` over all",
    )


def group_norm(low: Lowering, call: Call, given: Arguments) -> View:
    weights = low.weights(given, "weight", "bias")
    return over_channels(
        *(low, call, given["input"], 1, "group_norm", weights),
        groups=given["num_groups"],
        eps=float(given.get("eps", 1e-5)),
        affine=_both(given),
    )


def instance_norm(low: Lowering, call: Call, given: Arguments) -> View:
    if given.get("running_mean") is not None:
        raise NoOpError(
            "`instance_norm` with running statistics",
            "`instance_norm` normalizes by each image itself, in training and otherwise",
        )
    weights = low.weights(given, "weight", "bias")
    return over_channels(
        *(low, call, given["input"], 1, "instance_norm", weights),
        eps=float(given.get("eps", 1e-5)),
        affine=_both(given),
    )


def local_response_norm(low: Lowering, call: Call, given: Arguments) -> View:
    numbers = {"alpha": 1e-4, "beta": 0.75, "k": 1.0}
    said = {name: float(given.get(name, default)) for name, default in numbers.items()}
    made = low.node(
        call, "local_response_norm", [low.maps(given["input"])], size=given["size"], **said
    )
    return shown(made)


def normalize(low: Lowering, call: Call, given: Arguments) -> View:
    dim, eps = given.get("dim", 1), float(given.get("eps", 1e-12))
    if given.get("p", 2) != 2:
        raise NoOpError("`normalize` by another norm", "`l2_norm` divides by the Euclidean length")
    return over_channels(low, call, given["input"], dim, "l2_norm", eps=eps)


def linear(low: Lowering, call: Call, given: Arguments) -> View:
    """Of a vector; of maps whose channels are last, a convolution of 1 x 1."""
    weight: Traced = given["weight"]
    weights = low.weights(given, "weight", "bias")
    if "weight" not in weights:
        raise NoOpError("a linear layer by weights that are computed", "`linear` learns its own")
    said = {"out": weight.sizes[0], "bias": "bias" in weights}
    view = low.settle(low.view(given["input"]))
    if not isinstance(view.node.shape, Image):
        return shown(low.node(call, "linear", [low.vector(given["input"])], weights, **said))
    if not pure(view) or view.axes[-1] != view.node.axes[1]:
        raise AxesError(
            "`linear` along another axis than the channels", "`linear` is for vectors; `flatten`"
        )
    made = low.node(call, "conv", [view.node], weights, kernel=1, **said)
    return View(made, joined_axes(view, made, len(view.axes) - 1), call)


# --- Moving values


def pixels(low: Lowering, call: Call, given: Arguments) -> View:
    word = "pixel_shuffle" if call.name == "pixel_shuffle" else "pixel_unshuffle"
    return shown(low.node(call, word, [low.maps(given["input"])], factor=given["factor"]))


def channel_shuffle(low: Lowering, call: Call, given: Arguments) -> View:
    made = low.node(call, "channel_shuffle", [low.maps(given["input"])], groups=given["groups"])
    return shown(made)


def by_nearest(low: Lowering, call: Call, given: Arguments) -> View:
    return interpolated(low, call, {**given, "mode": "nearest"})


def bilinear(low: Lowering, call: Call, given: Arguments) -> View:
    return interpolated(low, call, {**given, "mode": "bilinear"})


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(PLAIN, plain),
    **dict.fromkeys(RATES, dropout),
    **dict.fromkeys(("clamp", "hardtanh", "clamp_min"), clamp),
    "leaky_relu": leaky_relu,
    "elu": elu,
    "gelu": gelu,
    "softplus": softplus,
    "softmax": softmax,
    "log_softmax": softmax,
    "prelu": prelu,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "local_response_norm": local_response_norm,
    "normalize": normalize,
    "linear": linear,
    "pixel_shuffle": pixels,
    "pixel_unshuffle": pixels,
    "channel_shuffle": channel_shuffle,
    "interpolate": interpolated,
    "upsample_nearest2d": by_nearest,
    "upsample_bilinear2d": bilinear,
    **VIEWS,
    **WINDOWS,
    **ARITHMETIC,
}
