"""`cnngen draw`: what its figures show, and its files."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from support.built_models import build

from cnngen.cli import cli
from cnngen.draw.figure import Figure
from cnngen.draw.figures import MOST_PARTS, TooLargeError, figures, names
from cnngen.draw.flowchart import dot
from cnngen.draw.metrics import width
from cnngen.draw.sheet import svg
from cnngen.locate import zoo

pygraphviz = pytest.importorskip("pygraphviz")

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
        if arrow.head not in texts or arrow.tail not in texts and order.index(arrow.head) == 0:
            continue
        if arrow.tail not in texts or order.index(arrow.head) != order.index(arrow.tail) + 1:
            rows.append(f"{texts.get(arrow.tail, 'input')} -> {texts[arrow.head]}: {arrow.shape}")
    return rows


def shown(depth: int = 0, *expand: str) -> dict[str, list[str]]:
    network = build(SPEC.format(about="An example.")).network
    return {
        f"{f.title} {f.note}".strip(): drawn(f) for f in figures(network, depth, frozenset(expand))
    }


def test_the_whole_and_beside_it_what_is_inside():
    """Blocks that are one box inside have none of their own: `Unit` is a convolution."""
    assert shown() == {
        "Small": [
            "3 x 3 conv, 4 / batch_norm / relu",
            "Residual / body x 3",
            "2 x 2 max_pool",
            "Residual / more x 2",
            "global_avg_pool",
            "flatten",
            "Residual / body -> global_avg_pool: 4 x 8 x 8",
        ],
        "Residual 5 uses": [
            "3 x 3 conv, 4 / batch_norm / relu",
            "1 x 1 conv, 4",
            "+",
            "input -> +: 4 x 4–8 x 4–8",
        ],
    }


INSIDE = [
    "3 x 3 conv, 4 / batch_norm / relu",
    "1 x 1 conv, 4",
    "+",
    "input -> +: 4 x 8 x 8",
]


@pytest.mark.parametrize("how", [(1,), (0, "Residual")])
def test_blocks_open_in_place(how: tuple[int, str]):
    network = build(SPEC.format(about="An example.")).network
    (whole,) = figures(network, how[0], frozenset(how[1:]))
    first, second = [box for box in whole.boxes if box.use]
    assert (first.times, first.inside and drawn(first.inside)) == (3, INSIDE)
    assert (second.times, second.inside and len(second.inside.boxes)) == (2, 3)


def test_one_use_opens_alone():
    network = build(SPEC.format(about="An example.")).network
    assert names(network) == ["Residual", "body.0", "body.1", "body.2", "more.0", "more.1"]
    whole, beside = figures(network, expand=frozenset({"body.1"}))
    assert [(box.lines[0], box.times, bool(box.inside)) for box in whole.boxes if box.use] == [
        ("Residual", 1, False),
        ("Residual", 1, True),
        ("Residual", 1, False),
        ("Residual", 2, False),
    ]
    assert beside.title == "Residual"


NAMED = """\
cnngen: 1
name: Named
about: Outputs with names, one of which is read again.
input: {channels: 3, height: 8, width: 8}
model:
  stem: {conv: {out: 4, kernel: 1}}
  head: {conv: {out: 2, kernel: 1}}
  aux: {when: training, from: stem, do: [global_avg_pool, flatten]}
outputs: {features: stem, classes: head, aux: aux}
"""


def test_outputs_have_their_names():
    (figure,) = figures(build(NAMED).network)
    keys = {box.key for box in figure.boxes}
    ends = {arrow.text(framed=False) for arrow in figure.arrows if arrow.head not in keys}
    assert ends == {"features: 4 x 8 x 8", "classes: 2 x 8 x 8", "aux: 4"}


def test_an_output_shares_no_box_with_what_reads_it():
    spec = NAMED.replace("head: {conv: {out: 2, kernel: 1}}", "head: relu")
    (figure,) = figures(build(spec).network)
    assert [box.lines for box in figure.boxes][:2] == [("1 x 1 conv, 4",), ("relu",)]


def test_what_is_around_an_opened_use_is_open():
    paths = names(build(SPEC.format(about="An example.")).network)
    assert "body.1" in paths
    opened = shown(0, "body.1")["Small"]
    assert opened != shown()["Small"]


SKIP = """\
cnngen: 1
name: Skip
about: A block that is given two tensors, and a sum of one tensor with itself.
input: {channels: 4, height: 8, width: 8}
blocks:
  Merge:
    about: What was there before comes back.
    params: {before: tensor, out: int}
    body:
      - branches: {here: {conv: {out: out, kernel: 1}}, there: {from: before}}
        join: concat
      - branches: {one: identity, other: identity}
        join: add
