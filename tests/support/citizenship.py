"""What a model must go through to be useful to others: compilers, exports, `fit`. Also used by
`scripts/citizens.py`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cnngen.ops.base import Image
from cnngen.verify.compare import distance
from cnngen.verify.models import channels_last, draw_inputs
from cnngen.weights.layout import Array
from support.built_models import build

# Every network, with fewer and smaller layers where that leaves all kinds of layers in it.
SMALL: dict[str, tuple[dict[str, str], tuple[int, int]]] = {
    "lenet5": ({}, (28, 28)),
    "lenet5_1998": ({}, (32, 32)),
    "alexnet": ({"classes": "7", "hidden": "32"}, (96, 96)),
    "alexnet_2012": ({"classes": "7"}, (67, 67)),
    "vgg16": ({"classes": "7", "hidden": "32", "widths": "[4, 8, 12, 8, 16]"}, (64, 64)),
    "nin_cifar10": ({}, (32, 32)),
    "googlenet": ({"classes": "7"}, (96, 96)),
    "resnet50": ({"classes": "7", "depths": "[2, 1, 1, 1]", "widths": "[4, 8, 8, 8]"}, (64, 64)),
    "resnet20_cifar10": ({"depth": "2"}, (32, 32)),
    "densenet121": ({"classes": "7", "growth": "4", "stages": "[2, 1, 2, 2]"}, (64, 64)),
    "unet": ({"width": "4"}, (32, 48)),
}
CLOSE = 1e-4  # relative; kernels of another runtime add up in another order


def torch_model(name: str, settings: Mapping[str, str], size: tuple[int, int]) -> tuple[Any, Any]:
    """A generated PyTorch model in evaluation mode, and images for it."""
    import torch

    channels = build(name).network.input.channels
    image = Image(channels, *size)
    torch.manual_seed(0)
    model = build(name, settings, image).torch().eval()
    return model, torch.from_numpy(draw_inputs({"input": image}, 2, "float32")["input"])


def compiles(model: Any, x: Any, backend: str = "eager") -> None:
    """`torch.compile` takes the model as one graph, in evaluation and in training."""
    import torch

    compiled = torch.compile(model, fullgraph=True, backend=backend)
    with torch.no_grad():
        assert distance(compiled(x).numpy(), model(x).numpy()) < CLOSE
    model.train()
    outputs = compiled(x)
    for output in outputs if isinstance(outputs, tuple) else (outputs,):
        assert bool(torch.isfinite(output).all())
    model.eval()
    torch.compiler.reset()


def exports(model: Any, x: Any) -> None:
    """`torch.export` gives a program that computes the same."""
    import torch

    program = torch.export.export(model, (x,))
    with torch.no_grad():
        assert distance(program.module()(x).numpy(), model(x).numpy()) < CLOSE


def runs_as_onnx(model: Any, x: Any, path: Path) -> None:
    """The model's ONNX export computes the same in ONNX Runtime."""
    import onnxruntime
    import torch

    torch.onnx.export(model, (x,), path, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(path)
    (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    with torch.no_grad():
        assert distance(np.asarray(found), model(x).numpy()) < CLOSE


def keras_model(name: str, settings: Mapping[str, str], size: tuple[int, int]) -> tuple[Any, Array]:
    """A generated Keras model, and images for it."""
    import keras

    image = Image(build(name).network.input.channels, *size)
    keras.utils.set_random_seed(0)
    return build(name, settings, image).keras(), channels_last(
        draw_inputs({"input": image}, 2, "float32")["input"]
    )


def has_stock_layers_only(model: Any) -> None:
    """No `Lambda` and no layer class of its own: who loads the model needs nothing but Keras."""
    for layer in model.layers:
        assert type(layer).__module__.startswith("keras."), layer
        assert type(layer).__name__ != "Lambda"


def gives_features(model: Any, x: Array, layer: str) -> None:
    """A layer can be tapped by its name."""
    import keras

    tapped = keras.Model(model.inputs, model.get_layer(layer).output)
    assert np.isfinite(np.asarray(tapped(x))).all()


def trains(model: Any, x: Array) -> None:
    """One step of `fit` changes the weights."""
    before = [np.array(weight) for weight in model.trainable_weights]
    model.compile(optimizer="sgd", loss="mse")
    model.fit(x, np.ones(model(x).shape, "float32"), epochs=1, verbose=0)
    after = [np.array(weight) for weight in model.trainable_weights]
    assert any((a != b).any() for a, b in zip(before, after, strict=True))


LOAD = """
import json, sys
import keras, numpy as np
from keras import ops
for path, x, y in json.loads(sys.argv[1]):
    found = ops.convert_to_numpy(keras.saving.load_model(path)(np.load(x)))
    expected = np.load(y)
    print(json.dumps([path, float(np.abs(found - expected).max() / np.abs(expected).max())]))
"""


def save(model: Any, x: Array, folder: Path, name: str) -> tuple[str, str, str]:
    """Save a model, its input and its output, for `load_elsewhere`."""
    paths = [str(folder / f"{name}{ending}") for ending in (".keras", "_x.npy", "_y.npy")]
    model.save(paths[0])
    np.save(paths[1], x)
    np.save(paths[2], np.asarray(model(x)))
    return paths[0], paths[1], paths[2]


def load_elsewhere(saved: list[tuple[str, str, str]], backend: str) -> dict[str, float]:
    """Load models in a fresh process on a backend: the relative difference of the output of each."""
    run = subprocess.run(
        [sys.executable, "-c", LOAD, json.dumps(saved)],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("[")]
    return {Path(path).stem: difference for path, difference in lines}
