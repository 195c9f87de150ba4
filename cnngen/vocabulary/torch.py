"""The layers of `torch.nn`."""

from collections.abc import Iterator, Mapping

from cnngen.vocabulary.layer import (
    Attributes,
    ForeignLayer,
    Held,
    Inferred,
    Parameter,
    Said,
    Unsayable,
)
from cnngen.vocabulary.value import Written, given, literal, only_words, sides, whole, words

IN_CHANNELS = Inferred("in_channels")
IN_PLACE = Inferred("inplace", "false")
KERNEL = Said("kernel_size", "kernel", None)
BIAS = Said("bias", "bias", "true")
EPS = Said("eps", "eps", "1e-5")
AFFINE = Said("affine", "affine", "true")
SHIFT = Held("bias", "true", ("true",), "a norm with `affine` has a scale and a shift")
ZEROS = Held(
    "padding_mode",
    "zeros",
    ("zeros",),
    "the border is of zeros: reflected or repeated ones have no op",
)
NO_INDICES = Held("return_indices", "false", ("false",), "a pooling gives nothing but its output")
NO_DILATION = Held("dilation", "1", ("1",), "`{op}` has no dilation: its window is its kernel")


def _sides_of_window(name: str) -> tuple[Parameter, ...]:
    return (Said("stride", "stride", name), Said("padding", "padding", "0"))


def _same_needs_stride_1(attributes: Attributes) -> Mapping[str, str]:
    if attributes["padding"].word == "same" and not attributes["stride"].equals("1"):
        raise Unsayable("PyTorch has no `padding: same` with a stride; here it is TensorFlow's")
    return {}


def _number_of_slopes(written: Written) -> str | None:
    """One slope is shared; as many as there are channels are not."""
    number = literal(written.value)
    return None if number is None else str(number[0] == 1).lower()


def _layer(name: str, op: str, *parameters: Parameter, **more: object) -> ForeignLayer:
    return ForeignLayer("PyTorch", (name,), op, parameters, **more)  # type: ignore[arg-type]


def _without(name: str, instead: str) -> ForeignLayer:
    return ForeignLayer("PyTorch", (name,), instead=instead)


def _linear(_: Attributes) -> Mapping[str, str]:
    """What `UpsamplingBilinear2d` is told by its name."""
    return {"mode": "bilinear", "align_corners": "true"}


SIZED = (
    "`upsample` enlarges by whole factors: write `scale`, or `resize: {like: ...}` for the size of"
    " other maps"
)
ENLARGING = (
    Held("size", "null", ("null",), SIZED),
    Said("scale_factor", "scale", "null", whole, instead=SIZED),
)
OTHER_MODES = "`upsample` has the modes `nearest` and `bilinear`"
STATISTICS = "`batch_norm` always keeps running statistics, of which `momentum` is the newest share"
WINDOW = (KERNEL, *_sides_of_window("null"))


def _activations() -> Iterator[ForeignLayer]:
    yield _layer("Sigmoid", "sigmoid")
    yield _layer("Tanh", "tanh")
    for name, op in (
        *(("ReLU", "relu"), ("ReLU6", "relu6"), ("SELU", "selu"), ("SiLU", "silu")),
        *(("Hardswish", "hard_swish"), ("Hardsigmoid", "hard_sigmoid"), ("Mish", "mish")),
    ):
        yield _layer(name, op, IN_PLACE)
    ends = "`hard_tanh` ends at -1 and 1; for 0 and 6 there is `relu6`"
    yield _layer(
        "Hardtanh",
        "hard_tanh",
        Held("min_val", "-1.0", ("-1", "-1.0"), ends),
        Held("max_val", "1.0", ("1", "1.0"), ends),
        IN_PLACE,
        Held("min_value", "null", ("null", "-1", "-1.0"), ends),
        Held("max_value", "null", ("null", "1", "1.0"), ends),
    )
    yield _layer("LeakyReLU", "leaky_relu", Said("negative_slope", "slope", "0.01"), IN_PLACE)
    yield _layer("ELU", "elu", Said("alpha", "alpha", "1.0"), IN_PLACE)
    yield _layer(
        "PReLU",
        "prelu",
        Said("num_parameters", "shared", "1", _number_of_slopes),
        Said("init", "start", "0.25"),
    )
    yield _layer(
        "GELU",
        "gelu",
        Said("approximate", "approximate", "none", only_words(none="false", tanh="true")),
    )
    plain = "`softplus` is `log(1 + exp(x))`"
    yield _layer(
        "Softplus",
        "softplus",
        Held("beta", "1.0", ("1", "1.0"), plain),
        Held("threshold", "20.0", ("20", "20.0"), plain),
    )
    over = "`{op}` is over the channels of each position (of a vector: features)"
    for name, op in (("Softmax", "softmax"), ("LogSoftmax", "log_softmax")):
        yield _layer(name, op, Held("dim", "null", ("null", "1"), over))
    yield _layer("Softmax2d", "softmax")


