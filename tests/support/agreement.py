"""What must hold of the sources of any valid spec, and of their models."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from cnngen.ops.base import Image, Vector
from cnngen.semantics.network import Layer, Network
from cnngen.targets.keras.functions import input_shapes
from cnngen.verify.compare import farthest
from cnngen.verify.models import (
    Values,
    for_keras,
    for_torch,
    in_keras_layout,
    named_outputs,
    precision,
)
from cnngen.weights.keras_layers import keras_layers
from cnngen.weights.layout import keras_name
from cnngen.weights.read_torch import COUNTER
from cnngen.weights.transfer import load_keras
from support.built_models import Built, build
from support.carried_weights import expected_in_keras, keras_shapes, predicted
from support.compared_models import Pair
from support.random_specs import RandomSpec

# What Keras has no layers for, so that generated code calls functions.
FUNCTIONS = {"gelu", "identity", "local_response_norm", "scale", "slice_channels"}
FUNCTIONS |= {"channel_shuffle", "gather_channels", "pad_channels", "pixel_shuffle"}
FUNCTIONS |= {"pixel_unshuffle", "rbf", "l2_norm", "channel_max", "channel_mean", "abs"}
FUNCTIONS |= {"group_softmax", "group_sum", "resize"}
GLOBAL_POOLS = {"global_avg_pool", "global_max_pool"}
Shapes = dict[str, tuple[int, ...]]
TOLERANCE = 1e-5  # in float64, where no mistake passes for rounding; but some kernels use float32
ROOT = Path(__file__).parents[2]
RUFF = shutil.which("ruff") or str(Path(sys.executable).parent / "ruff")


@dataclass(frozen=True)
class Drawn:
    """A random spec, compiled; and its network with other values of its parameters.

    These values are arguments of the generated code, without those that are fixed there.
    """

    built: Built
    values: dict[str, Any]
    other: Network

    @staticmethod
    def of(spec: RandomSpec) -> "Drawn":
        built = build(spec.text)
        fixed = built.network.fixed
        free = {n: v for n, v in spec.values.items() if n not in fixed}
        settings = {n: str(v).lower() for n, v in free.items()}
        values = {n: tuple(map(_row, v)) if isinstance(v, list) else v for n, v in free.items()}
        return Drawn(built, values, build(spec.text, settings).network)


def _row(item: Any) -> Any:
    """An element of a list; a record is any object with its fields."""
    return SimpleNamespace(**item) if isinstance(item, dict) else item


def sources(network: Network) -> dict[str, str]:
    """Both sources, which are Python at least."""
    from cnngen.targets import keras, torch

    found = {"torch": torch.render(network), "keras": keras.render(network)}
    for target, source in found.items():
        compile(source, f"network_{target}.py", "exec")
    return found


def complaints(folder: Path) -> str:
    """What ruff reports about the sources in a folder, with the project's settings."""
    said = ""
    for command in (["check", "--output-format=concise"], ["format", "--diff"]):
        options = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", "--quiet"]
        run = subprocess.run(
            [RUFF, *command, *options, str(folder)], capture_output=True, text=True, check=False
        )
        said += run.stdout
    return said


def check_torch(built: Built) -> None:
    """Names and shapes of all weights are those that the network predicts, in its order."""
    assert list(state_shapes(built).items()) == list(predicted(built.network).items())


def check_torch_arguments(drawn: Drawn) -> None:
    """With other arguments, the class makes what the spec with these settings predicts."""
    assert state_shapes(drawn.built, drawn.other, **drawn.values) == predicted(drawn.other)


def state_shapes(built: Built, given: Network | None = None, /, **arguments: Any) -> Shapes:
    """The shapes of all weights; `given` has the inputs, where arguments change them."""
    import torch

    with torch.device("meta"):
        model = built.torch(**arguments)
        shapes = (given or built.network).input_dimensions.values()
        model.eval()(*(torch.zeros(2, *sizes) for sizes in shapes))
    return {n: tuple(v.shape) for n, v in model.state_dict().items() if not n.endswith(COUNTER)}


def check_keras(built: Built) -> None:
    """Each layer has its name and its shape; all weights are those that the network predicts."""
    model = keras_model(built, heads=True)
    every = [x for x in keras_layers(model) if type(x).__name__ != "InputLayer"]
    every = [*{id(layer): layer for layer in every}.values()]  # heads may use what is in the model
    layers = {layer.name: layer for layer in every}
    assert len(layers) == len(every)
    for layer in built.network.layers.values():
        name = keras_name(layer)
        if layer.shares:
            continue
        function = layer.op.name in FUNCTIONS or layer.op.values.get("align_corners")
        if not function and name not in flattened(built.network):
            # What may come after the layer that has the weights; words of the author push ours aside.
            endings = ("_stride", "_stride_", "_crop", "_crop_", "")
            last = next(layers[name + end] for end in endings if name + end in layers)
            assert agrees(last.output.shape[1:], size(layer)), layer.path
    assert keras_shapes(model) == expected_in_keras(built.network)


def flattened(network: Network) -> set[str]:
    """Global pools with a `flatten` behind them: in Keras they are one layer, or only one of them is."""
    pairs = [
        (layer, network.layers[x.path])
        for layer in network.layers.values()
        for x in layer.inputs
        if layer.op.name == "flatten" and x.path in network.layers
    ]
    return {keras_name(part) for pair in pairs for part in pair if pair[1].op.name in GLOBAL_POOLS}


def agrees(found: tuple[int | None, ...], expected: tuple[int, ...]) -> bool:
    """Whether a shape is the expected one; a model in the model may leave heights and widths open."""
    return len(found) == len(expected) and all(
        a in (None, b) for a, b in zip(found, expected, strict=True)
    )


def size(layer: Layer) -> tuple[int, ...]:
    """The shape of what a layer gives, as Keras has it."""
    match layer.output:
        case Image(channels, height, width):
            return height, width, channels
        case Vector(features=features):
            return (features,)
        case _:
            raise AssertionError(layer.path)


def check_keras_arguments(drawn: Drawn) -> None:
    model = keras_model(drawn.built, heads=True, **drawn.values)
    state = {name: np.zeros(shape, "float32") for name, shape in predicted(drawn.other).items()}
    assert load_keras(drawn.other, model, state) == ()  # in the layouts of what was built


def keras_model(built: Built, heads: bool, **arguments: Any) -> Any:
    shapes = input_shapes(built.network)
    return built.keras(**shapes, **arguments, **(built.heads if heads else {}))


def check_values(built: Built) -> None:
    """Both models compute the same, in evaluation and with the heads that exist in training only."""
    both = Pair(built, 2, "float64")
    expected, found = both.evaluate()
    assert farthest(found, expected) < TOLERANCE
    if built.heads:
        expected, found = with_heads(both)
        assert farthest(found, expected) < TOLERANCE


def with_heads(both: Pair) -> tuple[Values, Values]:
    import torch

    network, model = both.network, both.torch_model
    model.eval().training = True  # for its own `forward` alone: layers stay in evaluation
    with torch.no_grad():
        y = named_outputs(network, model(*for_torch(both.inputs)))
    with precision("float64"):
        found = named_outputs(
            network, both.keras_model(heads=True)(for_keras(both.inputs), training=False)
        )
    expected = {
        n: in_keras_layout(network.stages[network.outputs[n]].shape, v.numpy())
        for n, v in y.items()
    }
    return expected, {n: np.asarray(v) for n, v in found.items()}
