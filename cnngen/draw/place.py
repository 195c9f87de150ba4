"""Place: where the boxes and arrows of a figure go, which Graphviz decides.

pygraphviz brings Graphviz along in its wheels, so nothing else has to be installed. Only its
coordinates are used: how things look is said in the templates, and is the same on every machine.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnngen.draw.figure import Arrow, Box, Figure
from cnngen.draw.metrics import width
from cnngen.frameworks import framework

TEXT = 11.0  # points
SMALL = 8.5
LINE = 12.5
PADDING = 6.0
SIGN = 20.0  # the diameter of a join
INCH = 72
FRAME = 8.0
FRAME_HEAD = 22.0
STRAIGHT = 20  # how much more it matters that a row of boxes is straight

# Room for a text, which Graphviz would measure with the fonts of this machine.
ROOM = '<<TABLE BORDER="0" FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="11"><TR><TD></TD></TR></TABLE>>'

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """`x` and `y` are the middle. A box that is opened is a frame around what is inside."""

    box: Box
    x: float
    y: float
    width: float
    height: float
    inside: "PlacedFigure | None" = None


@dataclass(frozen=True, slots=True)
class PlacedArrow:
    """`points` are those of Bézier curves, the tip last."""

    arrow: Arrow
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class PlacedText:
    """The shape of an arrow, placed by its middle. At the end of an arrow that enters or leaves the
    figure, it has the `key` of that end, and perhaps a name; without a text, it is a dot.
    """

    arrow: int
    text: str
    x: float
    y: float
    key: str = ""


@dataclass(frozen=True, slots=True)
class PlacedFigure:
    figure: Figure
    width: float
    height: float
    boxes: tuple[PlacedBox, ...]
    arrows: tuple[PlacedArrow, ...]
    texts: tuple[PlacedText, ...]


def lines(box: Box) -> tuple[str, ...]:
    """The texts in a box: what it is, what belongs to it, and how often it is repeated."""
    first, *rest = box.lines
    joined = [", ".join(rest)] if rest else []
    return (first, *joined, *([f"× {box.times}"] if box.times > 1 else []))


def frame_title(box: Box) -> str:
    """`Bottleneck × 3`: what stands at the top of a box that is opened."""
    return ", ".join(box.lines) + (f" × {box.times}" if box.times > 1 else "")


def placed(figure: Figure, framed: bool = False) -> PlacedFigure:
    """A figure with coordinates. In a frame, dots stand for inputs and outputs without a name."""
    graph = framework("pygraphviz").AGraph(
        strict=False, directed=True, rankdir="TB", nodesep="0.12", ranksep="0.16", ordering="out"
    )
    insides = {box.key: placed(box.inside, True) for box in figure.boxes if box.inside}
    sizes = {box.key: size(box, insides.get(box.key)) for box in figure.boxes}
    outside: dict[str, int] = {}  # from a key to the first arrow that has it
    for i, arrow in enumerate(figure.arrows):
        for key in (arrow.tail, arrow.head):
            if key not in sizes:
                outside.setdefault(key, i)
    ends = {key: figure.arrows[i].text(framed) for key, i in outside.items()}
    sizes |= {key: (width(text, SMALL) + 6, SMALL + 2) for key, text in ends.items()}
    names = {key: f"n{i}" for i, key in enumerate(sizes)}  # nothing of a spec reaches Graphviz
    for key, (across, down) in sizes.items():
        room = {"width": across / INCH, "height": down / INCH}
        graph.add_node(names[key], shape="box", fixedsize="true", label="", **room)
    _add_edges(graph, figure, names)
    graph.layout("dot")
    _, _, right, top = map(float, graph.graph_attr["bb"].split(","))
    places = {key: _point(graph.get_node(name).attr["pos"], top) for key, name in names.items()}
    boxes = [
        PlacedBox(box, *places[box.key], *sizes[box.key], insides.get(box.key))
        for box in figure.boxes
    ]
    texts = [PlacedText(i, ends[key], *places[key], key) for key, i in outside.items()]
    arrows: list[PlacedArrow] = []
    for i, arrow in enumerate(figure.arrows):
        edge = graph.get_edge(names[arrow.tail], names[arrow.head], f"e{i}")
        end, *points = edge.attr["pos"].split(" ")
        curve = [_point(point, top) for point in points]
        arrows.append(PlacedArrow(arrow, (*curve, _point(end.removeprefix("e,"), top))))
        if place := edge.attr["lp"]:
            texts.append(PlacedText(i, arrow.shape, *_point(place, top)))
    return PlacedFigure(figure, right, top, tuple(boxes), tuple(arrows), tuple(texts))


def size(box: Box, inside: PlacedFigure | None = None) -> tuple[float, float]:
    if inside:
        title = width(frame_title(box), TEXT, bold=True)
        return max(inside.width, title) + 2 * FRAME, inside.height + FRAME_HEAD + FRAME
    if box.kind == "join":
        return max(SIGN, width(box.lines[0], TEXT) + 8), SIGN
    first, *rest = lines(box)
    texts = [width(first, TEXT), *(width(text, SMALL) for text in rest)]
    return max(texts) + 2 * PADDING, LINE * (1 + 0.8 * len(rest)) + PADDING


def _add_edges(graph: Any, figure: Figure, names: Mapping[str, str]) -> None:
    """Each shape stands at the first of the arrows that carry it, unless one of these enters or
    leaves the figure.

    The way from box to box is a straight line, whatever branches off for training only.
    """
    boxes = {box.key: box for box in figure.boxes}
    aside = {a for a in figure.arrows if _is_aside(boxes.get(a.tail), boxes.get(a.head))}
    tails = Counter(arrow.tail for arrow in figure.arrows if arrow not in aside)
    heads = Counter(arrow.head for arrow in figure.arrows if arrow not in aside)
    said: set[str] = set()
    for i, arrow in enumerate(figure.arrows):
        label: dict[str, str] = {}
        if arrow.tail in boxes and arrow.head in boxes and arrow.tail not in said:
            label = {"label": ROOM.format(width=round(width(arrow.shape, SMALL) + 6))}
            said.add(arrow.tail)
        only = arrow not in aside and tails[arrow.tail] == heads[arrow.head] == 1
        weight = STRAIGHT if only else 1
        graph.add_edge(names[arrow.tail], names[arrow.head], key=f"e{i}", weight=weight, **label)


def _is_aside(tail: Box | None, head: Box | None) -> bool:
    """Whether an arrow leads to layers that exist in training only."""
    return bool(head and head.training and not (tail and tail.training))


def _point(text: str, top: float) -> Point:
    x, y = text.split(",")
    return float(x), top - float(y)
