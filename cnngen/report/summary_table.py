"""The summary as a table: a row for each stage, layer, or group of layers in between."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from cnngen.report.label import made_of
from cnngen.report.memory import activations, memory_text
from cnngen.report.summary import LayerSummary, Summary, dimensions_text
from cnngen.report.table import Row, Table, aligned
from cnngen.semantics.network import Network
from cnngen.sizes.reach import NOTHING, Reach, Reaches, reaches

HEAD = ("path", "output", "parameters", "%", "MACs", "%", "stride", "field", "made of")
NUMBERS = frozenset({2, 3, 4, 5, 6, 7})


def summary_table(network: Network, summary: Summary, depth: int | None) -> Table:
    """Layers whose paths agree in the first `depth` parts share a row; with None, each has its own.

    `stride` is the distance in pixels of the image between neighbours of the output, and `field`
    the number of pixels on which each of them depends; of several images, where they differ, of
    each.
    """
    reached = [reaches(network, name) for name in network.images]
    rows = [
        _row(path, layers, summary, network, reached) for path, layers in _groups(summary, depth)
    ]
    outputs = ", ".join(f"{name} {dimensions_text(size)}" for name, size in summary.outputs.items())
    numbers = f"{summary.parameters:,}", "", f"{summary.macs:,}", "", "", ""
    return Table(HEAD, rows, (summary.name, outputs, *numbers, ""), NUMBERS)


def summary_text(summary: Summary, depth: int = 1, batch: int = 1, width: int | None = None) -> str:
    """The table for people, and notes below it, for a terminal of this width."""
    table = aligned(summary_table(summary.network, summary, depth), width)
    memory = memory_text(activations(summary.network), batch)
    notes = filter(None, (memory, buffers(summary), left_out(summary)))
    return "\n".join([table, *notes, ""])


def plain_table(summary: Summary, depth: int | None) -> Table:
    """The same rows for programs, with numbers only."""
    rows: list[Row] = []
    for path, layers in _groups(summary, depth):
        op = layers[0].op if len(layers) == 1 else f"{len(layers)} layers"
        buffers = sum(layer.buffers for layer in layers)
        parameters, macs = _costs(layers)
        rows.append(
            (path, op, dimensions_text(layers[-1].output), *map(str, (parameters, buffers, macs)))
        )
    return Table(("path", "op", "output", "parameters", "buffers", "MACs"), rows)


def buffers(summary: Summary) -> str:
    """A line about what is kept beside the parameters."""
    return f"buffers (running statistics): {summary.buffers:,}" if summary.buffers else ""


def left_out(summary: Summary) -> str:
    """A line about the stages that exist in training only and are not counted."""
    if summary.training:
        return ""
    stages = {layer.path.split(".")[0]: None for layer in summary.layers if layer.training}
    return f"not counted, as in training only (`--training`): {', '.join(stages)}" if stages else ""


def _groups(summary: Summary, depth: int | None) -> Iterator[tuple[str, list[LayerSummary]]]:
    def prefix(layer: LayerSummary) -> str:
        return layer.path if depth is None else ".".join(layer.path.split(".")[:depth])

    for path, layers in groupby(summary.counted(), key=prefix):
        yield path, list(layers)


def _row(
    path: str,
    layers: Sequence[LayerSummary],
    summary: Summary,
    network: Network,
    reached: Sequence[Mapping[str, Reaches]],
) -> Row:
    """The row of a group of layers; the last of them gives the output."""
    parameters, macs = _costs(layers)
    return (
        path,
        dimensions_text(layers[-1].output),
        f"{parameters:,}",
        _share(parameters, summary.parameters),
        f"{macs:,}",
        _share(macs, summary.macs),
        *_seen([each[layers[-1].path] for each in reached]),
        made_of(path, [network.layers[layer.path] for layer in layers])
        + _again(path, layers, network),
    )


def _again(path: str, layers: Sequence[LayerSummary], network: Network) -> str:
    """Whose weights a group of layers has, where it is used again as a whole."""
    first = layers[0]
    owners = [network.layers[layer.shares] for layer in layers if layer.shares]
    if len(owners) < len(layers) or not any(owner.weights for owner in owners):
        return ""
    return f" (weights of {first.shares[: len(first.shares) - len(first.path) + len(path)]})"


def _costs(layers: Sequence[LayerSummary]) -> tuple[int, int]:
    return sum(layer.parameters for layer in layers), sum(layer.macs for layer in layers)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if part else ""


def _seen(reached: Sequence[Reaches]) -> tuple[str, str]:
    """The stride and the field of a tensor, in pixels of each image on which it depends."""
    depends = [reach for reach in reached if reach != (NOTHING, NOTHING)]
    found = [_seen_of_one(reach) for reach in depends]
    strides = dict.fromkeys(stride for stride, _ in found if stride)
    fields = dict.fromkeys(field for _, field in found)
    return ", ".join(strides), ", ".join(fields) or "all"


def _seen_of_one(reach: Reaches) -> tuple[str, str]:
    height, width = reach
    if not (height.field and width.field):
        return "", "all"
    stride = _pair(str(height.field.stride), str(width.field.stride))
    return stride, _pair(*map(_pixels, reach))


def _pixels(reach: Reach) -> str:
    return "all" if reach.whole or not reach.field else str(reach.field.size)


def _pair(height: str, width: str) -> str:
    return height if height == width else f"{height} x {width}"
