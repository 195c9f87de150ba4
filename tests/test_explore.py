"""The page to explore a network with: what it knows, and that a browser shows it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.built_models import build

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.draw.explore import page
from cnngen.draw.sheet import svg
from cnngen.locate import zoo

pytest.importorskip("pygraphviz")

SPEC = """\
cnngen: 1
name: Small
about: "{about}"
input: {{channels: 3, height: 16, width: 16}}
blocks:
  Unit:
    about: A convolution and what follows it.
    params: {{out: int}}
    body: [{{conv: {{out: out, kernel: 3, padding: half}}}}, batch_norm, relu]
  Fork:
    about: Two ways, side by side.
    params: {{width: int}}
    body:
      branches:
        left: [{{Unit: {{out: width}}}}, {{conv: {{out: width, kernel: 1}}}}]
        right: {{max_pool: {{kernel: 3, stride: 1, padding: half}}}}
      join: concat
model:
  stem: {{Unit: {{out: 8}}}}
  forks: {{repeat: 2, do: {{Fork: {{width: 4}}}}}}
  head: [global_avg_pool, flatten, {{linear: {{out: 10}}}}]
"""
HOSTILE = r"</script><script>document.title = 'hurt'</script> & \" ' <img src=x onerror=alert(1)>"


def data_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found[1])


def excerpt(data: dict[str, Any], place: list[Any]) -> str:
    """The marked lines, each without its indentation."""
    file, _, _, first, last = place
    lines = data["sources"][file].split("\n")[first - 1 : last]
    return " ".join(line.strip() for line in lines)


def test_a_layer_has_its_numbers_and_its_lines():
    data = data_of(page(build("googlenet").network))
    (item,) = [item for item in data["items"] if item["name"] == "inception4a.branch3.0.0"]
    assert (item["inputs"], item["output"]) == (["480 x 14 x 14"], "96 x 14 x 14")
    assert (item["parameters"], item["macs"]) == (480 * 96 + 96, 480 * 96 * 14 * 14)
    assert item["values"]["kernel"] == "1 x 1"
    assert excerpt(data, *item["spec"]).startswith("- conv: {out: out, kernel: kernel")
    torch, keras = (excerpt(data, place) for place in item["code"])
    assert torch.startswith("nn.Conv2d( in_channels, out, kernel_size=kernel")
    assert keras.startswith("x = conv2d(")
    (use,) = [item for item in data["items"] if item["name"] == "inception4a"]
    assert (use["what"], use["values"]["c1"], use["parameters"]) == ("Inception", "192", 376176)
    step, block = (excerpt(data, place) for place in use["spec"])
    assert step.startswith("inception4a: {Inception: {c1: 192,") and block.startswith(
        "Inception: about:"
    )


@pytest.mark.parametrize("name", zoo())
def test_every_layer_is_on_the_page_once(name: str):
    network = build(name).network
    html = page(network)
    data = data_of(html)
    shown = [data["items"][item]["name"] for box in leaves(data) for item in box["items"]]
    drawn = [path for path, layer in network.layers.items() if layer.op.name != "identity"]
    assert sorted(set(shown) - {*network.layers} | {*drawn}) == sorted(drawn)
    assert len(shown) == len(set(shown))
    for item in data["items"]:
        assert all(item["spec"]) and all(item["code"])
    assert not re.search(r"(src|href)=|@import|url\((?!#)", html), "the page fetches something"


@pytest.mark.parametrize(
    ("depth", "expand", "opened"),
    [(0, "", 0), (1, "", 3), (0, "Fork", 3), (0, "forks.1", 2)],
)
def test_blocks_may_be_open_at_first(depth: int, expand: str, opened: int):
    """Uses of the block, and the row that they are in."""
    network = build(SPEC.format(about="Two forks.")).network
    data = data_of(page(network, depth, frozenset(filter(None, [expand]))))
    assert len(data["opened"]) == opened


def leaves(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The boxes that nothing is inside of; each figure is inside of one box."""
    inner = [b["inside"] for f in data["figures"] for b in f["boxes"] if b["inside"] is not None]
    assert sorted(inner) == list(range(1, len(data["figures"])))
    for figure in data["figures"]:
        layout = data["layouts"][figure["layout"]]
        assert len(layout["nodes"]) >= len(figure["boxes"])
        assert len(layout["arrows"]) == len(figure["texts"])
        yield from (box for box in figure["boxes"] if box["inside"] is None)


