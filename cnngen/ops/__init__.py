"""The ops of the language: importing this package fills `OPS`."""

from cnngen.ops import (
    activation,
    connected,
    convolution,
    join,
    normalization,
    pooling,
    regularization,
    reshaping,
)
from cnngen.ops.base import OPS

__all__ = [
    "OPS",
    "activation",
    "connected",
    "convolution",
    "join",
    "normalization",
    "pooling",
    "regularization",
    "reshaping",
]
