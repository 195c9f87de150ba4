"""The list of networks: its order, its numbers, its formats, and specs that do not belong in it."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cnngen.cli import cli
from cnngen.commands import zoo as command
from cnngen.locate import zoo
from cnngen.report.catalogue import short

SPEC = """\
cnngen: 1
name: Small
about: A small network.
paper: {{title: "{title}", year: {year}, url: "{url}"}}
input: {{channels: 3, height: 8, width: 8}}
model: {{stem: {{conv: {{out: 100, kernel: 3}}}}}}
"""


def listed(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["list", *arguments])


def put(
    name: str, year: str = "2016", title: str = "A Paper", url: str = "https://a.org/b"
) -> None:
    Path(f"{name}.yaml").write_text(SPEC.format(title=title, year=year, url=url))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_has_the_whole_zoo():
    rows = json.loads(listed("--format", "json").stdout)
    assert {row["name"] for row in rows} == set(zoo())
    (densenet,) = (row for row in rows if row["name"] == "densenet121")
    assert densenet == {
        "name": "densenet121",
        "year": "2017",
        "input": [3, 224, 224],
        "parameters": 7_978_856,
        "macs": 2_834_161_664,
        "paper": "Densely Connected Convolutional Networks",
        "url": "https://arxiv.org/abs/1608.06993",
    }


def test_it_is_sorted_by_year_then_family_then_number(folder: Path):
    order = "net5 alex vgg9 vgg16 vgg_bn9 vgg_bn16 res"
    for name, year in zip(order.split(), (1998, *[2015] * 5, "null"), strict=True):
        put(name, str(year))
    rows = listed(".").stdout.splitlines()[2:]
    assert [row.split()[0] for row in rows] == order.split()


def test_the_table_is_for_people(folder: Path):
    put("small")
    assert listed("small.yaml").stdout == (
        "name   year  input      parameters    MACs  paper\n"
        "---------------------------------------------------\n"
        "small  2016  3 x 8 x 8      2.80 k  97.2 k  A Paper\n"
    )


def test_csv_has_exact_numbers(folder: Path):
    put("small", title="One, Two")
    (row,) = csv.DictReader(io.StringIO(listed("small.yaml", "--format", "csv").stdout))
    assert (row["parameters"], row["macs"]) == ("2800", "97200")
    assert row["paper"] == "One, Two"


def test_markdown_links_papers(folder: Path):
    put("small", title="One | Two [3]")
    put("tiny", url="javascript:alert(1)")
    text = listed(".", "--format", "markdown").stdout
    assert "| `small` |" in text
    assert r"[One \| Two \[3\]](https://a.org/b)" in text
    assert "javascript" not in text


def test_the_last_column_gives_way_to_a_narrow_terminal(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    put("small", title="A Paper with a Long Title")
    monkeypatch.setattr(command, "terminal_width", lambda: 55)
    assert listed("small.yaml").stdout.splitlines()[2].endswith("  A Paper...")
    monkeypatch.setattr(command, "terminal_width", lambda: 10)
    assert listed("small.yaml").stdout.splitlines()[2].endswith("  A...")


def test_a_wrong_spec_does_not_hide_the_others(folder: Path):
    put("fine")
    put("wrong")
    Path("wrong.yaml").write_text(Path("wrong.yaml").read_text().replace("kernel", "kernle"))
    done = listed(".")
    assert done.exit_code == 1
    assert "fine " in done.stdout and "wrong" not in done.stdout
    assert "error[unknown-attribute]" in done.stderr


def test_nothing_that_a_terminal_would_obey_is_printed(folder: Path):
    put("small", title=r"A \e[31m Red\nPaper")
    for format in ("table", "markdown", "csv", "json"):
        assert "\x1b" not in listed("small.yaml", "--format", format).stdout


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00 k"),
        (61_706, "61.7 k"),
        (999_499, "999 k"),
        (999_500, "1.00 M"),
        (25_557_032, "25.6 M"),
        (15_470_264_320, "15.5 G"),
        (10**22, "10000 E"),
    ],
)
def test_short_numbers_have_three_digits(number: int, text: str):
    assert short(number) == text
