"""Figures: what a picture shows, before anything has a place.

A figure has boxes and arrows. One figure can stand for several uses of a block that look alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from cnngen.draw.span import spanned, spanned_shape
from cnngen.ops.base import Op, Shape
from cnngen.report.label import label
from cnngen.semantics.network import Scope

Kind = Literal["block", "convolution", "pooling", "connected", "join", "other"]
KINDS: dict[str, Kind] = {
    "convolution": "convolution",
    "pooling": "pooling",
    "fully connected": "connected",
    "join": "join",
}
LEGEND: dict[Kind, str] = {
    "convolution": "convolution",
    "pooling": "pooling",
    "connected": "fully connected",
    "block": "block",
    "join": "+ sum, C concatenation, × product",
    "other": "other",
}
TRAINING = "in training only"


@dataclass(frozen=True, slots=True)
class Box:
    """One box of a figure.

    `lines` are its texts; the first one names its `op`, or the block of which it is a `use` (`way`
    tells apart uses that are built differently). `paths` are the layers that it stands for, and
    `shape` is the output of the last of them. A box that stands for several equal ones has these as
    its `row`, and a box that is opened has what is `inside`.
    """

    key: str
    kind: Kind
    lines: tuple[str, ...]
    paths: tuple[str, ...]
    shape: Shape
    training: bool
    op: Op | None = None
    use: Scope | None = None
    way: int = 0
    inside: "Figure | None" = None
    row: tuple["Box", ...] = ()

    @property
    def stage(self) -> str:
        return stage_of(self.paths[0])

    @property
    def times(self) -> int:
        return len(self.row) or 1

    def look(self, channels: bool = True) -> tuple[object, ...]:
        """What is shown of it; boxes that are equal in this can be one. Numbers of channels can be
        left out.
        """
        main, *others = self.lines
        if not channels and self.op:
            main = op_text(self.op, "")
        inside = self.inside and self.inside.look(channels)
        way = self.way if channels else 0
        return self.kind, main, *others, self.times, self.training, way, inside


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow from one box to another, by their keys.

    `shapes` are those of the tensor that goes along, one for each use that the figure stands for. A
    tail that is no key of a box is an input of the figure, and such a head is an output: these may
    have a `name`. Where a block is given several tensors, `parameter` says which one this is; where
    a layer reads one tensor several times, or a block several tensors of a list that another one
    gives, the arrows have a `number`. `path` is that of the layer that gives the tensor.
    """

    tail: str
    head: str
    shapes: tuple[Shape, ...]
    name: str = ""
    parameter: str = ""
    number: int = 0
    path: str = ""

    @property
    def shape(self) -> str:
        return spanned_shape(self.shapes)

    def text(self, framed: bool) -> str:
        """The text where it enters or leaves the figure; in a frame, shapes are shown outside."""
        return self.name if framed else ": ".join(filter(None, (self.name, self.shape)))


@dataclass(frozen=True, slots=True)
class Figure:
    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    note: str = ""

    def is_row(self) -> bool:
        """Whether the boxes are a chain, each leading to the next."""
        keys = {box.key: box.key for box in self.boxes}
        arrows = [(keys.get(arrow.tail), keys.get(arrow.head)) for arrow in self.arrows]
        return sorted(arrows, key=str) == sorted(pairwise([None, *keys, None]), key=str)

    def links(self) -> dict[tuple[object, ...], Arrow]:
        """The arrows by their ends, which figures that look alike have in common."""
        index = {box.key: i for i, box in enumerate(self.boxes)}
        return {
            (index.get(a.tail, a.name), index.get(a.head), a.parameter, a.number): a
            for a in self.arrows
        }

    def look(self, channels: bool = True) -> tuple[object, ...]:
        """What is shown of it but for the shapes at its arrows."""
        boxes = tuple(box.look(channels) for box in self.boxes)
        ranks = ((link, *map(type, arrow.shapes)) for link, arrow in self.links().items())
        return boxes, frozenset(ranks)


def merged(alike: Sequence[Figure]) -> Figure:
    """One figure for several that look alike, perhaps with other numbers of channels."""
    first, *others = alike
    if not others:
        return first
    links = [figure.links() for figure in alike]
    arrows = tuple(
        replace(arrow, shapes=tuple(dict.fromkeys(s for each in links for s in each[link].shapes)))
        for link, arrow in links[0].items()
    )
    boxes = tuple(map(merged_box, zip(*(figure.boxes for figure in alike), strict=True)))
    return replace(first, boxes=boxes, arrows=arrows)


def merged_box(boxes: Sequence[Box]) -> Box:
    """One box for several that look alike, perhaps with other numbers of channels."""
    first = boxes[0]
    lines = first.lines
    if first.op and len({box.lines for box in boxes}) > 1:
        outs = [out for box in boxes if box.op and isinstance(out := box.op.values["out"], int)]
        lines = (op_text(first.op, spanned(outs)), *lines[1:])
    insides = [box.inside for box in boxes if box.inside]
    return replace(first, lines=lines, inside=merged(insides) if insides else None)


def stage_of(path: str) -> str:
    return path.split(".")[0]


def op_text(op: Op, channels: str | None = None) -> str:
    """`7 x 7 conv, 64, stride 2`; other text can stand for the number of channels."""
    out, groups = op.values.get("out"), op.values.get("groups", 1)
    parts = [label(op)]
    parts += [str(out) if channels is None else channels] if out else []
    for name in ("stride", "dilation"):
        match op.values.get(name):
            case None | 1 | (1, 1):
                pass
            case (down, across) if down != across:
                parts.append(f"{name} {down} x {across}")
            case (step, _) | step:
                parts.append(f"{name} {step}")
    parts += [f"groups {groups}"] if groups != 1 else []
    return ", ".join(parts)
