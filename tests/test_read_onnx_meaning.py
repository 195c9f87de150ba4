"""Nodes as other programs than PyTorch write them: our ops compute what ONNX Runtime does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from support.foreign_graphs import random_inputs, run  # noqa: E402

from cnngen.foreign.read_onnx import read_onnx, read_onnx_weights  # noqa: E402

pytestmark = pytest.mark.torch
RANDOM = np.random.default_rng(0)
X = (2, 8, 7, 10)


def drawn(*shape: int) -> Any:
    return RANDOM.normal(size=shape).astype(np.float32)


def whole(*values: int) -> Any:
    return np.array(values, np.int64)


def real(*values: float) -> Any:
    return np.array(values, np.float32)


NODES: dict[str, tuple[str, dict[str, Any], list[tuple[str, str, str, dict[str, Any]]]]] = {
    "same, odd": (
        "conv",
        {"w": drawn(3, 8, 3, 4)},
        [("Conv", "x w", "y", {"auto_pad": "SAME_UPPER", "strides": [2, 3]})],
    ),
    "same, transposed": (
        "transposed_conv",
        {"w": drawn(8, 3, 4, 3)},
        [("ConvTranspose", "x w", "y", {"auto_pad": "SAME_UPPER", "strides": [2, 2]})],
    ),
    "groups, transposed": (
        "transposed_conv",
        {"w": drawn(8, 3, 4, 3), "b": drawn(6)},
        [
            (
                *("ConvTranspose", "x w b", "y"),
                {"group": 2, "pads": [1, 0, 1, 0], "output_padding": [1, 0], "strides": [2, 1]},
            )
        ],
    ),
    "average, borders not counted": (
        "avg_pool",
        {},
        [("AveragePool", "x", "y", {"kernel_shape": [3, 3], "pads": [1, 1, 0, 1]})],
    ),
    "average, borders counted": (
        "avg_pool",
        {"p": whole(0, 0, 1, 1, 0, 0, 1, 1)},
        [("Pad", "x p", "a", {}), ("AveragePool", "a", "y", {"kernel_shape": [3, 3]})],
    ),
    "maximum, rounded up": (
        "max_pool",
        {},
        [("MaxPool", "x", "y", {"kernel_shape": [2, 3], "strides": [2, 3], "ceil_mode": 1})],
    ),
    "a border that may win": (
        "zero_pad max_pool",
        {"p": whole(0, 0, 1, 1, 0, 0, 1, 1)},
        [("Pad", "x p", "a", {}), ("MaxPool", "a", "y", {"kernel_shape": [3, 3]})],
    ),
    "a border less": (
        "crop",
        {"p": whole(0, 0, -1, 0, 0, 0, -2, 0)},
        [("Pad", "x p", "y", {})],
    ),
    "pixels, blocks first": (
        "channel_shuffle pixel_shuffle",
        {},
        [("DepthToSpace", "x", "y", {"blocksize": 2})],
    ),
    "pixels, channels first": (
        "pixel_shuffle",
        {},
        [("DepthToSpace", "x", "y", {"blocksize": 2, "mode": "CRD"})],
    ),
    "blocks": (
        "crop pixel_unshuffle channel_shuffle",
        {"one": whole(1), "seven": whole(7), "two": whole(2)},
        [
            ("Slice", "x one seven two", "a", {}),
            ("SpaceToDepth", "a", "y", {"blocksize": 2}),
        ],
    ),
    "nearest, by centres": (
        "upsample",
        {"s": real(1, 1, 3, 2)},
        [("Resize", "x - s", "y", {"mode": "nearest"})],
    ),
    "nearest, by corners": (
        "upsample",
        {"s": real(1, 1, 3, 2)},
        [
            (
                *("Resize", "x - s", "y"),
                {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
            )
        ],
    ),
    "bilinear, aligned": (
        "upsample",
        {"s": real(1, 1, 3, 2)},
        [
            (
                *("Resize", "x - s", "y"),
                {"coordinate_transformation_mode": "align_corners", "mode": "linear"},
            )
        ],
    ),
    "bilinear": (
        "upsample",
        {"s": real(1, 1, 2, 2)},
        [("Resize", "x - s", "y", {"mode": "linear"})],
    ),
    "bilinear, of two axes": (
        "upsample",
        {"s": real(3, 2)},
        [("Resize", "x - s", "y", {"mode": "linear", "axes": [2, 3]})],
    ),
    "response": (
        "local_response_norm",
        {},
        [("LRN", "x", "y", {"size": 3, "alpha": 0.3, "beta": 0.6, "bias": 2.0})],
    ),
    "a scale and a shift": (
        "affine",
        {"s": drawn(8, 1, 1), "b": drawn(8, 1, 1)},
        [("Mul", "s x", "a", {}), ("Add", "b a", "y", {})],
    ),
    "channels by a list": (
        "gather_channels",
        {"i": whole(3, -1, 0, 3)},
        [("Gather", "x i", "y", {"axis": 1})],
    ),
    "groups of channels, last": (
        "group_norm",
        {"s": whole(0, 2, -1), "t": whole(0, 8, 7, 10)}
        | {"one": real(1, 1), "zero": real(0, 0), "w": drawn(8, 1, 1), "b": drawn(8, 1, 1)},
        [
            ("Reshape", "x s", "a", {}),
            ("Constant", "", "k", {"value": numpy_helper.from_array(real(1, 1))}),
            ("Constant", "", "o", {"value": numpy_helper.from_array(real(0, 0))}),
            ("InstanceNormalization", "a k o", "c", {}),
            ("Reshape", "c t", "d", {}),
            ("Mul", "d w", "e", {}),
            ("Add", "e b", "y", {}),
        ],
    ),
    "a map of each": (
        "global_avg_pool resize add",
        {},
        [("GlobalAveragePool", "x", "a", {}), ("Add", "x a", "y", {})],
    ),
    "along the channels": (
        "global_avg_pool reshape conv sigmoid reshape multiply",
        {"w": drawn(1, 1, 3), "row": whole(0, 1, -1), "gate": whole(0, -1, 1, 1)},
        [
            ("GlobalAveragePool", "x", "a", {}),
            ("Reshape", "a row", "b", {}),
            ("Conv", "b w", "c", {"pads": [1, 1], "kernel_shape": [3]}),
            ("Reshape", "c gate", "e", {}),
            ("Sigmoid", "e", "f", {}),
            ("Mul", "x f", "y", {}),
        ],
    ),
    "a blur": (
        "blur_pool",
        {"p": whole(0, 0, 1, 1, 0, 0, 1, 1)}
        | {"w": np.tile(np.float32(np.outer([1, 2, 1], [1, 2, 1]) / 16), (8, 1, 1, 1))},
        [
            ("Pad", "x p", "a", {"mode": "reflect"}),
            ("Conv", "a w", "y", {"group": 8, "strides": [2, 2]}),
        ],
    ),
    "a mean": (
        "relu tanh mean",
        {"n": real(3)},
        [
            ("Relu", "x", "a", {}),
            ("Tanh", "x", "b", {}),
            ("Add", "a b", "c", {}),
            ("Add", "c x", "d", {}),
            ("Div", "d n", "y", {}),
        ],
    ),
    "no mean": (
        "relu add scale multiply",
        {"n": real(2)},
        [
            ("Relu", "x", "a", {}),
            ("Add", "a x", "c", {}),
            ("Div", "c n", "d", {}),
            ("Mul", "d c", "y", {}),
        ],
    ),
    "rows and columns, some": (
        "crop max_pool",
        {"b": whole(1, 0), "e": whole(6, 5), "axes": whole(2, 3), "s": whole(2, 3)},
        [("Slice", "x b e axes s", "y", {})],
    ),
    "all of every second": (
        "max_pool",
        {"b": whole(0, 0), "e": whole(99, 99), "axes": whole(2, 3), "s": whole(2, 2)},
        [("Slice", "x b e axes s", "y", {})],
    ),
    "relu by a maximum": ("relu", {"o": np.float32(0)}, [("Max", "o x", "y", {})]),
    "relu6 by a minimum": (
        "relu6",
        {"six": np.float32(6)},
        [("Relu", "x", "a", {}), ("Min", "a six", "y", {})],
    ),
    "slopes": (
        "prelu prelu",
        {"s": drawn(8, 1, 1) ** 2, "one": drawn(1) ** 2},
        [("PRelu", "x s", "a", {}), ("PRelu", "a one", "y", {})],
    ),
    "a matrix for each position": (
        "conv",
        {"w": drawn(8, 5), "b": drawn(5)},
        [
            ("Transpose", "x", "a", {"perm": [0, 2, 3, 1]}),
            ("MatMul", "a w", "c", {}),
            ("Add", "c b", "d", {}),
            ("Transpose", "d", "y", {"perm": [0, 3, 1, 2]}),
        ],
    ),
}


@pytest.mark.parametrize("name", NODES)
def test_the_same_numbers(name: str, tmp_path: Path) -> None:
    expected, constants, rows = NODES[name]
    nodes = [
        helper.make_node(
            op, ["" if w == "-" else w for w in inputs.split()], outputs.split(), **attributes
        )
        for op, inputs, outputs, attributes in rows
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        *(nodes, "a", [value("x", TensorProto.FLOAT, X)]),
        [value("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    path = tmp_path / "a.onnx"
    path.write_bytes(made.SerializeToString())
    reading = read_onnx(path, title="", origin="")
    assert [(o.what, o.help) for o in reading.obstacles] == []
    assert " ".join(node.op.name for node in reading.graph.nodes.values()) == expected
    inputs = random_inputs(reading.graph, batch=2)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {"x": inputs["input"].numpy()})
    (ours,) = run(reading.graph, read_onnx_weights(path), inputs).values()
    torch.testing.assert_close(ours, torch.from_numpy(theirs), rtol=1e-4, atol=1e-5)
