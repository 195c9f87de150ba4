"""Layers with support functions of their own: transposed convolutions, norms, slopes."""

from decimal import Decimal

from cnngen.python.construct import call, dotted, text
from cnngen.python.nodes import (
    Assign,
    Binary,
    Conditional,
    Display,
    Function,
    Name,
    Node,
    Number,
    Return,
    Statement,
    String,
    Text,
)
from cnngen.targets.keras.construct import NAME, applied, channels_of, list_of, number
from cnngen.targets.keras.layer_name import beside
from cnngen.targets.keras.limits import NO_GROUPS, NOT_DILATED
from cnngen.targets.keras.support import (
    KEYWORDS_ONLY,
    Signature,
    function,
    initial,
    own_initial,
    use,
)
from cnngen.targets.keras.support import NAME as NAME_PARAMETER
from cnngen.targets.keras.use import Asked, Common, Given, Use
from cnngen.targets.keras.values import is_false, is_number, is_size, is_true

X, CONVOLVE = Name("x"), Name("convolve")


def given(made: Use) -> Given:
    return Given(made.common, made.scope)


# --- Transposed convolutions


def transposed_called(asked: Asked) -> str | None:
    """The support function that a convolution calls; None if a layer of Keras computes it."""
    values = asked.values
    if values["padding"] == "same":
        return None
    bare = is_size(values["padding"], 0) and is_size(values["output_padding"], 0)
    plain = bare and values["kernel"] == values["stride"] and asked.initializers["init"] is None
    return None if plain else "transposed_conv2d"


def transposed_conv(made: Use) -> Node:
    values = made.values
    if not is_number(values["groups"], 1):
        NO_GROUPS.refuse()
    if not is_size(values["dilation"], 1):
        NOT_DILATED.refuse()
    out, kernel = made.node("out"), made.node("kernel")
    if (name := transposed_called(made)) is None:
        layer = call(
            "layers.Conv2DTranspose",
            out,
            kernel,
            strides=made.size("stride", 1),
            padding=text("same") if values["padding"] == "same" else None,
            use_bias=made.flag("bias", True),
            kernel_initializer=made.initializers["init"],
            name=made.name,
        )
        return applied(layer, made.x)
    named = {
        "stride": made.varied_size("stride", 1),
        "padding": made.varied_size("padding", 0),
        "output_padding": made.varied_size("output_padding", 0),
        "bias": made.varied_flag("bias", True),
        "init": made.varied_initializer("init"),
    }
    use(name, given(made), _transposed_conv2d)
    return call(name, made.x, out, kernel, **named, name=made.name)


def _transposed_conv2d(given: Given) -> Function:
    common, signature = given.common, Signature(given.common)
    # Without an output padding Keras adds the rows by which the stride exceeds the kernel.
    exact = "kernel" in common.values and given.node("kernel") == given.node("stride")
    exact = exact and common.is_number("output_padding", 0)
    layer = call(
        "layers.Conv2DTranspose",
        Name("filters"),
        Name("kernel"),
        given.size("stride", 1),
        output_padding=None if exact else given.node("output_padding"),
        use_bias=given.flag("bias", True),
        kernel_initializer=initial(common, "init"),
        name=NAME,
    )
    convolved = applied(CONVOLVE, X)
    crop = call("layers.Cropping2D", given.node("padding"), name=beside(NAME, "crop", given.scope))
    ending: list[Statement]
    if common.is_size("padding", 0):
        ending = [Return(convolved)]
    elif "padding" in common.values:
        ending = [Return(applied(crop, convolved))]
    else:
        cropped = Conditional(Name("padding"), applied(crop, X), X)
        ending = [Assign((X,), convolved), Return(cropped)]
    return function(
        "transposed_conv2d",
        [
            signature.of("filters", "int"),
            signature.of("kernel"),
            signature.size("stride", 1),
            signature.size("padding", 0),
            signature.size("output_padding", 0),
            KEYWORDS_ONLY,
            signature.flag("bias", True),
            signature.initializer("init"),
            NAME_PARAMETER,
        ],
        "Convolve, transposed, with PyTorch's output size, which Keras' \"same\" does not give.",
        [*own_initial(common, "init"), Assign((CONVOLVE,), layer), *ending],
    )


# --- Normalization


def norm_called(asked: Asked) -> str:
    """The partial that a norm calls, for images as for features."""
    return "BatchNorm"


def batch_norm(made: Use) -> Node:
    """What all calls have in common is in a partial, where that is a number at least. An object for
    initial weights is not: Keras gives equal weights to layers that share one.
    """
    common = made.common
    shared = common if "momentum" in common.values or "eps" in common.values else Common()
    center = None if "affine" in shared.values else made.flag("affine", True)
    init = made.initializers["init"]
    named = {
        "momentum": None if "momentum" in shared.values else _momentum(made),
        "epsilon": None if "eps" in shared.values else made.node("eps"),
        "center": center,
        "scale": center,
        "gamma_initializer": init
        if _is_object(init) or "init" not in shared.initializers
        else None,
    }
    layer = "layers.BatchNormalization"
    if shared.values:
        layer = use("BatchNorm", given(made), _batch_norm)
    return applied(call(layer, **named, name=made.name), made.x)


def _batch_norm(given: Given) -> Assign:
    given.scope.speller.imports("functools", "partial")
    values = given.common.values
    center = given.flag("affine", True) if "affine" in values else None
    init = given.common.initializers.get("init")
    partial = call(
        "partial",
        dotted("layers.BatchNormalization"),
        momentum=_momentum(given) if "momentum" in values else None,
        epsilon=given.node("eps") if "eps" in values else None,
        center=center,
        scale=center,
        gamma_initializer=None if _is_object(init) else init,
    )
    return Assign((Name("BatchNorm"),), partial)


