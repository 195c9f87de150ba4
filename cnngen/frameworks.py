"""The frameworks, imported when a command needs them, and what to install where one is missing."""

import logging
import os
from importlib import import_module
from types import ModuleType
from typing import Any

EXTRAS = {"torch": "torch", "keras": "tensorflow", "tensorflow": "tensorflow"}
NAMES = {"torch": "PyTorch", "keras": "Keras", "tensorflow": "TensorFlow"}


class MissingFrameworkError(Exception):
    """A framework that a command needs is not installed; the message names the extra."""


def framework(name: str) -> Any:
    """A framework's module, untyped: Keras has no types, and PyTorch not enough for strict mode."""
    if name != "torch":
        _silence()
    try:
        module: ModuleType = import_module(name)
    except ImportError as error:
        if error.name and error.name.split(".")[0] != name:
            raise
        extra = EXTRAS[name]
        message = f"{NAMES[name]} is not installed: pip install 'cnngen[{extra}]'"
        raise MissingFrameworkError(message) from None
    return module


def keras_on_tensorflow() -> Any:
    """Keras, where it runs on TensorFlow, the one backend that computes in float64 throughout."""
    framework("tensorflow")
    keras = framework("keras")
    if (backend := keras.backend.backend()) != "tensorflow":
        raise MissingFrameworkError(f"Keras runs on {backend} here: unset KERAS_BACKEND")
    return keras


def _silence() -> None:
    """TensorFlow and its libraries log what nobody asked for."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in ("absl", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
