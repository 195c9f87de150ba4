"""Initial distributions: both targets draw weights alike, for every word and kind of layer."""

import os
from typing import Any

import numpy as np
import pytest
from support.keras_ops import spelled
from support.op_examples import codes, make

from cnngen.expressions.expression import Binary, Constant, Expression, Name
from cnngen.ops.base import Image, Op, Shape, Vector
from cnngen.ops.initializer import INITIALIZERS
from cnngen.python.expression import python
from cnngen.python.flat import flat
from cnngen.report.support import BUILT_INITIALIZERS
from cnngen.shipped import TEMPLATES
from cnngen.targets.distributions import init_context
from cnngen.targets.keras.initializers import spell_init
from cnngen.targets.keras.scope import Scope
from cnngen.targets.spelling import Speller, Unsupported

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")
from torch import Tensor  # noqa: E402

pytestmark = [pytest.mark.keras, pytest.mark.torch]

K3, K5 = {"kernel": (3, 3)}, {"kernel": (5, 5)}
LAYERS: dict[str, tuple[Op, Shape]] = {
    "conv": (make("conv", out=96, **K3), Image(32, 9, 9)),
    "grouped": (make("conv", out=160, groups=4, **K3), Image(64, 9, 9)),
    "depthwise": (make("depthwise_conv", **K5), Image(768, 9, 9)),
    "multiplied": (make("depthwise_conv", multiplier=3, **K5), Image(256, 9, 9)),
    "separable": (make("separable_conv", out=96, multiplier=2, **K5), Image(384, 9, 9)),
    "transposed": (make("transposed_conv", out=32, **K3), Image(96, 9, 9)),
    "linear": (make("linear", out=96), Vector(256, (256,))),
}
Arguments = dict[str, Expression | str]
CASES: list[tuple[str, Arguments]] = [(word, {}) for word in INITIALIZERS]
CASES += [
    (word, {"mode": "fan_out", "slope": Constant(0.5)}) for word in ("he_normal", "he_uniform")
]
CASES += [
    ("trunc_normal", {"std": Constant(0.3)}),
    ("uniform", {"bound": Constant(0.3)}),
    ("constant", {"value": Constant(-2)}),
]


SPELLERS = {target: Speller(target) for target in ("torch", "keras")}


def new_speller(target: str) -> Speller:
    """A speller that has read its templates, as for a new file."""
    speller = SPELLERS[target]
    speller.support.clear()
    return speller


def arguments(word: str, given: Arguments) -> Arguments:
    known = INITIALIZERS[word].arguments
    return {a.name: a.default if a.kind == "choice" else Constant(a.default) for a in known} | given


def in_torch(word: str, given: Arguments) -> str:
    context = init_context(arguments(word, given), python)
    return new_speller("torch").spell_init(word, {"w": "w", **context})


def in_keras(word: str, given: Arguments, kind: str, speller: Speller, multiplier: int = 1) -> str:
    scope = Scope(speller, {})
    made = spell_init(word, arguments(word, given), kind, Constant(multiplier), scope)
    return "" if made is None else flat(made)


def drawn_by_torch(word: str, given: Arguments, shape: tuple[int, ...]) -> Tensor:
    w = torch.empty(shape)
    return eval(in_torch(word, given), {"w": w, "nn": torch.nn})


def drawn_by_keras(word: str, given: Arguments, op: Op, x: Shape) -> list[np.ndarray]:
    """The weights of a new layer, without its bias."""
    speller = new_speller("keras")
    multiplier = op.values.get("multiplier", 1)
    inits = {"init": in_keras(word, given, op.name, speller, multiplier)}
    if op.name == "separable_conv":
        inits["pointwise_init"] = in_keras(word, given, "conv", speller, multiplier)
    code = spelled(speller, op.name, {**codes(op, x), "x": "x", "name": '"it"', **inits})
    shape = (x.height, x.width, x.channels) if isinstance(x, Image) else (x.features,)
    space: dict[str, Any] = {
        "keras": keras,
        "KerasTensor": keras.KerasTensor,
        "x": keras.Input(shape),
    }
    space |= {"layers": keras.layers, "ops": keras.ops}
    for module, name in speller.imported:
        exec(f"from {module} import {name}", space)
    for text in speller.support.values():
        exec(text, space)
    *kernels, bias = keras.Model(space["x"], eval(code, space)).get_layer("it").get_weights()
    assert not bias.any()
    return kernels


def moments(w: Any) -> tuple[float, float, float, float]:
    w = np.asarray(w, "float64").ravel()
    spread = w.std()
    kurtosis = ((w - w.mean()) ** 4).mean() / spread**4 if spread else 0.0
    return float(w.mean()), float(spread), float(abs(w).max()), float(kurtosis)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize(("word", "given"), CASES)
