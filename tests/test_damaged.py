"""Whatever a file holds, it is checked without a traceback, and built if it is a good spec."""

import ast
from pathlib import Path
from random import Random

import pytest
from support.damaged_specs import KINDS
from support.untrusted_specs import check

from cnngen.targets.registry import find_target

SEEDS = 60


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_specs_are_checked_without_a_traceback(kind: str, tmp_path: Path):
    for seed in range(SEEDS):
        content = KINDS[kind](Random(seed))
        network, _ = check(content, tmp_path)
        if network and len(network.layers) < 2000:
            for target in ("torch", "keras"):
                ast.parse(find_target(target).render(network))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_drawn_differs_and_can_be_drawn_again(kind: str):
    contents = [KINDS[kind](Random(seed)) for seed in range(SEEDS)]
    assert contents == [KINDS[kind](Random(seed)) for seed in range(SEEDS)]
    assert len(set(contents)) > SEEDS // 2
