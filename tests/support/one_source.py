"""One source, called with other parameters than the defaults: what it makes, and what that computes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnngen.plan.lower import lower
from cnngen.plan.verify import verify
from cnngen.verify.compare import distance
from cnngen.verify.models import channels_last, draw_inputs, from_keras, from_torch, precision
from cnngen.verify.random_weights import randomize
from cnngen.weights.read_torch import COUNTER
from support.agreement import complaints, sources
from support.built_models import Built, build
from support.carried_weights import carry, expected_in_keras, keras_shapes, predicted
from support.compared_models import keras_model

Specs = dict[
    str, tuple[str, list[dict[str, Any]]]
]  # by name, each with other values to call it with


def cases(specs: Specs) -> list[Any]:
    """Each spec with its defaults, and with its other values."""
    return [
        pytest.param(text, values, id=f"{name}: {values}")
        for name, (text, others) in specs.items()
        for values in ({}, *others)
    ]


def check_program(text: str, values: dict[str, Any]) -> None:
    """The program of the spec with these values obeys the rules."""
    verify(lower(build(text, written(values)).network))


def check_style(text: str, folder: Path) -> None:
    """Ruff has nothing to say of the sources."""
    for target, source in sources(build(text).network).items():
        (folder / f"net_{target}.py").write_text(source, encoding="utf-8")
    assert complaints(folder) == ""


def written(values: dict[str, Any]) -> dict[str, str]:
    """Values of parameters as a spec says them."""
    return {n: str(list(v) if isinstance(v, tuple) else v).lower() for n, v in values.items()}


def check_variant(text: str, values: dict[str, Any]) -> None:
    """Names, order and shapes of the weights are those of the spec with these values, and so is what is computed: by
    both sources, and by the PyTorch source of that spec, which knows the values.
    """
    torch = pytest.importorskip("torch")
    pytest.importorskip("keras")
    built, other = build(text), build(text, written(values))
    model = built.torch(**values).double()
    x = draw_inputs(other.network.inputs, 2, "float64", 0)["input"]
    randomize(model, 0, torch.from_numpy(x))
    shapes = {n: tuple(v.shape) for n, v in model.state_dict().items() if not n.endswith(COUNTER)}
    assert list(shapes.items()) == list(predicted(other.network).items())
    expected = _evaluated(other, model, x)
    known = other.torch().double()
    known.load_state_dict(model.state_dict())
    assert _farthest(_evaluated(other, known, x), expected) == 0
    with precision("float64"):
        both = keras_model(Built(other.network, {}), model, heads=False)
        assert keras_shapes(both) == expected_in_keras(other.network)
        variant = _called(built, other, model, values)
        found = from_keras(other.network, variant(channels_last(x), training=False))
    assert _farthest(found, expected) < 1e-9


def _evaluated(built: Built, model: Any, x: Any) -> dict[str, Any]:
    import torch

    with torch.no_grad():
        return dict(from_torch(built.network, model.eval()(torch.from_numpy(x))))


def _farthest(found: Any, expected: Any) -> float:
    assert found.keys() == expected.keys()
    return max(distance(np.asarray(found[name]), np.asarray(expected[name])) for name in expected)


def _called(built: Built, other: Built, model: Any, values: dict[str, Any]) -> Any:
    """The Keras model that the source of the defaults makes with other values, with PyTorch's weights."""
    shape = other.network.input
    made = built.keras(input_shape=(shape.height, shape.width, shape.channels), **values)
    carry(other.network, model, made)
    return made


def check_in_place(text: str, values: dict[str, Any]) -> None:
    """Outputs and gradients are those of a source that overwrites nothing."""
    torch = pytest.importorskip("torch")
    from cnngen.targets.torch import render

    built = build(text)
    names: dict[str, Any] = {"__name__": "out_of_place"}
    exec(render(built.network, in_place=False), names)  # noqa: S102
    models = [built.torch(**values).double(), names["Net"](**values).double()]
    models[1].load_state_dict(models[0].state_dict())
    image = built.network.input
    x = torch.randn(2, image.channels, image.height, image.width, dtype=torch.float64)
    found: list[list[Any]] = []
    for model in models:
        given = x.clone().requires_grad_()
        y = model(given)
        tensors = [y] if isinstance(y, torch.Tensor) else list(y)
        sum(tensor.square().sum() for tensor in tensors).backward()
        found.append([*tensors, given.grad, *(p.grad for p in model.parameters())])
    assert all(map(torch.equal, *found))