LAYERS = (
    _layer(
        "Conv2d",
        "conv",
        IN_CHANNELS,
        Said("out_channels", "out", None),
        KERNEL,
        Said("stride", "stride", "1"),
        Said("padding", "padding", "0", words(valid="0")),
        Said("dilation", "dilation", "1"),
        Said("groups", "groups", "1"),
        BIAS,
        ZEROS,
        settle=_same_needs_stride_1,
    ),
    _layer(
        "ConvTranspose2d",
        "transposed_conv",
        IN_CHANNELS,
        Said("out_channels", "out", None),
        KERNEL,
        *_sides_of_window("1"),
        Said("output_padding", "output_padding", "0"),
        Said("groups", "groups", "1"),
        BIAS,
        Said("dilation", "dilation", "1"),
        ZEROS,
    ),
    _layer("Linear", "linear", Inferred("in_features"), Said("out_features", "out", None), BIAS),
    _layer(
        "BatchNorm2d",
        "batch_norm",
        Inferred("num_features"),
        EPS,
        Said("momentum", "momentum", "0.1", given, instead=STATISTICS),
        AFFINE,
        Held("track_running_stats", "true", ("true",), STATISTICS),
        SHIFT,
    ),
    _layer(
        "GroupNorm",
        "group_norm",
        Said("num_groups", "groups", None),
        Inferred("num_channels"),
        EPS,
        AFFINE,
        SHIFT,
    ),
    _layer(
        "InstanceNorm2d",
        "instance_norm",
        Inferred("num_features"),
        EPS,
        Inferred("momentum", "0.1"),  # of running statistics
        Said("affine", "affine", "false"),
        Held(
            *("track_running_stats", "false", ("false",)),
            "`instance_norm` normalizes by each image itself, in training and otherwise",
        ),
        SHIFT,
    ),
    _layer(
        "LocalResponseNorm",
        "local_response_norm",
        Said("size", "size", None),
        Said("alpha", "alpha", "0.0001"),
        Said("beta", "beta", "0.75"),
        Said("k", "k", "1.0"),
    ),
    _layer(
        "MaxPool2d",
        "max_pool",
        *WINDOW,
        NO_DILATION,
        NO_INDICES,
        Said("ceil_mode", "ceil", "false"),
    ),
    _layer(
        "AvgPool2d",
        "avg_pool",
        *WINDOW,
        Said("ceil_mode", "ceil", "false"),
        Said("count_include_pad", "count_include_pad", "true"),
        Held("divisor_override", "null", ("null",), "`avg_pool` divides by the size of the window"),
    ),
    _layer("AdaptiveAvgPool2d", "adaptive_avg_pool", Said("output_size", "size", None, given)),
    _layer(
        "AdaptiveMaxPool2d",
        "adaptive_max_pool",
        Said("output_size", "size", None, given),
        NO_INDICES,
    ),
    *_activations(),
    _layer("Dropout", "dropout", Said("p", "rate", "0.5"), IN_PLACE),
    _layer("AlphaDropout", "alpha_dropout", Said("p", "rate", "0.5"), IN_PLACE),
    _layer("Dropout2d", "channel_dropout", Said("p", "rate", "0.5"), IN_PLACE),
    _layer(
        "Flatten",
        "flatten",
        Held("start_dim", "1", ("1",), "`flatten` keeps the batch and nothing else"),
        Held("end_dim", "-1", ("-1",), "`flatten` keeps the batch and nothing else"),
    ),
    _layer("Identity", "identity"),
    _layer("ZeroPad2d", "zero_pad", Said("padding", "padding", None, sides({4: (2, 3, 0, 1)}))),
    _layer(
        "Upsample",
        "upsample",
        *ENLARGING,
        Said(
            *("mode", "mode", "nearest", only_words(nearest="nearest", bilinear="bilinear")),
            instead=OTHER_MODES,
        ),
        Said("align_corners", "align_corners", "null", words(null="false")),
        Held("recompute_scale_factor", "null", ("null", "false", "true"), SIZED),
    ),
    _layer("UpsamplingNearest2d", "upsample", *ENLARGING),
    _layer("UpsamplingBilinear2d", "upsample", *ENLARGING, settle=_linear),
    _layer("PixelShuffle", "pixel_shuffle", Said("upscale_factor", "factor", None)),
    _layer("PixelUnshuffle", "pixel_unshuffle", Said("downscale_factor", "factor", None)),
    _layer("ChannelShuffle", "channel_shuffle", Said("groups", "groups", None)),
    _without(
        "LayerNorm",
        "`layer_norm` normalizes over the channels at each position (of a vector: all features)",
    ),
)
