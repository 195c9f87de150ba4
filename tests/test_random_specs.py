"""Random valid specs that use the whole language: both sources are what the network says they are."""

import warnings

import pytest
from agreed import (
    check_keras,
    check_torch,
    check_torch_arguments,
    check_values,
    other_values,
)
from built import Built, build
from random_specs import random_spec

pytest.importorskip("torch")
pytestmark = pytest.mark.torch


REFUSED = ("error[bad-name]", "error[name-clash]")  # names are drawn so that some of them clash


def drawn(seed: int) -> Built:
    """The network of a random spec, unless its names are refused."""
    try:
        return build(random_spec(seed).text)
    except AssertionError as error:
        if not str(error).startswith(REFUSED):
            raise
        pytest.skip("drawn names clash")


@pytest.mark.parametrize("seed", range(30))
def test_pytorch_has_the_weights_that_the_network_says(seed: int):
    warnings.simplefilter("ignore")
    network = drawn(seed)
    check_torch(network)
    spec = random_spec(seed)
    try:
        arguments, other = other_values(network, spec.values, spec.text)
    except AssertionError as error:
        assert str(error).startswith(REFUSED)
        return
    check_torch_arguments(network, arguments, other)


@pytest.mark.keras
@pytest.mark.parametrize("seed", range(5))
def test_both_targets_compute_the_same(seed: int):
    pytest.importorskip("keras")
    warnings.simplefilter("ignore")
    network = drawn(seed)
    check_keras(network)
    check_values(network)
