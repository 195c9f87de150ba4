"""Norms, for which PyTorch has one layer for maps and another for vectors."""

from cnngen.python.construct import call
from cnngen.python.nodes import Node
from cnngen.targets.torch.use import Use


def batch_norm(made: Use) -> Node:
    return call(
        "nn.BatchNorm2d" if made.rank == "image" else "nn.BatchNorm1d",
        made.as_node(made.channels),
        eps=made.unless("eps", 1e-5),
        momentum=made.unless("momentum", 0.1),
        affine=made.unless("affine", True),
    )


def layer_norm(made: Use) -> Node:
    return call(
        made.speller.use("LayerNorm2d") if made.rank == "image" else "nn.LayerNorm",
        made.as_node(made.channels),
        eps=made.unless("eps", 1e-5),
        elementwise_affine=made.unless("affine", True),
    )