model:
  stem: {conv: {out: 8, kernel: 1}}
  pool: {max_pool: {kernel: 3, stride: 1, padding: half}}
  top: {Merge: {before: stem, out: 6}}
"""


def test_what_a_block_is_given_has_names():
    _, inside = figures(build(SKIP).network)
    keys = {box.key for box in inside.boxes}
    given = [arrow.text(framed=False) for arrow in inside.arrows if arrow.tail not in keys]
    assert given == ["input: 8 x 8 x 8", "before: 8 x 8 x 8"]
    opened = svg(build(SKIP).network, depth=1)
    assert ">input</text>" in opened and ">before</text>" in opened


def test_arrows_lead_to_the_parameter_that_they_are_for():
    graph = pygraphviz.AGraph(string=dot(build(SKIP).network, 1, frozenset()))
    labels = {node: (node.attr["label"] or "").split("\\n")[0] for node in graph.nodes()}
    edges = {(labels[tail], labels[head]) for tail, head in graph.edges()}
    assert {("1 x 1 conv, 8", "before"), ("3 x 3 max_pool", "input")} <= edges


def test_a_tensor_that_is_joined_with_itself_has_two_arrows():
    _, inside = figures(build(SKIP).network)
    *_, concat, add = inside.boxes
    twice = [a for a in inside.arrows if (a.tail, a.head) == (concat.key, add.key)]
    assert [arrow.number for arrow in twice] == [0, 1]
    assert "<svg" in svg(build(SKIP).network)


GROWING = """\
cnngen: 1
name: Growing
about: A row of blocks with other numbers, and one of blocks that are all the same.
input: {channels: 4, height: 8, width: 8}
blocks:
  Grow:
    about: Two more maps.
    body:
      branches: {old: identity, new: {conv: {out: 2, kernel: 1}}}
      join: concat
  Stay:
    about: A sum.
    body:
      branches: {old: identity, new: {conv: {out: input.channels, kernel: 1}}}
      join: add
model: {grow: {repeat: 3, do: Grow}, stay: {repeat: 3, do: Stay}}
"""


def test_what_is_true_of_several_uses_says_what_differs():
    """Blocks that differ only in what they are given are one row, open or not."""
    whole, grow, _ = figures(build(GROWING).network)
    assert drawn(whole) == ["Grow / grow x 3", "Stay / stay x 3"]
    assert {arrow.shape for arrow in grow.arrows} == {"4–8 x 8 x 8", "2 x 8 x 8", "6–10 x 8 x 8"}
    opened = svg(build(GROWING).network, depth=1)
    assert ">Grow × 3</text>" in opened and ">2 x 8 x 8</text>" in opened


THROUGH = """\
cnngen: 1
name: Through
about: Identities, which have no boxes.
input: {channels: 4, height: 8, width: 8}
blocks:
  Nothing:
    about: What is given.
    body: identity
model:
  stem:
    - conv: {out: 8, kernel: 1}
    - identity
    - branches: {one: relu, other: tanh}
      join: add
  keep: identity
  act: relu
  none: Nothing
  given: {from: input, identity: }
