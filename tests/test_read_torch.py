"""PyTorch models that are read: the zoo's own sources, torchvision's and timm's models, and what stands in the way."""

import pytest
from support.built_models import SPECS, build
from support.read_models import of_graph, of_network, weights_undrawn

from cnngen.foreign.read_torch import read_torch_model

pytest.importorskip("torch")
pytestmark = pytest.mark.torch
ZOO = sorted(path.stem for path in SPECS.glob("*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("stem", ZOO)
def test_our_source_is_read_as_the_network(stem: str):
    built = build(stem)
    with weights_undrawn():
        model = built.torch()
    reading = read_torch_model(model, built.network.inputs, title=stem, origin="")
    assert reading.obstacles == ()
    expected, outputs = of_network(built.network)
    found, given = of_graph(reading.graph)
    assert sorted(map(str, found)) == sorted(map(str, expected))
    assert given == outputs