def test_both_targets_draw_alike(word: str, given: Arguments, kind: str) -> None:
    op, x = LAYERS[kind]
    torch.manual_seed(0)
    keras.utils.set_random_seed(0)
    if word == "orthogonal" and kind in ("depthwise", "multiplied", "separable"):
        with pytest.raises(Unsupported):
            drawn_by_keras(word, given, op, x)
        return
    shapes = [shape for key, shape in op.weights(x).items() if key.endswith("weight")]
    for shape, kernel in zip(shapes, drawn_by_keras(word, given, op, x), strict=True):
        mean, spread, largest, kurtosis = moments(drawn_by_torch(word, given, shape))
        assert kernel.size == np.prod(shape)
        actual = moments(kernel)
        assert actual[0] == pytest.approx(mean, abs=0.05 * spread)
        assert actual[1] == pytest.approx(spread, rel=0.05)
        assert actual[2] == pytest.approx(largest, rel=0.01 if kurtosis < 2.5 else 0.25)
        assert actual[3] == pytest.approx(kurtosis, abs=0.3)  # 3 normal, 2.4 truncated, 1.8 uniform


@pytest.mark.parametrize("kind", ["conv", "grouped", "transposed", "linear"])
def test_orthogonal_filters(kind: str) -> None:
    op, x = LAYERS[kind]
    (kernel,) = drawn_by_keras("orthogonal", {}, op, x)
    rows = np.moveaxis(kernel, -1, 0).reshape(kernel.shape[-1], -1)
    rows = rows if len(rows) <= rows.shape[1] else rows.T
    np.testing.assert_allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-5)


def test_layers_of_one_file_draw_their_own_weights() -> None:
    speller = new_speller("keras")
    init = in_keras("he_normal", {}, "conv", speller)
    fixed = {"init": init, "square": "True"}
    op = make("conv", out=4, stride=(2, 2), padding=(1, 1, 1, 1), **K3)
    given = {**codes(op, Image(3, 9, 9)), "x": "x", "name": '"it"', "init": init}
    code = spelled(speller, "conv", given, fixed)
    assert "init=" not in code
    space: dict[str, Any] = {"keras": keras, "KerasTensor": keras.KerasTensor}
    space |= {"layers": keras.layers, "VarianceScaling": keras.initializers.VarianceScaling}
    exec(speller.support["conv2d"], space)
    kernels = [
        keras.Model(x, eval(code, space | {"x": x})).get_layer("it").get_weights()[0]
        for x in (keras.Input((9, 9, 3)), keras.Input((9, 9, 3)))
    ]
    assert (kernels[0] != kernels[1]).any()


@pytest.mark.parametrize("target", BUILT_INITIALIZERS)
def test_every_word_has_a_template_or_a_builder(target: str) -> None:
    templates = [path.stem for path in (TEMPLATES / target / "init").iterdir()]
    assert sorted([*templates, *BUILT_INITIALIZERS[target]]) == sorted(INITIALIZERS)


@pytest.mark.parametrize(
    ("word", "given", "torch_code", "keras_code"),
    [
        (
            "he_normal",
            {},
            "nn.init.kaiming_normal_(w)",
            'VarianceScaling(2.0, distribution="untruncated_normal")',
        ),
        (
            "he_uniform",
            {"mode": "fan_out", "slope": Name("slope")},
            'nn.init.kaiming_uniform_(w, a=slope, mode="fan_out")',
            'VarianceScaling(2.0 / (1 + slope**2), mode="fan_out", distribution="uniform")',
        ),
        (
            "trunc_normal",
            {},
            "nn.init.trunc_normal_(w, std=0.02, a=-0.04, b=0.04)",
            "TruncatedNormal(stddev=0.02)",
        ),
        (
            "trunc_normal",
            {"std": Binary("/", Constant(1), Name("n"))},
            "nn.init.trunc_normal_(w, std=1 / n, a=-2 * (1 / n), b=2 * (1 / n))",
            "TruncatedNormal(stddev=1 / n)",
        ),
        ("uniform", {}, "nn.init.uniform_(w, a=-0.05, b=0.05)", "RandomUniform(-0.05, 0.05)"),
        ("zeros", {}, "nn.init.zeros_(w)", '"zeros"'),
    ],
)
def test_spelling(word: str, given: Arguments, torch_code: str, keras_code: str) -> None:
    assert in_torch(word, given) == torch_code
    assert in_keras(word, given, "conv", new_speller("keras")) == keras_code