def test_specs_of_one_name_are_two_files(tmp_path: Path):
    (tmp_path / "base").mkdir()
    parent, child = tmp_path / "base" / "net.yaml", tmp_path / "net.yaml"
    parent.write_text(SPEC.format(about="A parent."))
    child.write_text("cnngen: 1\nname: Child\nabout: A child.\nextends: base/net.yaml\n")
    (tmp_path / "pyproject.toml").touch()
    network = analyse_file(child, Report())
    assert network
    sources = data_of(page(network))["sources"]
    assert sources["net.yaml"] == child.read_text()
    assert sources["net.yaml (2)"] == parent.read_text()


@pytest.mark.parametrize(
    ("network", "layer", "target", "text"),
    [
        ("resnet50", "features.0.0.shortcut.0", "torch", "nn.Conv2d(in_channels, 4 * width,"),
        ("vgg16", "features.0.0.0", "torch", "nn.Conv2d(in_channels, width, kernel_size=3"),
        ("bn_inception", "inception3a.pool.0", "keras", "avg_pool2d(x, 3, 1,"),
        ("bn_inception", "inception5b.pool.0", "keras", "layers.MaxPooling2D(3, strides=1"),
    ],
)
def test_the_lines_are_of_the_op(network: str, layer: str, target: str, text: str):
    """Where an attribute or a name is given in several places, the one that speaks of the op."""
    data = data_of(page(build(network).network))
    item = next(x for x in data["items"] if x["name"] == layer and not x.get("about"))
    (place,) = [place for place in item["code"] if place and place[0] == target]
    assert text in excerpt(data, place)


SHARED = """\
cnngen: 1
name: Shared
about: Blocks that look alike, where other parameters go to the boxes.
input: {channels: 8, height: 8, width: 8}
blocks:
  Early:
    about: The first two read the input.
    params: {other: tensor}
    body:
      branches:
        a: {conv: {out: 8, kernel: 1}}
        b: {conv: {out: 8, kernel: 1}}
        c: {conv: {out: 8, kernel: 1}, from: other}
      join: concat
  Later:
    about: The last two read the other one.
    params: {other: tensor}
    body:
      branches:
        a: {conv: {out: 8, kernel: 1}}
        b: {conv: {out: 8, kernel: 1}, from: other}
        c: {conv: {out: 8, kernel: 1}, from: other}
      join: concat
model:
  stem: {conv: {out: 8, kernel: 1}}
  pool: {max_pool: {kernel: 1}}
  one: {Early: {other: stem}}
  two: {Later: {other: stem}}
"""


def test_layouts_are_shared_only_where_arrows_are_the_same():
    data = data_of(page(build(SHARED).network))
    early, later = (data["layouts"][figure["layout"]] for figure in data["figures"][1:])
    assert [arrow[:2] for arrow in early["arrows"]] != [arrow[:2] for arrow in later["arrows"]]
    (item,) = [item for item in data["items"] if item["name"] == "one"]
    assert item["inputs"] == ["input: 8 x 8 x 8", "other: 8 x 8 x 8"]


# --- In a browser


@pytest.fixture
def small(driver: Any, tmp_path: Path) -> Any:
    """The page of a small network, and no error on it at the end."""
    file = tmp_path / "small.html"
    file.write_text(page(build(SPEC.format(about=HOSTILE)).network))
    driver.get(file.as_uri())
    yield driver
    assert driver.get_log("browser") == []


def texts(driver: Any, css: str) -> list[str]:
    return [element.text for element in driver.find_elements("css selector", css)]


def labels(driver: Any) -> list[str]:
    """The boxes that there are, in order, by what a screen reader says first."""
    found = driver.find_elements("css selector", ".box[role=treeitem]")
    return [element.get_attribute("aria-label").split(",")[0] for element in found]


CLOSED = ["3 x 3 conv", "Fork", "global_avg_pool", "flatten", "linear"]


@pytest.mark.browser
def test_what_a_spec_says_is_text(small: Any):
    assert (small.title, texts(small, "h1")) == ("Small", ["Small"])
    assert texts(small, "header p") == [HOSTILE.replace('\\"', '"')]
    assert small.find_elements("css selector", "img") == []


@pytest.mark.browser
def test_blocks_open_in_place(small: Any):
    assert labels(small) == CLOSED

    def click_sign(number: int) -> None:
        box = small.find_elements("css selector", ".box[role=treeitem]")[number]
        box.find_element("css selector", ":scope > .sign").click()

    click_sign(1)
    row = ["Fork", "Fork", "Fork"]
    assert labels(small) == [CLOSED[0], *row, *CLOSED[2:]]
    click_sign(2)
    inside = ["3 x 3 conv", "1 x 1 conv", "3 x 3 max_pool", "C"]
    assert labels(small) == [CLOSED[0], "Fork", "Fork", *inside, "Fork", *CLOSED[2:]]
    click_sign(1)
    assert labels(small) == CLOSED


