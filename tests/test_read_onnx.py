"""ONNX files that the library `onnx` writes, read as our ops; and damaged ones, which end in a sentence."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnngen.foreign.graph import Module, Reading
from cnngen.foreign.onnx_constants import OnnxFileError
from cnngen.foreign.read_onnx import read_onnx, read_onnx_weights
from cnngen.ops.base import Image, Vector

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

X = (1, 4, 6, 8)


def numbers(*shape: int) -> Any:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape) / 100 + 0.01


def node(op: str, inputs: str, outputs: str, metadata: Any = None, **attributes: Any) -> Any:
    name = attributes.pop("name", f"node_{outputs.split()[0]}")
    words = ["" if word == "-" else word for word in inputs.split()]
    made = helper.make_node(op, words, outputs.split(), name=name, **attributes)
    for key, value in (metadata or {}).items():
        made.metadata_props.add(key=f"pkg.torch.onnx.{key}", value=value)
    return made


def model(
    nodes: Sequence[Any],
    constants: dict[str, Any] | None = None,
    shape: Sequence[int | str] = X,
    output: str = "y",
    said: dict[str, Sequence[int]] | None = None,
) -> Any:
    tensors = [numpy_helper.from_array(np.asarray(v), k) for k, v in (constants or {}).items()]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        list(nodes),
        "a",
        [value("x", TensorProto.FLOAT, shape)],
        [value(name, TensorProto.FLOAT, None) for name in output.split()],
        tensors,
        value_info=[value(k, TensorProto.FLOAT, s) for k, s in (said or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read(*args: Any, inputs: Any = None, **named: Any) -> Reading:
        (tmp_path / "a.onnx").write_bytes(model(*args, **named).SerializeToString())
        return read_onnx(tmp_path / "a.onnx", title="A", origin="a.onnx", inputs=inputs)

    return read


def ops(reading: Reading) -> list[tuple[str, dict[str, Any]]]:
    assert reading.obstacles == ()
    return [(n.op.name, dict(n.op.values)) for n in reading.graph.nodes.values()]


def words(reading: Reading) -> str:
    return " ".join(name for name, _ in ops(reading))


CONV = node("Conv", "x w b", "y", kernel_shape=[3, 3], pads=[1, 2, 3, 4], strides=[2, 1])


# --- nodes one by one ------------------------------------------------------------------------------


def test_a_convolution(read: Any) -> None:
    reading = read([CONV], {"w": numbers(5, 4, 3, 3), "b": numbers(5)})
    values = {"out": 5, "kernel": (3, 3), "stride": (2, 1), "padding": (1, 3, 2, 4)}
    values |= {"dilation": (1, 1), "groups": 1, "bias": True, "init": None}
    assert ops(reading) == [("conv", values)]
    graph = reading.graph
    assert (graph.title, graph.origin) == ("A", "a.onnx")
    assert graph.inputs == {"input": Image(4, 6, 8)} and graph.outputs == {"output": "conv"}
    (conv,) = graph.nodes.values()
    assert (conv.name, conv.inputs, conv.label, conv.shape) == (
        *("conv", ("input",), ""),
        Image(5, 4, 12),
    )
    assert conv.weights == {"weight": "w", "bias": "b"}


@pytest.mark.parametrize(
    ("auto", "padding"), [("SAME_UPPER", "same"), ("VALID", (0, 0, 0, 0)), ("NOTSET", (0, 0, 0, 0))]
)
def test_paddings_by_a_word(read: Any, auto: str, padding: Any) -> None:
    reading = read([node("Conv", "x w", "y", auto_pad=auto)], {"w": numbers(5, 4, 3, 3)})
    assert ops(reading)[0][1]["padding"] == padding


def test_as_many_groups_as_channels(read: Any) -> None:
    reading = read([node("Conv", "x w", "y", group=4)], {"w": numbers(8, 1, 3, 3)})
    ((name, values),) = ops(reading)
    assert (name, values["multiplier"], values["bias"]) == ("depthwise_conv", 2, False)


def test_a_bias_behind_a_convolution_is_its_own(read: Any) -> None:
    nodes = [node("Conv", "x w", "a"), node("Add", "b a", "y")]
    reading = read(nodes, {"w": numbers(5, 4, 3, 3), "b": numbers(5, 1, 1)})
    assert words(reading) == "conv" and reading.graph.nodes["conv"].weights["bias"] == "b"


def test_matrices_of_both_layouts(tmp_path: Path) -> None:
    nodes = [
        node("Flatten", "x", "f"),
        node("MatMul", "f w", "m"),
        node("Add", "m b", "a"),
        node("Gemm", "a v c", "y", transB=1),
    ]
    constants = {"w": numbers(192, 3), "b": numbers(3), "v": numbers(2, 3), "c": numbers(2)}
    (tmp_path / "a.onnx").write_bytes(model(nodes, constants).SerializeToString())
    reading = read_onnx(tmp_path / "a.onnx", title="", origin="")
    assert words(reading) == "flatten linear linear"
    assert reading.graph.nodes["linear"].weights == {"weight": "w", "bias": "b"}
    arrays = read_onnx_weights(tmp_path / "a.onnx")
    np.testing.assert_array_equal(arrays["w"], constants["w"].T)
    np.testing.assert_array_equal(arrays["v"], constants["v"])


def test_a_weight_in_two_layouts_has_two_keys(tmp_path: Path) -> None:
    """A 1 x 1 convolution that is written as a product, and a matrix."""
    nodes = [
        node("Transpose", "x", "t", perm=[0, 2, 3, 1]),
        node("MatMul", "t w", "m"),
        node("Transpose", "m", "a", perm=[0, 3, 1, 2]),
        node("GlobalAveragePool", "a", "p"),
        node("Flatten", "p", "f"),
        node("MatMul", "f w", "y"),
    ]
    (tmp_path / "a.onnx").write_bytes(model(nodes, {"w": numbers(4, 4)}).SerializeToString())
    reading = read_onnx(tmp_path / "a.onnx", title="", origin="")
    keys = [n.weights["weight"] for n in reading.graph.nodes.values() if n.weights]
    assert words(reading) == "conv global_avg_pool flatten linear" and keys == ["w", "w'"]
    arrays = read_onnx_weights(tmp_path / "a.onnx")
    assert arrays["w"].shape == (4, 4, 1, 1) and arrays["w'"].shape == (4, 4)


def test_a_square_matrix_in_two_layouts_has_two_keys(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x w", "a"), node("Gemm", "a w", "y", transB=1)]
    weight = numbers(4, 4)
    made = model(nodes, {"w": weight}, shape=(1, 4))
    (tmp_path / "a.onnx").write_bytes(made.SerializeToString())
    first, second = read_onnx(tmp_path / "a.onnx", title="", origin="").graph.nodes.values()
    arrays = read_onnx_weights(tmp_path / "a.onnx")
    np.testing.assert_array_equal(arrays[first.weights["weight"]], weight.T)
    np.testing.assert_array_equal(arrays[second.weights["weight"]], weight)
    assert not second.shares


def test_numbers_as_they_were_written(read: Any) -> None:
    nodes = [
        node("LeakyRelu", "x", "a", alpha=0.1),
        node("BatchNormalization", "a s b m v", "y", epsilon=1e-3, momentum=0.99),
    ]
    constants = {name: numbers(4) for name in "sbmv"}
    leaky, norm = ops(read(nodes, constants))
    assert leaky[1]["slope"] == 0.1
    assert (norm[1]["eps"], norm[1]["momentum"]) == (1e-3, 0.01)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Relu", "relu"),
        ("HardSwish", "hard_swish"),
        ("Mish", "mish"),
        ("Softplus", "softplus"),
        ("Selu", "selu"),
        ("Abs", "abs"),
    ],
)
def test_activations(read: Any, given: str, expected: str) -> None:
    assert words(read([node(given, "x", "y")])) == expected


@pytest.mark.parametrize(
    ("low", "high", "op"), [(0, 6, "relu6"), (-1, 1, "hard_tanh"), (0, None, "relu")]
)
def test_limits(read: Any, low: float, high: float | None, op: str) -> None:
    constants = {"low": np.float32(low)} | ({} if high is None else {"high": np.float32(high)})
    reading = read([node("Clip", f"x low{'' if high is None else ' high'}", "y")], constants)
    assert words(reading) == op


def test_gelu_by_its_formula(read: Any) -> None:
    nodes = [
        node("Div", "x root", "a"),
        node("Erf", "a", "b"),
        node("Add", "b one", "c"),
        node("Mul", "x c", "d"),
        node("Mul", "d half", "y"),
    ]
    constants = {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)}
    assert ops(read(nodes, constants)) == [("gelu", {"approximate": False})]
    constants["half"] = np.float32(0.4)
    assert read(nodes, constants).obstacles


def test_views_are_the_ops_that_they_make(read: Any) -> None:
    """Channels in two axes, swapped."""
    nodes = [
        node("Reshape", "x a", "b"),
        node("Transpose", "b", "c", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "c d", "e"),
        node("Relu", "e", "y"),
    ]
    constants = {"a": np.array([-1, 2, 2, 6, 8]), "d": np.array([0, -1, 6, 8])}
    assert ops(read(nodes, constants)) == [("channel_shuffle", {"groups": 2}), ("relu", {})]


def test_a_flatten_of_positions_before_channels_is_refused(read: Any) -> None:
    nodes = [node("Transpose", "x", "t", perm=[0, 2, 3, 1]), node("Flatten", "t", "y")]
    (obstacle,) = read(nodes).obstacles
    assert "positions come before its channels" in obstacle.what


def test_channels_that_are_divided_evenly_are_groups(read: Any) -> None:
    nodes = [
        node("Split", "x", "a b", axis=1, num_outputs=2),
        node("Concat", "b a", "y", axis=1),
    ]
    reading = read(nodes)
    assert words(reading) == "channel_group channel_group concat"
    assert [v for _, v in ops(reading)][:2] == [
        {"index": 0, "groups": 2},
        {"index": 1, "groups": 2},
    ]


def test_parts_of_other_sizes_are_slices(read: Any) -> None:
    nodes = [
        node("Split", "x sizes", "a b", axis=1),
        node("Slice", "x two four one", "c"),
        node("Concat", "b a c", "y", axis=1),
    ]
    constants = {"sizes": np.array([1, 3]), "one": np.array([1])}
    constants |= {"two": np.array([2]), "four": np.array([4])}
    reading = read(nodes, constants)
    assert [v for _, v in ops(reading)][:3] == [
        {"start": 0, "stop": 1},
        {"start": 1, "stop": 4},
        {"start": 2, "stop": 4},
    ]


def test_a_chunk_of_older_exporters(read: Any) -> None:
    """They divide the number of channels by that of the parts."""
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s one", "c"),
        node("Div", "c two", "half"),
        node("Slice", "x zero half one", "a"),
        node("Slice", "x half c one", "b"),
        node("Mul", "a b", "y"),
    ]
    constants = {name: np.array([i]) for i, name in enumerate(["zero", "one", "two"])}
    assert words(read(nodes, constants)) == "channel_group channel_group multiply"


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("DepthToSpace", "channel_shuffle pixel_shuffle"),
        ("SpaceToDepth", "pixel_unshuffle channel_shuffle"),
    ],
)
def test_pixels_to_channels_in_the_order_of_tensorflow(read: Any, op: str, expected: str) -> None:
    nodes = [node(op, "x", "y", blocksize=2)]
    assert words(read(nodes, shape=(1, 8, 6, 8))) == expected


def test_sizes_of_the_input_are_numbers_of_a_resize(read: Any) -> None:
    nodes = [
        node("Conv", "x w", "c", strides=[2, 2]),
        node("Shape", "x", "s", start=2),
        node("Shape", "c", "t", end=2),
        node("Concat", "t s", "u", axis=0),
        node("Resize", "c - - u", "y", mode="linear"),
    ]
    reading = read(nodes, {"w": numbers(5, 4, 3, 3)}, shape=("n", 4, 7, 9))
    name, values = ops(reading)[1]
    assert (name, values["like"], values["mode"]) == ("resize", "input", "bilinear")


# --- sizes that a file leaves open -----------------------------------------------------------------


def test_the_number_of_samples_may_be_open(read: Any) -> None:
    nodes = [
        node("Shape", "x", "s", start=0, end=1),
        node("Concat", "s rest", "t", axis=0),
        node("Reshape", "x t", "y"),
    ]
    reading = read(nodes, {"rest": np.array([192])}, shape=("n", 4, 6, 8))
    assert words(reading) == "flatten"


def test_an_open_size_must_be_said(read: Any) -> None:
    with pytest.raises(OnnxFileError, match="its input `x` is 4 x [?] x [?]: say which size"):
        read([node("Relu", "x", "y")], shape=("n", 4, "h", "w"))
    reading = read(
        [node("Relu", "x", "y")], shape=("n", 4, "h", "w"), inputs={"input": Image(4, 5, 7)}
    )
    assert reading.graph.nodes["relu"].shape == Image(4, 5, 7)


def test_features_go_in(read: Any) -> None:
    reading = read([node("Relu", "x", "y")], shape=(1, 7))
    assert reading.graph.inputs == {"input": Vector(7, (7,))}


def test_a_shape_that_the_file_contradicts(read: Any) -> None:
    nodes = [node("MaxPool", "x", "a", kernel_shape=[2, 2]), node("Relu", "a", "y")]
    (obstacle,) = read(nodes, said={"a": (1, 4, 9, 9)}).obstacles
    assert obstacle.what == "`MaxPool` gives 1 x 4 x 5 x 7, and the file says 1 x 4 x 9 x 9"


# --- places ----------------------------------------------------------------------------------------


def metadata(paths: list[str], kinds: list[str], trace: str = "") -> dict[str, str]:
    return {
        "name_scopes": str(["", *paths, "f"]),
        "class_hierarchy": str(["net.Net", *kinds, "aten.f"]),
        "stack_trace": trace,
    }


def test_modules_from_metadata(read: Any) -> None:
    trace = (
        'File "/home/me/net.py", line 12, in forward\n  File "/x/torch/nn/modules/conv.py", line 9'
    )
    block = ["layer1", "layer1.0"]
    kinds = ["torch.nn.modules.container.Sequential", "net.Block"]
    conv = metadata([*block, "layer1.0.conv"], [*kinds, "torch.nn.modules.conv.Conv2d"], trace)
    add = metadata(block, kinds)
    nodes = [
        node("Conv", "x w", "c", metadata=conv),
        node("Add", "c x", "a", metadata=add),
        node("Add", "a x", "y", metadata=add),
    ]
    reading = read(nodes, {"w": numbers(4, 4, 1, 1)})
    assert list(reading.graph.nodes) == ["layer1.0.conv", "layer1.0.add", "layer1.0.add_2"]
    first, second, _ = reading.graph.nodes.values()
    modules = (Module("layer1", "Sequential"), Module("layer1.0", "Block"))
    assert (first.label, first.place.modules, first.place.line) == ("conv", modules, "net.py:12")
    assert (second.label, second.place.modules) == ("", modules)


def test_a_folded_convolution_is_where_its_weight_is(read: Any) -> None:
    norm = metadata(["stem", "stem.1"], ["net.Stem", "torch.nn.modules.batchnorm.BatchNorm2d"])
    reading = read(
        [node("Conv", "x stem.0.weight", "y", metadata=norm)],
        {"stem.0.weight": numbers(4, 4, 1, 1)},
    )
    (conv,) = reading.graph.nodes.values()
    assert (conv.name, conv.label) == ("stem.0", "0")
    assert conv.place.modules == (Module("stem", "Stem"),)


def test_modules_from_names(read: Any) -> None:
    nodes = [
        node("Conv", "x w", "c", name="/layer1/layer1.0/conv/Conv"),
        node("Add", "c x", "y", name="/layer1/layer1.0/Add"),
    ]
    reading = read(nodes, {"w": numbers(4, 4, 1, 1)})
    conv, add = reading.graph.nodes.values()
    assert (conv.name, conv.label) == ("layer1.0.conv", "conv")
    assert conv.place.modules == add.place.modules == (Module("layer1", ""), Module("layer1.0", ""))


def test_a_layer_that_is_called_like_the_input(read: Any) -> None:
    relu = metadata(["input"], ["torch.nn.modules.activation.ReLU"])
    reading = read([node("Relu", "x", "a", metadata=relu), node("Relu", "a", "y", metadata=relu)])
    assert [(n.name, n.label) for n in reading.graph.nodes.values()] == [
        ("input_2", "input"),
        ("input_3", "input"),
    ]


def test_a_layer_that_is_used_twice_is_shared(read: Any) -> None:
    nodes = [node("Conv", "x w", "a"), node("Conv", "a w", "y")]
    _, second = read(nodes, {"w": numbers(4, 4, 1, 1)}).graph.nodes.values()
    assert second.shares == "conv"


# --- what stands in the way ------------------------------------------------------------------------


def test_all_obstacles_in_one_run_and_none_twice(read: Any) -> None:
    nodes = [
        node("Einsum", "x", "a", equation="nchw->nhwc"),
        node("Relu", "a", "b"),
        node(
            "If",
            "k",
            "c",
            **{
                f"{branch}_branch": helper.make_graph(
                    [node("Relu", "x", branch)],
                    branch,
                    [],
                    [helper.make_tensor_value_info(branch, TensorProto.FLOAT, None)],
                )
                for branch in ("then", "else")
            },
        ),
        node("Relu", "x", "d"),
        node("Sum", "b c d", "y"),
    ]
    reading = read(nodes, {"k": np.array(True)})
    found = [(o.what, str(o.place)) for o in reading.obstacles]
    assert found == [("`Einsum`", "node `node_a`"), ("`If`", "node `node_c`")]
    assert "depends on the data" in reading.obstacles[1].help
    assert [n.op.name for n in reading.graph.nodes.values()] == ["relu"]


@pytest.mark.parametrize(
    ("nodes", "constants", "what"),
    [
        ([node("MatMul", "x x", "y")], {}, "multiplies two tensors of the network"),
        ([node("Conv", "x x", "y")], {}, "weights or sizes that depend on the input"),
        ([node("Add", "x k", "y")], {"k": np.float32(3)}, "adds a constant"),
        ([node("Clip", "x k", "y")], {"k": np.float32(3)}, "keeps values between other limits"),
        ([node("Softmax", "x", "y", axis=2)], {}, "is not over channels"),
        ([node("HardSigmoid", "x", "y")], {}, "has a slope of 0.2"),
        ([node("Elu", "x", "y", alpha=float("nan"))], {}, "has an attribute that is no number"),
        (
            [node("Pad", "x k", "y", mode="reflect")],
            {"k": np.array([0, 0, 1, 1] * 2)},
            "by reflect",
        ),
        ([node("Resize", "x - k", "y", mode="cubic")], {"k": np.float32([1, 1, 2, 2])}, "by cubic"),
        ([node("Transpose", "x", "y", perm=[0, 1, 3, 2])], {}, "axes are in another order"),
        ([node("Reshape", "x k", "y")], {"k": np.array([1, 7])}, "cannot become"),
        ([node("MaxPool", "x", "y", kernel_shape=[9, 9])], {}, "covers 9"),
        ([node("Cast", "x", "y", to=TensorProto.INT64)], {}, "other than floating-point"),
        (
            [node("Slice", "x k n a k", "y")],
            {"k": np.array([-1]), "n": np.array([-99]), "a": np.array([2])},
            "turns maps round",
        ),
    ],
)
def test_refusals_say_why(read: Any, nodes: Any, constants: Any, what: str) -> None:
    (obstacle,) = read(nodes, constants).obstacles
    assert what in obstacle.what and obstacle.help


# --- files that are not trusted ----------------------------------------------------------------------


def refusal(path: Path) -> str:
    """What is said of a file, or nothing if it is read."""
    try:
        read_onnx(path, title="", origin="")
        read_onnx_weights(path)
    except OnnxFileError as error:
        assert "\n" not in str(error) and len(str(error)) < 400
        return str(error)
    return ""


def outside(location: str, offset: str = "0") -> Any:
    made = model([CONV], {"w": numbers(5, 4, 3, 3), "b": numbers(5)})
    (tensor,) = (t for t in made.graph.initializer if t.name == "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": offset, "length": "720"}.items():
        tensor.external_data.add(key=key, value=value)
    return made


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("../b.data", "would lie outside its folder"),
        ("/etc/passwd", "would lie outside its folder"),
        ("c:\\b.data", "would lie outside its folder"),
        ("none.data", "is not in its folder"),
        ("link.data", "is not in its folder"),
        (".", "is not in its folder"),
        ("short.data", "is shorter than it should be"),
    ],
)
def test_weights_of_other_folders_are_not_read(tmp_path: Path, location: str, said: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "b.data").write_bytes(bytes(720))
    (folder / "link.data").symlink_to(tmp_path / "b.data")
    (folder / "short.data").write_bytes(bytes(719))
    (folder / "a.onnx").write_bytes(outside(location).SerializeToString())
    assert read_onnx(folder / "a.onnx", title="", origin="").obstacles == ()
    assert said in refusal(folder / "a.onnx")


def test_weights_beside_a_file(tmp_path: Path) -> None:
    (tmp_path / "b.data").write_bytes(bytes(8) + numbers(5, 4, 3, 3).tobytes())
    (tmp_path / "a.onnx").write_bytes(outside("b.data", "8").SerializeToString())
    np.testing.assert_array_equal(read_onnx_weights(tmp_path / "a.onnx")["w"], numbers(5, 4, 3, 3))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (model([node("Relu", "z", "y"), node("Relu", "y", "z")]), "which nothing before it gives"),
        (model([node("Relu", "x", "y"), node("Tanh", "x", "y")]), "two of its nodes give `y`"),
        (model([node("Relu", "x", "y")], shape=(1, 2, 3)), "its input `x` has 3 axes"),
        (model([], output=""), "its graph gives nothing"),
    ],
)
def test_graphs_that_are_none(tmp_path: Path, made: Any, said: str) -> None:
    (tmp_path / "a.onnx").write_bytes(made.SerializeToString())
    assert said in refusal(tmp_path / "a.onnx")


def test_sizes_beyond_measure(tmp_path: Path) -> None:
    made = model([CONV], {"w": numbers(5, 4, 3, 3), "b": numbers(5)})
    made.graph.initializer[0].dims[0] = 2**40
    (tmp_path / "a.onnx").write_bytes(made.SerializeToString())
    assert "`w` has impossible sizes" in refusal(tmp_path / "a.onnx")
    grown = model(
        [node("ConstantOfShape", "k", "c"), node("Add", "x c", "y")],
        {"k": np.array([2**20, 2**20])},
    )
    (tmp_path / "a.onnx").write_bytes(grown.SerializeToString())
    assert refusal(tmp_path / "a.onnx") == ""
    (obstacle,) = read_onnx(tmp_path / "a.onnx", title="", origin="").obstacles
    assert "`ConstantOfShape`" in obstacle.what


WHOLE = model(
    [
        node("Conv", "x w b", "c", pads=[1, 1, 1, 1], name="/stem/conv/Conv"),
        node("BatchNormalization", "c b b b b", "n"),
        node("Clip", "n low high", "r"),
        node("Reshape", "r shape", "v"),
        node("Transpose", "v", "t", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "t back", "s"),
        node("Split", "s", "p q", axis=1, num_outputs=2),
        node("Mul", "p q", "m"),
        node(
            "Resize",
            "m - scales",
            "u",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
        node("ReduceMean", "u axes", "g"),
        node("Flatten", "g", "f"),
        node(
            "Gemm",
            "f l",
            "y",
            metadata=metadata(["head"], ["torch.nn.modules.linear.Linear"]),
            transB=1,
        ),
    ],
    {
        "w": numbers(4, 4, 3, 3),
        "b": numbers(4),
        "low": np.float32(0),
        "high": np.float32(6),
        "shape": np.array([0, 2, 2, 6, 8]),
        "back": np.array([0, 4, 6, 8]),
        "scales": np.float32([1, 1, 2, 2]),
        "axes": np.array([2, 3]),
        "l": numbers(3, 2),
    },
    said={"f": (1, 2)},
).SerializeToString()


def test_the_file_to_be_damaged_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(WHOLE)
    reading = read_onnx(tmp_path / "a.onnx", title="", origin="")
    assert words(reading) == (
        "conv batch_norm relu6 channel_shuffle channel_group channel_group multiply upsample"
        " global_avg_pool flatten linear"
    )


@settings(
    max_examples=400, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_files_end_in_a_sentence(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["flip", "set", "cut", "double"])):
            case "flip":
                content[at] ^= 1 << data.draw(st.integers(0, 7))
            case "set":
                content[at] = data.draw(st.integers(0, 255))
            case "cut":
                del content[at : at + data.draw(st.integers(1, 40))]
            case _:
                content[at:at] = content[at : at + 40]
        if not content:
            break
    (tmp_path / "a.onnx").write_bytes(bytes(content))
    refusal(tmp_path / "a.onnx")


VALUES = st.one_of(
    st.integers(-3, 9),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=True),
    st.lists(st.integers(-2, 9), max_size=9),
    st.lists(st.sampled_from([-(2**62), 0, 2**31, 2**62]), min_size=1, max_size=4),
    st.text(max_size=5),
)


@settings(
    max_examples=400, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_files_that_mean_nothing_end_in_a_sentence_or_in_obstacles(
    tmp_path: Path, data: st.DataObject
) -> None:
    """Attributes, inputs and constants that are whatever the format allows."""
    made = onnx.ModelProto.FromString(WHOLE)
    for _ in range(data.draw(st.integers(1, 3))):
        chosen = data.draw(st.sampled_from(list(made.graph.node)))
        match data.draw(st.sampled_from(["attribute", "input", "op", "constant", "fewer"])):
            case "attribute":
                names = [a.name for a in chosen.attribute] or ["axis"]
                name = data.draw(st.sampled_from(names))
                kept = [a for a in chosen.attribute if a.name != name]
                value = data.draw(VALUES)
                if value != []:
                    kept.append(helper.make_attribute(name, value))
                del chosen.attribute[:]
                chosen.attribute.extend(kept)
            case "input" if chosen.input:
                known = [t.name for t in made.graph.initializer] + ["x", ""]
                before = [o for n in made.graph.node for o in n.output if n is not chosen]
                at = data.draw(st.integers(0, len(chosen.input) - 1))
                chosen.input[at] = data.draw(st.sampled_from([*known, *before]))
            case "op":
                chosen.op_type = data.draw(st.sampled_from(OPS))
            case "constant":
                tensor = data.draw(st.sampled_from(list(made.graph.initializer)))
                value = data.draw(st.lists(st.integers(-9, 2**62), max_size=6))
                array = numpy_helper.from_array(np.array(value, np.int64), tensor.name)
                tensor.CopyFrom(array)
            case _:
                del chosen.input[data.draw(st.integers(0, len(chosen.input))) :]
    (tmp_path / "a.onnx").write_bytes(made.SerializeToString())
    refusal(tmp_path / "a.onnx")


OPS = [
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Concat",
    "Slice",
    "Gather",
    "Pad",
    "Squeeze",
    "Unsqueeze",
    "Expand",
    "Resize",
    "Upsample",
    "LRN",
    "PRelu",
    "DepthToSpace",
    "SpaceToDepth",
    "ConvTranspose",
    "MatMul",
    "AveragePool",
    "MaxPool",
    "Softmax",
    "ReduceMax",
    "ReduceSum",
    "InstanceNormalization",
    "GroupNormalization",
    "LayerNormalization",
    "SplitToSequence",
    "SequenceAt",
    "Shape",
    "Range",
    "ConstantOfShape",
    "Where",
    "Cast",
    "CastLike",
    "Dropout",
    "Identity",
    "Erf",
    "Pow",
    "Sqrt",
    "Transpose",
    "Flatten",
]


def test_neither_pytorch_nor_tensorflow_is_imported(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(WHOLE)
    code = (
        "import sys, pathlib; from cnngen.foreign.read_onnx import read_onnx;"
        f"read_onnx(pathlib.Path({str(tmp_path / 'a.onnx')!r}), title='', origin='');"
        "print(sorted({'torch', 'tensorflow', 'keras', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
