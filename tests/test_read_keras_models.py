"""Models of Keras that live, read: what the zoo's sources, the traps and keras.applications make."""

import json
from typing import Any

import numpy as np
import pytest
from support.built_models import SPECS, Built, build, forget
from support.keras_configs import conv, functional, image, layer, text
from support.random_specs import random_spec
from support.read_graphs import parameters, signs_of_graph, signs_of_network
from support.traps import CONVOLUTIONS, JOINS, OTHERS, POOLS, VECTORS

from cnngen.foreign.graph import Graph
from cnngen.foreign.keras_file import keras_config_text
from cnngen.foreign.keras_model import read_keras_model
from cnngen.frameworks import keras_precision
from cnngen.ops.base import Image

torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")
from support.evaluated_graphs import evaluate  # noqa: E402
from test_traps import SIZES, network  # noqa: E402

pytestmark = [pytest.mark.keras, pytest.mark.torch]

ZOO = sorted(path.stem for path in SPECS.glob("*.yaml"))
TRAPS = CONVOLUTIONS | POOLS | OTHERS | VECTORS | JOINS
COUNTERS = 1  # of `Normalization`: how many samples were seen


def graph_of(model: Any) -> Graph:
    reading = read_keras_model(model)
    assert reading.obstacles == ()
    return reading.graph


def check(built: Built) -> None:
    """The source for Keras says what the spec says."""
    model = built.keras()
    graph = graph_of(model)
    computed, outputs = signs_of_network(built.network)
    found, ends = signs_of_graph(graph)
    assert found == computed
    assert ends == outputs
    counters = sum(weight.path.endswith("/count") for weight in model.weights)
    assert parameters(graph) == model.count_params() - counters


@pytest.mark.parametrize("name", ZOO)
def test_the_zoo(name: str):
    check(build(name))
    forget()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("trap", TRAPS)
def test_traps(trap: str, size: str):
    check(network(TRAPS[trap], SIZES[size]))


@pytest.mark.parametrize("seed", range(30))
def test_random_specs(seed: int):
    check(build(random_spec(seed).text))


# --- Those of keras.applications, computed with their weights

SMALL = {
    "ConvNeXtTiny": 64,
    "DenseNet121": 64,
    "EfficientNetB0": 64,
    "EfficientNetV2B0": 64,
    "EfficientNetV2S": 64,
    "InceptionResNetV2": 96,
    "InceptionV3": 96,
    "MobileNet": 64,
    "MobileNetV2": 64,
    "MobileNetV3Large": 64,
    "MobileNetV3Small": 64,
    "NASNetMobile": 64,
    "ResNet50": 64,
    "ResNet50V2": 64,
    "VGG16": 64,
    "Xception": 96,
}
NEAR = 1e-4  # of the largest output, in float32


