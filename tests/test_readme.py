"""The README is true: its example is what the compiler gives, its Python runs, its zoo is complete.

`python tests/test_readme.py --update` writes into its example and its zoo what the compiler gives
now.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from cnngen.analysis import analyse_file
from cnngen.check import check
from cnngen.cli import COMMANDS, cli
from cnngen.diagnostics.model import Report
from cnngen.diagnostics.text import render_text
from cnngen.targets.generate import generate

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(
    r"^<!-- (?P<kind>ci|example): (?P<name>\w+) -->\n```.*\n(?P<text>(?:.*\n)*?)```$", re.MULTILINE
)
ZOO = re.compile(r"^<!-- zoo -->\n(?P<text>(?:\|.*\n)+)", re.MULTILINE)
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


def zoo() -> str:
    """What `cnngen list` says about the specs that ship."""
    done = CliRunner().invoke(cli, ["list", "--format", "markdown", *map(str, shipped())])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def shipped() -> list[Path]:
    """The specs that git knows, as others are not finished; all of them where there is no git."""
    found = sorted((README.parent / "specs").glob("*.yaml"))
    if not (README.parent / ".git").exists():
        return found
    git = ["git", "ls-files", "-z", "specs"]
    done = subprocess.run(git, cwd=README.parent, capture_output=True, text=True, check=True)
    known = set(done.stdout.split("\0"))
    return [path for path in found if f"specs/{path.name}" in known]


@pytest.mark.parametrize("name", ["torch", "keras", "mistake"])
def test_the_example_is_fresh(name: str):
    assert blocks()[name]["text"] == generated()[name]


def test_the_zoo_is_fresh():
    """If not: `python tests/test_readme.py --update`, after `git add specs`."""
    (found,) = ZOO.finditer(README.read_text(encoding="utf-8"))
    assert found["text"] == zoo()


def test_the_python_example_runs():
    import cnngen

    names: dict[str, object] = {}
    text = blocks()["python"]["text"]
    exec(text, names)
    loaded = names["resnet"]
    assert isinstance(loaded, cnngen.LoadedSpec)
    assert loaded.check() == []
    assert f"# {loaded.summary().parameters}\n" in text
    assert str(names["source"]).startswith('"""ResNet50: ')


@pytest.mark.parametrize("name", ["build", "test"])
def test_commands_are_one_line(name: str):
    assert re.fullmatch(r"[^\n]+\n", blocks()[name]["text"])


def test_every_command_is_listed():
    listed = set(re.findall(r"^\| `cnngen (\w+)", README.read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == set(COMMANDS)


def update() -> None:
    """Write what the compiler gives now."""
    found = blocks()
    text = README.read_text(encoding="utf-8")
    new = generated()
    for name in sorted(new, key=lambda name: -found[name].start()):
        start, end = found[name].span("text")
        text = text[:start] + new[name] + text[end:]
    (table,) = ZOO.finditer(text)
    start, end = table.span("text")
    text = text[:start] + zoo() + text[end:]
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    update()
