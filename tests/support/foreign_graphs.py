"""A graph that was read from a model, run op by op as PyTorch has each of them."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from cnngen.foreign.graph import Graph, Node
from cnngen.ops.base import Shape, Vector
from cnngen.targets.spelling import Speller
from support.torch_ops import spelled

SPELLER = Speller("torch")
NAMES: dict[str, Any] = {"torch": torch, "nn": nn, "Tensor": Tensor}


def run(
    graph: Graph, weights: Mapping[str, np.ndarray[Any, Any]], inputs: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """What each output is."""
    values = dict(inputs)
    shapes = dict(graph.inputs)
    with torch.no_grad():
        for node in graph.nodes.values():
            given = [values[name] for name in node.inputs]
            state = {
                name: torch.from_numpy(np.array(weights[key])) for name, key in node.weights.items()
            }
            values[node.name] = _value(node, given, [shapes[x] for x in node.inputs], state)
            shapes[node.name] = node.shape
            assert tuple(values[node.name].shape[1:]) == node.shape.dimensions, node.name
    return {name: values[source] for name, source in graph.outputs.items()}


def _value(
    node: Node, given: list[Tensor], shapes: list[Shape], state: dict[str, Tensor]
) -> Tensor:
    op: Any = node.op
    match op.name:
        case "add":
            return reduce(torch.add, given)
        case "multiply":
            return reduce(torch.mul, given)
        case "max":
            return reduce(torch.maximum, given)
        case "subtract":
            return given[0] - given[1]
        case "mean":
            return torch.stack(given).mean(0)
        case "concat":
            return torch.cat(given, 1)
        case "resize":
            corners = op.align_corners if op.mode == "bilinear" else None
            size = given[1].shape[2:]
            return F.interpolate(given[0], size, mode=op.mode, align_corners=corners)
        case "flatten":
            return given[0].flatten(1)
        case "reshape":
            return given[0].reshape(-1, *node.shape.dimensions)
        case _:
            return _module(op, shapes[0], state)(given[0])


def _module(op: Any, x: Shape, state: dict[str, Tensor]) -> nn.Module:
    code = spelled(SPELLER, op, x)
    for module, name in SPELLER.imported:
        exec(f"from {module} import {name}" if name else f"import {module}", NAMES)
    for name, text in SPELLER.support.items():
        if name not in NAMES:
            exec(text, NAMES)
    module = eval(code, NAMES).eval()
    counters = {k: v for k, v in module.state_dict().items() if k.endswith("num_batches_tracked")}
    module.load_state_dict(state | counters)
    return module


def random_inputs(graph: Graph, batch: int = 1) -> dict[str, Tensor]:
    return {name: torch.randn(batch, *shape.dimensions) for name, shape in graph.inputs.items()}


def is_vector(shape: Shape) -> bool:
    return isinstance(shape, Vector)
