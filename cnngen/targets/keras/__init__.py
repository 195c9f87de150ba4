"""The Keras target: a network becomes functions on tensors."""

from cnngen.targets.keras.file import render, rendered

__all__ = ["render", "rendered"]
