"""Coordinates: where boxes, arrows and texts of a figure go, as the script of the page to explore
reads it.
"""

from typing import Any

from cnngen.draw.figure import Figure
from cnngen.draw.place import PlacedFigure


def places(figure: PlacedFigure) -> dict[str, Any]:
    """The nodes, `[x, y, width, height]` with the middle first: boxes, then what is outside of the
    figure. Arrows refer to them by index.
    """
    index = {box.box.key: i for i, box in enumerate(figure.boxes)}
    outside = [text for text in figure.texts if text.key]
    index |= {text.key: len(figure.boxes) + i for i, text in enumerate(outside)}
    nodes = [(box.x, box.y, box.width, box.height) for box in figure.boxes]
    return {
        "size": _rounded(figure.width, figure.height),
        "nodes": [
            *(_rounded(*node) for node in nodes),
            *(_rounded(text.x, text.y, 6, 10) for text in outside),
        ],
        "arrows": [
            [
                index[placed.arrow.tail],
                index[placed.arrow.head],
                _rounded(*(number for point in placed.points for number in point)),
            ]
            for placed in figure.arrows
        ],
        "texts": [
            [text.arrow if text.text else -1, *_rounded(text.x, text.y)] for text in figure.texts
        ],
    }


def texts(shown: Figure, framed: bool) -> list[str]:
    """The text at each arrow."""
    keys = {box.key for box in shown.boxes}
    return [
        arrow.shape if {arrow.tail, arrow.head} <= keys else arrow.text(framed)
        for arrow in shown.arrows
    ]


def _rounded(*numbers: float) -> list[float]:
    return [round(number, 1) for number in numbers]
