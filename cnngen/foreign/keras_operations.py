"""A call of an operation of `keras.ops`, or of TensorFlow in models of Keras 2 -> our ops.

What only makes one together with others stays raw, for keras_patterns.py to recognise.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from cnngen.foreign.keras_activations import activation
from cnngen.foreign.keras_ops import concatenated
from cnngen.foreign.keras_parts import Arguments, item, listed, split, take, unstack
from cnngen.foreign.keras_shapes import reshaped, resized, turned
from cnngen.foreign.keras_steps import At, Step
from cnngen.ops.base import Image, Vector
from cnngen.vocabulary.layer import Unsayable

# What operations are called that are activations.
ACTIVATIONS = {
    **{"Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "Tanh": "tanh", "Silu": "silu"},
    **{"Selu": "selu", "Softplus": "softplus", "HardSigmoid": "hard_sigmoid", "Mish": "mish"},
    **{"HardSilu": "hard_silu", "HardSwish": "hard_swish", "HardTanh": "hard_tanh"},
    **{"Abs": "abs", "Absolute": "abs"},
}
# How old models call what is an operation now, and the names of what it is given.
OLD = {
    **dict.fromkeys(("math.add", "__operators__.add"), "Add"),
    **dict.fromkeys(("math.multiply",), "Multiply"),
    **dict.fromkeys(("math.subtract",), "Subtract"),
    **dict.fromkeys(("math.truediv", "math.divide"), "TrueDivide"),
    **{"nn.relu": "Relu", "nn.relu6": "Relu6", "math.tanh": "Tanh", "nn.tanh": "Tanh"},
    **{"math.sigmoid": "Sigmoid", "nn.sigmoid": "Sigmoid", "nn.silu": "Silu", "nn.swish": "Silu"},
    **{"nn.softmax": "Softmax", "nn.elu": "Elu", "nn.selu": "Selu", "math.abs": "Abs"},
    **{"concat": "Concatenate", "reshape": "Reshape", "math.reduce_mean": "Mean"},
    **{"math.reduce_max": "Max", "math.reduce_sum": "Sum", "math.square": "Square"},
    **{"nn.depth_to_space": "DepthToSpace", "nn.space_to_depth": "SpaceToDepth"},
    **{"transpose": "Transpose", "math.softplus": "Softplus", "clip_by_value": "Clip"},
}
OLD_NAMES = {"perm": "axes", "shape": "newshape", "y": "x2", "clip_value_min": "x_min"}


def read_operation(at: At, operands: Sequence[Any], keywords: Arguments) -> list[Step] | None:
    """What an operation gives; None where this is none that is known here. Raises `Unsayable`,
    `ShapeError` and `Invalid`.
    """
    kind, config = at.call.kind, at.call.config
    if kind == "TFOpLambda":
        function = str(config.get("function", config.get("name", "")))
        kind = OLD.get(function, "")
        if not kind:
            raise Unsayable(f"no op is the function `tf.{function[:60]}`")
        keywords = {OLD_NAMES.get(k, k): v for k, v in keywords.items() if v is not None}
        operands = [*operands, *(keywords[k] for k in ("x2",) if k in keywords)]
    given = {**config, **keywords}
    match kind, list(operands):
        case "Add" | "Subtract" | "Multiply" | "Maximum" | "Minimum" | "TrueDivide" | "Divide", [
            left,
            right,
        ]:
            return [_binary(at, kind, left, right)]
        case "Power", [Step() as x, int() | float() as exponent]:
            return [at.raw("Power", x, shape=x.shape, exponent=exponent)]
        case "GetItem", [Step() as x, key]:
            return [item(at, x, key)]
        case "Take", [Step() as x, indices]:
            return [take(at, x, indices, given.get("axis"))]
        case "Concatenate", [list()]:
            return [concatenated(at, _tensors(operands[0]), given.get("axis", -1))]
        case "Stack", [list()]:
            return [at.raw("Stack", *_tensors(operands[0]), axis=given.get("axis", 0))]
        case _, [Step() as x, *more] if kind in UNARY:
            names = CALLED.get(kind, ())
            return UNARY[kind](at, x, {**given, **dict(zip(names, more, strict=False))})
        case _:
            return None


def _tensors(parts: Any) -> list[Step]:
    found = [x for x in parts if isinstance(x, Step)]
    if len(found) != len(parts) or not found:
        raise Unsayable("it joins constants and tensors")
    return found


# --- Two tensors, or a tensor and a number


def _binary(at: At, kind: str, left: Any, right: Any) -> Step:
    match kind, left, right:
        case "Add", Step() as x, Step() as y:
            return at.op("add", x, y)
        case "Multiply", Step() as x, Step() as y:
            return at.op("multiply", x, y)
        case "Subtract", Step() as x, Step() as y:
            return at.op("subtract", x, y)
        case "Maximum", Step() as x, Step() as y:
            return at.op("max", x, y)
        case "TrueDivide" | "Divide", Step() as x, Step() as y:
            return at.raw("Divide", x, y, shape=x.shape)
        case "Maximum", Step() as x, 0 | 0.0:
            return at.op("relu", x)
        case _:
            pass
    x, constant = (left, right) if isinstance(left, Step) else (right, left)
    if not isinstance(x, Step):
        raise Unsayable("it computes with constants")
    if isinstance(constant, list):
        numbers = cast("list[Any]", constant)
        if kind == "Subtract" and x is left:
            return at.raw("Difference", x, points=numbers)
        if kind == "Multiply":
            return at.raw("Weigh", x, shape=x.shape, weights=numbers)
    if not isinstance(constant, int | float) or isinstance(constant, bool):
        raise Unsayable("it computes with a constant that is no number")
    match kind:
        case "Multiply":
            return at.op("scale", x, by=constant)
        case "TrueDivide" | "Divide" if x is left and constant:
            return at.op("scale", x, by=1 / constant)
        case "TrueDivide" | "Divide" if constant == 1:
            return at.raw("Reciprocal", x, shape=x.shape)
        case "Add":
            return at.raw("Offset", x, shape=x.shape, by=constant)
        case "Subtract" if x is left:
            return at.raw("Offset", x, shape=x.shape, by=-constant)
        case _:
            raise Unsayable("no op computes this of a tensor and a number")


# --- One tensor


def _named(at: At, x: Step, given: Arguments) -> list[Step]:
    found = activation(ACTIVATIONS[at.call.kind], 3)
    assert found is not None
    return [at.op(found[0], x, **found[1])]


def _pad(at: At, x: Step, given: Arguments) -> list[Step]:
    """Zeros around maps and around channels; other borders are part of a pooling."""
    match given.get("pad_width"):
        case [[0, 0], [int(a), int(b)], [int(c), int(d)], [int(before), int(after)]]:
            sides = (a, b, c, d)
        case [[0, 0], [int(before), int(after)]] if isinstance(x.shape, Vector):
            raise Unsayable("no op pads a vector")
        case _:
            raise Unsayable("it pads something else than maps and channels")
    value, mode = given.get("constant_values"), given.get("mode", "constant")
    image = x.image
    shape = Image(image.channels, image.height + a + b, image.width + c + d) if image else None
    if mode == "constant" and value in (None, 0):
        x = at.op("zero_pad", x, padding=sides) if any(sides) else x
        more = before or after
        return [at.op("pad_channels", x, before=before, after=after) if more else x]
    if before or after:
        raise Unsayable("channels are padded with zeros only")
    if mode == "reflect":
        return [at.raw("Mirror", x, shape=shape, sides=sides)]
    if mode == "constant" and value == float("-inf"):
        return [at.raw("Border", x, shape=shape, sides=sides)]
    raise Unsayable("borders are of zeros: those of other numbers, or repeated ones, are no op")


def _reduce(at: At, x: Step, given: Arguments) -> list[Step]:
    """A mean or a maximum over positions, or over channels; others stay raw."""
    kind, axes, keep = at.call.kind, given.get("axis"), bool(given.get("keepdims"))
    numbers: list[Any] = [axes] if isinstance(axes, int) else listed(axes)
    if not all(isinstance(n, int) for n in numbers):
        raise Unsayable("its axes are no numbers")
    rank = 2 if isinstance(x.shape, Vector) else 4
    where = sorted(n % rank if n < 0 and x.shape is not None else n for n in numbers)
    words = {"Mean": ("global_avg_pool", "channel_mean"), "Max": ("global_max_pool", "channel_max")}
    if kind in words and where == [1, 2] and x.image:
        pooled = at.op(words[kind][0], x)
        return [pooled if keep else at.op("flatten", pooled, suffix="_flatten")]
    if kind in words and where == [3] and keep and x.image:
        return [at.op(words[kind][1], x)]
    shape = None
    if x.image and where in ([1], [2]) and keep:
        height, width = (1, x.image.width) if where == [1] else (x.image.height, 1)
        shape = Image(x.image.channels, height, width)
    return [at.raw(kind, x, shape=shape, axis=axes, keepdims=keep)]


def _softmax(at: At, x: Step, given: Arguments) -> list[Step]:
    axis = given.get("axis", -1)
    last = 1 if isinstance(x.shape, Vector) else 3
    word = "softmax" if at.call.kind == "Softmax" else "log_softmax"
    if axis in (-1, last) and x.shape is not None:
        return [at.op(word, x)]
    return [at.raw(at.call.kind, x, axis=axis)]


def _transpose(at: At, x: Step, given: Arguments) -> list[Step]:
    return [turned(at, x, listed(given.get("axes")))]


def _swap(at: At, x: Step, given: Arguments) -> list[Step]:
    order = [0, 1, 2, 3]
    first, second = given.get("axis1"), given.get("axis2")
    if not isinstance(first, int) or not isinstance(second, int) or x.image is None:
        raise Unsayable("no op swaps these axes")
    first, second = first % 4, second % 4
    order[first], order[second] = order[second], order[first]
    return [turned(at, x, order)]


def _reshape(at: At, x: Step, given: Arguments) -> list[Step]:
    sizes = given.get("newshape", given.get("new_shape"))
    if not isinstance(sizes, list | tuple) or not sizes or sizes[0] not in (-1, None):
        raise Unsayable("its shape has a number of samples in it: write -1 for that")
    return [reshaped(at, x, [*cast("list[Any]", sizes)][1:])]


def _to_space(at: At, x: Step, given: Arguments) -> list[Step]:
    """TensorFlow takes the pixels of a map from channels that lie apart."""
    factor, image = _factor(given), x.image
    if image is None or image.channels % factor**2:
        raise Unsayable("it makes pixels of channels that are not enough")
    maps, pixels = image.channels // factor**2, factor**2
    order = tuple(p * maps + c for c in range(maps) for p in range(pixels))
    return [at.op("pixel_shuffle", at.op("gather_channels", x, channels=order), factor=factor)]


def _to_depth(at: At, x: Step, given: Arguments) -> list[Step]:
    factor, image = _factor(given), x.image
    if image is None:
        raise Unsayable("it makes channels of pixels, and is given no maps")
    pixels = factor**2
    order = tuple(c * pixels + p for p in range(pixels) for c in range(image.channels))
    made = at.op("pixel_unshuffle", x, factor=factor)
    return [at.op("gather_channels", made, channels=order)]


def _factor(given: Arguments) -> int:
    factor = given.get("block_size")
    if not isinstance(factor, int) or not 0 < factor <= 1024:
        raise Unsayable("its block size is no number")
    return factor


def _pool(at: At, x: Step, given: Arguments) -> list[Step]:
    word = {"AveragePool": "avg_pool", "MaxPool": "max_pool"}[at.call.kind]
    padding = {"valid": 0, "same": "same"}.get(str(given.get("padding")).lower())
    if padding is None or given.get("data_format") not in (None, "channels_last"):
        raise Unsayable("its padding is neither `valid` nor `same`, or its channels come first")
    kernel, stride = given.get("pool_size"), given.get("strides")
    return [at.op(word, x, kernel=kernel, stride=stride, padding=padding)]


def _resize(at: At, x: Step, given: Arguments) -> list[Step]:
    return [resized(at, x, given.get("size"), given)]


def _clip(at: At, x: Step, given: Arguments) -> list[Step]:
    match given.get("x_min"), given.get("x_max", given.get("clip_value_max")):
        case 0, 6:
            return [at.op("relu6", x)]
        case -1, 1:
            return [at.op("hard_tanh", x)]
        case _:
            raise Unsayable("`relu6` ends at 0 and 6, and `hard_tanh` at -1 and 1: no op elsewhere")


def _normalize(at: At, x: Step, given: Arguments) -> list[Step]:
    last = 1 if isinstance(x.shape, Vector) else 3
    if given.get("axis") not in (-1, last) or given.get("order") != 2:
        raise Unsayable("`l2_norm` divides channels by their Euclidean length")
    return [at.op("l2_norm", x, eps=given.get("epsilon") or 1e-12)]


def _same(word: str) -> "Unary":
    return lambda at, x, given: [at.raw(word, x, shape=x.shape)]


def _with(word: str, **names: str) -> "Unary":
    def made(at: At, x: Step, given: Arguments) -> list[Step]:
        return [at.op(word, x, **{to: given[name] for name, to in names.items() if name in given})]

    return made


def _expand(at: At, x: Step, given: Arguments) -> list[Step]:
    return [at.raw("ExpandDims", x, axis=given.get("axis"))]


Unary = Callable[[At, Step, Arguments], list[Step]]
UNARY: Mapping[str, Unary] = {
    **dict.fromkeys(ACTIVATIONS, _named),
    "LeakyRelu": _with("leaky_relu", negative_slope="slope"),
    "Elu": _with("elu", alpha="alpha"),
    "Gelu": _with("gelu", approximate="approximate"),
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "Pad": _pad,
    **dict.fromkeys(("Mean", "Max", "Sum"), _reduce),
    "Square": _same("Square"),
    "OnesLike": _same("OnesLike"),
    "Transpose": _transpose,
    "Swapaxes": _swap,
    "Reshape": _reshape,
    "DepthToSpace": _to_space,
    "SpaceToDepth": _to_depth,
    "AveragePool": _pool,
    "MaxPool": _pool,
    "Resize": _resize,
    "Clip": _clip,
    "Normalize": _normalize,
    "Split": split,
    "Unstack": unstack,
    "ExpandDims": _expand,
}
# What calls give by position, behind the tensor.
CALLED = {"Reshape": ("newshape",), "Clip": ("x_min", "x_max"), "Pad": ("pad_width",)}