outputs: {keep: keep, none: none, given: given}
"""


def test_what_goes_through_an_identity():
    """Two read the convolution, so that neither shares its box; outputs keep their names."""
    (figure,) = figures(build(THROUGH).network)
    assert drawn(figure) == [
        "1 x 1 conv, 8",
        "relu",
        "tanh",
        "+",
        "relu",
        "1 x 1 conv, 8 -> tanh: 8 x 8 x 8",
        "relu -> +: 8 x 8 x 8",
    ]
    keys = {box.key: box.lines[0] for box in figure.boxes}
    ends = [arrow for arrow in figure.arrows if arrow.head not in keys]
    assert [(keys.get(arrow.tail), arrow.text(framed=False)) for arrow in ends] == [
        ("+", "keep: 8 x 8 x 8"),
        ("relu", "none: 8 x 8 x 8"),
        (None, "given: 4 x 8 x 8"),
    ]
    assert "given: 4 x 8 x 8" in svg(build(THROUGH).network)


def test_a_network_without_boxes_is_an_arrow():
    head, _ = THROUGH.split("blocks:")
    network = build(f"{head}model: {{whole: identity}}\n").network
    assert svg(network).count('class="arrow"') == 1
    assert dot(network, 0, frozenset()).count("->") == 1


ALIKE = """\
cnngen: 1
name: Alike
about: Uses of a block that differ in what goes where.
input: {channels: 8, height: 8, width: 8}
blocks:
  Pick:
    about: One of two is pooled.
    params: {first: tensor, other: tensor, swap: false}
    body:
      - {when: swap, from: first, do: {max_pool: {kernel: 1}}, else: identity, name: m1}
      - {when: swap, from: other, do: identity, else: {max_pool: {kernel: 1}}, name: m2}
      - branches: {own: {from: input}, one: {from: m1}, other: {from: m2}}
        join: concat
model:
  stem: {conv: {out: 8, kernel: 1}}
  pool: {avg_pool: {kernel: 1}}
  first: {Pick: {first: stem, other: input}}
  second: {Pick: {first: stem, other: input, swap: true}}
  third: {Pick: {first: stem, other: stem}}
"""


def test_uses_that_differ_in_what_goes_where_are_drawn_each():
    _, *insides = figures(build(ALIKE).network)
    assert [(inside.title, inside.note) for inside in insides] == [
        ("Pick (1)", "1 of 3 uses"),
        ("Pick (2)", "1 of 3 uses"),
        ("Pick (3)", "1 of 3 uses"),
    ]


def test_what_is_open_has_no_panel():
    """A use within another is a level deeper."""
    spec = SPEC.replace(
        "more: {{repeat: 2, do: Residual}}", "more: {{repeat: 2, do: Two}}"
    ).replace(
        "model:",
        """\
  Two:
    about: A residual and a pool, side by side.
    body: {{branches: {{left: Residual, right: {{max_pool: {{kernel: 1}}}}}}, join: add}}
model:""",
    )
    whole, *beside = figures(build(spec.format(about="Nested.")).network, depth=1)
    assert all(box.inside for box in whole.boxes if box.use)
    assert [(figure.title, figure.note) for figure in beside] == [("Residual", "2 uses")]


def dense(count: int) -> str:
    """Convolutions of which each reads all that came before, without a block for one of them."""
    steps = ["{conv: {out: 4, kernel: 1}, name: c0}"]
    for i in range(1, count):
        arms = ", ".join(f"f{i}_{j}: {{from: c{j}}}" for j in range(i))
        steps += [f"{{branches: {{{arms}, i{i}: identity}}, join: concat}}"] if i > 1 else []
        steps += [f"{{conv: {{out: 4, kernel: 1}}, name: c{i}}}"]
    body = "".join(f"      - {step}\n" for step in steps)
    return f"""\
