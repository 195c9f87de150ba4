"""The generated code, called with other parameters, is what a spec with those parameters compiles to."""

from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.built_models import SPECS, Built, build
from support.carried_weights import expected_in_keras, keras_shapes, predicted
from support.compared_models import keras_model

from cnngen.ops.base import Image
from cnngen.verify.compare import distance
from cnngen.verify.models import draw_inputs, named_outputs
from cnngen.verify.random_weights import randomize
from cnngen.weights.read_torch import COUNTER

torch = pytest.importorskip("torch")

Values = dict[str, Any]

NAMES = sorted(path.stem for path in SPECS.glob("*.yaml"))
SMALL: dict[str, st.SearchStrategy[Any]] = {  # for parameters that not every number suits
    "towers": st.sampled_from([1, 2, 4]),  # divides the channels
    "groups": st.sampled_from([1, 2]),
    "width": st.integers(1, 4).map(lambda n: 2 * n),
    "widths": st.integers(1, 2).map(lambda n: 64 * n),  # of which ResNeXt takes shares
    "strides": st.integers(1, 2),
    "neighbours": st.integers(0, 3).map(lambda n: 2 * n + 1),  # as many on either side
    "hidden": st.integers(1, 9),
    "outs": st.integers(1, 2).map(lambda n: 8 * n),
    "filters": st.integers(1, 2).map(lambda n: 8 * n),  # of which cells take quarters
    "depth": st.integers(2, 5),
    "classes": st.integers(1, 9),
}
INCREASING = {  # shortcuts without parameters can only add channels
    (name, "widths")
    for name in ("resnet34_a", *(f"resnet{n}_cifar10" for n in (20, 56, 110, 1202)))
}
LENGTHS = {
    "resnet50": 4,
    "vgg16": 5,
    "ssd300_vgg16": 6,
}  # more stages than that leave nothing of the input
SHORTEST = {  # whose stages read each element
    "espcn": 2,
    "hrnet_w18": 3,
    "resnet50_fpn": 4,
    "retinanet_resnet50_fpn": 4,
    "ssd300_vgg16": 6,
}
SHORTEST |= {f"{name}_resnet{n}": 4 for name in ("fcn", "deeplabv3") for n in (50, 101)}
FEWER = {("hrnet_w18", "times"): 2}  # as the first two resolutions are there from the start
DEEP = ("convnext", "resnet50_v2", "resnet101_v2", "resnet152_v2")  # of a first block and a last
FACTORS = ("width", "wider", "multiplier")  # of all channels


@st.composite
def parameters(draw: st.DrawFn, name: str) -> Values:
    """Values for the parameters that may be changed in the code; all lists are of one length."""
    network = build(name).network
    fixed = network.fixed
    length = draw(st.integers(SHORTEST.get(name, 1), LENGTHS.get(name, 4)))
    values: Values = {}
    for parameter in network.resolution.spec.parameters:
        key = parameter.name.text
        if key in fixed:
            continue
        match parameter.type:
            case "int":
                values[key] = draw(SMALL.get(key, st.integers(1, 5)))
            case "float":
                values[key] = draw(
                    st.sampled_from([0.25, 0.8] if key in FACTORS else [0.0, 0.25, 0.8])
                )
            case "bool":
                values[key] = draw(st.booleans())
            case "ints":
                least = 2 if key == "depths" and name.startswith(DEEP) else 1
                item = SMALL.get(key, st.integers(least, 5))
                size = length - FEWER.get((name, key), 0)
                items = draw(st.lists(item, min_size=size, max_size=size))
                values[key] = tuple(sorted(items) if (name, key) in INCREASING else items)
            case "records":
                pass  # `test_records.py` changes them
            case other:
                raise AssertionError(
                    f"nobody has said what to draw for a parameter of type {other}"
                )
    return values


def compiled(name: str, values: Values, input: Image | None = None) -> Built:
    """The spec with these defaults, which arrive as text."""
    return build(name, {key: text(value) for key, value in values.items()}, input)


def text(value: Any) -> str:
    return str(list(value) if isinstance(value, tuple) else value).lower()


