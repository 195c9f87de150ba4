"""Every op against the layer that it is in PyTorch."""

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.op_examples import JOINS, SINGLE, dimensions, inputs, make, ops
from support.torch_ops import spelled

from cnngen.ops import OPS
from cnngen.ops.base import Image, Op, Shape, ShapeError, Vector
from cnngen.python.flat import flat
from cnngen.python.verbatim import read
from cnngen.shipped import TEMPLATES
from cnngen.targets.spelling import Speller
from cnngen.targets.torch.spell import spell_join, spell_list

torch = pytest.importorskip("torch")
from torch import Tensor, nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

pytestmark = pytest.mark.torch

SPELLER = Speller("torch")
NAMES: dict[str, Any] = {"torch": torch, "nn": nn, "Tensor": Tensor}


def run(code: str) -> Any:
    """The value of an expression, with the support that it needs."""
    for module, name in SPELLER.imported:
        exec(f"from {module} import {name}" if name else f"import {module}", NAMES)
    for name, text in SPELLER.support.items():
        if name not in NAMES:
            exec(text, NAMES)
    return eval(code, NAMES)


def layer(op: Op, x: Shape) -> nn.Module:
    return run(spelled(SPELLER, op, x))


def tensor(x: Shape) -> Tensor:
    return torch.randn(2, *dimensions(x))


def is_restriction(op: Op, error: ShapeError) -> bool:
    """Whether PyTorch accepts what the op refuses, on purpose."""
    return error.code == "out-of-range" or op.name in ("slice_channels", "rbf")


def refuses(op: Op, x: Shape) -> bool:
    """Whether PyTorch raises, or gives nothing."""
    try:
        return layer(op, x).eval()(tensor(x)).numel() == 0
    except (RuntimeError, ValueError):
        return True


@pytest.mark.parametrize("name", SINGLE)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_shape_and_weights_are_those_of_the_layer(name: str, data: st.DataObject) -> None:
    op = data.draw(ops(name))
    x = data.draw(inputs(op))
    try:
        expected = op.infer(x)
    except ShapeError as error:
        assert is_restriction(op, error) or refuses(op, x)
        return
    module = layer(op, x).eval()
    assert tuple(module(tensor(x)).shape) == (2, *dimensions(expected))
    state = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    state.pop("num_batches_tracked", None)
    weights = op.weights(x)
    assert list(weights.items()) == list(state.items())
    assert {key for key in weights if key not in op.buffers} == set(dict(module.named_parameters()))


@pytest.mark.parametrize(
    "name",
    [
        "conv",
        "standardized_conv",
        "depthwise_conv",
        "separable_conv",
        "transposed_conv",
        "linear",
        "blur_pool",
    ],
)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_macs_are_those_that_pytorch_counts(name: str, data: st.DataObject) -> None:
    op = data.draw(ops(name))
    x = data.draw(inputs(op))
    try:
        output = op.infer(x)
    except ShapeError:
        return
    with FlopCounterMode(display=False) as counter:
        layer(op, x)(tensor(x)[:1])
    assert counter.get_total_flops() == 2 * op.macs(output, x)


@pytest.mark.parametrize("border", ["reflect", "zeros"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5, 7])
@pytest.mark.usefixtures("torchvision")
def test_a_blur_is_that_of_timm(kernel: int, stride: int, border: str) -> None:
    timm = pytest.importorskip("timm.layers")
    x, op = Image(4, 9, 8), make("blur_pool", kernel=kernel, stride=stride, border=border)
    mode = "constant" if border == "zeros" else "reflect"
    theirs = timm.BlurPool2d(4, kernel, stride, mode)
    value = tensor(x)
    torch.testing.assert_close(layer(op, x)(value), theirs(value))


@pytest.mark.usefixtures("torchvision")
@pytest.mark.parametrize(
    ("theirs", "padding"), [("StdConv2d", (1, 1, 1, 1)), ("StdConv2dSame", "same")]
)
def test_a_standardized_convolution_is_that_of_timm(theirs: str, padding: Any) -> None:
    timm = pytest.importorskip("timm.layers")
    x = Image(4, 9, 8)
    given = {"out": 6, "kernel": (3, 3), "stride": (2, 2), "padding": padding, "groups": 2}
    op = make("standardized_conv", **given, eps=1e-3)
    made = getattr(timm, theirs)(4, 6, 3, stride=2, groups=2, bias=True, eps=1e-3)
    ours = layer(op, x)
    ours.load_state_dict(made.state_dict())
    value = tensor(x)
    torch.testing.assert_close(ours(value), made(value))


