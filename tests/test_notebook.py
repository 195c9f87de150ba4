"""A spec in a notebook shows its picture and its table, or what is wrong with it."""

import json
import sys
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

import cnngen
from cnngen.cli import cli
from cnngen.diagnostics.text import render_text
from cnngen.draw import figures
from cnngen.frameworks import MissingFrameworkError
from cnngen.report.table import Table, html

HOSTILE = """</svg><script>alert(1)</script> & ' \" onerror="alert(1)" <img src=x>"""
SPEC = f"""\
cnngen: 1
name: Small
about: {json.dumps(HOSTILE)}
input: {{channels: 3, height: 8, width: 8}}
blocks:
  Unit:
    about: A sum.
    body: {{branches: {{left: [relu, sigmoid], right: identity}}, join: add}}
model:
  body: {{repeat: 2, do: Unit}}
  pool: [global_avg_pool, flatten]
"""
UNUSED = SPEC.replace("model:", "  Unused: {about: Nobody uses it., body: relu}\nmodel:")
TABLE = [
    ["path", "output", "parameters", "%", "MACs", "%", "stride", "field", "made of"],
    ["body", "3 x 8 x 8", "0", "", "0", "", "1", "1", "Unit x 2"],
    ["pool", "3", "0", "", "0", "", "", "all", "global_avg_pool, flatten"],
    ["Small", "pool 3", "0", "", "0", "", "", "", ""],
]


class Page(HTMLParser):
    """What a browser makes of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self.image: dict[str, str | None] = {}
        self.texts = {"pre": "", "p": "", "td": "", "th": ""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag == "img":
            self.image = dict(attrs)

    def handle_data(self, data: str) -> None:
        if self.tags[-1] in self.texts:
            self.texts[self.tags[-1]] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.rows[-1].append(self.texts[tag].strip())
            self.texts[tag] = ""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SPEC)
    return path


def test_picture_and_table(path: Path):
    pytest.importorskip("pygraphviz")
    spec = cnngen.load(path)
    page = Page(spec._repr_html_())
    assert page.tags[:2] == ["img", "table"] and "script" not in page.tags
    assert page.rows == TABLE
    assert page.texts["p"].startswith("activations of 1 image in float32: inference at least ")
    assert page.image["alt"] == f"Small: {HOSTILE}"
    kind, _, data = (page.image["src"] or "").partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert b64decode(data).decode() == spec._repr_svg_() == spec.draw()


def test_cells_are_text():
    table = html(Table(["<b>head"], [["a & <i>b"]], total=["</td>"]))
    assert Page(table).rows == [["<b>head"], ["a & <i>b"], ["</td>"]]


def test_nothing_but_the_image_has_styles_or_ids():
    """So that many pictures can stand in one notebook, which keeps its own styles."""
    text = cnngen.load("inception_v3")._repr_html_()
    assert "<style" not in text and " id=" not in text and "<svg" not in text


def test_a_spec_with_errors_shows_them(path: Path):
    path.write_text(SPEC.replace("sigmoid", json.dumps(HOSTILE)))
    spec = cnngen.load(path)
    page = Page(spec._repr_html_())
    assert page.tags == ["pre"]
    assert page.texts["pre"] == render_text(spec.check())
    assert "`</svg><script>alert(1)</script> & ' " in page.texts["pre"]
    assert spec._repr_svg_() is None


def test_warnings_stand_above(path: Path):
    path.write_text(UNUSED)
    page = Page(cnngen.load(path)._repr_html_())
    assert page.tags[0] == "pre" and "warning[unused-block]" in page.texts["pre"]
    assert page.rows == TABLE


def test_without_graphviz_the_page_says_what_to_install(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    spec = cnngen.load(path)
    assert spec._repr_svg_() is None
    page = Page(spec._repr_html_())
    said = "no picture: pygraphviz is not installed: pip install 'cnngen[draw]'"
    assert page.texts["p"].startswith(said) and "img" not in page.tags
    assert page.rows == TABLE
    with pytest.raises(MissingFrameworkError):
        spec.draw()


def test_a_picture_that_nobody_could_read(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(figures, "MOST_PARTS", 3)
    spec = cnngen.load(path)
    assert spec._repr_svg_() is None
    page = Page(spec._repr_html_())
    assert page.texts["p"].startswith("no picture: the picture would have ")
    assert page.rows == TABLE


@pytest.mark.parametrize("format", ["svg", "png", "dot", "mmd"])
def test_draw_gives_what_the_command_writes(path: Path, tmp_path: Path, format: str):
    pytest.importorskip("vl_convert")
    file = tmp_path / f"small.{format}"
    assert (
        CliRunner().invoke(cli, ["draw", str(path), "--expand", "Unit", "-o", str(file)]).exit_code
        == 0
    )
    spec = cnngen.load(path)
    drawn = {
        "svg": lambda: spec.draw("svg", expand=["Unit"]).encode(),
        "png": lambda: spec.draw("png", expand="Unit"),
        "dot": lambda: spec.draw("dot", depth=1).encode(),
        "mmd": lambda: spec.draw("mmd", expand=("body.0", "body.1")).encode(),
    }[format]()
    assert drawn == file.read_bytes()


def test_draw_needs_a_network_and_names_that_exist(path: Path):
    with pytest.raises(ValueError, match="no block or use of one is called `Unti`"):
        cnngen.load(path).draw("dot", expand=["Unti"])
    path.write_text(SPEC.replace("sigmoid", "sigmund"))
    with pytest.raises(cnngen.SpecError):
        cnngen.load(path).draw("dot")


def test_ipython_finds_both(path: Path):
    pytest.importorskip("IPython")
    pytest.importorskip("pygraphviz")
    from IPython.core.formatters import DisplayFormatter

    formatter = DisplayFormatter()
    formatter.active_types = ["text/plain", "text/html", "image/svg+xml"]
    found, _ = formatter.format(cnngen.load(path))
    assert set(found) == {"text/plain", "text/html", "image/svg+xml"}
