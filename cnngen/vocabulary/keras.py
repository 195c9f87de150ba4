"""The layers of `keras.layers`, and functions of `keras.activations` that are called otherwise."""

from collections.abc import Mapping

from cnngen.vocabulary.layer import (
    Attributes,
    ForeignLayer,
    Held,
    Inferred,
    Parameter,
    Said,
    Unsayable,
)
from cnngen.vocabulary.value import (
    Written,
    given,
    literal,
    only_words,
    share,
    sides,
    whole,
    words,
)

CHANNELS_LAST = Held(
    "data_format", "null", ("null", "channels_last"), "cnngen chooses the order of the channels"
)
ACTIVATION = Held(
    "activation", "null", ("null", "linear"), "write the activation as a step of its own behind it"
)
SEED = Held("seed", "null", ("null",), "seeds are set where the network is trained")
NAME = Held("name", "null", ("null",), "write `name` beside the op, not among its attributes")
NO_SHAPE = Held("noise_shape", "null", ("null",), "`drop_path` and `channel_dropout` drop together")
OVER_CHANNELS = "it works on the channels of each position (of a vector: features)"
AXIS = Held("axis", "-1", ("-1",), OVER_CHANNELS)
EPSILON = Said("epsilon", "eps", "0.001")
BOTH = "a norm with `affine` has a scale and a shift, one without has neither"
AFFINE = (
    Said("center", "affine", "true", instead=BOTH),
    Said("scale", "affine", "true", instead=BOTH),
)
NORM = ("beta", "gamma")
STATISTICS = "`batch_norm` normalizes by the batch in training and by running statistics otherwise"
STORED = "`standardize` keeps its mean and variance with the weights"
INITIAL = "write `init`, which says how the weights are drawn"
UNHELD = "what belongs to the training loop is no part of a spec"


def _weights(
    *names: str,
    initial: str = "glorot_uniform",
    others: dict[str, str] | None = None,
    activity: bool = False,
) -> tuple[Parameter, ...]:
    """What Keras asks of each weight: how it begins, and what training adds to the loss."""
    initials = {name: initial for name in names} | (others or {})
    return (
        *(Held(f"{n}_initializer", i, (i,), INITIAL) for n, i in initials.items()),
        *(
            Held(f"{name}_{what}", "null", ("null",), UNHELD)
            for name in initials
            if not name.startswith("moving")
            for what in ("regularizer", "constraint")
        ),
        *((Held("activity_regularizer", "null", ("null",), UNHELD),) if activity else ()),
    )


KERNEL_AND_BIAS = _weights("kernel", others={"bias": "zeros"}, activity=True)
BETA_AND_GAMMA = _weights(others={"beta": "zeros", "gamma": "ones"})
KERNEL = Said("kernel_size", "kernel", None)
STRIDES = Said("strides", "stride", "1")
DILATION = Said("dilation_rate", "dilation", "1")
MULTIPLIER = Said("depth_multiplier", "multiplier", "1")
BIAS = Said("use_bias", "bias", "true")
PADDING = Said("padding", "padding", "valid", words(valid="0"))
POOL = (Said("strides", "stride", "null"), PADDING, CHANNELS_LAST, NAME)
VECTOR = Held(
    "keepdims",
    "false",
    ("true",),
    "Keras makes a vector of it: write `{op}`, and `flatten` as a step of its own behind it",
)
SIDES = sides({2: (0, 0, 1, 1), 4: (0, 1, 2, 3)})


def _at_least_the_stride(attributes: Attributes) -> Mapping[str, str]:
    """Without padding Keras gives at least `stride` times the input's size, as with `same`."""
    if attributes["padding"].word == "same":
        return {}
    kernel, stride = (_pair(attributes[name]) for name in ("kernel", "stride"))
    more = [k - s for k, s in zip(kernel, stride, strict=False)]
    if not more or min(more) < 0 < max(more):
        raise Unsayable("Keras' sizes are these only where the kernel is not less than the stride")
    return {"padding": "same"} if min(more) < 0 else {}


