"""What holds for all tests: quiet frameworks without a GPU, and a torchvision that can be imported."""

import os

import pytest
from hypothesis import settings

# A busy machine is no failure, and what passes once passes again.
settings.register_profile("cnngen", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "cnngen"))

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
if "PYTEST_XDIST_WORKER" in os.environ:  # several processes that share the cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")


def pytest_configure(config: pytest.Config) -> None:
    """Let pytest-xdist keep the tests of a group in one process, where they share what they built."""
    if hasattr(config, "workerinput"):  # such a process is not told how it was started
        config.option.loadgroup = True
    elif config.getoption("dist", "no") == "load":
        config.option.dist = "loadgroup"


DECLARED: list[object] = []  # what PyTorch forgets with the object that declared it


@pytest.fixture(scope="session")
def torchvision():
    """The package, whose CUDA build expects operators that a CPU build of PyTorch does not know."""
    pytest.importorskip("torch")
    import torch

    try:
        return pytest.importorskip("torchvision", exc_type=ModuleNotFoundError)
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        DECLARED.append(library)
        import torchvision

        return torchvision
