"""Memory: how much the activations of a network need, in inference and in training."""

from collections.abc import Mapping
from dataclasses import dataclass

from cnngen.ops.base import Op
from cnngen.semantics.network import Layer, Network, Tensor, known_shape

FLOAT32 = 4  # bytes


@dataclass(frozen=True, slots=True)
class Activations:
    """Bytes in float32, for one image.

    `inference` is the least that a framework needs: each tensor is freed once nothing reads it any
    more, and no op overwrites its input. `training` is what PyTorch keeps for the backward pass.
    Weights, gradients and the workspace of kernels come on top.
    """

    inference: int
    training: int


def activations(network: Network) -> Activations:
    layers = list(network.layers.values())
    used = [layer for layer in layers if not layer.training]
    return Activations(FLOAT32 * _most_at_once(used, network), FLOAT32 * _kept(layers, network))


def memory_fields(activations: Activations, batch: int) -> dict[str, int]:
    """The same in bytes, for programs."""
    return {
        "batch": batch,
        "inference": batch * activations.inference,
        "training": batch * activations.training,
    }


def memory_text(activations: Activations, batch: int) -> str:
    """A line for people."""
    images = "1 image" if batch == 1 else f"{batch:,} images"
    inference, training = (
        bytes_text(batch * size) for size in (activations.inference, activations.training)
    )
    needed = f"inference at least {inference}, kept for the backward pass {training}"
    return f"activations of {images} in float32: {needed}"


def bytes_text(size: int) -> str:
    for unit, name in ((10**9, "GB"), (10**6, "MB")):
        if size >= unit:
            return f"{size / unit:,.1f} {name}"
    return f"{size / 1000:,.1f} kB"


def _most_at_once(layers: list[Layer], network: Network) -> int:
    """The most numbers that are in memory at one time."""
    at = _places(layers, network, training=False)
    numbers = {name: shape.numbers for name, shape in network.inputs.items()}
    last = dict.fromkeys(network.inputs, 0)
    for i, layer in enumerate(layers):
        numbers.setdefault(at[layer.path], known_shape(layer.output).numbers)
        for path in (layer.path, *(x.path for x in layer.inputs)):
            last[at[path]] = i
    for stage in network.outputs.values():
        if (path := network.stages[stage].path) in at:  # else it exists in training only
            last[at[path]] = len(layers)
    live = most = sum(numbers[name] for name in network.inputs)
    ends: dict[int, list[str]] = {}
    for place, end in last.items():
        ends.setdefault(end, []).append(place)
    for i, layer in enumerate(layers):
        live += numbers[layer.path] if at[layer.path] == layer.path else 0
        most = max(most, live)
        live -= sum(numbers[place] for place in ends.get(i, ()))
    return most


def _kept(layers: list[Layer], network: Network) -> int:
    """The numbers that are kept for the backward pass."""
    at = _places(layers, network, training=True)
    kept: dict[str, int] = {}
    more = 0
    for layer in layers:
        output, inputs = known_shape(layer.output), [known_shape(x.shape) for x in layer.inputs]
        more += layer.op.saves(output, *inputs)
        for tensor in _read_again(layer):
            kept[at[tensor.path]] = known_shape(tensor.shape).numbers
    return sum(kept.values()) + more


def _read_again(layer: Layer) -> tuple[Tensor, ...]:
    match layer.op.keeps:
        case "input":
            return layer.inputs
        case "output":
            return (Tensor(layer.path, layer.output),)
        case "both":
            return (*layer.inputs, Tensor(layer.path, layer.output))
        case "nothing":
            return ()


def _places(layers: list[Layer], network: Network, *, training: bool) -> Mapping[str, str]:
    """The layer (or the input) in whose memory the output of each layer lies."""
    at = {name: name for name in network.inputs}
    for layer in layers:
        passes = _passes(layer.op, training=training)
        at[layer.path] = at[layer.inputs[0].path] if passes else layer.path
    return at


def _passes(op: Op, *, training: bool) -> bool:
    return op.passes == "always" or (op.passes == "inference" and not training)
