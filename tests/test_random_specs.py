"""Whatever a spec says: both sources are clean, and their models are what the network foretells.

`scripts/fuzz.py` does the same for as many specs as one likes.
"""

import os
from functools import cache
from pathlib import Path

import pytest
from support.agreement import (
    Drawn,
    check_keras,
    check_keras_arguments,
    check_torch,
    check_torch_arguments,
    check_values,
    complaints,
    sources,
)
from support.random_specs import random_spec

FIRST = int(os.environ.get("FIRST_SEED", "0"))
SEEDS = range(FIRST, FIRST + 30)
FEW = SEEDS[:8]  # Keras takes longer


@cache
def drawn(seed: int) -> Drawn:
    return Drawn.of(random_spec(seed))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + 100))
def test_the_spec_is_valid_with_its_own_and_with_other_parameters(seed: int):
    assert drawn(seed).other


def test_ruff_has_nothing_to_say_of_the_sources(tmp_path: Path):
    for seed in SEEDS:
        for target, source in sources(drawn(seed).built.network).items():
            (tmp_path / f"spec_{seed}_{target}.py").write_text(source, encoding="utf-8")
    assert complaints(tmp_path) == ""


@pytest.mark.torch
@pytest.mark.parametrize("seed", SEEDS)
def test_pytorch(seed: int):
    pytest.importorskip("torch")
    check_torch(drawn(seed).built)
    check_torch_arguments(drawn(seed))


@pytest.mark.keras
@pytest.mark.parametrize("seed", FEW)
def test_keras(seed: int):
    pytest.importorskip("keras")
    check_keras(drawn(seed).built)
    check_keras_arguments(drawn(seed))


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize("seed", FEW)
def test_both_compute_the_same(seed: int):
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    check_values(drawn(seed).built)
