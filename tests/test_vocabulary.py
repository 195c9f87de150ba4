"""What PyTorch and Keras call a layer: each fix of such a word, against that layer itself.

Layers are drawn with arguments in their framework's own words. Where a fix is written, the layer
that is generated from it is given the weights of the original and must compute the same; where
none is, the author chooses. The tables are held against the signatures of the frameworks.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.built_models import build

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.fix import apply
from cnngen.ops import OPS
from cnngen.vocabulary.layer import ForeignLayer, Held, Inferred, Said
from cnngen.vocabulary.meaning import LAYERS, OTHERS, read_call
from cnngen.vocabulary.value import Written, literal

torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.torch, pytest.mark.keras]

CHANNELS, HEIGHT, WIDTH = 8, 9, 11
FUNCTIONS = {"swish", "hard_silu"}  # of `keras.activations`
KNOWN = [layer for layer in LAYERS if layer.op]
NOT_LAYERS = {
    *("Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"),
    *("Container", "RNNBase", "RNNCellBase", "DataParallel", "Layer", "Wrapper", "FlaxLayer"),
    *("JaxLayer", "TFSMLayer", "TorchModuleWrapper", "InputLayer", "Pipeline"),
}
LIMITS = {"out-of-range", "empty-output", "indivisible-channels"}
OF_ALL = {"self", "args", "kwargs", "device", "dtype"}

# Values of arguments, as a spec writes them. What a framework refuses is drawn again.
SIZES = ["1", "2", "3", "[2, 3]", "[3, 1]"]
FLAGS = ["true", "false"]
VALUES: dict[str, list[str]] = {
    **dict.fromkeys(("out_channels", "filters", "out_features", "units"), ["4", "8"]),
    **dict.fromkeys(("kernel_size", "pool_size"), SIZES),
    **dict.fromkeys(("stride", "strides"), ["1", "2", "[2, 1]", "null"]),
    **dict.fromkeys(("dilation", "dilation_rate"), ["1", "2", "[1, 2]"]),
    **dict.fromkeys(("groups", "num_groups"), ["1", "2", "4", "-1"]),
    **dict.fromkeys(("eps", "epsilon"), ["1e-5", "0.001", "0.1"]),
    **dict.fromkeys(("p", "rate"), ["0.1", "0.5"]),
    **dict.fromkeys(("negative_slope", "alpha", "init"), ["0.1", "0.3", "0.01", "0.0"]),
    **dict.fromkeys(("affine", "bias", "use_bias", "center", "scale"), FLAGS),
    **dict.fromkeys(("inplace", "ceil_mode", "count_include_pad", "keepdims"), FLAGS),
    **dict.fromkeys(("track_running_stats", "return_indices"), FLAGS),
    **dict.fromkeys(("axis", "dim"), ["1", "-1"]),
    "momentum": ["0.1", "0.25", "0.99", "0.9", "1e-2"],
    "output_padding": ["0", "1", "[0, 1]"],
    "padding_mode": ["zeros", "reflect"],
    "depth_multiplier": ["1", "2"],
    "output_size": ["1", "3", "[2, 3]"],
    "upscale_factor": ["2"],
    "downscale_factor": ["2"],
    "scale_factor": ["2", "2.0", "[2, 3]", "1.5"],
    "mode": ["nearest", "bilinear", "bicubic"],
    "interpolation": ["nearest", "bilinear", "bicubic"],
    "align_corners": [*FLAGS, "null"],
    "approximate": ["none", "tanh"],
    "num_parameters": ["1", "8"],
    "shared_axes": ["[1, 2]", "[1, 2, 3]", "[1]"],
    "cropping": ["1", "[1, 2]", "[[1, 2], [0, 3]]"],
    "size": ["2", "3", "[2, 3]"],
    "beta": ["0.75", "0.5", "1.0"],
    "k": ["1.0", "2.0"],
    "threshold": ["20.0", "0.5"],
    "max_value": ["6.0", "1.0"],
    "min_val": ["-1.0", "0.0"],
    "max_val": ["1.0", "6.0"],
    "start_dim": ["1", "2"],
    "offset": ["0.0", "0.5"],
    "activation": ["relu", "linear"],
    "data_format": ["channels_last"],
    "divisor_override": ["3"],
}
OWN_VALUES: dict[tuple[str, str], list[str]] = {
    ("Keras", "padding"): ["valid", "same"],
    ("PyTorch", "padding"): ["0", "1", "[1, 0]", "same", "valid"],
    ("ZeroPadding2D", "padding"): ["1", "[1, 2]", "[[1, 2], [0, 3]]"],
    ("ZeroPad2d", "padding"): ["1", "[1, 2, 0, 3]"],
    ("Rescaling", "scale"): ["2.0", "0.5"],
    ("AdaptiveMaxPooling2D", "output_size"): ["3", "[2, 3]"],  # of 1, it ends the process
}


def names(layers: Any) -> list[str]:
    return [f"{layer.framework}:{layer.names[0]}" for layer in layers]


def original(layer: ForeignLayer, name: str) -> Any:
    """The class of a framework."""
    return getattr(torch.nn if layer.framework == "PyTorch" else keras.layers, name)


def python(text: str) -> Any:
    """A value as Python gives it to a framework."""
    written = Written.of(text)
    found = literal(written.value)
    return written.word if found is None or isinstance(found[0], str) else found[0]


# --- The tables --------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", KNOWN, ids=names(KNOWN))
def test_arguments_and_defaults_are_those_of_the_framework(layer: ForeignLayer) -> None:
    for name in set(layer.names) - FUNCTIONS:
        signature = inspect.signature(original(layer, name).__init__)
        theirs = {k: p for k, p in signature.parameters.items()}
        told = {parameter.name for parameter in layer.parameters}
        assert theirs.keys() - OF_ALL <= told, "each argument has a meaning, or is refused"
        for parameter in layer.parameters:
            default = theirs[parameter.name].default if parameter.name in theirs else None
            if parameter.name == "align_corners" and parameter.name not in theirs:
                continue
            if isinstance(parameter, Inferred) and parameter.default is None:
                continue
            if parameter.default is None:
                assert default is inspect.Parameter.empty
            else:
                assert flat(python(parameter.default)) == flat(default), parameter.name


def flat(value: Any) -> Any:
    """A number for a pair of it."""
    if isinstance(value, tuple | list) and len({*map(flat, value)}) == 1:
        return flat(value[0])
    return value


@pytest.mark.parametrize("framework", ["PyTorch", "Keras"])
def test_every_layer_of_a_framework_is_known(framework: Any) -> None:
    module, base = (
        (torch.nn, torch.nn.Module) if framework == "PyTorch" else (keras.layers, keras.Layer)
    )
    theirs = {
        name
        for name, found in vars(module).items()
        if inspect.isclass(found) and issubclass(found, base) and name[0].isupper()
    } - NOT_LAYERS
    ours = {name for layer in LAYERS if layer.framework == framework for name in layer.names}
    assert not ours & OTHERS[framework]
    assert theirs <= ours | OTHERS[framework]


def test_ops_and_attributes_are_ours() -> None:
    for layer in KNOWN:
        attributes = OPS[layer.op or ""].attributes
        told = {p.to for p in layer.parameters if isinstance(p, Said)}
        assert told <= attributes.keys()


# --- What is written computes the same ---------------------------------------------------------


def values_of(layer: ForeignLayer, name: str) -> list[str]:
    own = OWN_VALUES.get((layer.names[0], name)) or OWN_VALUES.get((layer.framework, name))
    return own or VALUES.get(name, [])


@st.composite
def calls(draw: st.DrawFn, layer: ForeignLayer) -> tuple[str, dict[str, str]]:
    """A name of a layer, and arguments: those that it needs, and some others."""
    arguments: dict[str, str] = {}
    name = draw(st.sampled_from(layer.names))
    for parameter in layer.parameters:
        values = values_of(layer, parameter.name)
        needed = parameter.default is None and not isinstance(parameter, Inferred)
        likely = 2 if isinstance(parameter, Held) else 1
        if values and (needed or draw(st.integers(0, likely)) == likely):
            arguments[parameter.name] = draw(st.sampled_from(values))
    return name, arguments


def written(name: str, arguments: Mapping[str, str], style: int) -> str:
    """A stage that is one call, in one of the styles of YAML."""
    flow = ", ".join(f"{key}: {value}" for key, value in arguments.items())
    if not arguments:
        return [f" {name}", f"\n    - {name}", f" {{{name}: {{}}}}", f"\n    {name}:"][style]
    if style < 3:
        return [
            f" {{{name}: {{{flow}}}}}",
            f"\n    - {name}: {{{flow}}}",
            f" [{name}: {{{flow}}}]",
        ][style]
    return f"\n    - {name}:  # why\n" + "".join(
        f"        {k}: {v}\n" for k, v in arguments.items()
    )


def fixed(name: str, arguments: Mapping[str, str], style: int, folder: Path) -> str | None:
    """The spec that a fix makes of a call; None where it makes none."""
    vector = "\n  before: [global_avg_pool, flatten]" if name in ("Linear", "Dense") else ""
    text = (
        "cnngen: 1\nname: Network\nabout: One layer.\n"
        f"input: {{channels: {CHANNELS}, height: {HEIGHT}, width: {WIDTH}}}\n"
        f"model:{vector}\n  layer:{written(name, arguments, style)}\n"
    )
    path = folder / "network.yaml"
    path.write_text(text, encoding="utf-8")
    report = Report()
    assert analyse_file(path, report) is None
    # Others are of the op that it means, with values that are wrong for that, too.
    (diagnostic,) = [d for d in report if d.code in ("unknown-block", "unknown-op")]
    assert diagnostic.primary.span.text == name
    return apply(text, diagnostic.fix) if diagnostic.fix else None


def refused(spec: str, folder: Path) -> bool:
    """Whether a limit of ours is told, as with windows that begin beyond the input."""
    path = folder / "network.yaml"
    path.write_text(spec, encoding="utf-8")
    report = Report()
    network = analyse_file(path, report)
    assert {each.code for each in report} <= {*LIMITS, "unlikely-value"}
    return network is None


def torch_layer(name: str, arguments: Mapping[str, str]) -> Any:
    """A layer of PyTorch, which is told what cnngen infers."""
    told: dict[str, Any] = {key: python(value) for key, value in arguments.items()}
    signature = inspect.signature(getattr(torch.nn, name).__init__)
    for key in ("in_channels", "in_features", "num_features", "num_channels"):
        told |= {key: CHANNELS} if key in signature.parameters else {}
    return getattr(torch.nn, name)(**told)


def keras_layer(name: str, arguments: Mapping[str, str]) -> Any:
    if name in FUNCTIONS:
        return keras.layers.Activation(name)
    told: dict[str, Any] = {key: python(value) for key, value in arguments.items()}
    return getattr(keras.layers, name)(**told)


def same_in_torch(layer: Any, spec: str, x: Any) -> None:
    made = build(spec).torch()
    weights = {
        key: torch.rand_like(value) + 0.5
        for key, value in layer.state_dict().items()
        if value.dtype.is_floating_point
    }
    layer.load_state_dict(weights, strict=False)
    made.load_state_dict({f"layer.{key}": value for key, value in weights.items()}, strict=False)
    held = {key.removeprefix("layer.") for key in made.state_dict()}
    assert held == layer.state_dict().keys()
    vector = x.mean((2, 3)) if isinstance(layer, torch.nn.Linear) else x
    for mode in (False, True) if held else (False,):
        layer.train(mode), made.train(mode)
        torch.testing.assert_close(made(x.clone()), layer(vector.clone()), rtol=1e-5, atol=1e-5)
    for key, value in layer.state_dict().items():
        torch.testing.assert_close(made.state_dict()[f"layer.{key}"], value)
    rates = [m.p for m in (*made.modules(), layer) if hasattr(m, "p")]
    assert not rates or rates[0] == rates[-1]


def same_in_keras(layer: Any, spec: str, x: Any) -> None:
    made = build(spec).keras()
    vector = x.mean((1, 2)) if isinstance(layer, keras.layers.Dense) else x
    layer(vector)
    weights = [np.random.default_rng(0).uniform(0.5, 1.5, w.shape) for w in layer.weights]
    layer.set_weights(weights), made.set_weights(weights)
    modes = (False, True) if weights else (False,)
    for training in modes:
        if isinstance(layer, keras.layers.PReLU):
            np.testing.assert_allclose(made(x), layer(vector), rtol=1e-5, atol=1e-5)
        else:
            actual, expected = (
                keras.ops.convert_to_numpy(f(v, training=training) if takes_mode(f) else f(v))
                for f, v in ((made, x), (layer, vector))
            )
            np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(made.get_weights(), layer.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    rates = [found.rate for found in (*made.layers, layer) if hasattr(found, "rate")]
    assert not rates or rates[0] == rates[-1]


def takes_mode(layer: Any) -> bool:
    return isinstance(layer, keras.Model) or "training" in inspect.signature(layer.call).parameters


@pytest.mark.parametrize("layer", KNOWN, ids=names(KNOWN))
@settings(max_examples=10)
@given(data=st.data())
def test_what_a_fix_writes_computes_the_same(
    layer: ForeignLayer, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name, arguments = data.draw(calls(layer))
    folder = tmp_path_factory.mktemp("spec")
    spec = fixed(name, arguments, data.draw(st.integers(0, 3)), folder)
    if spec is None:
        return  # it is the author's choice
    if allowed(layer, name, arguments) and not refused(spec, folder):
        compare(layer, name, arguments, spec)


def allowed(layer: ForeignLayer, name: str, arguments: Mapping[str, str]) -> bool:
    """Whether the framework takes these arguments."""
    try:
        made(layer, name, arguments)(example(layer, name))
    except (ValueError, TypeError, RuntimeError, AssertionError):
        return False
    return True


def compare(layer: ForeignLayer, name: str, arguments: Mapping[str, str], spec: str) -> None:
    same = same_in_keras if layer.framework == "Keras" else same_in_torch
    same(made(layer, name, arguments), spec, example(layer))


def made(layer: ForeignLayer, name: str, arguments: Mapping[str, str]) -> Any:
    return (keras_layer if layer.framework == "Keras" else torch_layer)(name, arguments)


def example(layer: ForeignLayer, name: str = "") -> Any:
    """Images, in the order of the framework; features for `Linear`."""
    torch.manual_seed(0)
    x = torch.randn(3, CHANNELS, HEIGHT, WIDTH) * 2
    return (
        x.movedim(1, -1).numpy()
        if layer.framework == "Keras"
        else x.mean((2, 3))
        if name == "Linear"
        else x
    )


EXAMPLES: list[tuple[str, dict[str, str], str]] = [
    ("BatchNormalization", {}, "batch_norm: {eps: 0.001, momentum: 0.01}"),
    ("BatchNormalization", {"momentum": "0.9"}, "batch_norm: {eps: 0.001, momentum: 0.1}"),
    ("GroupNorm", {"num_groups": "4"}, "group_norm: {groups: 4}"),
    ("GroupNormalization", {"groups": "4"}, "group_norm: {eps: 0.001, groups: 4}"),
    ("LayerNormalization", {}, "layer_norm: {eps: 0.001}"),
    ("ZeroPadding2D", {}, "zero_pad: {padding: 1}"),
    ("ZeroPad2d", {"padding": "[1, 2, 0, 3]"}, "zero_pad: {padding: [0, 3, 1, 2]}"),
    (
        "Conv2DTranspose",
        {"filters": "4", "kernel_size": "[4, 2]", "strides": "2", "padding": "same"},
        "transposed_conv: {out: 4, kernel: [4, 2], stride: 2, padding: same}",
    ),
    (
        "Conv2DTranspose",
        {"filters": "4", "kernel_size": "[2, 3]", "strides": "3"},
        "transposed_conv: {padding: same, out: 4, kernel: [2, 3], stride: 3}",
    ),
    (
        "Conv2D",
        {"filters": "4", "kernel_size": "3", "strides": "2", "padding": "same"},
        "conv: {out: 4, kernel: 3, stride: 2, padding: same}",
    ),
    (
        "Conv2d",
        {"out_channels": "4", "kernel_size": "[2, 4]", "padding": "same"},
        "conv: {out: 4, kernel: [2, 4], padding: same}",
    ),
    ("PReLU", {"num_parameters": "1"}, "prelu: {shared: true}"),
    ("PReLU", {"shared_axes": "[1, 2]"}, "prelu: {start: 0, shared: false}"),
    ("LeakyReLU", {"negative_slope": "0.3"}, "leaky_relu: {slope: 0.3}"),
    (
        "AveragePooling2D",
        {"pool_size": "3", "strides": "2", "padding": "same"},
        "avg_pool: {kernel: 3, stride: 2, padding: same}",
    ),
    (
        "UpSampling2D",
        {"size": "2", "interpolation": "bilinear"},
        "upsample: {scale: 2, mode: bilinear}",
    ),
    ("GlobalAveragePooling2D", {"keepdims": "true"}, "global_avg_pool"),
    ("Softmax", {"axis": "-1"}, "softmax"),
    ("Softmax", {"dim": "1"}, "softmax"),
    ("GELU", {"approximate": "tanh"}, "gelu: {approximate: true}"),
]


@pytest.mark.parametrize(("name", "arguments", "text"), EXAMPLES)
def test_examples(name: str, arguments: dict[str, str], text: str, tmp_path: Path) -> None:
    spec = fixed(name, arguments, 1, tmp_path)
    assert spec and f"- {text}\n" in spec
    for layer in KNOWN:
        if name in layer.names and {p.name for p in layer.parameters} >= arguments.keys():
            compare(layer, name, arguments, spec)


NEVER = {"global_avg_pool", "global_max_pool", "prelu", "leaky_relu"}  # by their defaults


@pytest.mark.parametrize("layer", KNOWN, ids=names(KNOWN))
def test_with_its_defaults_a_layer_is_mended(layer: ForeignLayer, tmp_path: Path) -> None:
    """A test of fixes cannot pass because there are none."""
    given = {
        p.name: values_of(layer, p.name)[0]
        for p in layer.parameters
        if isinstance(p, Said) and p.default in (None, "null" if p.name == "scale_factor" else None)
    }
    for name in layer.names:
        for style in range(4):
            spec = fixed(name, given, style, tmp_path)
            assert (spec is None) == (layer.op in NEVER), (name, given)
    reading = read_call(layer.names[0], {k: Written.of(v) for k, v in given.items()})
    assert reading.meaning or layer.op in NEVER
