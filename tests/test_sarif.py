"""The format SARIF: valid against `sarif_schema.json`, with rules, places, labels and fixes.

The schema of OASIS covers all of SARIF, and is not ours to ship; this one has the part that is
used, and refuses the rest.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.mistake_cases import Case, cases

from cnngen import __version__
from cnngen.analysis import analyse_file
from cnngen.cli import cli
from cnngen.diagnostics.codes import CODES
from cnngen.diagnostics.explain import explain
from cnngen.diagnostics.model import Report
from cnngen.diagnostics.sarif import render_sarif

jsonschema = pytest.importorskip("jsonschema")

SCHEMA = json.loads(Path(__file__).with_name("sarif_schema.json").read_text(encoding="utf-8"))
MISSPELT = """\
cnngen: 1
name: Net
about: A small network.
input: {channels: 3, height: 32, width: 32}
model:
  stem: {conv: {out: 16, kernel: 3, paddin: half}}
"""


def log_of(spec: str, folder: Path) -> Any:
    """What `cnngen check --format sarif` prints about `specs/net.yaml`."""
    path = folder / "specs/net.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(spec, encoding="utf-8", newline="")
    return json.loads(CliRunner().invoke(cli, ["check", "--format", "sarif", "specs"]).stdout)


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


def test_the_schema_is_one():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_every_diagnostic_gives_a_valid_log(case: Case, tmp_path: Path):
    path = tmp_path / "spec.yaml"
    path.write_text(case.spec, encoding="utf-8", newline="")
    report = Report()
    analyse_file(path, report)
    log = json.loads(render_sarif(list(report)))
    jsonschema.validate(log, SCHEMA, cls=jsonschema.Draft7Validator)
    fixes = [len(d.fix) for d in report if d.fix]
    changes = [f["artifactChanges"] for r in log["runs"][0]["results"] for f in r.get("fixes", [])]
    assert [len(change["replacements"]) for (change,) in changes] == fixes


def test_rules_have_the_pages_and_the_levels_of_their_codes():
    (run,) = json.loads(render_sarif([]))["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("cnngen", __version__)
    assert [rule["id"] for rule in driver["rules"]] == list(CODES)
    for rule in driver["rules"]:
        code = CODES[rule["id"]]
        assert rule["shortDescription"] == {"text": code.summary}
        assert rule["help"]["markdown"] == explain(rule["id"])
        assert rule["defaultConfiguration"] == {"level": code.severity.value}
        description = rule["fullDescription"]["text"]
        assert description.endswith(".") and "```" not in description
    assert run["results"] == []


def test_a_result_has_its_place_its_labels_and_its_fix(tmp_path: Path):
    (run,) = log_of(MISSPELT, tmp_path)["runs"]
    net = {"uri": "specs/net.yaml", "uriBaseId": "%SRCROOT%"}
    word = {"startLine": 6, "startColumn": 37, "endLine": 6, "endColumn": 43}
    op = {"startLine": 6, "startColumn": 10, "endLine": 6, "endColumn": 14}
    takes = "it takes out, kernel, stride, padding, dilation, groups, bias, init"
    change = {
        "artifactLocation": net,
        "replacements": [{"deletedRegion": word, "insertedContent": {"text": "padding"}}],
    }
    assert run["originalUriBaseIds"] == {"%SRCROOT%": {"uri": f"{tmp_path.as_uri()}/"}}
    assert run["results"] == [
        {
            "ruleId": "unknown-attribute",
            "ruleIndex": list(CODES).index("unknown-attribute"),
            "level": "error",
            "message": {"text": "`conv` has no attribute `paddin`\nhelp: did you mean `padding`?"},
            "locations": [{"physicalLocation": {"artifactLocation": net, "region": word}}],
            "relatedLocations": [
                {
                    "id": 0,
                    "physicalLocation": {"artifactLocation": net, "region": op},
                    "message": {"text": takes},
                }
            ],
            "fixes": [{"description": {"text": "writes `padding`"}, "artifactChanges": [change]}],
        }
    ]


def test_a_removal_inserts_nothing(tmp_path: Path):
    log = log_of(MISSPELT.replace("paddin", "kernel: 3, padding"), tmp_path)
    ((fix,),) = [result["fixes"] for result in log["runs"][0]["results"]]
    assert fix["artifactChanges"][0]["replacements"] == [
        {"deletedRegion": {"startLine": 6, "startColumn": 35, "endLine": 6, "endColumn": 46}}
    ]


def test_a_fine_spec_gives_a_log_without_results(tmp_path: Path):
    log = log_of(MISSPELT.replace("paddin", "padding"), tmp_path)
    jsonschema.validate(log, SCHEMA, cls=jsonschema.Draft7Validator)
    assert log["runs"][0]["results"] == []
