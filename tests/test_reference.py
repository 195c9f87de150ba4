"""The shipped specs have exactly the counts that are known for their networks.

`reference.json` holds them: from published weights or arithmetic on the papers' tables, never from
this compiler. Entries with `settings` are the relatives that a comment in the spec promises.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from cnngen.analysis import Options, analyse_file
from cnngen.diagnostics.model import Report
from cnngen.report.summary import summarize
from cnngen.semantics.network import Network

TESTS = Path(__file__).parent
SPECS = TESTS.parent / "specs"
REFERENCE: dict[str, dict[str, Any]] = json.loads((TESTS / "reference.json").read_text())


@pytest.mark.parametrize("name", REFERENCE)
def test_counts_are_those_of_the_literature(name: str):
    expected = REFERENCE[name]
    network = analyse(SPECS / f"{expected['spec']}.yaml", expected.get("settings", {}))
    totals = {key: expected[key] for key in ("parameters", "buffers", "macs")}
    assert counts(network, training=False) == totals
    assert counts(network, training=True) == expected.get("training", totals)


def test_every_shipped_spec_has_a_reference():
    assert {path.stem for path in SPECS.glob("*.yaml")} <= REFERENCE.keys()


def test_torchvisions_googlenet_has_torchvisions_counts():
    network = analyse(TESTS / "fixtures" / "googlenet_torchvision.yaml")
    inference, training = summarize(network), summarize(network, training=True)
    assert (inference.parameters, inference.buffers) == (6_624_904, 14_560)
    assert (training.parameters, training.buffers) == (13_004_888, 15_072)


def analyse(path: Path, settings: dict[str, str] | None = None) -> Network:
    """A checked network; a shipped spec gives rise to no diagnostic at all, not even a warning."""
    report = Report()
    network = analyse_file(path, report, Options(settings or {}))
    assert network and not list(report), [found.message for found in report]
    return network


def counts(network: Network, *, training: bool) -> dict[str, int]:
    summary = summarize(network, training)
    return {
        "parameters": summary.parameters,
        "buffers": summary.buffers,
        "macs": summary.macs,
    }
