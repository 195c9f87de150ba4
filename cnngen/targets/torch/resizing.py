"""Resizing: a layer of PyTorch, which asks for corners only where it interpolates."""

from cnngen.python.construct import call
from cnngen.python.nodes import Node
from cnngen.targets.torch.use import Use


def upsample(made: Use) -> Node:
    scale = made.node("scale")
    if made.values["mode"] == "nearest":
        return call("nn.Upsample", scale_factor=scale)
    aligned = made.unless("align_corners", False)
    return call("nn.Upsample", scale_factor=scale, mode=made.node("mode"), align_corners=aligned)