def _momentum(made: Use | Given) -> Node | None:
    """Keras' momentum, which is the share of the past; PyTorch's is that of the new batch."""
    node = made.node("momentum")
    if not isinstance(node, Number):
        return Binary("-", number(1), node)
    past = str(1 - Decimal(node.text))
    return None if Decimal(past) == Decimal("0.99") else Number(past)


def _is_object(init: Node | None) -> bool:
    """Whether an initializer is made anew for each layer, and no word."""
    return init is not None and not isinstance(init, String)


def affine(made: Use) -> Node:
    init, shift = made.initializers["init"], made.values["shift"]
    if made.rank == "image":
        named = {
            "shift": made.varied_flag("shift", True),
            "init": made.varied_initializer("init"),
        }
        name = use("affine2d", given(made), _affine2d)
        return call(name, made.x, **named, name=made.name)
    axes: Node | None = Conditional(made.node("shift"), text("c"), Number("None"))
    if is_true(shift) or is_false(shift):
        axes = text("c") if is_true(shift) else None
    layer = call(
        "layers.EinsumDense",
        text("bc,c->bc"),
        channels_of(made.x),
        bias_axes=axes,
        kernel_initializer=init or text("ones"),
        name=made.name,
    )
    return applied(layer, made.x)


def _affine2d(given: Given) -> Function:
    # Of the stock layers that compute it, this one is the fastest by far.
    common, signature = given.common, Signature(given.common)
    init = initial(common, "init") or text("ones")
    layer = call(
        "layers.DepthwiseConv2D",
        number(1),
        use_bias=given.flag("shift", True),
        depthwise_initializer=init,
        name=NAME,
    )
    shift = common.values.get("shift")
    scales = "Scale" if shift is not None and is_false(shift) else "Scale and shift"
    return function(
        "affine2d",
        [
            KEYWORDS_ONLY,
            signature.flag("shift", True),
            signature.initializer("init", "ones"),
            NAME_PARAMETER,
        ],
        f"{scales} each channel, which is a depthwise convolution of size 1.",
        [*own_initial(common, "init"), Assign((CONVOLVE,), layer), Return(applied(CONVOLVE, X))],
    )


def l2_norm(made: Use) -> Node:
    """The layer of Keras knows one `eps` only."""
    if is_number(made.values["eps"], 1e-12):
        return applied(call("layers.UnitNormalization", name=made.name), made.x)
    return call("ops.normalize", made.x, epsilon=made.node("eps"))


def local_response_norm(made: Use) -> Node:
    named = {
        "alpha": made.varied("alpha", 1e-4),
        "beta": made.varied("beta", 0.75),
        "k": made.varied("k", 1),
    }
    size = made.node("size")
    name = use("local_response_norm", given(made), _local_response_norm)
    return call(name, made.x, size, **named)


def _local_response_norm(given: Given) -> Function:
    signature = Signature(given.common)
    scaled = Binary("*", given.node("alpha"), Name("mean"))
    power = Binary("**", Binary("+", given.node("k"), scaled), given.node("beta"))
    around = """\
    squares = ops.pad(ops.square(x), ((0, 0), (0, 0), (0, 0), (size // 2, (size - 1) // 2)))
    columns = ops.swapaxes(squares, 2, 3)  # pools are along rows and columns
    mean = ops.swapaxes(ops.average_pool(columns, (1, size), 1), 2, 3)"""
    return function(
        "local_response_norm",
        [
            signature.of("size", "int"),
            signature.number("alpha", "1e-4"),
            signature.number("beta", "0.75"),
            signature.number("k", "1.0"),
        ],
        "Divide by a power of the mean square of neighbouring channels; TensorFlow takes the sum.",
        [Text(tuple(around.splitlines())), Return(Binary("/", X, power))],
    )


# --- Activations


def prelu(made: Use) -> Node:
    """One slope per channel, or one in all; without `shared_axes` Keras has one per pixel."""
    start = made.count("start", 0)
    if start is not None:
        made.scope.speller.imports("keras.initializers", "Constant")
        start = call("Constant", start)
    rows, columns, channels = (number(axis) for axis in (1, 2, 3))
    each: Node | None = None
    all_axes: Node = list_of(rows)
    if made.rank == "image":
        each, all_axes = list_of(rows, columns), list_of(rows, columns, channels)
    shared = made.values["shared"]
    axes = all_axes if is_true(shared) else each
    if not is_true(shared) and not is_false(shared):
        axes = Conditional(made.node("shared"), all_axes, each or Number("None"))
    layer = call("layers.PReLU", alpha_initializer=start, shared_axes=axes, name=made.name)
    return applied(layer, made.x)


def gelu(made: Use) -> Node:
    if is_false(made.values["approximate"]):
        return applied(call("layers.Activation", text("gelu"), name=made.name), made.x)
    return call("ops.gelu", made.x, approximate=made.node("approximate"))


def drop_path(made: Use) -> Node:
    axes = [number(1)] * (3 if made.rank == "image" else 1)
    shape = Display("(", (Number("None"), *axes))
    return applied(
        call("layers.Dropout", made.node("rate"), noise_shape=shape, name=made.name), made.x
    )


SUPPORT = {
    "transposed_conv2d": _transposed_conv2d,
    "BatchNorm": _batch_norm,
    "affine2d": _affine2d,
    "local_response_norm": _local_response_norm,
}
