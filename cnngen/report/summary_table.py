"""The summary as a table: a row for each stage, layer, or group of layers in between."""

from itertools import groupby

from cnngen.report.summary import LayerSummary, Summary, size_text
from cnngen.report.table import Row, Table

HEAD = ("path", "op", "output", "parameters", "buffers", "MACs")
NUMBERS = frozenset({3, 4, 5})


def summary_table(summary: Summary, depth: int | None) -> Table:
    """Layers whose paths agree in the first `depth` parts share a row; None: each has its own."""
    groups = groupby(summary.counted(), key=lambda layer: _prefix(layer.path, depth))
    rows = [_row(path, list(layers)) for path, layers in groups]
    outputs = ", ".join(f"{name} {size_text(size)}" for name, size in summary.outputs.items())
    total = (summary.name, "", outputs, *_numbers(summary))
    return Table(HEAD, rows, total, NUMBERS)


def left_out(summary: Summary) -> str:
    """A line about the stages that exist in training only and are not counted."""
    if summary.training:
        return ""
    stages = {layer.path.split(".")[0]: None for layer in summary.layers if layer.training}
    return f"not counted, as in training only (`--training`): {', '.join(stages)}" if stages else ""


def _prefix(path: str, depth: int | None) -> str:
    return path if depth is None else ".".join(path.split(".")[:depth])


def _row(path: str, layers: list[LayerSummary]) -> Row:
    """The last layer of a group gives its output."""
    op = layers[0].op if len(layers) == 1 else f"{len(layers)} layers"
    parameters = sum(layer.parameters for layer in layers)
    buffers = sum(layer.buffers for layer in layers)
    macs = sum(layer.macs for layer in layers)
    return path, op, size_text(layers[-1].output), f"{parameters:,}", f"{buffers:,}", f"{macs:,}"


def _numbers(summary: Summary) -> tuple[str, str, str]:
    return f"{summary.parameters:,}", f"{summary.buffers:,}", f"{summary.macs:,}"