cnngen: 1
name: Dense
about: All to all.
input: {{channels: 3, height: 8, width: 8}}
blocks:
  All:
    about: One after the other.
    body:
{body}model: {{body: All, head: {{conv: {{out: 4, kernel: 1}}}}}}
"""


def test_what_graphviz_would_take_minutes_for_is_refused():
    assert "<svg" in svg(build(dense(9)).network)
    large = build(dense(30)).network
    with pytest.raises(TooLargeError, match="the arrows would pass [0-9,]+ boxes"):
        svg(large)
    assert "digraph" in dot(large, 0, frozenset())


def test_many_panels_lie_in_rows():
    from cnngen.draw.figure import Figure
    from cnngen.draw.place import PlacedFigure
    from cnngen.draw.sheet import MOST_PACKED, _arranged  # pyright: ignore[reportPrivateUsage]

    def panel(i: int) -> PlacedFigure:
        return PlacedFigure(Figure(str(i), (), ()), 40 + i % 7, 60 + i % 5, (), (), ())

    _, *panels = _arranged([panel(i) for i in range(3 * MOST_PACKED)])
    assert len({one.y for one in panels}) > 3
    for i, one in enumerate(panels):
        for other in panels[:i]:
            apart = one.x >= other.x + other.width or other.x >= one.x + one.width
            assert apart or one.y >= other.y + other.height or other.y >= one.y + one.height


def test_what_is_dashed_is_in_the_legend():
    legend = "in training only"
    without = NAMED.replace("when: training, ", "").replace(
        "do: [global_avg_pool, flatten]", "relu: "
    )
    assert legend in svg(build(NAMED).network) and legend not in svg(build(without).network)


OPTIONAL = """\
cnngen: 1
name: Optional
about: Blocks that are built in several ways.
input: {channels: 4, height: 8, width: 8}
blocks:
  Unit:
    about: A convolution after a pool.
    params: {out: int, pool: false}
    body: [{when: pool, do: {max_pool: {kernel: 2}}}, {conv: {out: out, kernel: 1}}, {dropout: {rate: 0.5}}]
model:
  body: [{Unit: {out: 4}}, {Unit: {out: 8}}, {Unit: {out: 8, pool: true}}]
"""


def test_a_block_is_drawn_for_each_way_in_which_it_is_built():
    network = build(OPTIONAL).network
    whole, *beside = figures(network)
    assert drawn(whole) == ["Unit (1) / body", "Unit (2) / body", "Unit (3) / body"]
    assert [(figure.title, figure.note, drawn(figure)) for figure in beside] == [
        ("Unit (1)", "1 of 3 uses", ["1 x 1 conv, 4", "dropout"]),
        ("Unit (2)", "1 of 3 uses", ["1 x 1 conv, 8", "dropout"]),
        ("Unit (3)", "1 of 3 uses", ["2 x 2 max_pool", "1 x 1 conv, 8", "dropout"]),
    ]


def draw(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["draw", *arguments])


PAGE = 595 - 28, 842 - 28  # A4 in points, without a centimetre around


ROWS = """\
cnngen: 1
name: Rows
about: Blocks of two boxes in a row.
input: {{channels: 4, height: 32, width: 32}}
blocks:
  Unit:
    about: A convolution and a pool.
    params: {{pool: int}}
    body: [{{conv: {{out: 4, kernel: 1}}}}, {{max_pool: {{kernel: pool}}}}]
model:
  body: {{each: {{pool: {pools}}}, do: {{Unit: {{pool: pool}}}}}}