def _pair(written: Written) -> tuple[int, ...]:
    """Height and width, where they are numbers."""
    found = literal(written.value)
    value = found[0] if found else None
    numbers = value if isinstance(value, tuple) else (value, value)
    pair = tuple(n for n in numbers if isinstance(n, int) and not isinstance(n, bool))
    return pair if len(pair) == 2 else ()


def _shared_axes(written: Written) -> str | None:
    """Slopes that are shared over height and width are one for each channel."""
    for axes, shared in (("[1, 2]", "false"), ("[1, 2, 3]", "true")):
        if written.equals(axes):
            return shared
    return None


def _layer(names: str, op: str, *parameters: Parameter, **more: object) -> ForeignLayer:
    return ForeignLayer("Keras", tuple(names.split()), op, parameters, **more)  # type: ignore[arg-type]


def _without(names: str, instead: str) -> ForeignLayer:
    return ForeignLayer("Keras", tuple(names.split()), instead=instead)


def _join(name: str, op: str) -> ForeignLayer:
    return _without(name, f"write `branches: {{left: ..., right: ...}}` with `join: {op}`")


def _groups(written: Written) -> str | None:
    """-1 stands for as many groups as there are channels."""
    return None if written.equals("-1") else given(written)


LAYERS = (
    _layer(
        "Conv2D Convolution2D",
        "conv",
        Said("filters", "out", None),
        *(KERNEL, STRIDES, PADDING, CHANNELS_LAST, DILATION, Said("groups", "groups", "1")),
        *(ACTIVATION, BIAS, *KERNEL_AND_BIAS),
    ),
    _layer(
        "Conv2DTranspose Convolution2DTranspose",
        "transposed_conv",
        Said("filters", "out", None),
        *(KERNEL, STRIDES, PADDING),
        Held(
            *("output_padding", "null", ("null",)),
            "Keras counts it from another size; see `cnngen ops transposed_conv` for ours",
        ),
        CHANNELS_LAST,
        DILATION,
        *(ACTIVATION, BIAS, *KERNEL_AND_BIAS),
        settle=_at_least_the_stride,
    ),
    _layer(
        "DepthwiseConv2D",
        "depthwise_conv",
        *(KERNEL, STRIDES, PADDING, MULTIPLIER, CHANNELS_LAST, DILATION, ACTIVATION, BIAS),
        *_weights("depthwise", others={"bias": "zeros"}, activity=True),
    ),
    _layer(
        "SeparableConv2D SeparableConvolution2D",
        "separable_conv",
        Said("filters", "out", None),
        *(KERNEL, STRIDES, PADDING, CHANNELS_LAST, DILATION, MULTIPLIER, ACTIVATION, BIAS),
        *_weights("depthwise", "pointwise", others={"bias": "zeros"}, activity=True),
    ),
    _layer(
        "Dense",
        "linear",
        Said("units", "out", None),
        *(ACTIVATION, BIAS, *KERNEL_AND_BIAS),
        *(
            Held(name, "null", ("null",), UNHELD)
            for name in ("lora_rank", "lora_alpha", "quantization_config")
        ),
    ),
    _layer(
        "BatchNormalization",
        "batch_norm",
        AXIS,
        Said(
            *("momentum", "momentum", "0.99", share),
            turned="Keras' `momentum` is the share of the old statistics: its {old} is {new} here",
        ),
        *(EPSILON, *AFFINE, *BETA_AND_GAMMA),
        *_weights(others={"moving_mean": "zeros", "moving_variance": "ones"}),
        Held("renorm", "false", ("false",), STATISTICS),
        Held("renorm_clipping", "null", ("null",), STATISTICS),
        Inferred("renorm_momentum", "0.99"),
        Held("synchronized", "false", ("false",), STATISTICS),
    ),
    _layer("LayerNormalization", "layer_norm", AXIS, EPSILON, *AFFINE, *BETA_AND_GAMMA),
    _layer(
        "GroupNormalization",
        "group_norm",
        Said(
            *("groups", "groups", "32", _groups),
            instead="with a group for each channel it is `instance_norm: {affine: true}`",
        ),
        *(AXIS, EPSILON, *AFFINE, *BETA_AND_GAMMA),
    ),
    _layer("UnitNormalization", "l2_norm", AXIS),
    _layer(
        "Normalization",
        "standardize",
        AXIS,
        *(Held(name, "null", ("null",), STORED) for name in ("mean", "variance")),
        Held("invert", "false", ("false",), "`standardize` takes the mean away"),
    ),
    _layer("MaxPooling2D MaxPool2D", "max_pool", Said("pool_size", "kernel", "2"), *POOL),
    _layer("AveragePooling2D AvgPool2D", "avg_pool", Said("pool_size", "kernel", None), *POOL),
    _layer("GlobalAveragePooling2D GlobalAvgPool2D", "global_avg_pool", CHANNELS_LAST, VECTOR),
    _layer("GlobalMaxPooling2D GlobalMaxPool2D", "global_max_pool", CHANNELS_LAST, VECTOR),
    _layer(
        "AdaptiveAveragePooling2D",
        "adaptive_avg_pool",
        Said("output_size", "size", None, given),
        CHANNELS_LAST,
    ),
    _layer(
        "AdaptiveMaxPooling2D",
        "adaptive_max_pool",
        Said("output_size", "size", None, given),
        CHANNELS_LAST,
    ),
    _layer(
        "ReLU",
        "relu",
        Held("max_value", "null", ("null",), "for 6 there is `relu6`"),
        Held("negative_slope", "0.0", ("0", "0.0"), "there is `leaky_relu: {slope: ...}`"),
        Held("threshold", "0.0", ("0", "0.0"), "`relu` is `max(x, 0)`"),
    ),
    _layer("LeakyReLU", "leaky_relu", Said("negative_slope", "slope", "0.3")),
    _layer(
        "PReLU",
        "prelu",
        Said(
            *("shared_axes", "shared", "null", _shared_axes),
            instead="Keras learns a slope for each pixel unless `shared_axes` is `[1, 2]`; write"
            " `prelu: {start: 0}` for one per channel",
        ),
        Said(
            "alpha_initializer", "start", "Zeros", only_words(Zeros="0", zeros="0"), instead=INITIAL
        ),
        Held("alpha_regularizer", "null", ("null",), UNHELD),
        Held("alpha_constraint", "null", ("null",), UNHELD),
    ),
    _layer("ELU", "elu", Said("alpha", "alpha", "1.0")),
    _layer("Softmax", "softmax", Held("axis", "-1", ("-1",), OVER_CHANNELS)),
    _layer("Dropout", "dropout", Said("rate", "rate", None), NO_SHAPE, SEED),
    _layer("AlphaDropout", "alpha_dropout", Said("rate", "rate", None), NO_SHAPE, SEED),
    _layer(
        "SpatialDropout2D",
        "channel_dropout",
        *(Said("rate", "rate", None), CHANNELS_LAST, SEED),
        *(NAME, Held("dtype", "null", ("null",), "the framework decides how numbers are stored")),
    ),
    _layer("Flatten", "flatten", CHANNELS_LAST),
    _layer("Identity", "identity"),
    _layer("ZeroPadding2D", "zero_pad", Said("padding", "padding", "[1, 1]", SIDES), CHANNELS_LAST),
    _layer(
        "Cropping2D",
        "crop",
        Said("cropping", "padding", "[[0, 0], [0, 0]]", SIDES),
        CHANNELS_LAST,
    ),
    _layer(
        "UpSampling2D",
        "upsample",
        Said("size", "scale", "2", whole),
        CHANNELS_LAST,
        Said(
            *("interpolation", "mode", "nearest"),
            only_words(nearest="nearest", bilinear="bilinear"),
            instead="`upsample` has the modes `nearest` and `bilinear`",
        ),
    ),
    _layer(
        "Rescaling",
        "scale",
        Said("scale", "by", None),
        Held("offset", "0.0", ("0", "0.0"), "`scale` multiplies, and adds nothing"),
    ),
    _layer("swish", "silu"),
    _layer("hard_silu", "hard_swish"),
    _join("Add", "add"),
    _join("Average", "mean"),
    _join("Concatenate", "concat"),
    _join("Maximum", "max"),
    _join("Multiply", "multiply"),
    _join("Subtract", "subtract"),
    _without("Activation", "write the activation itself as the step: `relu`"),
)
