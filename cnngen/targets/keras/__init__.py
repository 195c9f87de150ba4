"""The Keras target: a network becomes functions on tensors."""

from cnngen.targets.keras.file import render, rendered
from cnngen.targets.keras.limits import LIMITS

__all__ = ["LIMITS", "render", "rendered"]
