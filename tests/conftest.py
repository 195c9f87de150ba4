"""What holds for all tests: quiet frameworks without a GPU, and a torchvision that can be imported."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from support.browser import browser, installed

# A busy machine is no failure, and what passes once passes again.
settings.register_profile("cnngen", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "cnngen"))

os.environ["CNNGEN_CACHE_DIR"] = os.devnull  # a test that remembers says where

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
if "PYTEST_XDIST_WORKER" in os.environ:  # several processes that share the cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")


# Tests with the same parameter share what is built for the first of them.
SHARING = {"tests/test_faithful.py", "tests/test_one_network.py"}


@pytest.hookimpl(optionalhook=True)  # as xdist may be off
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let pytest-xdist keep tests that share something in one process.

    Its own `xdist_group` sets an attribute that pytest 9.2 does not read any more.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Grouped(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path, _, test = nodeid.partition("::")
            return f"{path}[{test.partition('[')[2]}" if path in SHARING else nodeid

    return Grouped(config, log) if config.getoption("dist") == "load" else None


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    """A browser for the tests of a file."""
    pytest.importorskip("selenium")
    if not installed():
        pytest.skip("Chromium is not installed")
    with browser() as started:
        yield started


DECLARED: list[Any] = []  # what PyTorch forgets with the object that declared it


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
