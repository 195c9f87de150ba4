"""`cnngen compare`: its table, its chart, its page, and what it does with hostile texts."""

import csv
import io
import json
import math
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from cnngen.cli import cli
from cnngen.compare.chart import LARGEST, ROOM, wrapped
from cnngen.compare.labels import Box, Bubble, needs_leader, place_labels
from cnngen.compare.papers import MARKS, OTHERS, marks
from cnngen.compare.rows import Compared
from cnngen.compare.scale import scale
from cnngen.draw.metrics import width
from cnngen.syntax.tree import Paper

SPEC = """\
cnngen: 1
name: {name}
about: A network.
{results}
input: {{channels: 3, height: 8, width: 8}}
model:
  stem: {{conv: {{out: {out}, kernel: 3, bias: false}}}}
  body:
    branches:
      long: [{{conv: {{out: {out}, kernel: 1}}}}, relu, {{conv: {{out: {out}, kernel: 1}}}}]
      short: {{conv: {{out: {out}, kernel: 1}}}}
    join: add
"""
SVG = "{http://www.w3.org/2000/svg}"
Put = Callable[..., str]


def compare(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["compare", *arguments])


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    monkeypatch.chdir(tmp_path)

    def write(name: str, out: int = 4, *results: str) -> str:
        listed = f"results: [{', '.join(f'{{{result}}}' for result in results)}]"
        path = Path(f"{name.lower()}.yaml")
        path.write_text(SPEC.format(name=name, out=out, results=listed if results else ""))
        return str(path)

    return write


def test_a_table_with_notes(put: Put):
    small = put("Small", 4, "dataset: D, top1: 60.5, top5: 80, protocol: 1 crop, source: Table 1")
    large = put("Large", 400, "dataset: D, top1: 70, protocol: 1 crop, source: Table 1")
    other = put("Other", 4, "dataset: E, top1: 99, source: Elsewhere")
    assert compare(small, large, other).stdout == (
        "name   year  input      depth  parameters    MACs  activations  top-1  top-5  note\n"
        "----------------------------------------------------------------------------------\n"
        "Small        3 x 8 x 8      3         168  5.62 k       1.7 kB  60.50  80.00  [1]\n"
        "Large        3 x 8 x 8      3       492 k  17.7 M     172.8 kB  70.00         [1]\n"
        "Other        3 x 8 x 8      3         168  5.62 k       1.7 kB\n"
        "top-1 and top-5: per cent on D, as published\n"
        "[1] 1 crop: Table 1\n"
    )


def test_there_are_columns_for_what_was_measured(put: Put):
    files = [
        put("Small", 4, "dataset: D, miou: 60.5, source: Table 1"),
        put("Large", 4, "dataset: D, miou: 70, pixel_accuracy: 91, psnr: 30, source: Table 1"),
    ]
    head, _, *rows = compare(*files).stdout.splitlines()
    assert head.split("activations")[1].split() == ["mIoU", "pixel", "accuracy", "PSNR", "note"]
    assert rows[0].split()[-2:] == ["60.50", "[1]"]
    assert rows[1].split()[-4:] == ["70.00", "91.00", "30.00", "[1]"]
    assert rows[2] == "mIoU and pixel accuracy: per cent; PSNR: dB on D, as published"
    results = [
        each["results"][0] for each in json.loads(compare(*files, "--format", "json").stdout)
    ]
    assert [(each["miou"], each["psnr"], each["top1"]) for each in results] == [
        (60.5, None, None),
        (70, 30, None),
    ]


def test_depth_is_that_of_the_papers():
    names = ["vgg16", "resnet50", "resnet152", "densenet121", "googlenet", "se_resnet50"]
    networks = json.loads(compare(*names, "--format", "json").stdout)
    assert [each["depth"] for each in networks] == [16, 50, 152, 121, 22, 50]


def test_exact_numbers_for_programs(put: Put):
    small = put("Small", 4, 'dataset: D, top1: 60.5, source: "a, b"')
    rows = list(csv.DictReader(io.StringIO(compare(small, put("Other"), "--format", "csv").stdout)))
    assert rows[0]["parameters"] == "168" and rows[0]["activations"].isdigit()
    assert (rows[0]["top-1"], rows[0]["top-5"], rows[0]["source"]) == ("60.5", "", "a, b")


def test_a_changed_network_has_no_published_accuracy(put: Put):
    small = put("Small", 4, "dataset: D, top1: 60, source: S")
    other = put("Other")
    assert "60.00" in compare(small, other).stdout
    assert "60.00" not in compare(small, other, "--input", "3x16x16").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vgg16"], "two specs or more"),
        (["vgg16", "vgg16"], "these are one"),
        (["vgg16", "resnet50", "--set", "classes=2", "--format", "svg"], "changed by --set"),
        (["vgg16", "resnet50", "--set", "classes=2", "--dataset", "X"], "changed by --set"),
        (["vgg16", "resnet50", "--dataset", "MNIST"], "they have ImageNet"),
        (["unet", "lenet5", "--format", "svg"], "results: [{dataset"),
        (["vgg16", "resnet50", "-o", "a.pdf"], "does not end in .txt, .md"),
        (["vgg16", "resnet50", "--format", "png"], "give one with -o"),
        (["vgg16", "resnet50", "-o", "small.yaml/a.svg"], "cannot be written"),
    ],
)
def test_wrong_use(arguments: list[str], message: str, put: Put):
    put("Small")
    done = compare(*arguments)
    assert done.exit_code == 2 and message in done.output


