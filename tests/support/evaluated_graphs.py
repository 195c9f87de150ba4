"""Graphs that were read of models, computed by functions of PyTorch with the weights of the model."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from cnngen.foreign.graph import Graph, Node
from cnngen.weights.layout import form
from support.op_references import reference
from support.read_graphs import shapes_read

JOINS = {
    "add": torch.add,
    "subtract": torch.subtract,
    "multiply": torch.multiply,
    "max": torch.maximum,
}


def evaluate(
    graph: Graph, inputs: Mapping[str, Tensor], variables: Mapping[str, np.ndarray[Any, Any]]
) -> dict[str, Tensor]:
    """The outputs; the variables are those of a Keras model, by their paths."""
    tensors = dict(inputs)
    for node in graph.nodes.values():
        read = [tensors[x] for x in node.inputs]
        tensors[node.name] = _applied(node, read, _weights(graph, node, variables))
    return {name: tensors[x] for name, x in graph.outputs.items()}


def _applied(node: Node, read: list[Tensor], weights: Mapping[str, Tensor]) -> Tensor:
    name = node.op.name
    if name == "concat":
        return torch.cat(read, dim=1)
    if name == "mean":
        return torch.stack(read).mean(0)
    if name == "resize":
        mode, corners = node.op.values["mode"], node.op.values["align_corners"]
        aligned = corners if mode == "bilinear" else None
        return F.interpolate(read[0], read[1].shape[2:], mode=mode, align_corners=aligned)
    if name in JOINS:
        return reduce(JOINS[name], read)
    return reference(node.op, read[0], weights)


def _weights(
    graph: Graph, node: Node, variables: Mapping[str, np.ndarray[Any, Any]]
) -> dict[str, Tensor]:
    shapes = node.op.weights(*shapes_read(graph, node)) if node.weights or node.constants else {}
    found: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        if name in node.constants:
            value = np.array(node.constants[name])
        else:
            value = variables[node.weights[name]]
            layout = node.op.in_keras(name, shapes_read(graph, node)[0]).layout
            on_maps = value.ndim == 2 and len(shape) == 4  # of a fully connected layer
            value = value.T if on_maps else form(layout).to_torch(value)
        found[name] = torch.tensor(np.ascontiguousarray(value).reshape(shape)).double()
    return found
