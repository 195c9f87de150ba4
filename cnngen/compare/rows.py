"""Rows: what a comparison says of each network."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from cnngen.diagnostics.terminal import one_line
from cnngen.report.memory import activations
from cnngen.report.summary import Dimensions, summarize
from cnngen.semantics.network import INPUT, Layer, Network, Tensor
from cnngen.syntax.tree import Paper, Result


@dataclass(frozen=True, slots=True)
class Compared:
    """A network in numbers, as it is in inference.

    `depth` is the most convolutions and linear layers on a way through it, and `activations` the
    least bytes that an image takes in float32. `results` has all that was published of it.
    """

    name: str
    paper: Paper
    input: Dimensions
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
        return asdict(self)


def compared(network: Network, changed: bool = False) -> Compared:
    """The row of a network; one that was `changed` is not the one of which results are known."""
    summary = summarize(network)
    spec = network.resolution.spec
    return Compared(
        one_line(spec.name.text),
        spec.paper or Paper(),
        summary.inputs[INPUT],
        _depth(network, {layer.path for layer in summary.counted() if layer.macs}),
        summary.parameters,
        summary.macs,
        activations(network).inference,
        () if changed else spec.results,
    )


def apart(rows: Sequence[Compared], files: Sequence[str]) -> list[Compared]:
    """The rows, those of one name told apart by their files."""
    counts = Counter(row.name for row in rows)
    return [
        replace(row, name=f"{row.name} ({one_line(file)})") if counts[row.name] > 1 else row
        for row, file in zip(rows, files, strict=True)
    ]


def common_dataset(rows: Sequence[Compared]) -> str | None:
    """The images on which most of the networks were measured; the first of several."""
    counts = Counter(name for row in rows for name in dict.fromkeys(r.dataset for r in row.results))
    return max(counts, key=lambda name: counts[name], default=None)


def _depth(network: Network, weighing: set[str]) -> int:
    """The most layers of `weighing` on a way from the input to an output, gates left out."""
    depths = {INPUT: 0}
    for path, layer in network.layers.items():
        if not layer.training:
            before = max((depths[tensor.path] for tensor in _counted(layer)), default=0)
            depths[path] = before + (path in weighing)
    ends = [network.stages[stage].path for stage in network.outputs.values()]
    return max((depths[path] for path in ends if path in depths), default=0)


def _counted(layer: Layer) -> Sequence[Tensor]:
    """What a layer reads; of a product, not the gate: one number for a whole map of what it gates.

    SE-ResNet-50 has as many layers as ResNet-50, its paper says.
    """
    if not layer.op.gates:
        return layer.inputs
    return [tensor for tensor in layer.inputs if tensor.shape == layer.output]
