"""Summary: what a network takes and gives, and what each stage and layer costs."""

from dataclasses import asdict, dataclass, field
from math import prod
from typing import Any

from cnngen.ops.base import Image, Shape, Unknown
from cnngen.semantics.network import INPUT, Layer, Network, known_shape

Dimensions = tuple[int, ...]  # C, H, W of images, N of vectors


@dataclass(frozen=True, slots=True)
class StageSummary:
    name: str
    output: Dimensions
    parameters: int
    macs: int


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """One layer; `weights` has the shapes of its tensors in PyTorch's `state_dict`.

    A layer that is used again has none of its own, and the path of the first one in `shares`.
    """

    path: str
    op: str
    output: Dimensions
    parameters: int
    buffers: int
    macs: int
    weights: dict[str, Dimensions]
    training: bool
    line: int
    shares: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """A network in numbers, at batch size 1.

    `parameters` can be learned, `buffers` are running statistics, `macs` the multiply-accumulates
    of convolutions and linear layers. Layers and stages that exist in training only are listed and
    marked; they count, and their outputs are listed, only if `training` is true. As text, a summary
    is what `cnngen summary` prints.
    """

    name: str
    inputs: dict[str, Dimensions]
    outputs: dict[str, Dimensions]
    parameters: int
    buffers: int
    macs: int
    stages: tuple[StageSummary, ...]
    layers: tuple[LayerSummary, ...]
    training: bool
    network: Network = field(repr=False, compare=False)

    def __str__(self) -> str:
        from cnngen.report.summary_table import summary_text  # late, as it is made of this

        return summary_text(self).rstrip("\n")

    def counted(self) -> list[LayerSummary]:
        """The layers that the totals are of."""
        return [layer for layer in self.layers if self.training or not layer.training]

    def as_dict(self) -> dict[str, Any]:
        """What `cnngen summary --format json` prints."""
        return {
            "name": self.name,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "parameters": self.parameters,
            "buffers": self.buffers,
            "macs": self.macs,
            "stages": [asdict(stage) for stage in self.stages],
            "layers": [_fields(layer) for layer in self.layers],
        }


def summarize(network: Network, training: bool = False) -> Summary:
    """Sum up a network as it is in inference, or in training."""
    absent = frozenset[str]() if training else network.training_stages()
    layers = tuple(_layer(layer) for layer in network.layers.values())
    counted = [layer for layer in layers if training or not layer.training]
    return Summary(
        name=network.resolution.spec.name.text,
        inputs={INPUT: _sizes(network.input)},
        outputs={
            name: _sizes(network.stages[stage].shape)
            for name, stage in network.outputs.items()
            if stage not in absent
        },
        parameters=sum(layer.parameters for layer in counted),
        buffers=sum(layer.buffers for layer in counted),
        macs=sum(layer.macs for layer in counted),
        stages=_stages(network, counted),
        layers=layers,
        training=training,
        network=network,
    )


def dimensions_text(sizes: Dimensions) -> str:
    """`3 x 224 x 224`."""
    return " x ".join(map(str, sizes))


def _fields(layer: LayerSummary) -> dict[str, Any]:
    """The fields of a layer; `shares` only where it does."""
    return {name: value for name, value in asdict(layer).items() if name != "shares" or value}


def _layer(layer: Layer) -> LayerSummary:
    op = layer.op
    shapes = tuple(known_shape(x.shape) for x in layer.inputs)
    output = known_shape(layer.output)
    weights = layer.weights
    sizes = {name: prod(shape) for name, shape in weights.items()}
    return LayerSummary(
        path=layer.path,
        op=op.name,
        output=_sizes(output),
        parameters=sum(size for name, size in sizes.items() if name not in op.buffers),
        buffers=sum(size for name, size in sizes.items() if name in op.buffers),
        macs=op.macs(output, *shapes),
        weights=weights,
        training=layer.training,
        line=layer.span.line,
        shares=layer.shares,
    )


def _stages(network: Network, counted: list[LayerSummary]) -> tuple[StageSummary, ...]:
    parameters = dict.fromkeys(network.stages, 0)
    macs = dict.fromkeys(network.stages, 0)
    for layer in counted:
        stage = layer.path.split(".")[0]
        parameters[stage] += layer.parameters
        macs[stage] += layer.macs
    return tuple(
        StageSummary(name, _sizes(tensor.shape), parameters[name], macs[name])
        for name, tensor in network.stages.items()
    )


def _sizes(shape: Shape | Unknown) -> Dimensions:
    shape = known_shape(shape)
    if isinstance(shape, Image):
        return shape.channels, shape.height, shape.width
    return (shape.features,)
