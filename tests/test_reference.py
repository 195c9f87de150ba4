"""The shipped specs are the networks of the literature: counts and shapes.

`reference.json` has them, from published weights or arithmetic on the papers' tables, never from
this compiler. `source` says where from; a stage is a name, channels, height and width.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.ops.base import Image, Shape
from cnngen.report.summary import summarize
from cnngen.semantics.network import Network

TESTS = Path(__file__).parent
SPECS = TESTS.parent / "specs"
REFERENCE: dict[str, dict[str, Any]] = json.loads((TESTS / "reference.json").read_text())


@pytest.mark.parametrize("name", REFERENCE)
def test_counts(name: str):
    expected, network = REFERENCE[name], analyse(name)
    totals = {key: expected[key] for key in ("parameters", "buffers", "macs")}
    assert counts(network, training=False) == totals
    training = expected.get("training", totals)
    assert counts(network, training=True).items() >= training.items()


@pytest.mark.parametrize("name", REFERENCE)
def test_shapes(name: str):
    """The paper's stages are outputs of layers, in this order."""
    network = analyse(name)
    layers = network.layers.values()
    outputs = map(sizes, (*network.inputs.values(), *(layer.output for layer in layers)))
    for stage, *shape in REFERENCE[name]["stages"]:
        assert tuple(shape) in outputs, f"{stage} is not {shape}, or not behind the stage before"


def test_every_shipped_spec_has_a_reference():
    assert {path.stem for path in SPECS.glob("*.yaml")} == REFERENCE.keys()


def sizes(shape: Shape) -> tuple[int, int, int]:
    """Channels, height and width; of a vector, as papers print it, features on one pixel."""
    if isinstance(shape, Image):
        return shape.channels, shape.height, shape.width
    return shape.features, 1, 1


def analyse(name: str) -> Network:
    """A checked network; a shipped spec gives rise to no diagnostic at all, not even a warning."""
    report = Report()
    network = analyse_file(SPECS / f"{name}.yaml", report)
    assert network and not list(report), [found.message for found in report]
    return network


def counts(network: Network, *, training: bool) -> dict[str, int]:
    summary = summarize(network, training)
    return {
        "parameters": summary.parameters,
        "buffers": summary.buffers,
        "macs": summary.macs,
    }