def test_the_chart_has_each_network_and_names_the_others(put: Put):
    files = [
        put("Small", 4, "dataset: D, top1: 60, protocol: 1 crop, source: S"),
        put("Large", 8, "dataset: D, top1: 70, protocol: 10 crops, source: S"),
        put("Other"),
    ]
    root = ElementTree.fromstring(compare(*files, "--format", "svg").stdout)
    circles = [c for c in root.iter(f"{SVG}circle") if c.get("class") == "bubble"]
    radii = sorted(float(circle.get("r", 0)) for circle in circles)[-2:]
    parameters = [
        row["parameters"] for row in json.loads(compare(*files, "--format", "json").stdout)
    ]
    assert radii[1] == LARGEST
    assert math.isclose((radii[0] / radii[1]) ** 2, parameters[0] / parameters[1], rel_tol=0.02)
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "Small" in texts and "Large" in texts and "Other" not in texts
    assert "Not shown: no published top-1 on D: Other" in texts
    assert "1 crop: Small" in texts and "10 crops: Large" in texts


def test_the_chart_shows_what_was_measured_of_most(put: Put):
    files = [
        put("Small", 4, "dataset: D, psnr: 31.5, source: S"),
        put("Large", 8, "dataset: D, miou: 70, psnr: 32, source: S"),
        put("Other", 8, "dataset: D, miou: 71, source: S"),
        put("Third", 8, "dataset: D, psnr: 30, source: S"),
    ]
    root = ElementTree.fromstring(compare(*files, "--format", "svg").stdout)
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "PSNR on D against cost" in texts and "peak signal-to-noise ratio, dB" in texts
    assert "Not shown: no published PSNR on D: Other" in texts
    titles = [title.text or "" for title in root.iter(f"{SVG}title")]
    assert any(title.startswith("Small: 31.5 dB PSNR, ") for title in titles)


HOSTILE = "</text><script>alert(1)</script> & ' {{7}}"


@pytest.mark.parametrize("format", ["svg", "html"])
def test_what_a_spec_says_is_text(format: str, put: Put):
    result = f'dataset: "{HOSTILE}", top1: 60, protocol: "{HOSTILE}", source: "{HOSTILE}"'
    files = [put("Small", 4, result), put("Large", 8, result)]
    text = compare(*files, "--format", format).stdout
    assert "alert(1)" in text and "<script>alert" not in text and "{{7}}" in text
    if format == "svg":
        texts = [each.text for each in ElementTree.fromstring(text).iter(f"{SVG}text")]
        assert f"Top-1 on {HOSTILE} against cost" in texts


def test_only_addresses_become_links(put: Put):
    good = "https://a.org/b?c=1&d=2"
    files = [
        put("Small", 4, f'dataset: D, top1: 60, source: "{good}, Table 1"'),
        put("Large", 8, "dataset: D, top1: 60, source: 'javascript:alert(1)'"),
    ]
    page = compare(*files, "--format", "html").stdout
    assert re.findall(r'href="([^"]*)"', page) == [good.replace("&", "&amp;")]
    assert "src=" not in page and "javascript:alert(1)" in page


def test_a_page_without_a_chart_has_its_table(put: Put):
    page = compare(put("One"), put("Two", 8), "--format", "html").stdout
    assert "No chart: no accuracy is known" in page and page.count("<tr>") == 3
    assert "<svg" not in page


def test_the_name_of_a_dataset_may_be_spelt_otherwise(put: Put):
    files = [put("One", 4, "dataset: ImageNet, top1: 60, source: S"), put("Two")]
    assert "60.00" in compare(*files, "--dataset", "imagenet").stdout


def test_networks_of_one_name_have_their_files(put: Put):
    one = put("One")
    Path("copy.yaml").write_text(Path(one).read_text())
    table = compare(one, "copy.yaml").stdout
    assert "One (one)" in table and "One (copy)" in table


@pytest.mark.browser
def test_the_page_sorts_and_fits_in_a_browser(put: Put, driver: Any):
    files = [
        put("Middle", 8, "dataset: D, top1: 60, source: Table 1"),
        put("Largest", 16, "dataset: D, top1: 9, source: Table 1"),
        put("Smallest", 4),
    ]
    assert compare(*files, "-o", "page.html").exit_code == 0
    driver.get(Path("page.html").absolute().as_uri())

    def column(number: int) -> list[str]:
        cells = driver.find_elements("css selector", f"td:nth-child({number})")
        return [cell.text for cell in cells]

    def click(name: str) -> None:
        heads = driver.find_elements("css selector", "th button")
        next(head for head in heads if head.text.split()[0] == name).click()

    assert column(1) == ["Middle", "Largest", "Smallest"]
    click("parameters")
    assert column(1) == ["Smallest", "Middle", "Largest"]
    click("top-1")
    assert column(1) == ["Largest", "Middle", "Smallest"]
    click("top-1")
    assert column(1) == ["Middle", "Largest", "Smallest"]
    sorted_by = driver.find_elements("css selector", "[aria-sort]")
    assert [head.get_attribute("aria-sort") for head in sorted_by] == ["descending"]

    driver.set_window_size(500, 800)
    sizes = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    page, window = driver.execute_script(sizes)
    assert page <= window
    assert driver.get_log("browser") == []


