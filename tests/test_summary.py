"""The summary: its numbers, its JSON, and its tables."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cnngen.cli import cli
from cnngen.locate import zoo

SPEC = """\
cnngen: 1
name: Heads
about: A join, an op without weights, and a head for training only.
params: {classes: 10}
input: {channels: 3, height: 8, width: 8}
blocks:
  Residual:
    about: Add to the input.
    body:
      branches:
        main: [{conv: {out: 4, kernel: 3, padding: half, bias: false}}, batch_norm]
        shortcut: identity
      join: add
model:
  stem: {conv: {out: 4, kernel: 1}}
  body: Residual
  head: [global_avg_pool, flatten, {linear: {out: classes}}]
  aux: {when: training, from: stem, do: [flatten, {linear: {out: classes}}]}
outputs: {logits: head, extra: aux}
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "heads.yaml"
    path.write_text(SPEC)
    return str(path)


def summary(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["summary", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def as_json(*arguments: str) -> dict[str, Any]:
    return json.loads(summary(*arguments, "--format", "json"))


@pytest.mark.parametrize(
    ("name", "parameters", "buffers", "macs"),
    [
        ("lenet5", 61_706, 0, 416_520),
        ("resnet50", 25_557_032, 53_120, 4_089_184_256),
        ("densenet121", 7_978_856, 83_648, 2_834_161_664),
        ("vgg16", 138_357_544, 0, 15_470_264_320),
    ],
)
def test_the_numbers_of_well_known_networks(name: str, parameters: int, buffers: int, macs: int):
    found = as_json(name)
    assert (found["parameters"], found["buffers"], found["macs"]) == (parameters, buffers, macs)


def test_the_json_is_that_of_the_contract(spec: str):
    found = as_json(spec)
    layers = found.pop("layers")
    assert found == {
        "name": "Heads",
        "inputs": {"input": [3, 8, 8]},
        "outputs": {"logits": [10]},
        "parameters": 16 + 144 + 8 + 50,
        "buffers": 8,
        "macs": 64 * 12 + 64 * 144 + 40,
        "stages": [
            {"name": "stem", "output": [4, 8, 8], "parameters": 16, "macs": 64 * 12},
            {"name": "body", "output": [4, 8, 8], "parameters": 152, "macs": 64 * 144},
            {"name": "head", "output": [10], "parameters": 50, "macs": 40},
            {"name": "aux", "output": [10], "parameters": 0, "macs": 0},
        ],
    }
    assert [layer["path"] for layer in layers] == [
        *("stem", "body.main.0", "body.main.1", "body.shortcut", "body.add"),
        *("head.0", "head.1", "head.2", "aux.0", "aux.1"),
    ]
    assert layers[2] == {
        "path": "body.main.1",
        "op": "batch_norm",
        "output": [4, 8, 8],
        "parameters": 8,
        "buffers": 8,
        "macs": 0,
        "weights": {"weight": [4], "bias": [4], "running_mean": [4], "running_var": [4]},
        "training": False,
        "line": 11,
    }
    assert layers[4]["op"] == "add" and layers[4]["weights"] == {}
    assert layers[-1]["training"] and layers[-1]["parameters"] == 2570


def test_training_counts_what_exists_in_training_only(spec: str):
    without, counted = as_json(spec), as_json(spec, "--training")
    assert counted["parameters"] == without["parameters"] + 2570
    assert counted["outputs"] == {"logits": [10], "extra": [10]}
    assert counted["stages"][-1]["parameters"] == 2570
    assert counted["layers"] == without["layers"]


@pytest.mark.parametrize("name", zoo())
def test_the_parts_sum_up(name: str):
    found = as_json(name, "--training")
    for key in ("parameters", "buffers", "macs"):
        assert sum(layer[key] for layer in found["layers"]) == found[key]
    for key in ("parameters", "macs"):
        assert sum(stage[key] for stage in found["stages"]) == found[key]
    assert [stage["output"] for stage in found["stages"]]
    assert found["layers"][0]["path"].startswith(found["stages"][0]["name"])


def test_set_and_input(spec: str):
    assert as_json(spec, "--set", "classes=3")["outputs"] == {"logits": [3]}
    assert as_json(spec, "--input", "5x4x6")["inputs"] == {"input": [5, 4, 6]}


def test_the_table_is_that_of_a_paper(spec: str):
    assert summary(spec) == (
        "path   output     parameters     %    MACs     %  stride  field  made of\n"
        f"{'-' * 97}\n"
        "stem   4 x 8 x 8          16   7.3     768   7.7       1      1  1 x 1 conv\n"
        "body   4 x 8 x 8         152  69.7   9,216  91.9       1      3  Residual\n"
        "head   10                 50  22.9      40   0.4            all  "
        "global_avg_pool, flatten, linear\n"
        f"{'-' * 97}\n"
        "Heads  logits 10         218        10,024\n"
        "\n"
        "activations of 1 image in float32: inference at least 3.1 kB,"
        " kept for the backward pass 2.8 kB\n"
        "buffers (running statistics): 8\n"
        "not counted, as in training only (`--training`): aux\n"
    )


def test_depth_tells_more_parts_apart(spec: str):
    deeper = summary(spec, "--depth", "2")
    assert "\nbody.main      4 x 8 x 8" in deeper and "3 x 3 conv, batch_norm\n" in deeper
    assert "body.main.0" in summary(spec, "--depth", "3")
    assert "body.main" not in summary(spec, "--depth", "1")


def test_memory_is_that_of_a_batch():
    line = next(x for x in summary("resnet50", "--batch", "64").splitlines() if "activ" in x)
    needed = "inference at least 616.6 MB, kept for the backward pass 5.5 GB"
    assert line == f"activations of 64 images in float32: {needed}"


@pytest.mark.parametrize("format", ["markdown", "latex"])
def test_memory_is_in_other_formats_where_a_batch_is_given(spec: str, format: str):
    alone = summary(spec, "--format", format)
    more = summary(spec, "--format", format, "--batch", "2").removeprefix(alone)
    line = "activations of 2 images in float32: inference at least 6.1 kB,"
    assert "activations" not in alone and line in more


def test_memory_for_programs(spec: str):
    fields = json.loads(summary(spec, "--format", "json", "--batch", "2"))["activations"]
    assert fields == {"batch": 2, "inference": 6144, "training": 5664}
    done = CliRunner().invoke(cli, ["summary", spec, "--format", "csv", "--batch", "2"])
    assert done.exit_code == 2 and "take json" in done.output


def test_markdown(spec: str):
    lines = summary(spec, "--format", "markdown").splitlines()
    assert lines[0].startswith("| path  | output    | parameters |    % |   MACs |    % | stride |")
    assert lines[1].startswith("| ----- | --------- | ---------: | ---: | -----: | ---: | -----: |")
    assert len({len(line) for line in lines}) == 1


def test_latex(spec: str):
    lines = summary(spec, "--format", "latex", "--depth", "2").splitlines()
    assert lines[:2] == [r"\begin{tabular}{llrrrrrrl}", r"\toprule"]
    assert r"body.shortcut & 4 $\times$ 8 $\times$ 8 & 0 &  & 0 &  & 1 & 1 & identity \\" in lines
    assert (
        r"head.0 & 4 $\times$ 1 $\times$ 1 & 0 &  & 0 &  &  & all & global\_avg\_pool \\" in lines
    )
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]


MADE_OF = {
    "resnet50": ("features", "Bottleneck x 16"),
    "densenet121": ("features", "(DenseBlock, Transition) x 3, DenseBlock"),
    "vgg11": ("classifier", "(linear, relu, dropout) x 2, linear"),
    "googlenet": ("inception3a", "Inception"),
    "unet": ("down2", "2 x 2 max_pool, DoubleConv"),
}


@pytest.mark.parametrize("name", MADE_OF)
def test_what_stages_are_made_of(name: str):
    stage, made_of = MADE_OF[name]
    (line,) = [x for x in summary(name).splitlines() if x.split()[0:1] == [stage]]
    assert line.endswith(f"  {made_of}")


def test_csv_has_all_layers_and_plain_numbers(spec: str):
    rows = list(csv.DictReader(io.StringIO(summary(spec, "--format", "csv", "--training"))))
    assert [row["path"] for row in rows] == [layer["path"] for layer in as_json(spec)["layers"]]
    assert rows[1]["macs"] == "9216"


def test_a_wrong_spec_has_no_summary(spec: str):
    Path(spec).write_text(SPEC.replace("Residual\n  head", "Residul\n  head"))
    done = CliRunner().invoke(cli, ["summary", spec])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "error[unknown-block]" in done.stderr
