"""Records: generated code with other rows is what a spec with these rows compiles to."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.agreement import state_shapes
from support.built_models import build
from support.carried_weights import expected_in_keras, keras_shapes, predicted

import cnngen
from cnngen.semantics.network import Network

SPEC = """
cnngen: 1
name: Net
about: A table.
params:
  stages:  # what each stage is
    - {depth: 1, width: 8, kernel: 3, gate: false, rates: [0.1]}
    - {depth: 2, width: 16, kernel: [1, 5], gate: true, rates: [0.1, 0.2]}
  gates: [true, false]
input: {channels: 3, height: 16, width: 16}
blocks:
  Tower:
    about: Convolutions.
    params: {rows: [{gate: bool, depth: int, width: int, kernel: size, rates: floats}]}
    body:
      each: {row: rows, i: range(len(rows))}
      do:
        - repeat: row.depth + sum(rows.depth[:i])
          do: {conv: {out: row.width, kernel: row.kernel, padding: half}}
        - {when: row.gate, do: {batch_norm: {eps: "row.rates[-1]"}}, else: relu}
model:
  stem: {conv: {out: "stages[0].width", kernel: 1}}
  down: {Tower: {rows: stages}}
  up: {Tower: {rows: "stages[::-1]"}}
  both:
    each: {row: "stages[1:] + stages[:-1]", gate: "gates[1:] + gates[:-1]"}
    do:
      - conv: {out: row.width * 2, kernel: 1}
      - {when: gate, do: batch_norm}
  head:
    each: {row: [{out: 4, groups: 1}, {out: 8, groups: 4}]}
    do: {conv: {out: row.out, kernel: 1, groups: row.groups}}
"""
ROWS: list[dict[str, Any]] = [
    {"depth": 2, "width": 4, "kernel": [3, 1], "gate": True, "rates": [0.5]},
    {"depth": 0, "width": 12, "kernel": 1, "gate": False, "rates": [0.25]},
    {"depth": 1, "width": 4, "kernel": 5, "gate": True, "rates": [0.5, 0.125]},
]
GATES = [False, True, True]


def text(value: object) -> str:
    return str(value).replace("True", "true").replace("False", "false")


def names_of(made: Any) -> Mapping[str, Any]:
    """The names of the file in which a class or a function stands."""
    function = made.__init__ if isinstance(made, type) else made
    return function.__globals__


def arguments(module: Mapping[str, Any]) -> dict[str, Any]:
    """Rows and gates as the generated code takes them."""
    rows = [
        module["Stage"](**{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()})
        for row in ROWS
    ]
    return {"stages": tuple(rows), "gates": tuple(GATES)}


def other() -> Network:
    return build(SPEC, {"stages": text(ROWS), "gates": text(GATES)}).network


@pytest.mark.torch
def test_other_rows_in_torch() -> None:
    torch = pytest.importorskip("torch")
    made = build(SPEC).torch
    model = made(**arguments(names_of(made)))
    model.eval()(torch.zeros(1, 3, 16, 16))
    shapes = {n: tuple(v.shape) for n, v in model.state_dict().items() if "num_batches" not in n}
    assert shapes == predicted(other())
    norms = [m.eps for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms[:2] == [0.5, 0.125]


@pytest.mark.keras
def test_other_rows_in_keras() -> None:
    pytest.importorskip("keras")
    made = build(SPEC).keras
    model = made(**arguments(names_of(made)))
    assert keras_shapes(model) == expected_in_keras(other())


def test_rows_are_set_by_python_and_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC)
    loaded = cnngen.load(path, settings={"stages": ROWS, "gates": GATES})
    assert (
        loaded.summary().parameters
        == cnngen.load(path, settings={"stages": text(ROWS), "gates": text(GATES)})
        .summary()
        .parameters
    )
    command = [sys.executable, "-m", "cnngen", "build", "-o", str(tmp_path / "out"), str(path)]
    sets = [f"--set=stages={text(ROWS)}", f"--set=gates={text(GATES)}"]
    subprocess.run([*command, *sets], check=True, capture_output=True)
    source = (tmp_path / "out" / "net_torch.py").read_text()
    assert "Stage(2, 4, (3, 1), True, (0.5,))" in source


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("stages=[{depth: 1}]", "a record of `stages` lacks `width`"),
        ("stages=[1, 2]", "`stages` must be a list of records, and `1` is none"),
        ("stages={depth: 1}", "must be an expression, not a mapping"),
        ("stages=[{depth: 1", "never closed"),
        ("stages=[]", "-- `stages` is given here"),
        ("gates=[{depth: 1}]", "`gates` must be a list of `true` and `false`"),
    ],
)
def test_other_rows_are_refused(setting: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC)
    command = [sys.executable, "-m", "cnngen", "check", f"--set={setting}", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert message in run.stdout + run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.torch
@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        (("[]", "[true, false]"), (2, tuple[bool, ...])),
        (("[0.5]", "[]"), (1, tuple[float, ...])),
        (("[]", "[]"), (0, tuple[int, ...])),
    ],
)
def test_an_empty_list_is_of_the_type_of_the_others(
    lists: tuple[str, str], expected: tuple[int, object]
) -> None:
    pytest.importorskip("torch")
    rows = ", ".join(f"{{values: {each}}}" for each in lists)
    made = build(
        f"""
        cnngen: 1
        name: Net
        about: Lists, of which some are empty.
        params: {{rows: [{rows}]}}
        input: {{channels: 3, height: 16, width: 16}}
        model:
          stem: {{conv: {{out: 4, kernel: 1}}}}
          body: {{each: {{row: rows}}, do: {{each: {{value: row.values}}, do: relu}}}}
        """
    ).torch
    layers = [layer for row in made().body for layer in row]
    assert (len(layers), names_of(made)["Row"].__annotations__["values"]) == expected


COLUMN = """
cnngen: 1
name: Net
about: Channels that are a column's sum, read again by the next stage.
params: {rows: [{wide: 2}, {wide: 3}]}
input: {channels: 3, height: 8, width: 8}
model:
  one: {conv: {out: sum(rows.wide), kernel: 1}}
  two: [relu, {conv: {out: 2 * input.channels, kernel: 1}}]
"""


@pytest.mark.torch
def test_a_column_behind_the_channels_of_an_input() -> None:
    pytest.importorskip("torch")
    built = build(COLUMN)
    assert state_shapes(built) == predicted(built.network)