@pytest.mark.browser
def test_what_is_opened_has_room(small: Any):
    """Boxes lie in their frames, and none upon another."""
    small.find_element("id", "open").click()
    boxes = small.execute_script(
        "return boxes.map((b) => [b.x, b.y, b.width, b.height, b.box.inside !== null])"
    )
    assert len(boxes) == 15
    closed = [box for box in boxes if not box[4]]
    for i, (x, y, width, height, _) in enumerate(closed):
        for other in closed[:i]:
            apart = abs(x - other[0]) - (width + other[2]) / 2
            below = abs(y - other[1]) - (height + other[3]) / 2
            assert max(apart, below) >= 0
    for x, y, width, height, opened in boxes:
        inside = [b for b in closed if abs(b[0] - x) < width / 2 and abs(b[1] - y) < height / 2]
        assert all(abs(b[0] - x) + b[2] / 2 <= width / 2 + 0.2 for b in inside)
        assert len(inside) == 1 or opened


UP = """\
cnngen: 1
name: Up
about: Blocks that are given two tensors, with arrows around them.
input: {channels: 4, height: 16, width: 16}
blocks:
  Merge:
    about: What was there before comes back.
    params: {before: tensor, out: int}
    body:
      - branches: {here: {conv: {out: out, kernel: 1}}, there: {from: before}}
        join: concat
      - {conv: {out: out, kernel: 3, padding: half}}
model:
  one: {conv: {out: 4, kernel: 3, padding: half}}
  two: {max_pool: {kernel: 1}}
  three: {conv: {out: 1000, kernel: 1}}
  four: {Merge: {before: two, out: 1000}}
  five: {Merge: {before: one, out: 8}}
"""


@pytest.mark.browser
def test_texts_lie_beside_what_is_opened(driver: Any, tmp_path: Path):
    """No text of an arrow under a frame that it is not in, and each title within its frame."""
    file = tmp_path / "up.html"
    file.write_text(page(build(UP).network))
    driver.get(file.as_uri())
    driver.find_element("id", "open").click()
    texts, bad = driver.execute_script("""
        const bounds = (element) => element.getBoundingClientRect();
        const frames = [...view.querySelectorAll(".frame")];
        const texts = [...view.querySelectorAll("text.small, text.opened")];
        const wrong = (text, frame) => {
          const [a, b] = [bounds(text), bounds(frame.querySelector("rect"))];
          const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
          const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
          return frame.contains(text) ? across < a.width - 1 : across > 2 && down > 2;
        };
        const bad = texts.filter((text) => frames.some((frame) => wrong(text, frame)));
        return [texts, bad].map((some) => some.map((text) => text.textContent));""")
    assert {"input", "before", "1000 x 16 x 16", "Merge, four"} <= set(texts)
    assert bad == []


FONTS = 'Helvetica, Arial, "Liberation Sans", sans-serif'


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["svg", "html"])
def test_texts_fit_in_any_font(driver: Any, tmp_path: Path, kind: str):
    """A machine may have none of the fonts that pictures ask for, and only wider ones."""
    network = build("se_resnet50").network
    text = page(network) if kind == "html" else svg(network)
    assert FONTS in text
    file = tmp_path / f"net.{kind}"
    file.write_text(text.replace(FONTS, "monospace"), encoding="utf-8")
    driver.get(file.as_uri())
    if kind == "html":
        driver.find_element("id", "open").click()
    count, bad = driver.execute_script("""
        const found = [...document.querySelectorAll("g > rect")].flatMap((rect) => {
          const box = rect.getBBox();
          const texts = [...rect.parentElement.children].filter((one) => one.tagName === "text");
          return texts.map((text) => [text, text.getBBox(), box]);
        });
        const outside = ([text, a, b]) => a.x < b.x || a.x + a.width > b.x + b.width;
        return [found.length, found.filter(outside).map(([text]) => text.textContent)];""")
    assert count > 50
    assert bad == []


@pytest.mark.browser
def test_a_narrow_window_shows_the_middle(small: Any):
    from selenium.webdriver.support.ui import WebDriverWait

    def off() -> float:
        """How far the picture is from the middle of its room."""
        return small.execute_script("""
            const [outer, inner] = [svg, view].map((each) => each.getBoundingClientRect());
            return outer.left + outer.width / 2 - inner.left - inner.width / 2;""")

    before = off()
    small.set_window_size(600, 700)
    try:
        WebDriverWait(small, 10).until(lambda _: abs(off() - before) < 2)
        scroll, width = small.execute_script(
            "const page = document.documentElement; return [page.scrollWidth, page.clientWidth]"
        )
        assert scroll <= width
    finally:
        small.set_window_size(1400, 1000)


