"""The page: the whole network on the left, and what is inside of its blocks beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from cnngen.diagnostics.terminal import one_line
from cnngen.draw.figure import insides, overview
from cnngen.draw.metrics import width
from cnngen.draw.place import LINE, SIGN, SMALL, PlacedArrow, PlacedBox, PlacedFigure, lines, placed
from cnngen.semantics.network import Network
from cnngen.shipped import TEMPLATES

MARGIN = 16.0
HEAD = 28.0
GAP = 14.0
MOST_PARTS = 1500
MIN_WIDTH = 560.0  # of the legend
A4 = 2**0.5  # height to width
LEGEND = {
    "convolution": "convolution",
    "pooling": "pooling",
    "connected": "fully connected",
    "block": "block, drawn beside",
    "join": "+ sum, & concatenation, × product",
    "other": "other",
}


@dataclass(frozen=True, slots=True)
class Panel:
    """A figure and its place on the page; the main one has no frame."""

    figure: PlacedFigure
    x: float
    y: float
    framed: bool

    @property
    def width(self) -> float:
        return self.figure.width + (2 * MARGIN if self.framed else 40)

    @property
    def height(self) -> float:
        return self.figure.height + (HEAD + MARGIN if self.framed else 0)


class TooLargeError(Exception):
    """A picture that nobody could read, and that would take long."""


def svg(network: Network) -> str:
    """The picture of a network; raises `TooLargeError` and `MissingFrameworkError`."""
    figures, plain = insides(network)
    drawn = [overview(network, plain), *figures]
    count = sum(len(figure.boxes) + len(figure.arrows) for figure in drawn)
    if count > MOST_PARTS:
        raise TooLargeError(f"the picture would have {count:,} boxes and arrows: use more blocks")
    panels = _arranged([placed(figure) for figure in drawn])
    spec = network.resolution.spec
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES / "draw"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("page.svg.jinja").render(
        title=spec.name.text,
        about=one_line(spec.about),
        legend=_legend(panels),
        width=round(max(MIN_WIDTH, *(p.x + p.width for p in panels)) + MARGIN),
        height=round(max(p.y + p.height for p in panels) + 3 * MARGIN),
        panels=[_panel(panel) for panel in panels],
    )


def _arranged(figures: Sequence[PlacedFigure]) -> list[Panel]:
    """Columns from left to right, as high as what has the shape of a page needs."""
    main, *others = figures
    tallest = max(figure.height for figure in figures) + HEAD + MARGIN
    best: list[Panel] = []
    for height in sorted({tallest, *(tallest * factor for factor in (1.25, 1.5, 2, 3))}):
        panels = [Panel(main, MARGIN, HEAD + MARGIN, framed=False)]
        x, y, widest = MARGIN + panels[0].width + GAP, HEAD + MARGIN, 0.0
        for figure in others:
            panel = Panel(figure, x, y, framed=True)
            if y > HEAD + MARGIN and y + panel.height > HEAD + MARGIN + height:
                x, y, widest = x + widest + GAP, HEAD + MARGIN, 0.0
                panel = Panel(figure, x, y, framed=True)
            panels.append(panel)
            y, widest = y + panel.height + GAP, max(widest, panel.width)
        best = panels if not best or _unlike(panels) < _unlike(best) else best
    return best


def _unlike(panels: Sequence[Panel]) -> float:
    """How much the whole would have to shrink to fit a page, upright or not."""
    width = max(p.x + p.width for p in panels)
    height = max(p.y + p.height for p in panels)
    return min(max(width, height / A4), max(height, width / A4))


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "x": round(panel.x, 1),
        "y": round(panel.y, 1),
        "width": round(panel.width, 1),
        "height": round(panel.height, 1),
        "framed": panel.framed,
        "title": panel.figure.figure.title,
        "inner_x": MARGIN if panel.framed else 0,
        "inner_y": HEAD if panel.framed else 0,
        "boxes": [_box(box) for box in panel.figure.boxes],
        "arrows": [_arrow(arrow) for arrow in panel.figure.arrows],
    }


def _legend(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """The colours that are on the page."""
    kinds = {box.box.kind for panel in panels for box in panel.figure.boxes}
    entries: list[dict[str, Any]] = []
    x = MARGIN
    for kind, text in LEGEND.items():
        if kind in kinds:
            entries.append({"kind": kind, "text": text, "x": x})
            x += 30 + width(text, SMALL)
    return entries


def _box(box: PlacedBox) -> dict[str, Any]:
    texts = lines(box.box)
    first = box.y + 4 - (len(texts) - 1) * LINE * 0.4
    return {
        "kind": box.box.kind,
        "title": f"{_names(box.box.paths)}: {box.box.output}",
        "training": box.box.training,
        "x": round(box.x, 1),
        "y": round(box.y, 1),
        "left": round(box.x - box.width / 2, 1),
        "top": round(box.y - box.height / 2, 1),
        "width": round(box.width, 1),
        "height": round(box.height, 1),
        "radius": SIGN / 2,
        "lines": [
            {"text": text, "y": round(first + i * LINE * 0.85, 1), "class": _class(i, text)}
            for i, text in enumerate(texts)
        ],
    }


def _class(line: int, text: str) -> str:
    if line == 0:
        return ""
    return "times" if text.startswith("×") else "small"


def _names(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} to {paths[-1]}"


def _arrow(arrow: PlacedArrow) -> dict[str, Any]:
    start, *rest = arrow.points
    *curve, tip = rest
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in curve)
    path = f"M{start[0]:.1f},{start[1]:.1f} C{text} L{tip[0]:.1f},{tip[1]:.1f}"
    label = arrow.label
    return {
        "path": path,
        "text": arrow.arrow.shape if label else "",
        "x": round(label[0], 1) if label else 0,
        "y": round(label[1] + 3, 1) if label else 0,
    }
