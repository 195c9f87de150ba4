"""How far two sources of one network may be apart, and why.

Both do the same arithmetic in another order, so that results differ by rounding. In float32 that is
1e-7 in each layer, which adds up to about 1e-6 in the outputs of a deep network, and to more in
training, where batch norm divides by a standard deviation that was just computed. Gradients and
steps of training are compared in float64 only: in float32, rounding flips a ReLU or the winner of a
max pool here and there, and the gradients of equal networks differ by 1e-3 to 5e-2.
"""

from collections.abc import Mapping
from typing import Literal

from cnngen.semantics.network import Layer, Network, known_shape
from cnngen.weights.layout import weight_shapes

Precision = Literal["float32", "float64"]
Quantity = Literal[
    "outputs",
    "training outputs",
    "gradients",
    "statistics",
    "weights",
    "torch outputs",  # of one source alone, against a model of somebody else
    "keras outputs",
]

TOLERANCE: Mapping[tuple[Quantity, Precision], float] = {
    ("outputs", "float32"): 1e-5,
    ("training outputs", "float32"): 1e-3,
    ("outputs", "float64"): 1e-10,
    ("training outputs", "float64"): 1e-9,
    ("gradients", "float64"): 1e-9,
    ("statistics", "float64"): 1e-9,
    ("weights", "float64"): 1e-8,  # each step starts where rounding has led the one before it
}

# How many times the rounding of one source alone (float32 against float64) the two may differ by. A
# layer norm of two equal channels, for example, turns 1e-7 into 1e-5 in any framework.
LIKE_ITSELF = 10.0

# Rounding grows with the number of layers that a value goes through: beyond so many weighted layers
# the tolerance grows with them.
DEEP = 200


def tolerance(
    network: Network, quantity: Quantity, precision: Precision, rounding: float = 0.0
) -> float:
    """The largest relative difference that can be rounding.

    `rounding` is the difference between this precision and a higher one for one source alone.
    """
    allowed = TOLERANCE[quantity, precision]
    if precision == "float64":
        inside = max(map(_inside, network.layers.values()), default=0.0)
        return max(allowed, inside) * deepness(network)
    return max(allowed * deepness(network), LIKE_ITSELF * rounding)


def _inside(layer: Layer) -> float:
    return layer.op.rounding(*(known_shape(x.shape) for x in layer.inputs))


def deepness(network: Network) -> float:
    """How many times deeper a network is than those that tolerances are made for; at least 1."""
    weighted = sum(1 for layer in network.layers.values() if weight_shapes(layer))
    return max(1.0, weighted / (2 * DEEP))  # half of them are norms
