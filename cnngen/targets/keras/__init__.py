"""The Keras target: a network becomes functions on tensors."""

from cnngen.targets.keras.file import render

__all__ = ["render"]
