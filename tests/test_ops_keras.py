"""Every op as Keras spells it, against the same function of PyTorch, with the same weights."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.built_models import build
from support.keras_ops import NOTHING, spelled
from support.op_examples import JOINS, SINGLE, codes, dimensions, inputs, make, ops

from cnngen.ops import OPS
from cnngen.ops.base import Image, Op, Shape, ShapeError
from cnngen.targets.keras import render
from cnngen.targets.spelling import Speller, Unsupported
from cnngen.weights.keras_layers import is_counter, settle

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")
from support.op_references import reference  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

pytestmark = [pytest.mark.keras, pytest.mark.torch]

NEEDS_SIZE = {"adaptive_avg_pool", "adaptive_max_pool"}
WINDOWS = {
    "conv",
    "standardized_conv",
    "depthwise_conv",
    "separable_conv",
    "transposed_conv",
    "max_pool",
    "avg_pool",
}
SUPPORTED = [
    *sorted(WINDOWS),
    "adaptive_avg_pool",
    "local_response_norm",
    "batch_norm",
    "upsample",
    "affine",
]
ENLARGED = {"scale": (3, 2), "mode": "bilinear", "align_corners": True}


def to_keras(op: Op, x: Shape, key: str, weight: Tensor) -> np.ndarray:
    """A weight of PyTorch as Keras lays it out."""
    if op.name == "prelu" and isinstance(x, Image):
        return weight.reshape(1, 1, -1).numpy()
    if op.name == "affine" and isinstance(x, Image) and key == "weight":
        return weight.reshape(1, 1, -1, 1).numpy()
    if op.name == "depthwise_conv" and key == "weight" or key == "depthwise.weight":
        channels = len(weight) // op.values["multiplier"]
        shape = (channels, op.values["multiplier"], *weight.shape[2:])
        return weight.reshape(shape).permute(2, 3, 0, 1).numpy()
    return weight.permute(*range(2, weight.ndim), *range(min(weight.ndim, 2))[::-1]).numpy()


# --- Keras --------------------------------------------------------------------------------------


SPELLER = Speller("keras")


def new_speller() -> Speller:
    """The speller, which has read the templates, as for a new file."""
    SPELLER.support.clear()
    return SPELLER


def model(
    speller: Speller,
    op: str,
    context: Mapping[str, Any],
    *shapes: Any,
    fixed: Mapping[str, str] = NOTHING,
    **names: Any,
) -> Any:
    """A model of the op alone; `fixed` is what all uses in a file agree on."""
    tensors = [keras.Input(shape) for shape in shapes]
    variables = {f"x{i}": x for i, x in enumerate(tensors)}
    given = {"x": "x0", "inputs": list(variables), "name": '"it"', "init": "", "pointwise_init": ""}
    given |= {key: fixed[key] for key in ("init", "pointwise_init") if key in fixed}
    code = spelled(speller, op, {**context, **given}, fixed)
    space = namespace(speller) | variables | names
    return keras.Model(tensors if len(tensors) > 1 else tensors[0], eval(code, space))


def namespace(speller: Speller) -> dict[str, Any]:
    space: dict[str, Any] = {"keras": keras, "KerasTensor": keras.KerasTensor}
    space |= {"layers": keras.layers, "ops": keras.ops}
    for module, name in speller.imported:
        exec(f"from {module} import {name}" if name else f"import {module}", space)
    for text in speller.support.values():
        exec(text, space)
    return space


def weights(op: Op, x: Shape, dtype: Any = None) -> dict[str, Tensor]:
    positive = {"running_var", "variance"}
    drawn = {key: torch.randn(shape, dtype=dtype) for key, shape in op.weights(x).items()}
    return {key: w.abs() + 0.5 if key in positive else w for key, w in drawn.items()}


def check(made: Any, op: Op, x: Shape, tolerance: float = 1e-5, dtype: Any = None) -> None:
    """Compare a model of the op with the reference, with common weights."""
    given = weights(op, x, dtype)
    if given:
        layer = made.get_layer("it")
        counters = [np.asarray(v) for v in layer.weights if is_counter(v.path)]
        layer.set_weights([to_keras(op, x, key, w) for key, w in given.items()] + counters)
        settle(made)
    value = torch.randn(2, *dimensions(x), dtype=dtype)
    expected = reference(op, value, given)
    actual = made(value.movedim(1, -1).numpy())
    compare(actual, expected, tolerance)


def compare(actual: Any, expected: Tensor, tolerance: float) -> None:
    actual = torch.from_numpy(np.array(keras.ops.convert_to_numpy(actual))).movedim(-1, 1)
    assert actual.shape == expected.shape
    largest = float(expected.abs().max()) if expected.numel() else 1.0
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance * max(largest, 1.0))


def last(x: Shape, known: bool = True) -> tuple[int | None, ...]:
    if not isinstance(x, Image):
        return (x.features,)
    return (x.height, x.width, x.channels) if known else (None, None, x.channels)


def is_square(context: Mapping[str, str]) -> bool:
    sizes = ("kernel", "stride", "padding", "dilation", "size", "scale", "output_padding")
    return context.get("padding") != "sides" and not any("(" in context.get(s, "") for s in sizes)


# --- tests --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SINGLE)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_keras_computes_what_pytorch_does(name: str, data: st.DataObject) -> None:
    op = data.draw(ops(name))
    x = data.draw(inputs(op))
    try:
        op.infer(x)
    except ShapeError:
        return
    context = dict(codes(op, x))
    speller, names = new_speller(), dict[str, Any]()
    style = data.draw(st.sampled_from(["literal", "fixed", "names"]))
    fixed: dict[str, str] = {}
    if style == "fixed":
        common = [key for key in op.attributes if key != "init" and data.draw(st.booleans())]
        fixed = {key: context[key] for key in (*common, "sides") if key in context}
    elif style == "names":
        for key, attribute in op.attributes.items():
            fixed_here = {"groups", "dilation"} if name == "transposed_conv" else {"groups"}
            single = attribute.kind not in ("choice", "init") and key not in fixed_here
            if single and context[key] not in ("None", "same", "sides"):
                names[f"a_{key}"] = eval(context[key])
                context[key] = f"a_{key}"
    square = is_square(dict(codes(op, x)))
    fixed |= {"square": "True"} if square else {}
    fixed |= {"half": "True"} if data.draw(st.booleans()) else {}
    known = name in NEEDS_SIZE or op.values.get("padding") == "same" or data.draw(st.booleans())
    known |= op.values.get("align_corners", False)
    try:
        shape = last(x, known or name == "flatten")
        made = model(speller, name, context, shape, fixed=fixed, **names)
    except Unsupported:
        assert name == "transposed_conv"
        assert op.values["groups"] > 1 or max(op.values["dilation"]) > 1
        return
    check(made, op, x)
    layers = [layer.name for layer in made.layers[1:]]
    assert all(layer == "it" or layer.startswith("it_") for layer in layers)
    assert "it" in layers or not layers


REFERENCES: dict[str, Callable[..., Tensor]] = {
    "concat": lambda *tensors: torch.cat(tensors, dim=-1),
    "add": lambda a, b, c: a + b + c,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b, c: a * b * c,
    "mean": lambda a, b, c: (a + b + c) / 3,
    "max": lambda a, b, c: a.maximum(b).maximum(c),
}


@pytest.mark.parametrize("name", JOINS)
@pytest.mark.parametrize("shape", [(5, 4, 6), (None, None, 6), (7,)])
def test_joins(name: str, shape: Any) -> None:
    shapes = [shape] * (2 if OPS[name].takes_two else 3)
    if name == "multiply" and len(shape) == 3:
        shapes[1:] = [(1, 1, 6), (*shape[:2], 1)]  # gates
    made = model(new_speller(), name, {}, *shapes)
    tensors = [torch.randn(2, *(n or 3 for n in s)) for s in shapes]
    expected = REFERENCES[name](*tensors)
    compare(made([x.numpy() for x in tensors]), expected.movedim(-1, 1), 1e-6)
    assert made.layers[-1].name == "it"


@pytest.mark.parametrize("length", [13, 14])
@pytest.mark.parametrize("padding", ["same", (1, 1, 1, 1), (0, 1, 0, 1), (0, 0, 0, 0)])
@pytest.mark.parametrize(
    "name", ["conv", "depthwise_conv", "separable_conv", "max_pool", "avg_pool"]
)
def test_strides_on_even_and_odd_sizes(name: str, padding: Any, length: int) -> None:
    op = make(name, out=6, kernel=(3, 3), stride=(2, 2), padding=padding)
    x = Image(4, length, length + 1)
    wrong = keras.backend.backend() == "torch" and (name, padding) == ("avg_pool", "same")
    for known in (True,) if wrong else (True, False):
        check(model(new_speller(), name, codes(op, x), last(x, known)), op, x)


@pytest.mark.parametrize("fixed", ["half", "half stride"])
@pytest.mark.parametrize("length", [13, 14])
@pytest.mark.parametrize("stride", [1, 2, (2, 1)])
@pytest.mark.parametrize("kernel", [1, 3, (1, 7), (5, 3)])
@pytest.mark.parametrize("name", ["conv", "depthwise_conv", "separable_conv"])
def test_half_of_an_odd_window(
    name: str, kernel: Any, stride: Any, length: int, fixed: str
) -> None:
    """A function that is told no padding, as where all uses are padded by half of a window."""
    (rows, columns), strides = (
        size if isinstance(size, tuple) else (size, size) for size in (kernel, stride)
    )
    sides = (rows // 2, rows // 2, columns // 2, columns // 2)
    op = make(name, out=6, kernel=(rows, columns), stride=strides, padding=sides)
    x = Image(4, length, length + 1)
    context = codes(op, x)
    given = {key: context.get(key, "True") for key in fixed.split()}
    given |= {"init": '"ones"', "pointwise_init": '"ones"'}  # else layers of Keras compute most
    given |= {"square": "True"} if is_square(context) else {}
    speller = new_speller()
    check(model(speller, name, context, last(x), fixed=given), op, x)
    late = name != "conv" and stride == (2, 1)
    assert late or "padding:" not in speller.support[f"{name}2d"]


def test_a_stride_together_with_a_dilation() -> None:
    for padding in ("same", (2, 2, 2, 2)):
        op = make("conv", out=6, kernel=(3, 3), stride=(2, 2), dilation=(2, 2), padding=padding)
        for length in (13, 14):
            x = Image(4, length, length)
            check(model(new_speller(), "conv", codes(op, x), last(x)), op, x)
    with pytest.raises(ValueError, match="it_pad needs an input of known height and width"):
        op = make("conv", out=6, kernel=(3, 3), stride=(2, 2), dilation=(2, 2), padding="same")
        model(new_speller(), "conv", codes(op, x), last(x, known=False))


def test_some_need_a_known_size() -> None:
    aligned = make("upsample", scale=(2, 2), mode="bilinear", align_corners=True)
    for op in (*(make(name, size=(3, 3)) for name in sorted(NEEDS_SIZE)), aligned):
        with pytest.raises(ValueError, match="it needs an input of known height and width"):
            model(new_speller(), op.name, codes(op, Image(2, 9, 9)), (None, None, 2))


@pytest.fixture
def float64() -> Iterator[None]:
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", SUPPORTED)
def test_in_double_precision_hardly_anything_differs(name: str) -> None:
    given = {"out": 6, "kernel": (3, 3), "stride": (2, 2), "padding": (1, 1, 1, 1), **ENLARGED}
    op = make(
        name, **given, ceil=False, count_include_pad=False, size=3 if "norm" in name else (3, 4)
    )
    x = Image(4, 10, 11)
    made = model(new_speller(), name, codes(op, x), last(x))
    check(made, op, x, 1e-10, torch.float64)


def test_momentum_is_that_of_pytorch() -> None:
    op, x = make("batch_norm", momentum=0.25), Image(3, 5, 4)
    for fixed in ({}, {"momentum": "0.25", "eps": "1e-5"}):
        made = model(new_speller(), "batch_norm", codes(op, x), last(x), fixed=fixed)
        value, count = torch.randn(2, *dimensions(x)), 2 * 5 * 4
        mean, variance = torch.zeros(3), torch.ones(3)
        expected = F.batch_norm(value, mean, variance, training=True, momentum=0.25)
        compare(made(value.movedim(1, -1).numpy(), training=True), expected, 1e-5)
        moving_mean, moving_variance = made.get_layer("it").get_weights()[2:]
        np.testing.assert_allclose(moving_mean, mean, rtol=1e-5, atol=1e-6)
        batch = (variance - 0.75) * (count - 1) / count  # Keras' is biased
        np.testing.assert_allclose(moving_variance, 0.75 + batch, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "common"), [("dropout", ()), ("channel_dropout", (1, 2)), ("drop_path", (1, 2, 3))]
)
def test_what_is_dropped_in_training(name: str, common: tuple[int, ...]) -> None:
    x = Image(8, 3, 4)
    made = model(new_speller(), name, codes(make(name, rate=0.5), x), last(x, known=False))
    y = keras.ops.convert_to_numpy(made(np.ones((16, 3, 4, 8), "float32"), training=True))
    assert set(np.unique(y)) == {0.0, 2.0}
    assert (y.min(common) == y.max(common)).all()
    others = tuple(axis for axis in (1, 2, 3) if axis not in common)
    assert not others or (y.min(others) != y.max(others)).any()


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = np.random.default_rng(0).normal(size=(2, 100, 100, 4)).astype("float32")
    made = model(new_speller(), "alpha_dropout", {"rate": "0.3"}, (100, 100, 4))
    ours = keras.ops.convert_to_numpy(made(x, training=True))
    theirs = torch.nn.AlphaDropout(0.3)(torch.from_numpy(x)).numpy()
    commonest: list[float] = []
    for y in (ours, theirs):
        assert abs(y.mean()) < 0.02 and abs(y.var() - 1) < 0.02
        values, counts = np.unique(y, return_counts=True)
        assert 0.29 < counts.max() / y.size < 0.31
        commonest.append(float(values[counts.argmax()]))
    np.testing.assert_allclose(*commonest, rtol=1e-6)


def test_gelu_is_exact() -> None:
    x = np.linspace(-4, 4, 9, dtype="float32")[None]
    made = model(new_speller(), "gelu", {"approximate": "False"}, (9,))
    compare(made(x), F.gelu(torch.from_numpy(x)), 1e-6)


# --- the page -----------------------------------------------------------------------------------


def variants(name: str) -> Iterator[str]:
    """The support of an op for each choice of attributes that all calls of a file share."""
    given = {"kernel": (3, 3), "stride": (2, 2), "padding": (1, 1, 1, 1)}
    given |= {"dilation": (2, 2)} if name != "transposed_conv" else {}
    op = make(name, **given, **ENLARGED, out=6, size=5 if "norm" in name else (3, 3))
    context = dict(codes(op, Image(4, 9, 9)))
    fresh = 'VarianceScaling(2.0, mode="fan_out", distribution="untruncated_normal")'
    context |= {"init": fresh, "pointwise_init": fresh}
    keys = [k for k in (*op.attributes, "square") if k not in ("out", "kernel", "size")]
    changes: list[dict[str, str]] = [{}]
    if name.endswith("conv"):
        changes += [{"padding": "same"}, {"padding": "0"}, {"init": "", "pointwise_init": ""}]
    chosen = [chosen for n in range(len(keys) + 1) for chosen in combinations(keys, n)]
    for choice in random.Random(0).sample(chosen, min(len(chosen), 40)):
        changed = context | random.Random(str(choice)).choice(changes)
        fixed = {key: changed.get(key, "True") for key in choice}
        fixed |= {"pointwise_init": changed["pointwise_init"]} if "init" in fixed else {}
        speller = new_speller()
        spelled(speller, name, {**changed, "x": "x", "name": "name"}, fixed)
        yield from (text for key, text in speller.support.items())


@pytest.mark.parametrize("name", SUPPORTED)
def test_support_is_formatted_whatever_is_fixed(name: str, tmp_path: Path) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        pytest.skip("needs ruff")
    texts = sorted(set(variants(name)))
    page = tmp_path / "page.py"
    page.write_text("\n\n\n".join(texts) + "\n")
    rules = ["--select", "E,W,F,UP,B,SIM,N", "--ignore", "F811,F821,N816", "--line-length", "100"]
    for command in (["check", *rules], ["format", "--diff", "--line-length", "100"]):
        done = subprocess.run(
            [ruff, *command, "--isolated", "--no-cache", page], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["conv", "depthwise_conv", "separable_conv"])
def test_a_stride_that_comes_late_says_why(name: str) -> None:
    late = [text for text in variants(name) if "MaxPooling2D(1, " in text]
    assert late and all("refuses" in text for text in late)


# --- saving -------------------------------------------------------------------------------------

CHAIN = (
    ("conv", {"out": 12, "kernel": (3, 3), "stride": (2, 2), "padding": (1, 1, 1, 1)}),
    ("batch_norm", {}),
    ("relu6", {}),
    (
        "conv",
        {"out": 12, "kernel": (3, 3), "stride": (2, 2), "dilation": (2, 2), "padding": "same"},
    ),
    ("depthwise_conv", {"kernel": (3, 3), "stride": (2, 1), "padding": "same"}),
    ("separable_conv", {"out": 12, "kernel": (3, 3), "padding": (1, 2, 0, 1), "multiplier": 2}),
    ("layer_norm", {}),
    ("gelu", {"approximate": True}),
    ("transposed_conv", {"out": 8, "kernel": (3, 3), "stride": (2, 2), "output_padding": (1, 1)}),
    ("transposed_conv", {"out": 8, "kernel": (3, 2), "stride": (2, 1), "padding": "same"}),
    ("group_norm", {"groups": 2}),
    ("instance_norm", {"affine": True}),
    ("local_response_norm", {"size": 4}),
    ("prelu", {}),
    ("abs", {}),
    ("hard_tanh", {}),
    ("mish", {}),
    ("max_pool", {"kernel": (3, 3), "stride": (2, 2), "ceil": True, "padding": (0, 1, 0, 1)}),
    ("avg_pool", {"kernel": (3, 3), "stride": (2, 2), "ceil": True, "padding": (1, 1, 1, 1)}),
    ("avg_pool", {"kernel": (2, 2), "stride": (1, 1), "padding": "same"}),
    ("blur_pool", {"kernel": 4, "stride": 1}),
    ("blur_pool", {"stride": 1, "border": "zeros"}),
    ("upsample", {"scale": (3, 2), "mode": "bilinear"}),
    ("upsample", {"scale": (1, 2), "mode": "bilinear", "align_corners": True}),
    ("channel_shuffle", {"groups": 4}),
    ("pixel_shuffle", {"factor": 2}),
    ("pixel_unshuffle", {"factor": 2}),
    ("pad_channels", {"before": 1, "after": 2}),
    ("slice_channels", {"stop": 4}),
    ("gather_channels", {"channels": (0, 3, 3, 1)}),
    ("l2_norm", {}),
    ("l2_norm", {"eps": 0.5}),
    ("group_softmax", {"groups": 2}),
    ("group_sum", {"groups": 2}),
    ("channel_group", {"index": 1, "groups": 2}),
    ("pad_channels", {"after": 1}),
    ("affine", {}),
    ("standardize", {}),
    ("scale", {"by": 0.17}),
    ("channel_mean", {}),
    ("pad_channels", {"before": 1, "after": 2}),
    ("channel_max", {}),
    ("drop_path", {}),
    ("alpha_dropout", {}),
    ("adaptive_avg_pool", {"size": (5, 7)}),
    ("adaptive_max_pool", {"size": (3, 2)}),
    ("crop", {"padding": (1, 0, 0, 0)}),
    ("zero_pad", {"padding": (0, 1, 1, 0)}),
    ("flatten", {}),
    ("linear", {"out": 12}),
    ("reshape", {"channels": 3, "height": 2, "width": 2}),
    ("global_avg_pool", {}),
    ("reshape", {"channels": 1, "height": 1, "width": 3}),
    ("reshape", {"channels": 3, "height": 1, "width": 1}),
    ("flatten", {}),
    ("affine", {"shift": False}),
    ("rbf", {"codes": ((5,), (2,), (5,), (0,)), "bits": 3}),
    ("log_softmax", {}),
    ("softmax", {}),
)

LOAD = """
import sys, numpy, keras
model = keras.models.load_model(sys.argv[1])
x = numpy.load(sys.argv[2])
numpy.save(sys.argv[3], keras.ops.convert_to_numpy(model(x)))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A saved model of what is not a plain layer, with an input and the output for it."""
    folder = tmp_path_factory.mktemp("saved")
    image = x = keras.Input((40, 41, 3))
    speller, shape = new_speller(), Image(3, 40, 41)
    for i, (name, values) in enumerate(CHAIN):
        op = make(name, **values)
        context = {
            **codes(op, shape),
            "x": "x",
            "name": f'"layer{i}"',
            "init": "",
            "pointwise_init": "",
        }
        code = spelled(speller, name, context)
        x, shape = eval(code, namespace(speller) | {"x": x}), op.infer(shape)
        assert x.shape[1:] == last(shape)
    made = keras.Model(image, x)
    made.save(folder / "model.keras")
    value = np.random.default_rng(0).normal(size=(2, 40, 41, 3)).astype("float32")
    np.save(folder / "input.npy", value)
    return folder, keras.ops.convert_to_numpy(made(value))


def test_a_fresh_process_loads_the_model(saved: tuple[Path, Any]) -> None:
    folder, expected = saved
    files = [folder / name for name in ("model.keras", "input.npy", "output.npy")]
    subprocess.run([sys.executable, "-c", LOAD, *files], check=True, timeout=300)
    np.testing.assert_allclose(np.load(files[-1]), expected, rtol=1e-4, atol=1e-5)


REGISTERED = """
cnngen: 1
name: Standardized
about: What Keras knows by the source alone.
input: {channels: 3, height: 9, width: 8}
model: {all: [standardized_conv: {out: 4, kernel: 3, stride: 2, padding: same, eps: 0.5}, relu]}
"""
LOAD_REGISTERED = "import runpy, sys; runpy.run_path(sys.argv[4])" + LOAD


def test_a_class_of_the_source_is_loaded_where_it_was_imported(tmp_path: Path) -> None:
    built = build(REGISTERED)
    made, value = built.keras(), np.random.default_rng(0).normal(size=(2, 9, 8, 3))
    files = [tmp_path / name for name in ("model.keras", "input.npy", "output.npy", "source.py")]
    made.save(files[0])
    np.save(files[1], value.astype("float32"))
    files[3].write_text(render(built.network), encoding="utf-8")
    command = [sys.executable, "-c", LOAD_REGISTERED, *files]
    subprocess.run(command, check=True, timeout=300)
    np.testing.assert_allclose(np.load(files[2]), np.asarray(made(value)), rtol=1e-5, atol=1e-6)
