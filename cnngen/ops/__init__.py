"""The ops of the language: importing this package fills `OPS`."""

from cnngen.ops import (
    activation,
    channels,
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
    "channels",
    "connected",
    "convolution",
    "join",
    "normalization",
    "pooling",
    "regularization",
    "reshaping",
]
