"""What a variable is called that has a module to which the author gave no name, in PyTorch files."""

import ast
from pathlib import Path
from typing import Any

import pytest

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.targets.torch import render
from cnngen.targets.torch.words import common, plural

SPEC = """
cnngen: 1
name: Network
about: Blocks in loops.
params: {{{parameter}: 2}}
input: {{channels: 3, height: 8, width: 8}}
blocks:
  {first}:
    about: The first one.
    params: {{out: int}}
    body: [conv: {{out: out, kernel: 1}}, relu]
  {other}:
    about: Another one.
    params: {{out: int}}
    body: [conv: {{out: out, kernel: 3, padding: half}}, relu]
model:
  body:
    - each: {{width: [4, 5]}}
      do:
        - {first}: {{out: width}}
        - repeat: {parameter}
          do: {{{other}: {{out: width}}}}
"""


@pytest.mark.parametrize(
    ("names", "word"),
    [
        (["bottleneck"], "bottleneck"),
        (["first_unit", "unit"], "unit"),
        (["max_pool", "avg_pool", "pool"], "pool"),
        (["conv", "relu"], ""),
        (["residual_a"], ""),
        (["block2_1"], ""),
        (["inception", ""], ""),
        ([], ""),
    ],
)
def test_the_words_with_which_names_end(names: list[str], word: str) -> None:
    assert common(names) == word


@pytest.mark.parametrize(
    ("name", "several"),
    [
        ("basic_block", "basic_blocks"),
        ("inception", "inceptions"),
        ("branch", "branches"),
        ("mix", "mixes"),
        ("proxy", "proxies"),
        ("relay", "relays"),
        ("stages", "stages"),
        ("", ""),
    ],
)
def test_plurals(name: str, several: str) -> None:
    assert plural(name) == several


@pytest.mark.torch
@pytest.mark.parametrize(
    ("first", "other", "parameter", "variable"),
    [
        ("BasicBlock", "BasicBlock2", "depth", "layers"),
        ("FirstUnit", "Unit", "depth", "units"),
        ("FirstUnit", "Unit", "units", "units_2"),
        ("Bottleneck", "Inception", "layers", "layers_2"),
        ("Channel", "ThinChannel", "depth", "channels_2"),
        ("Var", "ThinVar", "depth", "vars_2"),
        ("Math", "ThinMath", "math", "maths"),
    ],
)
def test_a_variable_has_the_name_of_what_it_holds(
    first: str, other: str, parameter: str, variable: str, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    path, report = tmp_path / "network.yaml", Report()
    path.write_text(SPEC.format(first=first, other=other, parameter=parameter), encoding="utf-8")
    network = analyse_file(path, report)
    assert network and not report.failed
    source = render(network)
    given = [node.targets for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assign)]
    assert variable in [target.id for (target,) in given if isinstance(target, ast.Name)], source
    scope: dict[str, Any] = {"__name__": "generated"}
    exec(compile(source, "generated", "exec"), scope)
    assert scope["Network"]()(torch.rand(1, 3, 8, 8)).shape == (1, 5, 8, 8), source
