"""Networks of PyTorch through its exporters to ONNX and back to our ops, which compute what ONNX Runtime
does.
"""

from collections import Counter
from math import prod
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
from support.built_models import build  # noqa: E402
from support.citizenship import SMALL, torch_model  # noqa: E402
from support.exported_models import EXPORTERS, MODELS, export  # noqa: E402
from support.foreign_graphs import random_inputs, run  # noqa: E402

from cnngen.foreign.graph import Graph, Reading  # noqa: E402
from cnngen.foreign.read_onnx import read_onnx, read_onnx_weights  # noqa: E402
from cnngen.ops.base import Image, Shape  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]
UNLIKE = {  # what an exporter makes otherwise: a norm is part of the layer before it
    ("norm and activation", "default"): "conv relu",
    ("norm and activation", "old"): "conv relu",
    ("features", "default"): "flatten linear relu",
    ("global poolings", "old"): "global_avg_pool max_pool add global_max_pool add flatten",
}
UNREADABLE = {("norms", "old")}  # its `local_response_norm` has an `If` in it


def read(path: Path) -> Reading:
    reading = read_onnx(path, title="model", origin=path.name)
    assert [f"{o.what}, {o.place}: {o.help}" for o in reading.obstacles] == []
    return reading


def words(reading: Reading) -> str:
    return " ".join(node.op.name for node in reading.graph.nodes.values())


def check_same(path: Path, reading: Reading) -> None:
    """The outputs of the graph, with the weights of the file, are those of ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs = random_inputs(reading.graph, batch=2)
    names = [x.name for x in session.get_inputs()]
    given = {name: x.numpy() for name, x in zip(names, inputs.values(), strict=True)}
    theirs = session.run(None, given)
    ours = run(reading.graph, read_onnx_weights(path), inputs)
    for mine, their in zip(ours.values(), theirs, strict=True):
        torch.testing.assert_close(mine, torch.from_numpy(their), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("name", MODELS)
def test_the_ops_are_those_of_the_model(name: str, exporter: str, tmp_path: Path) -> None:
    model, shapes, expected = MODELS[name]
    export(model, tmp_path / "a.onnx", exporter, *shapes)
    if (name, exporter) in UNREADABLE:
        (obstacle, *_) = read_onnx(tmp_path / "a.onnx", title="", origin="").obstacles
        assert "2 x 1 x 4 x 8 x 12" in obstacle.what  # maps that it pads along their channels
        return
    reading = read(tmp_path / "a.onnx")
    assert words(reading) == UNLIKE.get((name, exporter), expected)
    check_same(tmp_path / "a.onnx", reading)


def sizes_of_weights(graph: Graph) -> int:
    shapes: dict[str, Shape] = dict(graph.inputs)
    total = 0
    for node in graph.nodes.values():
        shapes[node.name] = node.shape
        if not node.shares:
            given: Any = [shapes[x] for x in node.inputs]
            total += sum(map(prod, node.op.weights(*given).values()))
    return total


def size_of(model: Any) -> int:
    state = model.state_dict().items()
    return sum(x.numel() for key, x in state if not key.endswith("num_batches_tracked"))


@pytest.mark.parametrize(
    "name", ["a squeeze", "selection", "channels", "of one size", "channels last"]
)
def test_a_file_for_any_size(name: str, tmp_path: Path) -> None:
    model, shapes, expected = MODELS[name]
    sizes = [{0: "samples", 2: "height", 3: "width"}]
    path = tmp_path / "a.onnx"
    export(model, path, "default", *shapes, dynamic_shapes=(tuple(sizes),))
    reading = read_onnx(path, title="", origin="", inputs={"input": Image(4, 10, 14)})
    assert reading.obstacles == () and words(reading) == expected


# Without what only training reaches, and radial basis functions, of which a file has the formula.
SPECS = sorted(SMALL.keys() - {"googlenet", "lenet5_1998"})


@pytest.mark.parametrize("name", SPECS)
def test_the_layers_of_a_spec_come_back(name: str, tmp_path: Path) -> None:
    settings, size = SMALL[name]
    model, _ = torch_model(name, *SMALL[name])
    channels = build(name).network.input.channels
    network = build(name, settings, Image(channels, *size)).network
    export(model, tmp_path / "a.onnx", "not optimized", (channels, *size))
    reading = read(tmp_path / "a.onnx")
    ops = [layer.op for layer in network.layers.values() if layer.op.passes == "never"]
    theirs = [node.op for node in reading.graph.nodes.values() if node.op.passes == "never"]
    assert Counter(op.name for op in theirs) == Counter(op.name for op in ops)
    assert sizes_of_weights(reading.graph) == size_of(model)
    check_same(tmp_path / "a.onnx", reading)


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", "mobilenet_v3_small", "convnext_tiny"])
def test_networks_of_torchvision(
    name: str, exporter: str, tmp_path: Path, torchvision: Any
) -> None:
    model = getattr(torchvision.models, name)(weights=None)
    export(model, tmp_path / "a.onnx", exporter, (3, 64, 64))
    reading = read(tmp_path / "a.onnx")
    graph = reading.graph
    if exporter == "not optimized":
        assert sizes_of_weights(graph) == size_of(model)
    labels = {key.rpartition(".")[0] for key in model.state_dict()}
    layers = {node.name for node in graph.nodes.values() if node.op.name in ("conv", "linear")}
    assert layers <= labels
    check_same(tmp_path / "a.onnx", reading)


def test_modules_are_those_of_the_model(tmp_path: Path, torchvision: Any) -> None:
    model = torchvision.models.resnet18(weights=None)
    for exporter in ("default", "not optimized"):
        export(model, tmp_path / "a.onnx", exporter, (3, 64, 64))
        graph = read(tmp_path / "a.onnx").graph
        kinds = dict(model.named_modules())
        found = {module for node in graph.nodes.values() for module in node.place.modules}
        assert {m.path for m in found} >= {"layer1", "layer1.0", "layer4.0.downsample"}
        assert all(type(kinds[m.path]).__name__ == m.kind for m in found)
        assert graph.nodes["layer2.0.conv1"].label == "conv1"
        assert graph.nodes["layer2.0.add"].place.line.startswith("resnet.py:")
