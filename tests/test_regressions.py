"""Specs that were compiled wrongly once, most of them found by `scripts/fuzz.py`."""

import numpy as np
import pytest
from built import build

from cnngen.verify.models import named_outputs

HEAD = """
cnngen: 1
name: Regression
about: Compiled wrongly once.
input: {channels: 4, height: 12, width: 12}
model:
"""

SPECS = {
    "what comes between changes channels, and the body changes them back": """
      stage:
        each: {width: [1, 2, 3]}
        do: {conv: {out: 4, kernel: 2}}
        between: {conv: {out: 8, kernel: 1}}
    """,
    "a loop in a written-out loop changes the running channels": """
      stage:
        - each: {outer: [0]}
          do:
            - each: {inner: [0, 1]}
              do: {conv: {out: 8, kernel: 1}}
        - conv: {out: 4, kernel: 1}
    """,
    "a condition inside of another one": """
      stage:
        - when: "false"
          do: {when: "true", do: flatten}
        - conv: {out: 4, kernel: 1}
    """,
    "the end of a written-out loop is known": """
      stage:
        - each: {width: [2, 3]}
          do: {conv: {out: width + 1, kernel: 1}}
        - conv: {out: 5, kernel: 1}
        - repeat: 3
          do: {conv: {out: 6, kernel: 1}}
        - conv: {out: 7, kernel: 1}
    """,
}


@pytest.mark.torch
@pytest.mark.parametrize("name", SPECS)
def test_the_torch_model_runs(name: str) -> None:
    torch = pytest.importorskip("torch")
    built = build(HEAD + SPECS[name])
    y = built.torch()(torch.zeros(2, 4, 12, 12))
    (shape,) = (built.network.stages[stage].shape for stage in built.network.outputs.values())
    (found,) = named_outputs(built.network, y.detach().numpy()).values()
    assert found.shape == (2, shape.channels, shape.height, shape.width)
    assert np.isfinite(found).all()