@pytest.mark.browser
def test_the_keyboard_is_enough(small: Any):
    from selenium.webdriver import ActionChains, Keys

    first = small.find_element("css selector", ".box[tabindex='0']")
    small.execute_script("arguments[0].focus()", first)

    def press(*keys: str) -> str:
        ActionChains(small).send_keys(*keys).perform()
        return small.execute_script("return document.activeElement.getAttribute('aria-label')")

    assert press(Keys.ARROW_DOWN).startswith(
        "Fork, forks × 2, gives 16 x 16 x 16, forks.0 to forks.1"
    )
    press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert press(Keys.ARROW_RIGHT).startswith("3 x 3 conv, 4, batch_norm, relu, gives 4 x 16 x 16")
    press(Keys.ENTER)
    assert small.find_element("id", "said").text == "The panel shows forks.0.left.0.0"
    assert texts(small, "#panel h2") == [f"forks.0.left.0.{i}" for i in range(3)]
    assert press(Keys.ARROW_LEFT).startswith("Fork")
    assert press(Keys.ARROW_LEFT).startswith("Fork")
    press(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert labels(small) == CLOSED
    assert press(Keys.END).startswith("linear")


@pytest.mark.browser
def test_search_opens_the_way_to_a_layer(small: Any):
    from selenium.webdriver import Keys

    search = small.find_element("id", "search")
    search.send_keys("forks.1 right")
    assert texts(small, "#found li") == ["forks.1.right max_pool"]
    assert texts(small, "#count") == ["1 found"]
    search.send_keys(Keys.ENTER)
    assert texts(small, "#panel h2") == ["forks.1.right"]
    chosen = small.find_element("css selector", "#view [aria-selected=true]")
    assert chosen.get_attribute("aria-label").startswith("3 x 3 max_pool, gives 12 x 16 x 16")
    assert small.switch_to.active_element == chosen
    marked = texts(small, "#panel .marked")
    assert any("max_pool" in line for line in marked)
    assert any("nn.MaxPool2d(" in line for line in marked)
    assert any("MaxPooling2D(" in line for line in marked)
    search.clear()
    search.send_keys("nothing is called so")
    assert (texts(small, "#count"), texts(small, "#found li")) == (["none found"], [])
    search.send_keys(Keys.TAB)
    assert texts(small, "#count") == [""]


@pytest.mark.browser
def test_a_network_without_boxes_is_a_page(driver: Any, tmp_path: Path):
    file = tmp_path / "nothing.html"
    head, _ = SPEC.format(about="Nothing.").split("blocks:")
    file.write_text(page(build(f"{head}model: {{whole: identity}}\n").network))
    driver.get(file.as_uri())
    driver.execute_script("svg.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowDown'}))")
    assert len(driver.find_elements("css selector", "#view .arrow")) == 1
    assert driver.get_log("browser") == []


@pytest.mark.browser
def test_search_says_that_there_are_more(driver: Any, tmp_path: Path):
    file = tmp_path / "googlenet.html"
    file.write_text(page(build("googlenet").network))
    driver.get(file.as_uri())
    driver.find_element("id", "search").send_keys("conv")
    assert re.fullmatch(r"\d\d found, the first 20 are shown", *texts(driver, "#count"))
    assert len(texts(driver, "#found li")) == 20


def luminance(color: str) -> float:
    parts = [int(number) / 255 for number in re.findall(r"\d+", color)[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
def test_texts_can_be_read_in_light_and_dark(small: Any, dark: bool):
    """The contrast that WCAG asks for, of texts on boxes and on the page."""
    if dark != small.execute_script("return document.documentElement.className === 'dark'"):
        small.find_element("id", "theme").click()
    small.find_element("id", "open").click()
    colors = small.execute_script(
        """
        const of = (element, name) => getComputedStyle(element)[name];
        const page = of(document.body, "backgroundColor");
        return [...document.querySelectorAll("#view text")].map((text) => {
          const box = text.parentElement.closest(".box");
          const rect = box && !box.classList.contains("frame") && box.querySelector("rect");
          return [of(text, "fill"), rect ? of(rect, "fill") : page];
        });
        """
    )
    assert len(colors) > 20
    for text, ground in colors:
        lighter, darker = sorted((luminance(text), luminance(ground)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, ground)
