"""The sheet: the whole network on the left, and the inside of its blocks beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from cnngen.diagnostics.terminal import one_line
from cnngen.draw.figure import LEGEND, TRAINING, Box
from cnngen.draw.figures import check_reach, figures
from cnngen.draw.metrics import width
from cnngen.draw.place import (
    FRAME_HEAD,
    LINE,
    SMALL,
    TEXT,
    PlacedArrow,
    PlacedBox,
    PlacedFigure,
    frame_title,
    lines,
    placed,
)
from cnngen.draw.render import render
from cnngen.semantics.network import Network

MARGIN = 16.0
HEAD = 26.0
TOP = HEAD + MARGIN
HEAD_TEXT = 14.0
NAME_TEXT = 12.0  # of a panel
GAP = 8.0
INSET = 8.0  # within a panel
SHEETS = 24  # how many widths are tried
MOST_PACKED = 24  # panels
A4 = (842 - 28) / (595 - 28)  # height to width, with a margin of half a centimetre


@dataclass(frozen=True, slots=True)
class Panel:
    """A figure and its place on the sheet; the main one has no frame."""

    figure: PlacedFigure
    x: float
    y: float
    width: float
    height: float
    framed: bool


class Text(NamedTuple):
    """A text and its width in points."""

    text: str
    length: float


def svg(network: Network, depth: int = 0, expand: frozenset[str] = frozenset()) -> str:
    """The picture of a network; raises `TooLargeError` and `MissingFrameworkError`."""
    drawn = figures(network, depth, expand)
    check_reach(drawn)
    panels = _arranged([placed(figure) for figure in drawn])
    legend = _legend(panels)
    legend_end = max((each["x"] + 16 + each["text"].length for each in legend), default=0)
    title = _text(network.resolution.spec.name.text, HEAD_TEXT, bold=True)
    head_end = MARGIN + title.length
    spec = network.resolution.spec
    return render(
        "page.svg.jinja",
        title=title,
        about=one_line(spec.about),
        legend=legend,
        width=round(max([legend_end, head_end, *(p.x + p.width for p in panels)]) + MARGIN),
        height=round(max(p.y + p.height for p in panels) + 3 * MARGIN),
        panels=[_panel(panel) for panel in panels],
    )


def _arranged(figures: Sequence[PlacedFigure]) -> list[Panel]:
    """The whole network on the left, and each panel as high up beside it as there is room: on a
    sheet as wide as lets everything be largest on a printed page.
    """
    main, *others = figures
    first = Panel(main, MARGIN, TOP, main.width + 2 * INSET, main.height, framed=False)
    left = MARGIN + first.width + GAP
    beside = [
        Panel(each, left, TOP, _framed_width(each), each.height + HEAD + INSET, framed=True)
        for each in others
    ]
    widest = max((panel.width for panel in beside), default=0)
    total = sum(panel.width + GAP for panel in beside)
    pack = _packed if len(beside) <= MOST_PACKED else _shelved
    sheets = [
        [first, *pack(beside, widest + (total - widest) * i / SHEETS)] for i in range(SHEETS + 1)
    ]
    return min(sheets, key=_unlike)


def _framed_width(figure: PlacedFigure) -> float:
    title = width(figure.figure.title, NAME_TEXT, bold=True) + width(figure.figure.note, SMALL)
    return max(title + 30, figure.width + 2 * INSET)


def _packed(panels: Sequence[Panel], width: float) -> list[Panel]:
    """Panels within this width, each as high up as possible, and then to the left."""
    packed: list[Panel] = []
    for panel in panels:
        lefts = [panel.x, *(other.x + other.width + GAP for other in packed)]
        tops = [TOP, *(other.y + other.height + GAP for other in packed)]
        packed.append(
            next(
                moved
                for y in sorted(tops)
                for x in sorted(lefts)
                for moved in [replace(panel, x=x, y=y)]
                if x + panel.width <= panel.x + width
                and not any(_overlap(moved, other) for other in packed)
            )
        )
    return packed


def _shelved(panels: Sequence[Panel], width: float) -> list[Panel]:
    """Panels in rows of this width, where they are too many to try all places."""
    shelved: list[Panel] = []
    x, y, next_y = 0.0, TOP, TOP
    for panel in panels:
        if x + panel.width > width and x:
            x, y = 0.0, next_y
        shelved.append(replace(panel, x=panel.x + x, y=y))
        x, next_y = x + panel.width + GAP, max(next_y, y + panel.height + GAP)
    return shelved


def _overlap(one: Panel, other: Panel) -> bool:
    across = one.x < other.x + other.width + GAP and other.x < one.x + one.width + GAP
    down = one.y < other.y + other.height + GAP and other.y < one.y + one.height + GAP
    return across and down


def _unlike(panels: Sequence[Panel]) -> float:
    """By how much the sheet must shrink to fit a printed page, upright or not."""
    width = max(p.x + p.width for p in panels)
    height = max(p.y + p.height for p in panels) + TOP
    return min(max(width, height / A4), max(height, width / A4))


def _panel(panel: Panel) -> dict[str, Any]:
    figure = panel.figure.figure
    title = _text(figure.title, NAME_TEXT, bold=True)
    return {
        "x": round(panel.x, 1),
        "y": round(panel.y, 1),
        "width": round(panel.width, 1),
        "height": round(panel.height, 1),
        "framed": panel.framed,
        "title": title,
        "note": _text(figure.note, SMALL),
        "note_x": round(18 + title.length, 1),
        "inner_x": round((panel.width - panel.figure.width) / 2, 1) if panel.framed else 0,
        "inner_y": HEAD if panel.framed else 0,
        "figure": _figure(panel.figure),
    }


def _figure(figure: PlacedFigure) -> dict[str, Any]:
    return {
        "boxes": [_box(box) for box in figure.boxes],
        "arrows": [_path(arrow) for arrow in figure.arrows],
        "texts": [
            {"text": _text(text.text, SMALL), "x": round(text.x, 1), "y": round(text.y, 1)}
            for text in figure.texts
        ],
    }


def _legend(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """The colours on the sheet, and the meaning of dashes."""
    drawn = [box for panel in panels for box in _boxes(panel.figure)]
    kinds: set[str] = {box.kind for box in drawn}
    if any(box.inside for panel in panels for box in panel.figure.boxes):
        kinds.add("block")
    known = [(kind, False, text) for kind, text in LEGEND.items() if kind in kinds]
    dashed = [("other", True, TRAINING)] if any(box.training for box in drawn) else []
    entries: list[dict[str, Any]] = []
    x = MARGIN
    for kind, training, text in (*known, *dashed):
        shown = _text(text, SMALL)
        entries.append({"kind": kind, "training": training, "text": shown, "x": round(x, 1)})
        x += 30 + shown.length
    return entries


def _boxes(figure: PlacedFigure) -> Iterator[Box]:
    """Those that are not opened."""
    for box in figure.boxes:
        if box.inside:
            yield from _boxes(box.inside)
        else:
            yield box.box


def _box(box: PlacedBox) -> dict[str, Any]:
    texts = (frame_title(box.box),) if box.inside else lines(box.box)
    first = box.y + 4 - (len(texts) - 1) * LINE * 0.4
    left, top = box.x - box.width / 2, box.y - box.height / 2
    return {
        "kind": "frame" if box.inside else box.box.kind,
        "title": f"{_names(box.box.paths)}: {box.box.shape}",
        "training": box.box.training,
        "x": round(box.x, 1),
        "y": round(box.y, 1),
        "left": round(left, 1),
        "top": round(top, 1),
        "width": round(box.width, 1),
        "height": round(box.height, 1),
        "radius": round(box.height / 2, 1) if box.box.kind == "join" else 4,
        "lines": [
            {**_line(i, text, bool(box.inside)), "y": round(first + i * LINE * 0.85, 1)}
            for i, text in enumerate(texts)
        ],
        "inside": _figure(box.inside) if box.inside else None,
        "inner_x": round(left + (box.width - box.inside.width) / 2, 1) if box.inside else 0,
        "inner_y": round(top + FRAME_HEAD, 1),
    }


def _line(line: int, text: str, opened: bool) -> dict[str, Any]:
    """A line of a box; that of an opened box is its title, and bold."""
    if line == 0:
        return {"text": _text(text, TEXT, bold=opened), "class": "opened" if opened else ""}
    if text.startswith("×"):
        return {"text": _text(text, TEXT, bold=True), "class": "times"}
    return {"text": _text(text, SMALL), "class": "small"}


def _text(text: str, size: float, bold: bool = False) -> Text:
    return Text(text, round(width(text, size, bold), 1))


def _names(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} to {paths[-1]}"


def _path(arrow: PlacedArrow) -> str:
    start, *rest = arrow.points
    *curve, tip = rest
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in curve)
    return f"M{start[0]:.1f},{start[1]:.1f} C{text} L{tip[0]:.1f},{tip[1]:.1f}"
