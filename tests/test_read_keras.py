"""Models of Keras read from their configuration: by itself as text, and as Keras writes it."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from support.keras_configs import (
    conv,
    functional,
    given,
    image,
    layer,
    operation,
    sequential,
    tensor,
    text,
)

from cnngen.foreign.foreign_file import DEEPEST, ForeignFileError
from cnngen.foreign.graph import Graph, Module, Node, Reading
from cnngen.foreign.keras_config import read_keras_config
from cnngen.foreign.keras_file import keras_config_text
from cnngen.ops.attribute import Distribution
from cnngen.ops.base import Image, Vector


def read(model: Any, **inputs: Image) -> Graph:
    reading = read_keras_config(text(model), inputs=inputs)
    assert reading.obstacles == ()
    return reading.graph


def refused(model: Any) -> dict[str, str]:
    """What there is to say of each obstacle."""
    return {each.what: each.help for each in read_keras_config(text(model)).obstacles}


def words(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes.values()]


def only(graph: Graph, word: str) -> Node:
    (node,) = (node for node in graph.nodes.values() if node.op.name == word)
    return node


# --- Layers


def test_a_layer_with_an_activation_is_two_nodes():
    graph = read(functional(image(), conv("c", "image", activation="relu")))
    assert list(graph.nodes) == ["c", "c_relu"]
    assert graph.nodes["c_relu"].inputs == ("c",)
    assert graph.outputs == {"output": "c_relu"}
    assert graph.inputs == {"input": Image(4, 8, 8)}
    assert graph.nodes["c"].weights == {"weight": "c/kernel", "bias": "c/bias"}
    assert graph.nodes["c"].shape == Image(4, 6, 6)


def test_same_is_half_of_the_window_where_no_window_strides():
    unit = conv("unit", "image", padding="same", dilation_rate=[2, 1])
    one = conv("one", "unit", padding="same", strides=[2, 2], kernel_size=1)
    graph = read(functional(image(), unit, one))
    assert graph.nodes["unit"].op.values["padding"] == (2, 2, 1, 1)
    assert graph.nodes["one"].op.values["padding"] == (0, 0, 0, 0)


def test_same_stays_where_such_windows_stride():
    """So that blocks are alike whether they stride or not."""
    unit = conv("unit", "image", padding="same")
    strided = conv("strided", "unit", padding="same", strides=[2, 2])
    pool = layer("MaxPooling2D", "p", "strided", pool_size=3, strides=1, padding="same")
    graph = read(functional(image(), unit, strided, pool))
    paddings = [node.op.values["padding"] for node in graph.nodes.values()]
    assert paddings == ["same", "same", (1, 1, 1, 1)]


def test_zeros_around_what_a_convolution_reads_are_its_padding():
    pad = layer("ZeroPadding2D", "pad", "image", padding=[[0, 1], [0, 1]])
    graph = read(functional(image(), pad, conv("c", "pad", strides=[2, 2])))
    assert words(graph) == ["conv"]
    assert only(graph, "conv").op.values["padding"] == (0, 1, 0, 1)
    assert only(graph, "conv").inputs == ("input",)
    graph = read(functional(image(), pad, conv("c", "pad", padding="same")))
    assert words(graph) == ["zero_pad", "conv"]


def test_a_border_of_a_maximum_must_never_win():
    zeros = layer("ZeroPadding2D", "pad", "x", padding=[[1, 1], [1, 1]])
    pool = layer("MaxPooling2D", "p", "pad", pool_size=[3, 3], strides=[2, 2], padding="valid")
    behind = read(functional(image(), layer("ReLU", "x", "image"), zeros, pool))
    assert only(behind, "max_pool").op.values["padding"] == (1, 1, 1, 1)
    signed = read(functional(image(), conv("x", "image"), zeros, pool))
    assert words(signed) == ["conv", "zero_pad", "max_pool"]
    border = {**operation("Pad", "pad", "x", pad_width=[[0, 0], [1, 1], [1, 1], [0, 0]])}
    border["inbound_nodes"][0]["kwargs"] = {"constant_values": float("-inf")}
    never = read(functional(image(), conv("x", "image"), border, pool))
    assert words(never) == ["conv", "max_pool"]


def test_pooling_whole_maps():
    vector = layer("GlobalAveragePooling2D", "p", "image", keepdims=False)
    assert words(read(functional(image(), vector))) == ["global_avg_pool", "flatten"]
    back = layer("Reshape", "r", "p", target_shape=[1, 1, 4])
    graph = read(functional(image(), vector, back, conv("c", "r", kernel_size=1)))
    assert words(graph) == ["global_avg_pool", "conv"]


def test_a_norm_that_only_shifts_has_its_scale_as_a_constant():
    norm = layer("BatchNormalization", "n", "image", axis=[3], momentum=0.99, scale=False)
    node = only(read(functional(image(), norm)), "batch_norm")
    assert node.op.values["momentum"] == 0.01
    assert node.constants == {"weight": (1.0,) * 4}
    assert set(node.weights) == {"bias", "running_mean", "running_var"}


def test_what_adds_a_constant_to_pixels_standardizes_them():
    graph = read(functional(image(), layer("Rescaling", "r", "image", scale=1 / 128, offset=-1.0)))
    node = only(graph, "standardize")
    assert node.constants == {"mean": (128.0,) * 4, "variance": (128.0**2,) * 4}
    plain = read(functional(image(), layer("Rescaling", "r", "image", scale=0.5, offset=0.0)))
    assert only(plain, "scale").op.values == {"by": 0.5}


def test_initial_distributions():
    he = {"class_name": "VarianceScaling", "config": {"scale": 2.0, "mode": "fan_out"}}
    normal = {"class_name": "TruncatedNormal", "config": {"mean": 0.0, "stddev": 0.02}}
    usual = {"class_name": "GlorotUniform", "config": {"seed": None}}
    depthwise = layer(
        *("DepthwiseConv2D", "d", "c"),
        **{"kernel_size": 3, "strides": 1, "padding": "same", "depthwise_initializer": he},
    )
    graph = read(
        functional(
            image(),
            conv("a", "image", kernel_initializer=normal),
            conv("b", "a", kernel_initializer=usual),
            conv("c", "b", kernel_initializer=he),
            depthwise,
        )
    )
    assert [node.op.values["init"] for node in graph.nodes.values()] == [
        Distribution("trunc_normal", (("std", 0.02),)),
        None,
        Distribution("he_normal", (("mode", "fan_out"), ("slope", 0.0))),
        # Keras takes the fans of a depthwise kernel the other way round
        Distribution("he_normal", (("mode", "fan_in"), ("slope", 0.0))),
    ]


def test_fully_connected_layers_on_maps_are_convolutions():
    graph = read(functional(image(), layer("Dense", "d", "image", units=7)))
    assert only(graph, "conv").op.values["kernel"] == (1, 1)
    assert only(graph, "conv").shape == Image(7, 8, 8)


def test_what_drops_samples_or_maps():
    drop = layer("Dropout", "d", "image", rate=0.2, noise_shape=[None, 1, 1, 1])
    assert only(read(functional(image(), drop)), "drop_path").op.values == {"rate": 0.2}
    drop = layer("Dropout", "d", "image", rate=0.0, seed=3, noise_shape=None)
    assert words(read(functional(image(), drop))) == ["dropout"]


@pytest.mark.parametrize(
    ("name", "word"),
    [("swish", "silu"), ("hard_silu", "hard_swish"), ("relu6", "relu6"), ("gelu", "gelu")],
)
def test_activations_by_name(name: str, word: str):
    assert words(read(functional(image(), layer("Activation", "a", "image", activation=name)))) == [
        word
    ]


def test_what_computes_nothing_is_left_out():
    nothing = layer("Activation", "a", "image", activation="linear")
    assert words(read(functional(image(), nothing, conv("c", "a")))) == ["conv"]


# --- Operations


def test_operations_that_are_one_op_together():
    sigmoid = operation("Sigmoid", "s", "image")
    assert words(read(functional(image(), sigmoid, operation("Multiply", "m", "s", "image")))) == [
        "silu"
    ]
    moved = operation("Add", "a", "image", 3.0)
    most = layer("ReLU", "r", "a", max_value=6.0, negative_slope=0.0, threshold=0.0)
    sixth = operation("Multiply", "m", "r", 1 / 6)
    assert words(read(functional(image(), moved, most, sixth))) == ["hard_sigmoid"]
    gate = operation("Multiply", "g", "image", "m")
    assert words(read(functional(image(), moved, most, sixth, gate))) == ["hard_swish"]


def test_channels_taken_and_shuffled():
    order = operation("Take", "t", "image", [0, 2, 1, 3], axis=-1)
    assert only(read(functional(image(), order)), "channel_shuffle").op.values == {"groups": 2}
    order = operation("Take", "t", "image", [3, 0], axis=-1)
    assert only(read(functional(image(), order)), "gather_channels").op.values["channels"] == (3, 0)
    grouped = layer("Reshape", "a", "image", target_shape=[8, 8, 2, 2])
    swapped = layer("Permute", "b", "a", dims=[1, 2, 4, 3])
    whole = layer("Reshape", "c", "b", target_shape=[8, 8, 4])
    assert words(read(functional(image(), grouped, swapped, whole))) == ["channel_shuffle"]


def test_pixels_of_channels_are_those_of_tensorflow():
    larger = operation("DepthToSpace", "d", "image", block_size=2)
    graph = read(functional(image("image", 8, 8, 8), larger))
    assert words(graph) == ["channel_shuffle", "pixel_shuffle"]
    assert only(graph, "channel_shuffle").op.values == {"groups": 4}  # 0, 2, 4, 6, 1, 3, 5, 7
    assert words(read(functional(image(), larger))) == ["pixel_shuffle"]  # of one map


def test_slices():
    def part(*parts: Any) -> list[Any]:
        return [
            {
                "class_name": "__slice__",
                "config": dict(zip(("start", "stop", "step"), p, strict=True)),
            }
            if isinstance(p, tuple)
            else {"class_name": "__ellipsis__", "config": {}}
            for p in parts
        ]

    channels = operation("GetItem", "g", "image", part(..., (1, None, None)))
    assert only(read(functional(image(), channels)), "slice_channels").op.values == {
        "start": 1,
        "stop": 4,
    }
    maps = operation("GetItem", "g", "image", part((None,) * 3, (1, None, None), (None, -2, None)))
    assert only(read(functional(image(), maps)), "crop").op.values["padding"] == (1, 0, 0, 2)


def test_a_size_is_that_of_the_maps_that_it_is_joined_with():
    graph = read(
        functional(
            image("image", 9, 9, 4),
            conv("low", "image", padding="same"),
            conv("down", "low", strides=[2, 2], padding="same"),
            conv("side", "low", kernel_size=1),
            operation("Resize", "up", "down", size=[9, 9], interpolation="bilinear"),
            layer("Add", "sum", ["up", "side"]),
        )
    )
    assert only(graph, "resize").inputs == ("down", "low")
    assert only(graph, "resize").op.values["like"] == "low"


# --- Models


def test_models_in_models_and_weights_that_are_shared():
    inner = functional(image("in"), conv("c", "in", activation="relu"), name="encoder")
    nested = {**layer("Functional", "encoder", "left", "right"), "config": inner["config"]}
    both = layer(
        "Subtract", "s", {"args": [[tensor("encoder"), tensor("encoder", 1)]], "kwargs": {}}
    )
    graph = read(functional(image("left"), image("right"), nested, both))
    assert list(graph.inputs) == ["left", "right"]
    first, second = graph.nodes["encoder.c"], graph.nodes["encoder.c_2"]
    assert (first.shares, second.shares) == ("", "encoder.c")
    assert first.place.modules == (Module("encoder", "encoder"),)
    assert first.label == "c"
    assert graph.nodes["s"].inputs == ("encoder.c_relu", "encoder.c_relu_2")


def test_outputs_of_a_nested_model_are_counted_from_1():
    inner = functional(image("in"), conv("c", "in"), name="encoder")
    nested = {**layer("Functional", "encoder", "left", "right"), "config": inner["config"]}
    ends = {"one": ["encoder", 2, 0], "two": ["encoder", 1, 0]}
    graph = read(functional(image("left"), image("right"), nested, outputs=ends))
    assert graph.outputs == {"one": "encoder.c_2", "two": "encoder.c"} or graph.outputs == {
        "one": "encoder.c",
        "two": "encoder.c_2",
    }
    assert graph.nodes[graph.outputs["one"]].inputs == ("right",)


def test_sequential_models():
    start = {"class_name": "InputLayer", "config": {"batch_shape": [None, 8, 8, 3], "name": "i"}}
    graph = read(sequential(start, conv("c"), layer("Flatten", "f"), layer("Dense", "d", units=2)))
    assert list(graph.nodes) == ["c", "f", "d"]
    assert graph.nodes["d"].shape == Vector(2, (2,))
    assert graph.nodes["c"].weights["bias"] == "model/c/bias"  # as Keras names it there


def test_branches_follow_each_other():
    """Keras lists layers by their distance from the output."""
    graph = read(
        functional(
            image(),
            conv("a1", "image", kernel_size=1),
            conv("b1", "image", kernel_size=1),
            conv("a2", "a1", kernel_size=1),
            conv("b2", "b1", kernel_size=1),
            layer("Add", "sum", ["a2", "b2"]),
        )
    )
    assert list(graph.nodes) == ["a1", "a2", "b1", "b2", "sum"]


def old(kind: str, name: str, nodes: list[Any], **config: Any) -> dict[str, Any]:
    return {
        "class_name": kind,
        "config": {"name": name, **config},
        "name": name,
        "inbound_nodes": nodes,
    }


OLD = {
    "class_name": "Functional",
    "keras_version": "2.15.0",
    "backend": "tensorflow",
    "config": {
        "name": "old",
        "layers": [
            old("InputLayer", "in", [], batch_input_shape=[None, 8, 8, 4], ragged=False),
            {**conv("c"), "inbound_nodes": [[["in", 0, 0, {}]]]},
            old(
                *("BatchNormalization", "n", [[["c", 0, 0, {}]]]),
                **{"axis": [3], "momentum": 0.9, "epsilon": 1e-3, "center": True, "scale": True},
            ),
            old("LeakyReLU", "l", [[["n", 0, 0, {}]]], alpha=0.125),
            old(
                *("TFOpLambda", "tf.math.multiply", [["l", 0, 0, {"y": 0.5, "name": None}]]),
                function="math.multiply",
            ),
            old(
                "TFOpLambda",
                "tf.__operators__.add",
                [["tf.math.multiply", 0, 0, {"y": ["n", 0, 0], "name": None}]],
                function="__operators__.add",
            ),
            old(
                "Concatenate",
                "j",
                [[["tf.__operators__.add", 0, 0, {}], ["c", 0, 0, {}]]],
                axis=-1,
            ),
        ],
        "input_layers": [["in", 0, 0]],
        "output_layers": [["j", 0, 0]],
    },
}


def test_keras_2():
    graph = read(OLD)
    assert words(graph) == ["conv", "batch_norm", "leaky_relu", "scale", "add", "concat"]
    assert only(graph, "leaky_relu").op.values == {"slope": 0.125}
    assert only(graph, "add").inputs == (only(graph, "scale").name, "n")


def test_the_hard_sigmoid_of_keras_2_is_another():
    model = json.loads(text(OLD))
    model["config"]["layers"][3] = old(
        "Activation", "l", [[["n", 0, 0, {}]]], activation="hard_sigmoid"
    )
    assert "0.2 x" in refused(model)["`Activation` (`l`)"]


def test_sizes_that_a_model_leaves_open():
    model = functional(image("image", None, None, 3), conv("c", "image"))
    assert read(model, input=Image(3, 20, 30)).nodes["c"].shape == Image(4, 18, 28)
    assert refused(model) == {"`InputLayer` (`image`)": "its size is open: say which it is to be"}
    other = read_keras_config(
        text(functional(image(), conv("c", "image"))), inputs={"input": Image(4, 9, 9)}
    )
    assert "made for 4 x 8 x 8" in other.obstacles[0].help


# --- Obstacles


def test_all_obstacles_are_told_in_one_run():
    model = functional(
        image(),
        layer("Lambda", "f", "image", function={"class_name": "__lambda__", "config": {}}),
        conv("c", "f"),
        layer("MultiHeadAttention", "attend", given("c", "c"), num_heads=2),
        layer("Resizing", "r", "image", height=5, width=7, interpolation="bilinear"),
        {
            **layer("Mine", "own", "image"),
            "module": "my.package",
            "registered_name": "my_package>Mine",
        },
        layer("ReLU", "clip", "image", max_value=4.0),
        layer("GaussianNoise", "noise", "image", stddev=0.1),
        conv("kept", "image"),
        outputs=[[n, 0, 0] for n in ("attend", "r", "own", "clip", "noise", "kept")],
    )
    found = refused(model)
    assert {what: help.split()[0] for what, help in found.items()} == {
        "`Lambda` (`f`)": "it",
        "`MultiHeadAttention` (`attend`)": "attention",
        "`Resizing` (`r`)": "no",
        "`Mine` (`own`)": "its",
        "`ReLU` (`clip`)": "`relu`",
        "`GaussianNoise` (`noise`)": "it",
    }
    graph = read_keras_config(text(model)).graph
    assert list(graph.nodes) == ["kept"]  # what depends on no obstacle
    assert graph.outputs == {"kept": "kept"}


def test_channels_first_and_other_axes():
    norm = layer("LayerNormalization", "n", "image", axis=[1, 2, 3])
    assert (
        "channels of each position"
        in refused(functional(image(), norm))["`LayerNormalization` (`n`)"]
    )
    first = conv("c", "image", data_format="channels_first")
    assert "order of the channels" in refused(functional(image(), first))["`Conv2D` (`c`)"]


def test_a_stated_shape_that_is_not_ours_is_told():
    wrong = tensor("c")
    wrong["config"]["shape"] = [None, 5, 5, 4]
    model = functional(image(), conv("c", "image"), layer("ReLU", "r", given(wrong)))
    assert "please report it" in refused(model)["`Conv2D` (`c`)"]


def test_the_reader_imports_no_framework():
    code = (
        "import sys; from cnngen.foreign.keras_config import read_keras_config as r;"
        f"assert not r({text(functional(image(), conv('c', 'image')))!r}).obstacles;"
        "print([m for m in ('keras', 'tensorflow', 'torch', 'h5py') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


# --- Damaged files


def tried(content: str) -> Reading | None:
    """What was read, or None where the text is said to be damaged; nothing else may be raised."""
    try:
        return read_keras_config(content)
    except ForeignFileError as error:
        assert str(error)
        return None


@pytest.mark.parametrize(
    "content",
    [
        *("", "null", "[]", "{}", "3", '"text"', "{", "[" * 100_000, '{"a":' * 5000),
        *('{"class_name": "Model", "config": {"name": "mine"}}', "9" * 100_000),
        '{"class_name": "Sequential", "config": {"layers": []}}',
    ],
    ids=range(12),
)
def test_what_is_no_model(content: str):
    with pytest.raises(ForeignFileError):
        read_keras_config(content)


def test_layers_that_depend_on_themselves():
    model = functional(image(), conv("a", "b"), conv("b", "a"))
    with pytest.raises(ForeignFileError, match="depends on itself"):
        read_keras_config(text(model))


def test_models_in_models_are_bounded():
    inner: Any = functional(image("in"), conv("c", "in"), name="m0")
    for depth in range(1, 6):
        name = f"m{depth - 1}"
        nested = {**layer("Functional", name, "in", "in"), "config": inner["config"]}
        both = layer("Add", "s", {"args": [[tensor(name), tensor(name, 1)]], "kwargs": {}})
        inner = functional(image("in"), nested, both, name=f"m{depth}")
    assert tried(text(inner)) is not None
    deep = conv("c", "image", kernel_size=[[[3]]])
    for _ in range(DEEPEST):
        deep = {"class_name": "Functional", "config": {"layers": [deep]}}
    assert tried(text(deep)) is None


def test_layers_of_models_in_models_are_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cnngen.foreign.keras_calls.MOST_CALLS", 3)
    model = functional(image(), conv("a", "image"), conv("b", "a"), conv("c", "b"))
    with pytest.raises(ForeignFileError, match="more than 3 layers"):
        read_keras_config(text(model))


RICH = functional(
    image(),
    conv("c", "image", activation="relu", padding="same"),
    layer("BatchNormalization", "n", "c", axis=-1, momentum=0.9, epsilon=1e-3),
    layer("ZeroPadding2D", "z", "n", padding=[[1, 1], [1, 1]], data_format="channels_last"),
    layer("MaxPooling2D", "p", "z", pool_size=[3, 3], strides=[2, 2], padding="valid"),
    operation("Multiply", "m", "p", 0.5),
    operation("Take", "t", "m", [0, 2, 1, 3], axis=-1),
    operation("Split", "split", "t", indices_or_sections=2, axis=-1),
    operation("Resize", "r", "t", size=[8, 8], interpolation="bilinear"),
    layer("Concatenate", "j", ["r", "c"], axis=-1),
    layer("Rescaling", "s", "j", scale=0.5, offset=1.0),
    layer("GlobalAveragePooling2D", "g", "s", keepdims=False),
    layer("Reshape", "v", "g", target_shape=[1, 1, 8]),
    layer("Dropout", "d", "v", rate=0.5, noise_shape=[None, 1, 1, 1]),
    layer("Flatten", "f", "d"),
    layer("Dense", "o", "f", units=3, activation="softmax"),
)
STRANGE = st.sampled_from(
    [
        *(None, True, False, -1, 0, 1, 10**40, -(10**400), 1e308, float("nan"), float("inf")),
        *("", "same", "x" * 1000, "a: b", "\x00", "🙂", [], {}, [[]], [None], [1, 2, 3, 4, 5]),
        *({"class_name": "Lambda"}, [["c", 0, 0]], ["c", 0, 0], [1] * 1000, {"a": {"b": [1]}}),
        *({"class_name": "__keras_tensor__", "config": {"keras_history": ["o", 0, 0]}}, 0.5),
    ]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        items: Any = value.items() if isinstance(value, dict) else enumerate(value)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType, reportUnknownVariableType]
        for key, inner in items:
            yield from places(inner, (*path, key))


@pytest.mark.parametrize("model", [RICH, OLD], ids=["keras 3", "keras 2"])
def test_the_models_that_are_damaged_are_sound(model: Any):
    assert read(model).nodes


def damaged(model: Any, data: st.DataObject) -> str:
    """A model with strange values in some places, or without some."""
    changed: Any = json.loads(text(model))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([*places(changed)][1:]))
        inner = changed
        for key in path[:-1]:
            inner = inner[key]
        if data.draw(st.booleans()):
            inner[path[-1]] = deepcopy(data.draw(STRANGE))
        else:
            del inner[path[-1]]
        if changed in ({}, []):
            break
    return json.dumps(changed)


@settings(max_examples=600)
@drawn(st.sampled_from([RICH, OLD]), st.data())
def test_strange_values(model: Any, data: st.DataObject):
    tried(damaged(model, data))


@settings(max_examples=100)
@drawn(st.sampled_from([RICH, OLD]), st.data())
def test_truncated_texts(model: Any, data: st.DataObject):
    whole = text(model)
    assert tried(whole[: data.draw(st.integers(0, len(whole) - 1))]) is None


def archive(path: Path, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", content)
    return path


def test_a_zip_archive_is_not_unpacked_beyond_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = archive(tmp_path / "a.keras", text(RICH).encode())
    assert keras_config_text(path) == text(RICH)
    monkeypatch.setattr("cnngen.foreign.keras_file.LARGEST_TEXT", 1 << 20)
    with pytest.raises(ForeignFileError, match="unpacked"):
        keras_config_text(archive(tmp_path / "b.keras", b" " * (1 << 22)))


@settings(max_examples=100)
@drawn(st.data())
def test_damaged_archives(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    folder = tmp_path_factory.mktemp("archive")
    whole = bytearray(archive(folder / "a.keras", text(RICH).encode()).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = folder / "b.keras"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        tried(keras_config_text(path))
    except ForeignFileError as error:
        assert str(error)
