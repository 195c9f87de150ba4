"""Texts of others in what is printed: nothing that a terminal, the runner of a CI job or a spreadsheet
would obey.
"""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from cnngen.cli import cli
from cnngen.diagnostics.terminal import as_json, printable, safe, safe_lines
from cnngen.report.table import RENDERERS, Table

# As the runners read a line: actions/runner, ActionCommand.cs (`::` once blanks are trimmed, `##[`
# anywhere); microsoft/azure-pipelines-agent, Command.cs (`##vso[` anywhere).
GITHUB = re.compile(r"^\s*::", re.MULTILINE)
ANYWHERE = re.compile(r"##(vso|teamcity)?\[")
TERMINAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

COMMANDS = ("::stop-commands::x", "##[add-mask]x", "##vso[task.setvariable variable=a]b")
NAMES = (*COMMANDS, "\x1b[2Jx", "\u202ex", "a\n::set-output name=a::b", " ::debug::x", ":")
TEXT = "=1+1 ##vso[task.complete]x ##[error]x ##teamcity[x]\\n::stop-commands::x\\n=cmd"
SPEC = f"""\
cnngen: 1
name: Small
about: "{TEXT}"
paper: {{title: "{TEXT}", year: "=2+2", url: "{TEXT}"}}
params: {{classes: 10}}  # {TEXT}
input: {{channels: 3, height: 32, width: 32}}
model:
  head: [relu, global_avg_pool, flatten, {{linear: {{out: classes}}}}]
results:
  - {{dataset: "{TEXT}", top1: 70, protocol: "{TEXT}", source: "{TEXT}"}}
"""


def is_quiet(printed: str) -> bool:
    patterns = (GITHUB, ANYWHERE, TERMINAL)
    return not any(pattern.search(printed) for pattern in patterns)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(SPEC)
    Path("other.yaml").write_text(SPEC.replace("relu", "tanh"))


def output(*arguments: str, codes: tuple[int, ...] = (0, 1, 2)) -> str:
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code in codes, done.output
    return done.output


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "command",
    ["check", "check --format concise", "check --diff", "check --fix", "fmt --check", "fmt --diff"]
    + ["fmt", "build", "summary", "sizes", "list", "draw", "diff net.yaml", "compare net.yaml"]
    + ["build --check"],
)
@pytest.mark.usefixtures("project")
def test_names_of_files(name: str, command: str):
    Path(f"{name}.yaml").write_text(SPEC.replace("relu", "ReLU").replace("params:", "params: "))
    assert is_quiet(output(*command.split(), "--", f"{name}.yaml"))
    assert is_quiet(output(*command.split(), "--", f"{name}.yml"))  # there is none


@pytest.mark.parametrize("format", ["json", "sarif", "github"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("project")
def test_names_of_files_for_programs(name: str, format: str):
    Path(f"{name}.yaml").write_text(SPEC.replace("relu", "covn"))
    printed = output("check", "--format", format, f"{name}.yaml")
    if format == "github":  # which is a command itself, of which the name is a part
        assert len(printed.splitlines()) == len(re.findall("^::error ", printed, re.MULTILINE)) > 0
        encoded = name.replace("\n", "%0A").replace(":", "%3A")
        assert f"file={printable(encoded)}.yaml," in printed
    else:
        assert is_quiet(printed)
        assert json.loads(printed)


@pytest.mark.parametrize(
    "command",
    [f"summary net.yaml --format {x}" for x in ("table", "json", "csv", "markdown", "latex")]
    + [f"list net.yaml --format {x}" for x in ("table", "json", "csv", "markdown", "latex")]
    + [f"compare net.yaml other.yaml --format {x}" for x in ("text", "json", "csv", "latex")]
    + [f"diff net.yaml other.yaml --format {x}" for x in ("text", "json", "markdown")]
    + ["sizes net.yaml", "compare net.yaml other.yaml --format markdown", "fmt --diff net.yaml"]
    + ["check net.yaml", "weights map net.yaml"],
)
@pytest.mark.usefixtures("project")
def test_texts_of_specs(command: str):
    assert is_quiet(output(*command.split(), codes=(0,)))


@pytest.mark.usefixtures("project")
def test_lines_of_specs_in_excerpts_and_diffs():
    lines = "".join(f"\n{text}" for text in COMMANDS)
    Path("net.yaml").write_text(SPEC.replace("relu", "ReLU").replace("model:", f"model:{lines}"))
    for command in ("check", "check --diff", "fmt --diff"):
        assert is_quiet(output(*command.split(), "net.yaml"))


@given(st.text(st.sampled_from("#[]: \tvso\x1b\u202e\n\r\x85é漢"), max_size=30))
def test_safe_text(text: str):
    assert is_quiet(safe(text)) and is_quiet(safe_lines(text))
    assert safe(safe(text)) == safe(text)
    assert len(safe(text)) == len(text.replace("\t", "    "))
    assert is_quiet(as_json([text])) and json.loads(as_json([text])) == [text]


FORMULAS = st.text(st.sampled_from("=+-@\t\r\n '\",1.5eA＝－"), max_size=12)


@given(st.lists(st.tuples(FORMULAS, FORMULAS, st.integers()), max_size=4))
def test_no_cell_is_a_formula(rows: list[tuple[str, str, int]]):
    table = Table(("a", "b", "c"), [(a, b, f"{c:,}") for a, b, c in rows], numbers=frozenset({2}))
    _, *found = csv.reader(io.StringIO(RENDERERS["csv"](table)))
    assert [int(row[2]) for row in found] == [c for *_, c in rows]
    for (*texts, _), cells in zip(rows, found, strict=True):
        for text, cell in zip(texts, cells, strict=False):
            if cell.strip()[:1] in tuple("=+-@＝＋－＠"):
                float(cell)  # a number stays one
            assert cell.removeprefix("'").split() == text.removeprefix("'").split()


def test_numbers_stay_numbers():
    cells = ["-5", "+1.5e-3", "-5+1", "-", "=1", " =1", "@a", "1-2", "'=1"]
    table = Table(("a",), [(cell,) for cell in cells])
    _, *found = csv.reader(io.StringIO(RENDERERS["csv"](table)))
    expected = ["-5", "+1.5e-3", "'-5+1", "'-", "'=1", "' =1", "'@a", "1-2", "'=1"]
    assert [row[0] for row in found] == expected