def randomize(model: Any) -> None:
    """Norms that do something, and weights that differ from each other."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        if "count" in weight.path:
            continue
        name, value = weight.path.rpartition("/")[2], keras.ops.convert_to_numpy(weight).copy()
        if name in ("moving_variance", "variance", "gamma"):
            value = random.uniform(0.8, 1.2, value.shape)
        elif value.ndim < 2:
            value = value + random.normal(0, 0.1, value.shape)
        weight.assign(value)
    for each in model._flatten_layers():
        if hasattr(each, "finalize_state"):
            each.finalize_state()


def compare(model: Any, graph: Graph, seed: int = 0) -> None:
    """Outputs of the model, and of its graph with its weights."""
    values = [
        np.random.default_rng(seed + i).uniform(0, 1, (2, *(n or 8 for n in x.shape[1:])))
        for i, x in enumerate(model.inputs)
    ]
    theirs = model(values if len(values) > 1 else values[0])
    theirs = theirs if isinstance(theirs, list) else [theirs]
    tensors = [torch.from_numpy(np.moveaxis(x, -1, 1).copy()) for x in values]
    variables = {weight.path: keras.ops.convert_to_numpy(weight).copy() for weight in model.weights}
    with torch.inference_mode():
        ours = evaluate(graph, dict(zip(graph.inputs, tensors, strict=True)), variables)
    for mine, other in zip(ours.values(), theirs, strict=True):
        expected = np.moveaxis(keras.ops.convert_to_numpy(other), -1, 1)
        assert mine.shape == expected.shape
        largest = np.abs(expected).max()
        assert np.abs(mine.numpy() - expected).max() < NEAR * largest


@pytest.mark.parametrize("name", SMALL)
def test_applications(name: str):
    side = SMALL[name]
    make = getattr(keras.applications, name)
    keras.utils.set_random_seed(0)
    with keras_precision("float64"):  # in float32, deep models with random weights are chaotic
        model = make(weights=None, input_shape=(side, side, 3), classifier_activation=None)
        randomize(model)
        graph = graph_of(model)
        counters = sum(weight.path.endswith("/count") for weight in model.weights)
        assert parameters(graph) == model.count_params() - counters
        assert not any(node.op.name == "reshape" for node in graph.nodes.values())
        compare(model, graph)
    keras.backend.clear_session()


# --- Files, and models in models


@pytest.fixture(scope="module")
def siamese() -> Any:
    """A sequential model that is used twice, and what joins both."""
    layers, ops = keras.layers, keras.ops
    encoder = keras.Sequential(
        [
            keras.Input((16, 15, 3)),
            layers.Conv2D(4, 3, activation="relu", name="c"),
            layers.BatchNormalization(scale=False, name="n"),
            layers.Activation(keras.activations.gelu),
        ],
        name="encoder",
    )
    left, right = keras.Input((16, 15, 3), name="left"), keras.Input((16, 15, 3), name="right")
    x = ops.concatenate([encoder(left), encoder(right)], axis=-1)
    x = layers.Reshape((1, 1, 8))(layers.GlobalAveragePooling2D()(x))
    x = layers.Flatten()(layers.Dense(5, activation="softmax")(x))
    model = keras.Model([left, right], x)
    randomize(model)
    return model


def test_a_model_that_is_used_twice(siamese: Any):
    graph = graph_of(siamese)
    compare(siamese, graph)
    assert parameters(graph) == siamese.count_params()
    assert graph.nodes["encoder.c"].weights["weight"] == "encoder/c/kernel"
    assert [node.shares for node in graph.nodes.values() if node.shares] == [
        "encoder.c",
        "encoder.n",
    ]


@pytest.mark.parametrize("ending", ["json", "keras", "h5"])
def test_files(siamese: Any, ending: str, tmp_path: Any):
    from cnngen.foreign.keras_config import read_keras_config

    path = tmp_path / f"model.{ending}"
    if ending == "json":
        path.write_text(siamese.to_json())
    else:
        siamese.save(path)
    reading = read_keras_config(keras_config_text(path))
    assert reading.obstacles == ()
    assert signs_of_graph(reading.graph) == signs_of_graph(graph_of(siamese))


def _with_shape(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "shape": [None] * 4} if "keras_history" in value else value


def test_our_small_configurations_are_of_keras():
    """What tests write by hand is what Keras reads."""
    model = functional(
        image(),
        conv("c", "image", activation="relu", padding="same"),
        layer("BatchNormalization", "n", "c", momentum=0.9),
        layer("Add", "sum", ["n", "c"]),
        layer("GlobalAveragePooling2D", "p", "sum"),
    )
    made = keras.models.model_from_json(
        json.dumps(json.loads(text(model), object_hook=_with_shape))
    )
    compare(made, graph_of(made))


def test_a_model_that_is_told_no_size():
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3)])
    reading = read_keras_model(model, inputs={"input": Image(3, 9, 9)})
    assert reading.obstacles == ()
    (node,) = reading.graph.nodes.values()
    assert node.shape == Image(2, 7, 7)
