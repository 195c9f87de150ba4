"""`cnngen draw`: what its figures show, and its files."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from built import build
from click.testing import CliRunner, Result

from cnngen.cli import cli
from cnngen.draw.figure import Figure, insides, overview
from cnngen.draw.metrics import width
from cnngen.draw.page import MOST_PARTS
from cnngen.locate import zoo

pytest.importorskip("pygraphviz")

SPEC = """\
cnngen: 1
name: Small
about: "{about}"
input: {{channels: 3, height: 8, width: 8}}
blocks:
  Unit:
    about: One box.
    params: {{out: int}}
    body: [{{conv: {{out: out, kernel: 3, padding: half}}}}, batch_norm, relu]
  Residual:
    about: A sum.
    body:
      branches: {{left: [{{Unit: {{out: 4}}}}, {{conv: {{out: 4, kernel: 1}}}}], right: identity}}
      join: add
  Row:
    about: Nothing but others.
    body: {{repeat: 3, do: Residual}}
model:
  stem: {{Unit: {{out: 4}}}}
  body: Row
  pool: {{max_pool: {{kernel: 2}}}}
  more: {{repeat: 2, do: Residual}}
  aux: {{when: training, from: body, do: [global_avg_pool, flatten]}}
outputs: {{more: more, aux: aux}}
"""


def drawn(figure: Figure) -> list[str]:
    """The boxes in order, and the arrows between boxes that do not follow each other."""
    texts = {box.key: " / ".join(box.lines) for box in figure.boxes}
    rows = [
        text + (f" x {b.times}" if b.times > 1 else "")
        for b, text in zip(figure.boxes, texts.values(), strict=True)
    ]
    order = list(texts)
    for arrow in figure.arrows:
        if arrow.tail not in texts and order.index(arrow.head) == 0 or arrow.head not in texts:
            continue
        if arrow.tail not in texts or order.index(arrow.head) != order.index(arrow.tail) + 1:
            rows.append(f"{texts.get(arrow.tail, 'input')} -> {texts[arrow.head]}: {arrow.shape}")
    return rows


def test_what_figures_show():
    network = build(SPEC.format(about="An example.")).network
    (inside,), plain = insides(network)
    assert plain == {"Unit", "Row"}
    assert drawn(inside) == [
        "3 x 3 conv, 4 / batch_norm / relu",
        "1 x 1 conv, 4",
        "+",
        "input -> +: 4 x 8 x 8",
    ]
    assert drawn(overview(network, plain)) == [
        "3 x 3 conv, 4 / batch_norm / relu",
        "Residual / body x 3",
        "2 x 2 max_pool",
        "Residual / more x 2",
        "global_avg_pool",
        "flatten",
        "Residual / body -> global_avg_pool: 4 x 8 x 8",
    ]


def draw(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["draw", *arguments])


@pytest.mark.parametrize("name", zoo())
def test_the_zoo(name: str):
    """Every box and arrow is on the page, and every text is text."""
    done = draw(name)
    assert done.exit_code == 0, done.output
    root = ElementTree.fromstring(done.stdout)
    across, down = float(root.attrib["width"]), float(root.attrib["height"])
    assert across <= 1600 and down <= 2600
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    network = build(name).network
    figures, plain = insides(network)
    for figure in [overview(network, plain), *figures]:
        assert figure.title in texts
        assert all(box.lines[0] in texts for box in figure.boxes)


def test_the_same_network_is_the_same_picture():
    assert draw("googlenet").stdout == draw("googlenet").stdout


HOSTILE = r"<script>alert(1)</script> & \" ' ]]> {{7}}"


def test_what_a_spec_says_is_text(tmp_path: Path):
    (tmp_path / "small.yaml").write_text(SPEC.format(about=HOSTILE))
    done = draw(str(tmp_path / "small.yaml"))
    assert done.exit_code == 0, done.output
    text = done.stdout
    assert "<script" not in text
    about = ElementTree.fromstring(text).findtext("{http://www.w3.org/2000/svg}desc") or ""
    assert about == "<script>alert(1)</script> & \" ' ]]> {{7}}"


BEGINNINGS = {".svg": b"<svg ", ".png": b"\x89PNG", ".pdf": b"%PDF"}


@pytest.mark.parametrize("ending", BEGINNINGS)
def test_files(ending: str, tmp_path: Path):
    pytest.importorskip("vl_convert")
    file = tmp_path / f"small{ending}"
    assert draw("lenet5", "-o", str(file)).exit_code == 0
    assert file.read_bytes().startswith(BEGINNINGS[ending])
    assert list(tmp_path.iterdir()) == [file]


def test_other_endings_are_wrong(tmp_path: Path):
    done = draw("lenet5", "-o", str(tmp_path / "lenet5.jpg"))
    assert (done.exit_code, list(tmp_path.iterdir())) == (2, [])


def test_what_nobody_could_read_is_not_drawn(tmp_path: Path):
    steps = ", ".join(["relu", "tanh"] * MOST_PARTS)
    spec = SPEC.format(about="Long.").replace(
        "pool: {max_pool", f"long: [{steps}]\n  pool: {{max_pool"
    )
    (tmp_path / "long.yaml").write_text(spec)
    done = draw(str(tmp_path / "long.yaml"))
    assert done.exit_code == 2
    assert re.search(r"would have [\d,]+ boxes", done.stderr)


def test_widths_are_those_of_helvetica():
    assert width("iii", 1000) == 3 * 222
    assert width("Wé", 1000) == 944 + 700
