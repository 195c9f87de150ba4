"""Specs that come home: the source that is generated of one, read and recovered, is the same
network under the same names.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from support.built_models import build, forget

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.diff.changes import Difference, difference
from cnngen.foreign.keras_model import read_keras_model
from cnngen.recovery.recover import recover
from cnngen.semantics.network import Network
from cnngen.writing.spec import spec_text

pytest.importorskip("keras")
pytestmark = pytest.mark.keras

SPECS = ["lenet5", "nin_cifar10", "dcgan_generator", "vgg16", "resnet18", "squeezenet1_1"]


@pytest.mark.parametrize("name", SPECS)
def test_keras(name: str, tmp_path: Path):
    built = build(name)
    reading = read_keras_model(built.keras(), origin="Keras")
    forget()
    assert reading.obstacles == ()
    path = tmp_path / f"{name}.yaml"
    path.write_text(spec_text(recover(reading.graph)))
    report = Report()
    found = analyse_file(path, report)
    assert found is not None, [*report]
    changes = told(difference(built.network, found), built.network)
    assert changes.empty, changes


def told(changes: Difference, old: Network) -> Difference:
    """The difference without identities, which leave no trace in a model."""
    identities = {path for path, layer in old.layers.items() if layer.op.is_identity}
    return replace(
        changes,
        renamed=tuple(x for x in changes.renamed if x.old not in identities),
        added=tuple(x for x in changes.added if {*x.ops} != {"identity"}),
        removed=tuple(x for x in changes.removed if {*x.ops} != {"identity"}),
    )