@pytest.mark.torch
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=3, deadline=None, derandomize=True)
@given(data=st.data())
def test_pytorch(name: str, data: st.DataObject) -> None:
    check_pytorch(name, data.draw(parameters(name)))


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("densenet121", {"growth": 12, "stages": (4, 4, 4)}),
        ("densenet121", {"stages": (2, 0, 1)}),
        ("resnet50", {"depths": (3, 8, 36, 3)}),
        ("resnet20_cifar10", {"depth": 18}),
        ("vgg16", {"depths": (2, 2, 4, 4, 4)}),
    ],
)
def test_pytorch_with_known_variants(name: str, values: Values) -> None:
    check_pytorch(name, values)


def check_pytorch(name: str, values: Values) -> None:
    """The names and shapes of all weights, and the shapes of all outputs, without any number."""
    network = compiled(name, values).network
    with torch.device("meta"):
        model = build(name).torch(**values)
        inputs = [torch.empty(2, *shape.dimensions) for shape in network.inputs.values()]
        y = named_outputs(network, model.train()(*inputs))
    found = [
        (key, tuple(v.shape)) for key, v in model.state_dict().items() if not key.endswith(COUNTER)
    ]
    assert found == list(predicted(network).items())
    assert {key: size(v) for key, v in y.items()} == {
        key: str(network.stages[stage].shape) for key, stage in network.outputs.items()
    }


def size(value: Any) -> str:
    return " x ".join(map(str, value.shape[1:]))


@pytest.mark.keras
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=2, deadline=None, derandomize=True)
@given(data=st.data())
def test_keras(name: str, data: st.DataObject) -> None:
    check_keras(name, data.draw(parameters(name)))


@pytest.mark.keras
def test_keras_with_a_known_variant() -> None:
    check_keras("densenet121", {"growth": 12, "stages": (4, 4, 4)})


def check_keras(name: str, values: Values) -> None:
    pytest.importorskip("keras")
    built = build(name)
    model = built.keras(**values, **built.heads)
    found, expected = keras_shapes(model), expected_in_keras(compiled(name, values).network)
    assert found.keys() == expected.keys()
    for path, shape in expected.items():
        # A convolution that turns out to be depthwise by its arguments stays one in groups.
        in_groups = (*shape[:2], 1, prod(shape[2:])) if path.endswith("/kernel") else shape
        assert found[path] in (shape, in_groups), path


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize(
    ("name", "values", "input"),
    [
        ("densenet121", {"classes": 5, "growth": 6, "stages": (2, 1, 2)}, Image(3, 48, 64)),
        (
            "resnet50",
            {"classes": 5, "depths": (1, 2, 2), "widths": (8, 8, 4), "strides": (1, 2, 1)},
            Image(3, 49, 33),
        ),
        (
            "resnet20_cifar10",
            {"depth": 2, "widths": (3, 5, 5), "strides": (2, 1, 2)},
            Image(3, 17, 20),
        ),
        (
            "vgg16",
            {"classes": 5, "depths": (1, 2), "widths": (6, 4), "hidden": 8},
            Image(3, 31, 28),
        ),
    ],
)
def test_outputs(name: str, values: Values, input: Image) -> None:
    """Equal weights give equal outputs, at another size too."""
    pytest.importorskip("keras")
    expected, called = compiled(name, values, input), build(name)
    x = draw_inputs({"input": input}, 2, "float32")["input"]
    reference = expected.torch()
    randomize(reference, 0, torch.from_numpy(x))
    model = called.torch(**values).eval()
    model.load_state_dict(reference.state_dict())
    with torch.no_grad():
        y = reference.eval()(torch.from_numpy(x)).numpy()
        assert distance(model(torch.from_numpy(x)).numpy(), y) == 0
    last = x.transpose(0, 2, 3, 1)
    size = (input.height, input.width, input.channels)
    in_keras = called.keras(**values, input_shape=size)
    compiled_in_keras = keras_model(expected, reference)
    in_keras.set_weights(compiled_in_keras.get_weights())
    found = np.asarray(in_keras(last, training=False))
    assert distance(found, np.asarray(compiled_in_keras(last, training=False))) == 0
    assert distance(found, y) < 1e-5
