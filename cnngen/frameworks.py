"""Frameworks and other optional packages: imported when a command needs them; where one is missing,
the error says what to install.
"""

import logging
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import Any

from cnngen.diagnostics.terminal import one_line

EXTRAS = {
    "torch": "torch",
    "keras": "tensorflow",
    "tensorflow": "tensorflow",
    "numpy": "weights",
    "ml_dtypes": "weights",
    "safetensors": "weights",
    "h5py": "weights",
    "pygraphviz": "draw",
    "vl_convert": "draw",
    "onnx": "import",
}
LOUD = {"keras", "tensorflow"}
NAMES = {"torch": "PyTorch", "keras": "Keras", "tensorflow": "TensorFlow"}


class MissingFrameworkError(Exception):
    """A package that a command needs cannot be imported; the message says what to install, or
    quotes the package.
    """


def framework(name: str) -> Any:
    """A framework's module, untyped: Keras has no types, and PyTorch not enough for strict mode."""
    package = name.partition(".")[0]
    with _silence() if name in LOUD and name not in sys.modules else nullcontext():
        module = imported(name, f"pip install 'cnngen[{EXTRAS[package]}]'")
        if name == "tensorflow":
            module.config.list_physical_devices()  # says what it did not find, once
    return module


def imported(name: str, remedy: str) -> Any:
    """A module of another package; whatever its import raises is reported as its fault."""
    package = name.partition(".")[0]
    called = NAMES.get(package, package)
    try:
        return import_module(name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == package:
            raise MissingFrameworkError(f"{called} is not installed: {remedy}") from None
        said = one_line(" ".join(str(error).split()))
        raise MissingFrameworkError(
            f"{called} cannot be imported: {type(error).__name__}: {said}"
        ) from error


def keras_on_tensorflow() -> Any:
    """Keras, where it runs on TensorFlow, the one backend that computes in float64 throughout."""
    framework("tensorflow")
    keras = framework("keras")
    if (backend := keras.backend.backend()) != "tensorflow":
        raise MissingFrameworkError(f"Keras runs on {backend} here: unset KERAS_BACKEND")
    return keras


@contextmanager
def keras_precision(word: str) -> Generator[None]:
    """Keras makes layers, and converts numbers, in this precision."""
    keras = keras_on_tensorflow()
    before = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_dtype_policy(word)
    keras.config.set_floatx(word)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before[0])
        keras.config.set_floatx(before[1])


@contextmanager
def _silence() -> Generator[None]:
    """Hide the log of TensorFlow, of which some is written before its settings are read."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in ("absl", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    sys.stderr.flush()
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)