"""


@pytest.mark.parametrize(
    ("pools", "boxes"),
    [
        ([2, 4], ["1 x 1 conv, 4", "2 x 2 max_pool", "1 x 1 conv, 4", "4 x 4 max_pool"]),
        ([1, 1, 1, 2], ["Unit (1) / body x 3", "Unit (2) / body"]),
    ],
)
def test_two_boxes_say_more_than_a_name_unless_they_repeat(pools: list[int], boxes: list[str]):
    whole, *_ = figures(build(ROWS.format(pools=pools)).network)
    assert drawn(whole) == boxes


def shrunk(width: float, height: float) -> float:
    """How much smaller a picture becomes on a page, upright or not."""
    short, long = PAGE
    return max(min(short / width, long / height), min(long / width, short / height))


SMALLER = {"hrnet_w18": 0.4, "res2net50": 0.4, "nasnet_mobile": 0.35}  # blocks at several widths


@pytest.mark.parametrize("name", zoo())
def test_the_zoo(name: str):
    """Every box and arrow is on the page, and every text is text."""
    done = draw(name)
    assert done.exit_code == 0, done.output
    root = ElementTree.fromstring(done.stdout)
    across, down = float(root.attrib["width"]), float(root.attrib["height"])
    least = SMALLER.get(name, 0.5)
    assert shrunk(across, down) > least, "its texts would be too small on A4"
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    network = build(name).network
    for figure in figures(network):
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


def test_what_a_spec_says_is_a_comment_in_dot(tmp_path: Path):
    about = r"\" } \\ */ digraph { evil -> 'deed' <script> // \\"
    (tmp_path / "small.yaml").write_text(SPEC.format(about=about))
    done = draw(str(tmp_path / "small.yaml"), "--format", "dot")
    assert done.exit_code == 0, done.output
    assert "evil" not in pygraphviz.AGraph(string=done.stdout).string()


BEGINNINGS = {
    "svg": b"<svg ",
    "png": b"\x89PNG",
    "pdf": b"%PDF",
    "dot": b"// LeNet5: ",
    "mmd": b"%% LeNet5: ",
}


@pytest.mark.parametrize("format", BEGINNINGS)
def test_files(format: str, tmp_path: Path):
    pytest.importorskip("vl_convert")
    file = tmp_path / f"small.{format}"
    assert draw("lenet5", "-o", str(file)).exit_code == 0
    assert file.read_bytes().startswith(BEGINNINGS[format])
    assert list(tmp_path.iterdir()) == [file]
    other = tmp_path / "other"
    assert draw("lenet5", "--format", format, "-o", str(other)).exit_code == 0
    assert other.read_bytes() == file.read_bytes() or format == "pdf"


def test_what_is_not_text_is_not_printed():
    assert draw("lenet5", "--format", "png").exit_code == 2


@pytest.mark.parametrize("how", [(), ("--depth", "1"), ("--expand", "ResidualA")])
def test_graphviz_reads_dot(how: tuple[str, ...]):
    done = draw("inception_resnet_v1", "--format", "dot", *how)
    assert done.exit_code == 0, done.output
    graph = pygraphviz.AGraph(string=done.stdout)
    for edge in graph.edges():
        assert all(node.attr["label"] or node.attr["shape"] == "point" for node in edge)
    assert done.stdout.count("subgraph") > 5


TWICE = """\
cnngen: 1
name: Twice
about: 'Once "more" --> [end]'
input: {channels: 4, height: 8, width: 8}
blocks:
  Unit:
    about: A sum.
    body: {branches: {left: relu, right: identity}, join: add}
model: {body: {repeat: 2, do: Unit}}
"""

MERMAID = """\
%% Twice: Once #34;more#34; --#62; #91;end#93;
flowchart TD
    subgraph g3["Twice"]
        direction TB
        n1("4 x 8 x 8"):::shape
        n0("Unit<br>body<br>× 2"):::block
        n2("4 x 8 x 8"):::shape
        n1 --> n0
        n0 --> n2
    end
    style g3 fill:#fafafa,stroke:#ccc,color:#1a1a1a
    subgraph g8["Unit 2 uses"]
        direction TB
        n6("4 x 8 x 8"):::shape
        n4("relu"):::other
        n5(("+")):::join
        n7("4 x 8 x 8"):::shape
        n6 --> n4
        n4 -->|"4 x 8 x 8"| n5
        n6 --> n5
        n5 --> n7
    end
    style g8 fill:#fafafa,stroke:#ccc,color:#1a1a1a
"""


def test_mermaid(tmp_path: Path):
    (tmp_path / "twice.yaml").write_text(TWICE)
    done = draw(str(tmp_path / "twice.yaml"), "--format", "mmd")
    assert done.stdout.partition("    classDef")[0] == MERMAID


def test_names_that_cannot_be_opened():
    done = draw("resnet50", "--expand", "Bottlneck")
    assert (done.exit_code, "did you mean `Bottleneck`?" in done.stderr) == (2, True)


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
    assert width("Wé×", 1000) == 944 + 700 + 584
