"""Place: where the boxes and arrows of a figure go, which Graphviz decides.

pygraphviz brings Graphviz along in its wheels, so that nothing else has to be installed. Only its
places are used: how things look is said in the templates, and is the same on every machine.
"""

from collections import Counter
from dataclasses import dataclass

from cnngen.draw.figure import Arrow, Box, Figure
from cnngen.draw.metrics import width
from cnngen.frameworks import framework

TEXT = 11.0  # points
SMALL = 8.5
LINE = 13.0
PADDING = 9.0
SIGN = 22.0  # the diameter of a join
OUTSIDE = (4.0, 4.0)
INCH = 72
STRAIGHT = 20  # how much more it matters that a row of boxes is straight

# Room for a text, which Graphviz would measure with the fonts of this machine.
LABEL = (
    '<<TABLE BORDER="0" FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="11"><TR><TD></TD></TR></TABLE>>'
)

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """`x` and `y` are the middle."""

    box: Box
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class PlacedArrow:
    """`points` are those of cubic curves, the tip last; `label` is the middle of its text."""

    arrow: Arrow
    points: tuple[Point, ...]
    label: Point | None


@dataclass(frozen=True, slots=True)
class PlacedFigure:
    figure: Figure
    width: float
    height: float
    boxes: tuple[PlacedBox, ...]
    arrows: tuple[PlacedArrow, ...]


def lines(box: Box) -> tuple[str, ...]:
    """The texts in a box: what it is, and below it what comes with it, and how often."""
    first, *rest = box.lines
    joined = [", ".join(rest)] if rest else []
    return (first, *joined, *([f"× {box.times}"] if box.times > 1 else []))


def size(box: Box) -> tuple[float, float]:
    if box.kind == "join":
        return SIGN, SIGN
    first, *rest = lines(box)
    texts = [width(first, TEXT), *(width(text, SMALL) for text in rest)]
    return max(texts) + 2 * PADDING, LINE * (1 + 0.8 * len(rest)) + PADDING


def placed(figure: Figure) -> PlacedFigure:
    graph = framework("pygraphviz").AGraph(
        directed=True, rankdir="TB", nodesep="0.2", ranksep="0.28", ordering="out"
    )
    sizes = {box.key: size(box) for box in figure.boxes}
    for arrow in figure.arrows:
        sizes.setdefault(arrow.tail, OUTSIDE)
        sizes.setdefault(arrow.head, OUTSIDE)
    names = {key: f"n{i}" for i, key in enumerate(sizes)}  # nothing of a spec reaches Graphviz
    for key, (across, down) in sizes.items():
        given = {"width": across / INCH, "height": down / INCH}
        graph.add_node(names[key], shape="box", fixedsize="true", label="", **given)
    tails = Counter(arrow.tail for arrow in figure.arrows)
    heads = Counter(arrow.head for arrow in figure.arrows)
    for i, arrow in enumerate(figure.arrows):
        label = LABEL.format(width=round(width(arrow.shape, SMALL) + 6))
        weight = STRAIGHT if tails[arrow.tail] == heads[arrow.head] == 1 else 1
        graph.add_edge(
            names[arrow.tail], names[arrow.head], key=f"e{i}", label=label, weight=weight
        )
    graph.layout("dot")
    _, _, right, top = map(float, graph.graph_attr["bb"].split(","))
    boxes = [
        PlacedBox(box, *_point(graph.get_node(names[box.key]).attr["pos"], top), *sizes[box.key])
        for box in figure.boxes
    ]
    arrows: list[PlacedArrow] = []
    for i, arrow in enumerate(figure.arrows):
        edge = graph.get_edge(names[arrow.tail], names[arrow.head], f"e{i}")
        end, *points = edge.attr["pos"].split(" ")
        curve = [_point(point, top) for point in points]
        tip = _point(end.removeprefix("e,"), top)
        lp = edge.attr["lp"]
        arrows.append(PlacedArrow(arrow, (*curve, tip), _point(lp, top) if lp else None))
    return PlacedFigure(figure, right, top, tuple(boxes), tuple(arrows))


def _point(text: str, top: float) -> Point:
    x, y = text.split(",")
    return float(x), top - float(y)
