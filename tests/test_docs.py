"""The examples of the documentation do what it says.

In `docs/*.md` and `README.md`, a block of YAML says what it is behind the fence:

* `yaml spec [FILE]` is valid, and nothing is said about it (`FILE` is its name, for `extends`);
* `yaml fails CODE` gives diagnostics of that code and of no other.

What each of them leaves out of `cnngen`, `name`, `about` and `input` is added. `text layers` behind
a spec lists its layers. `python tests/test_docs.py --update` writes into these what is found now.
"""

import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cnngen.analysis import analyse_file
from cnngen.diagnostics.codes import CODES
from cnngen.diagnostics.model import Report
from cnngen.diagnostics.text import render_text
from cnngen.semantics.network import Network

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(?P<info>.*)\n(?P<text>(?:(?!```).*\n)*)```$", re.MULTILINE)
LEFT_OUT = {
    "name": "name: Example",
    "about": "about: An example.",
    "input": "input: {channels: 3, height: 32, width: 32}",
}


@dataclass(frozen=True)
class Example:
    """A spec of a page; `others` are the files of the page that it may extend."""

    page: str
    line: int
    text: str
    file: str = "example.yaml"
    code: str = ""
    layers: re.Match[str] | None = None
    others: tuple["Example", ...] = ()

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    def analyse(self) -> tuple[Network | None, Report]:
        """The network, and what is said about it."""
        report = Report()
        with tempfile.TemporaryDirectory() as folder:
            for example in (*self.others, self):
                (Path(folder) / example.file).write_text(whole(example.text), encoding="utf-8")
            return analyse_file(Path(folder) / self.file, report), report


def whole(text: str) -> str:
    """A spec with the keys that it leaves out."""
    present = set(re.findall(r"^(\w+):", text, re.MULTILINE))
    added = [] if "extends" in present else [v for k, v in LEFT_OUT.items() if k not in present]
    return "\n".join([*([] if "cnngen" in present else ["cnngen: 1"]), *added, text])


def examples(path: Path) -> Iterator[Example]:
    text = path.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    named: tuple[Example, ...] = ()
    for i, block in enumerate(blocks):
        language, _, rest = block["info"].partition(" ")
        if language != "yaml":
            continue
        kind, _, argument = rest.partition(" ")
        after = blocks[i + 1] if i + 1 < len(blocks) else None
        example = Example(
            path.name,
            text.count("\n", 0, block.start()) + 1,
            block["text"],
            (argument if kind == "spec" else "") or "example.yaml",
            argument if kind == "fails" else "",
            after if after and after["info"] == "text layers" else None,
            named,
        )
        assert kind == "spec" or argument in CODES, f"{example}: what is this block?"
        named += (example,) if kind == "spec" and argument else ()
        yield example


EXAMPLES = [example for path in PAGES for example in examples(path)]


def listed(network: Network) -> str:
    """The layers as the documentation shows them."""
    rows = [(path, layer.op.name, str(layer.output)) for path, layer in network.layers.items()]
    paths, ops = (max(len(row[i]) for row in rows) for i in (0, 1))
    return "".join(f"{path:<{paths}}  {op:<{ops}}  {shape}\n" for path, op, shape in rows)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_example(example: Example):
    network, report = example.analyse()
    found = {diagnostic.code for diagnostic in report}
    assert found == ({example.code} if example.code else set()), render_text(list(report))
    if example.layers:
        assert network
        assert listed(network) == example.layers["text"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)]*)\)", text):
        file, _, heading = target.partition("#")
        page = path.parent / file if file else path
        assert page.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {anchor(title) for title in titles}, target


def anchor(title: str) -> str:
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def update() -> None:
    """Write into each list of layers what it is now."""
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        for example in reversed(list(examples(path))):
            network, _ = example.analyse()
            if example.layers and network:
                start, end = example.layers.span("text")
                text = text[:start] + listed(network) + text[end:]
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    update()
