"""Networks of PyTorch through its exporters to ONNX and back to our ops, which compute what ONNX Runtime
does.
"""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
from support.exported_models import EXPORTERS, MODELS, export  # noqa: E402
from support.foreign_graphs import random_inputs, run  # noqa: E402

from cnngen.foreign.graph import Reading  # noqa: E402
from cnngen.foreign.read_onnx import read_onnx, read_onnx_weights  # noqa: E402

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
