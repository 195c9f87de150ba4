"""Places: the key of each weight in PyTorch, its path in Keras, and its shape in both."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cnngen.semantics.network import Layer, Network
from cnngen.targets.torch.names import weight_key
from cnngen.weights.graph import Dimensions
from cnngen.weights.layout import (
    Array,
    Kept,
    kept,
    keras_name,
    to_keras,
    to_torch,
    weight_shapes,
)

Framework = Literal["torch", "keras"]
NAMES: dict[Framework, str] = {"torch": "PyTorch", "keras": "Keras"}


@dataclass(frozen=True, slots=True)
class Place:
    """One weight of a layer, in both frameworks."""

    layer: Layer
    names: dict[Framework, str]
    shapes: dict[Framework, Dimensions]
    kept: Kept

    def carried(self, value: Array, source: Framework, target: Framework) -> Array:
        """The weight of one framework in the layout of the other."""
        if source == target:
            return value
        if target == "keras":
            return to_keras(self.layer, self.kept, value)
        return to_torch(self.layer, self.kept, value)


def places(network: Network) -> Iterator[Place]:
    """Every weight, in the order of execution; those of a layer in the order of Keras."""
    for layer in network.layers.values():
        for name, shape in weight_shapes(layer).items():
            where = kept(layer, name)
            laid_out = where.form.to_keras(np.broadcast_to(np.False_, shape))
            yield Place(
                layer,
                {"torch": weight_key(layer, name), "keras": f"{keras_name(layer)}/{where.name}"},
                {"torch": shape, "keras": laid_out.shape},
                where,
            )