@pytest.mark.browser
def test_the_page_is_light_or_dark(put: Put, driver: Any):
    result = "dataset: D, top1: 60, source: Table 1"
    assert compare(put("One", 4, result), put("Two", 8, result), "-o", "page.html").exit_code == 0
    driver.get(Path("page.html").absolute().as_uri())
    script = """
        const text = document.querySelector("svg .label");
        return [getComputedStyle(document.body).backgroundColor, getComputedStyle(text).fill];"""
    seen: dict[str, list[int]] = {}
    for scheme in ("light", "dark"):
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        seen[scheme] = [int(re.findall(r"\d+", c)[0]) for c in driver.execute_script(script)]
    (paper, ink), (night, light) = seen["light"], seen["dark"]
    assert paper > 200 > 100 > ink and night < 100 < 200 < light


def test_the_same_networks_are_the_same_chart():
    command = ["vgg16", "resnet50", "densenet121", "--format", "svg"]
    assert compare(*command).stdout == compare(*command).stdout


BUBBLES = st.lists(
    st.builds(
        Bubble,
        st.floats(ROOM.left + LARGEST, ROOM.right - LARGEST),
        st.floats(ROOM.top + LARGEST, ROOM.bottom - LARGEST),
        st.floats(0, LARGEST),
        st.text("AbcNet0", min_size=1, max_size=12),
    ),
    max_size=20,
)


@settings(deadline=None, max_examples=50)
@given(BUBBLES)
def test_no_name_lies_on_another(bubbles: list[Bubble]):
    boxes = place_labels(bubbles, ROOM)
    assert all(box.within(ROOM) for box in boxes)
    assert not any(one.meets(other) for one, other in combinations(boxes, 2))


@given(st.lists(st.floats(1, 1e12), min_size=1, max_size=9))
def test_a_scale_has_room_for_its_values(values: list[float]):
    found = scale(values, 0, 600, 40)
    places = [found.place(value) for value in values]
    assert min(places) >= 39.9 and max(places) <= 560.1
    assert all(0 <= found.place(tick) <= 600 for tick in found.ticks())


@given(st.text("ab c", max_size=200))
def test_lines_fit(text: str):
    lines = wrapped(text, 60, 10)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width(line, 10) <= 60 for line in lines)


def test_certainty_is_the_end_of_the_scale(put: Put):
    files = [
        put("One", 4, "dataset: D, top1: 100, source: S"),
        put("Two", 8, "dataset: D, top1: 100, source: S"),
    ]
    root = ElementTree.fromstring(compare(*files, "--format", "svg").stdout)
    ticks = [x.text for x in root.iter(f"{SVG}text") if x.get("class") == "tick end"]
    assert ticks == ["96", "98", "100"]


def test_each_paper_has_its_mark():
    """Two papers of the same authors in one year are two; what is beyond the marks shares one."""

    def row(url: str, authors: str = "He, Zhang") -> Compared:
        paper = Paper("A title", authors, "2016", url)
        return Compared("Net", paper, {"input": (1, 1, 1)}, 1, 1, 1, 1, ())

    found = marks([row("a"), row("b"), row("a")])
    assert [mark.text for mark in found] == ["He et al., 2016a", "He et al., 2016b"] + [
        "He et al., 2016a"
    ]
    several = marks([row(str(i), f"Author{i}") for i in range(20)])
    assert len({(mark.colour, mark.dashed) for mark in several}) == MARKS
    assert [mark.text for mark in several[MARKS - 2 :]] == ["Author12, 2016"] + [OTHERS] * 7


@pytest.mark.parametrize(
    ("other", "needed"),
    [(Bubble(300, 50, 9, ""), False), (Bubble(75, 50, 9, ""), True), (Bubble(50, 50, 9, ""), True)],
)
def test_a_name_has_a_line_where_it_may_be_another_bubbles(other: Bubble, needed: bool):
    bubble = Bubble(50, 50, 9, "Net")
    assert needs_leader(bubble, Box(62, 44, 100, 56), [bubble, other]) == needed


@pytest.mark.parametrize(
    ("box", "between"),
    [
        (Box(40, 40, 60, 60), True),
        (Box(40, 0, 60, 20), False),
        (Box(90, 45, 99, 55), True),
        (Box(0, 51, 100, 60), False),
    ],
)
def test_what_lies_between(box: Box, between: bool):
    assert box.lies_between(0, 50, Box(100, 40, 120, 60)) == between


def test_boxes_that_only_touch_do_not_meet():
    assert not Box(0, 0, 1, 1).meets(Box(1, 0, 2, 1))
