"""Spec: the text that a graph becomes, and the network that it then is."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.foreign.graph import Graph, Obstacle
from cnngen.importing.refusal import remark
from cnngen.recovery.recover import recover
from cnngen.semantics.network import Network
from cnngen.writing.spec import spec_text

OUTPUTS = "\noutputs:"


class UnsoundError(Exception):
    """The spec that was made is not valid, which is a mistake of ours."""


def made_spec(graph: Graph, stem: str) -> tuple[str, Network]:
    """The text for a graph, and its network."""
    text = spec_text(recover(graph))
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{stem}.yaml")
        path.write_text(text, encoding="utf-8")
        network = analyse_file(path, report)
    if network is None:
        raise UnsoundError(f"the imported spec is not valid: {next(iter(report)).message}")
    return text, network


def made_part(graph: Graph, obstacles: Sequence[Obstacle], stem: str) -> str | None:
    """The text for what comes before the obstacles, which it names; None if that is nothing."""
    read = {x for node in graph.nodes.values() for x in node.inputs}
    ends = [name for name in graph.nodes if name not in read]
    if not ends:
        return None
    outputs = {"output": ends[0]} if len(ends) == 1 else _numbered(ends)
    text, _ = made_spec(replace(graph, outputs=outputs), stem)
    before, mark, after = text.partition(OUTPUTS)
    return f"{before.rstrip()}\n{remark(obstacles)}" + (f"{mark}{after}" if mark else "")


def _numbered(ends: Sequence[str]) -> dict[str, str]:
    return {f"output{i}": name for i, name in enumerate(ends, 1)}
