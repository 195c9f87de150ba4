"""Specs that were compiled wrongly once, most of them found by `scripts/fuzz.py`."""

from pathlib import Path

import numpy as np
import pytest
from support.agreement import complaints, sources
from support.built_models import build

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
    "initial weights depend on the channels that a block is given": """
      stage: {Unit: {}}
blocks:
  Unit:
    about: A block.
    body: [{affine: {init: {normal: {std: 0.2 if input.channels > 8 else 0.1}}}}]
    """,
    "a layer counts the features of a block whose maps have another size in each use": """
      pyramid:
        branches: {fine: {Level: {size: 3}}, coarse: {Deep: {size: 2}}, whole: {Level: {size: 1}}}
        join: concat
      head: [{linear: {out: 4}}, {reshape: {channels: 4, height: 1, width: 1}}]
blocks:
  Level:
    about: A level of a pyramid.
    params: {size: int}
    body: [{adaptive_max_pool: {size: size}}, flatten]
  Deep:
    about: The same, further down.
    params: {size: int}
    body: [relu, Level: {size: size}]
    """,
    "a step of a block reads the vector that the block is given": """
      stage: [global_avg_pool, flatten, Unit, {reshape: {channels: 4, height: 1, width: 1}}]
blocks:
  Unit:
    about: A block.
    body:
      - {batch_norm: {}, from: input}
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


UNTIDY = {
    "a loop in a loop, whose layers do not depend on the channels that they are given": """
      stage:
        - conv: {out: 8, kernel: 1}
        - repeat: 2
          do: {repeat: 2, do: {gather_channels: {channels: "[0, 1, 1, 0]"}}}
    """,
    "a choice that fits in a line": """
      stage:
        - when: input.channels > 8
          do: {scale: {by: 0.5}}
          else: relu
        - conv: {out: 4, kernel: 1}
    """,
    "a distribution whose arguments are long": """
      stage:
        - conv: {out: 4, kernel: 1, init: {trunc_normal: {std: "0.2 if 4 > 4 else 0.1"}}}
    """,
}


@pytest.mark.parametrize("name", UNTIDY)
def test_ruff_has_nothing_to_say(name: str, tmp_path: Path) -> None:
    for target, source in sources(build(HEAD + UNTIDY[name]).network).items():
        (tmp_path / f"regression_{target}.py").write_text(source, encoding="utf-8")
    assert complaints(tmp_path) == ""


def test_a_stage_that_is_read_by_name_alone_is_in_no_other_variable() -> None:
    stages = """
      a: {conv: {out: 4, kernel: 1}}
      b: {conv: {out: 4, kernel: 1}}
      c:
        branches:
          left: {from: a}
          right: {from: b}
        join: add
    """
    source = sources(build(HEAD + stages).network)["torch"]
    assert (
        """\
        x = a = self.a(x)  # 4 x 12 x 12
        b = self.b(x)  # 4 x 12 x 12
        return a + b  # 4 x 12 x 12
"""
        in source
    )