@pytest.mark.parametrize("name", JOINS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_join_gives_its_shape_in_a_line_and_in_a_chain(name: str, data: st.DataObject) -> None:
    images = [Image(4, 3, 3), Image(4, 1, 1), Image(1, 3, 3), Image(2, 3, 3), Image(4, 5, 3)]
    shapes = st.sampled_from(
        [images, images[:1], images[:2], images[:3], [Vector(2, (2,)), Vector(4, (4,))]]
    )
    most = 2 if OPS[name].takes_two else 3
    branches = data.draw(st.lists(st.sampled_from(data.draw(shapes)), min_size=2, max_size=most))
    tensors = [tensor(x) for x in branches]
    named = [read(f"inputs[{i}]") for i in range(len(tensors))]
    code = flat(spell_join(OPS[name], named, SPELLER))
    NAMES["inputs"] = tensors
    try:
        expected = make(name).infer(*branches)
    except ShapeError:
        if name == "concat":
            with pytest.raises(RuntimeError):
                run(code)
        return  # PyTorch's broadcasting accepts more than the other joins do
    y = run(code)
    assert tuple(y.shape) == (2, *dimensions(expected))
    if not OPS[name].takes_two:
        torch.testing.assert_close(run(flat(spell_list(OPS[name], read("inputs"), SPELLER))), y)
    chain = run(SPELLER.use(name.capitalize()))
    children = {f"branch{i}": Constant(value) for i, value in enumerate(tensors)}
    torch.testing.assert_close(chain(children)(tensors[0]), y)


class Constant(nn.Module):
    """What gives one tensor, whatever its input."""

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        return self.value


@pytest.mark.parametrize(
    ("length", "kernel", "stride", "dilation", "before", "after"),
    [
        (14, 3, 2, 1, 0, 1),
        (13, 3, 2, 1, 1, 1),
        (7, 2, 3, 1, 0, 1),
        (8, 3, 2, 2, 1, 2),
        (5, 1, 2, 1, 0, 0),
    ],
)
def test_same_pads_as_tensorflow_does(
    length: int, kernel: int, stride: int, dilation: int, before: int, after: int
) -> None:
    SPELLER.use("pad_same")
    x = torch.ones(1, 1, length, 4)
    padded = run("pad_same")(x, (kernel, 1), (stride, 1), (dilation, 1))
    torch.testing.assert_close(padded, nn.functional.pad(x, (0, 0, before, after)))


@pytest.mark.parametrize("padding", ["same", (1, 0, 0, 1)])
def test_the_border_never_wins_nor_counts(padding: Any) -> None:
    x = Image(1, 6, 6)
    for op in (
        make("max_pool", kernel=(3, 3), stride=(2, 2), padding=padding),
        make("avg_pool", kernel=(3, 3), stride=(2, 2), padding=padding, count_include_pad=False),
    ):
        y = layer(op, x)(-torch.ones(1, 1, 6, 6))
        torch.testing.assert_close(y, -torch.ones_like(y))


def test_sides_are_top_bottom_left_right() -> None:
    x, sides = Image(1, 2, 2), (1, 0, 0, 2)
    ones = torch.ones(1, 1, 2, 2)
    expected = torch.tensor([[[[0.0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]]]])
    torch.testing.assert_close(layer(make("zero_pad", padding=sides), x)(ones), expected)
    torch.testing.assert_close(layer(make("crop", padding=sides), Image(1, 3, 4))(expected), ones)
    for name in ("conv", "depthwise_conv", "avg_pool"):
        op = make(name, out=1, kernel=(1, 1), stride=(1, 1), padding=sides, bias=False)
        module = layer(op, x)
        for weight in module.parameters():
            nn.init.ones_(weight)
        torch.testing.assert_close(module(ones), expected)


def test_support_is_formatted() -> None:
    for template in sorted((TEMPLATES / "torch" / "support").glob("*.jinja")):
        SPELLER.use(template.stem)
    layer(make("separable_conv", out=4, kernel=(3, 3)), Image(2, 5, 5))  # whose class is none
    text = "\n\n\n".join(SPELLER.support.values()) + "\n"
    ruff = [sys.executable, "-m", "ruff", "format", "--line-length", "100", "--diff", "-"]
    result = subprocess.run(ruff, input=text, text=True, capture_output=True)
    assert result.returncode == 0, result.stdout


def test_drop_path_drops_whole_samples() -> None:
    module = layer(make("drop_path", rate=0.5), Image(3, 2, 2))
    y = module(torch.ones(64, 3, 2, 2)).flatten(1)
    assert {tuple(row.unique().tolist()) for row in y} == {(0.0,), (2.0,)}
    assert layer(make("drop_path", rate=1.0), Image(1, 1, 1))(torch.ones(4, 1, 1, 1)).eq(0).all()


def test_layer_norm_of_maps_normalizes_each_position() -> None:
    y = layer(make("layer_norm"), Image(8, 3, 5))(torch.randn(2, 8, 3, 5))
    torch.testing.assert_close(y.mean(dim=1), torch.zeros(2, 3, 5), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("name", "shape"), [("global_max_pool", Image(1, 2, 2)), ("channel_max", Image(4, 1, 1))]
)
def test_equal_largest_values_share_the_gradient(name: str, shape: Image) -> None:
    x = torch.zeros(1, *dimensions(shape), requires_grad=True)
    layer(make(name), shape)(x).sum().backward()
    assert x.grad is not None and x.grad.eq(0.25).all()
