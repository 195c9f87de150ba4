"""Summary: what a network takes and gives, and what each stage and layer costs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

from cnngen.ops.base import Dimensions
from cnngen.semantics.network import INPUT, Layer, Network, known_shape

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


Output = Dimensions | tuple[Dimensions, ...]
"""What a stage gives: a map or a vector, or a list of them."""


@dataclass(frozen=True, slots=True)
class StageSummary:
    name: str
    output: Output
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
        inputs=network.input_dimensions,
        outputs={
            name: known_shape(network.stages[stage].shape).dimensions
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


def output_text(output: Output) -> str:
    """`3 x 224 x 224`; of a list, what each is."""
    lists = [sizes for sizes in output if isinstance(sizes, tuple)]
    single = tuple(size for size in output if isinstance(size, int))
    return ", ".join(map(dimensions_text, lists or [single]))


def _fields(layer: LayerSummary) -> dict[str, Any]:
    """The fields of a layer; `shares` only where it does."""
    return {name: value for name, value in asdict(layer).items() if name != "shares" or value}


def inputs_text(inputs: Mapping[str, Dimensions]) -> str:
    """`3 x 224 x 224`; of several inputs, what each is."""
    return ", ".join(map(dimensions_text, inputs.values()))


def input_fields(inputs: Mapping[str, Dimensions]) -> dict[str, Any]:
    """The only input, or several by their names, for programs."""
    return {"input": inputs[INPUT]} if INPUT in inputs else {"inputs": inputs}


def row_fields(row: "DataclassInstance") -> dict[str, Any]:
    """A row of a table for programs, with its `inputs` in the same way."""
    found: dict[str, Any] = {}
    for key, value in asdict(row).items():
        found |= input_fields(value) if key == "inputs" else {key: value}
    return found


def _layer(layer: Layer) -> LayerSummary:
    op = layer.op
    shapes = tuple(known_shape(x.shape) for x in layer.inputs)
    output = known_shape(layer.output)
    weights = layer.weights
    sizes = {name: prod(shape) for name, shape in weights.items()}
    return LayerSummary(
        path=layer.path,
        op=op.name,
        output=output.dimensions,
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
        StageSummary(name, _output(name, network), parameters[name], macs[name])
        for name in network.stages
    )


def _output(stage: str, network: Network) -> Output:
    if stage in network.lists:
        return tuple(known_shape(x.shape).dimensions for x in network.lists[stage])
    return known_shape(network.stages[stage].shape).dimensions
