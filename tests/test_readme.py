"""The README is true and short: its example is what the compiler gives, and what it leaves out is
on a page that it names.

`python tests/test_readme.py --update` writes into its example what the compiler gives now.
"""

import re
import sys
import tempfile
from pathlib import Path

import pytest
from support.documentation_pages import ROOT

from cnngen.analysis import analyse_file
from cnngen.check import check
from cnngen.cli import COMMANDS
from cnngen.diagnostics.model import Report
from cnngen.diagnostics.text import render_text
from cnngen.locate import zoo
from cnngen.targets.generate import generate

README = ROOT / "README.md"
LONGEST = 14_000  # bytes; it is the first page that a stranger reads
BLOCK = re.compile(
    r"^<!-- (?P<kind>ci|example): (?P<name>\w+) -->\n```.*\n(?P<text>(?:.*\n)*?)```$", re.MULTILINE
)
MISTAKE = re.compile(r"conv: \{out: (?=input\.channels\}\n *- batch_norm\n *join)")


def blocks() -> dict[str, re.Match[str]]:
    """The marked blocks of the README, by name."""
    return {found["name"]: found for found in BLOCK.finditer(README.read_text(encoding="utf-8"))}


def generated() -> dict[str, str]:
    """What the compiler says to the spec of the README, by the names of the blocks."""
    spec = blocks()["spec"]["text"]
    wrong, count = MISTAKE.subn("conv: {out: 2 * ", spec)
    assert count == 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny_resnet.yaml"
        path.write_text(spec, encoding="utf-8")
        report = Report()
        network = analyse_file(path, report)
        assert network, render_text(list(report))
        sources = {target: generate(network, target, report) for target in ("torch", "keras")}
        path.write_text(wrong, encoding="utf-8")
        network, found = check(path)
        assert network is None
        said = render_text(found).replace(str(path), path.name)
    return {**{target: source or "" for target, source in sources.items()}, "mistake": said}


@pytest.mark.parametrize("name", ["torch", "keras", "mistake"])
def test_the_example_is_fresh(name: str):
    """If not: `python tests/test_readme.py --update`."""
    assert blocks()[name]["text"] == generated()[name]


def test_it_is_short():
    assert len(README.read_bytes()) < LONGEST


def test_every_page_is_linked():
    text = README.read_text(encoding="utf-8")
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    linked = re.findall(r"\]\(([^)#]+\.md)[^)]*\)", text)
    assert pages | {"docs/zoo/README.md", "CONTRIBUTING.md"} <= {*linked}


def test_the_size_of_the_zoo_is_true():
    (said,) = re.findall(r"\(docs/zoo/README\.md\) has (\d+)", README.read_text(encoding="utf-8"))
    assert int(said) == len(zoo())


@pytest.mark.parametrize("name", ["build", "test"])
def test_commands_are_one_line(name: str):
    assert re.fullmatch(r"[^\n]+\n", blocks()[name]["text"])


@pytest.mark.parametrize("page", [README, ROOT / "docs/commands.md"], ids=lambda page: page.name)
def test_every_command_is_listed(page: Path):
    rows = re.findall(r"^\| (`cnngen .*?) \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`cnngen (\w+)", row)} == {*COMMANDS}


def update() -> None:
    """Write what the compiler gives now."""
    found = blocks()
    text = README.read_text(encoding="utf-8")
    new = generated()
    for name in sorted(new, key=lambda name: -found[name].start()):
        start, end = found[name].span("text")
        text = text[:start] + new[name] + text[end:]
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    update()
