"""Generated PyTorch models go through the tools that people use on models."""

import copy
import pickle
from pathlib import Path

import pytest
from support.citizenship import SMALL, compiles, exports, runs_as_onnx, torch_model

pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", SMALL)
def test_compile_takes_the_model_as_one_graph(name: str):
    compiles(*torch_model(name, *SMALL[name]))


@pytest.mark.parametrize("name", SMALL)
def test_export(name: str):
    exports(*torch_model(name, *SMALL[name]))


@pytest.mark.parametrize("name", SMALL)
def test_onnx_runtime_computes_the_same(name: str, tmp_path: Path):
    pytest.importorskip("onnxruntime")
    runs_as_onnx(*torch_model(name, *SMALL[name]), tmp_path / "model.onnx")


@pytest.mark.parametrize("name", SMALL)
def test_models_can_be_copied_and_their_weights_stored(name: str):
    model, x = torch_model(name, *SMALL[name])
    other = copy.deepcopy(model)
    other.load_state_dict(pickle.loads(pickle.dumps(model.state_dict())))
    assert (other(x) == model(x)).all()
