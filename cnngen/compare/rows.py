"""Rows: what a comparison says of each network."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cnngen.diagnostics.terminal import one_line
from cnngen.report.memory import activations
from cnngen.report.summary import Dimensions, row_fields, summarize
from cnngen.semantics.network import Layer, Network, Tensor
from cnngen.syntax.metrics import METRICS
from cnngen.syntax.tree import Paper, Result


@dataclass(frozen=True, slots=True)
class Compared:
    """A network in numbers, as it is in inference.

    `depth` is the number of convolutions and linear layers on the longest way through it, and
    `activations` the bytes that an image needs at least, in float32. `results` has all that was
    published of it.
    """

    name: str
    paper: Paper
    inputs: Mapping[str, Dimensions]
    depth: int
    parameters: int
    macs: int
    activations: int
    results: tuple[Result, ...]

    def on(self, dataset: str) -> Result | None:
        """The first of its results on these images."""
        return next((each for each in self.results if each.dataset == dataset), None)

    def as_dict(self) -> dict[str, Any]:
        """What `cnngen compare --format json` prints."""
        return row_fields(self) | {"results": [_result_fields(each) for each in self.results]}


def _result_fields(result: Result) -> dict[str, Any]:
    values = {name: result.values.get(name) for name in METRICS}
    return (
        {"dataset": result.dataset}
        | values
        | {
            "protocol": result.protocol,
            "source": result.source,
        }
    )


def compared(network: Network, changed: bool = False) -> Compared:
    """The row of a network; one that was `changed` by options has no results."""
    summary = summarize(network)
    spec = network.resolution.spec
    return Compared(
        one_line(spec.name.text),
        spec.paper or Paper(),
        summary.inputs,
        _depth(network, {layer.path for layer in summary.counted() if layer.macs}),
        summary.parameters,
        summary.macs,
        activations(network).inference,
        () if changed else spec.results,
    )


def apart(rows: Sequence[Compared], files: Sequence[str]) -> list[Compared]:
    """The rows; networks of one name get the names of their files."""
    counts = Counter(row.name for row in rows)
    return [
        replace(row, name=f"{row.name} ({one_line(file)})") if counts[row.name] > 1 else row
        for row, file in zip(rows, files, strict=True)
    ]


def common_dataset(rows: Sequence[Compared]) -> str | None:
    """The dataset on which most of the networks were measured; the first of several."""
    counts = Counter(name for row in rows for name in dict.fromkeys(r.dataset for r in row.results))
    return max(counts, key=lambda name: counts[name], default=None)


def _depth(network: Network, weighing: set[str]) -> int:
    """The number of layers of `weighing` kinds on the longest way from an input to an output;
    gates do not count.
    """
    depths = dict.fromkeys(network.inputs, 0)
    for path, layer in network.layers.items():
        if not layer.training:
            before = max((depths[tensor.path] for tensor in _counted(layer)), default=0)
            depths[path] = before + (path in weighing)
    ends = [network.stages[stage].path for stage in network.outputs.values()]
    return max((depths[path] for path in ends if path in depths), default=0)


def _counted(layer: Layer) -> Sequence[Tensor]:
    """What a layer reads; of a product not the gate, which is one number for a whole map.

    So SE-ResNet-50 has as many layers as ResNet-50, as its paper says.
    """
    if not layer.op.gates:
        return layer.inputs
    return [tensor for tensor in layer.inputs if tensor.shape == layer.output]
