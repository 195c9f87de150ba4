"""Figures: what a picture shows, before anything has a place.

A figure has boxes and arrows. They come from the layers of a network: a use of a block is one box,
a convolution with its norm and activation another one, and an identity is only an arrow. A box that
is opened has a figure of its own inside. Boxes in a row are one box where they are equal in all
that is shown of them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from cnngen.draw.plan import Plan, key_of
from cnngen.draw.span import spanned, spanned_shape
from cnngen.ops.base import Image, Op, Shape, Unknown
from cnngen.report.label import label
from cnngen.semantics.network import Layer, Scope

Kind = Literal["block", "convolution", "pooling", "connected", "join", "other"]
JOINS = {"add": "+", "concat": "C", "multiply": "×", "max": "max", "mean": "mean"}
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
AFTER = ("normalization", "activation")  # what belongs to the box before it, which begins with:
BEGIN = ("convolution", "fully connected", "normalization")


@dataclass(frozen=True, slots=True)
class Box:
    """`lines` are its texts, the main one first, which names an `op` or the `use` of a block, which
    is built in one of the block's ways. `paths` are the layers that it stands for, and `shape` that
    of what the last of them gives. A box that stands for several alike in a row has them as its
    `row`, and one that is opened what is `inside`.
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
        """What is shown of it, in which boxes are equal that may be one; the numbers of channels
        may be left out.
        """
        main, *others = self.lines
        if not channels and self.op:
            main = op_text(self.op, "")
        inside = self.inside and self.inside.look(channels)
        way = self.way if channels else 0
        return self.kind, main, *others, self.times, self.training, way, inside


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one box to another by their keys, with the shapes of what goes along: one, or those of
    several uses of a block. A tail that is the key of no box is what the figure is given, and such
    a head what it gives: these may have a `name`. Where a block is given several tensors,
    `parameter` says for which the arrow is; where a layer reads one several times, the arrows have
    a `number`.
    """

    tail: str
    head: str
    shapes: tuple[Shape, ...]
    name: str = ""
    parameter: str = ""
    number: int = 0

    @property
    def shape(self) -> str:
        return spanned_shape(self.shapes)

    def text(self, framed: bool) -> str:
        """What stands where it begins or ends; in a frame, shapes stand outside."""
        return self.name if framed else ": ".join(filter(None, (self.name, self.shape)))


@dataclass(frozen=True, slots=True)
class Figure:
    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    note: str = ""

    def is_row(self) -> bool:
        """Whether one box leads to the next, and no arrow anywhere else."""
        keys = {box.key: box.key for box in self.boxes}
        arrows = [(keys.get(arrow.tail), keys.get(arrow.head)) for arrow in self.arrows]
        return sorted(arrows, key=str) == sorted(pairwise([None, *keys, None]), key=str)

    def links(self) -> dict[tuple[object, ...], Arrow]:
        """The arrows by what they have in common with those of figures that look like this one."""
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
    """Figures that look alike, but perhaps for their channels, as one that is true of all."""
    first, *others = alike
    if not others:
        return first
    links = [figure.links() for figure in alike]
    arrows = tuple(
        replace(arrow, shapes=tuple(dict.fromkeys(s for each in links for s in each[link].shapes)))
        for link, arrow in links[0].items()
    )
    boxes = tuple(map(_merged_box, zip(*(figure.boxes for figure in alike), strict=True)))
    return replace(first, boxes=boxes, arrows=arrows)


def _merged_box(boxes: Sequence[Box]) -> Box:
    first = boxes[0]
    lines = first.lines
    if first.op and len({box.lines for box in boxes}) > 1:
        outs = [out for box in boxes if box.op and isinstance(out := box.op.values["out"], int)]
        lines = (op_text(first.op, spanned(outs)), *lines[1:])
    insides = [box.inside for box in boxes if box.inside]
    return replace(first, lines=lines, inside=merged(insides) if insides else None)


def figure(
    title: str, layers: Sequence[Layer], plan: Plan, within: Scope | None = None, level: int = 0
) -> Figure:
    """Layers as boxes and arrows. They lie within the use of a block, or are the whole network, and
    in `level` opened boxes.
    """
    above = len(chain_of(within)) if within else 1
    drafts: list[_Draft] = []
    places: dict[str, str] = {}  # from the path of a layer to the key of its box
    arrows: dict[tuple[str, str, str, int], Arrow] = {}
    scopes = dict.fromkeys(layer.scope for layer in layers)
    uses = {scope: plan.box(chain_of(scope)[above:]) for scope in scopes}
    keys = {use: key_of(use) for use in uses.values() if use}
    readers = _readers([layer for layer in layers if not uses[layer.scope]], layers, plan)
    names = _parameters(within)
    parameters = {use: _parameters(use) for use in uses.values()}
    for layer in layers:
        use = uses[layer.scope]
        sources = [places.get(x.path, x.path) for x in layer.inputs]
        if use is None and layer.op.name == "identity":
            places[layer.path] = sources[0]
            continue
        key = keys[use] if use else layer.path
        if drafts and drafts[-1].key == key:
            drafts[-1].layers.append(layer)
        elif use is None and _continues(layer, drafts, sources, readers):
            drafts[-1].more.append(layer)
            key = drafts[-1].key
        else:
            drafts.append(_Draft(key, use, [layer]))
        places[layer.path] = key
        if sources == [key]:
            continue
        for i, (source, tensor) in enumerate(zip(sources, layer.inputs, strict=True)):
            if source != key:
                name, parameter = names.get(source, ""), parameters[use].get(tensor.path, "")
                number = 0 if use else sources[:i].count(source)
                link = source, key, parameter, number
                if link not in arrows:
                    shapes = (known_shape(tensor.shape),)
                    arrows[link] = Arrow(source, key, shapes, name, parameter, number)
    boxes = tuple(_box(draft, plan, level) for draft in drafts)
    folded = _folded(Figure(title, boxes, tuple(arrows.values())))
    read = {arrow.tail for arrow in folded.arrows}
    ends = [Arrow(b.key, f"{b.key}:", (b.shape,)) for b in folded.boxes if b.key not in read]
    if layers and not boxes:
        ends = [Arrow(places[layers[-1].path], ":", (known_shape(layers[-1].output),))]
    return replace(folded, arrows=(*folded.arrows, *ends))


@dataclass(slots=True)
class _Draft:
    """A box in the making: a use of a block, or else one layer; and `more` layers behind it."""

    key: str
    use: Scope | None
    layers: list[Layer]
    more: list[Layer] = field(default_factory=list[Layer])


def _readers(own: Sequence[Layer], layers: Sequence[Layer], plan: Plan) -> Counter[str]:
    """How many read what a layer gives, directly or through those identities that get no box."""
    through: dict[str, str] = {}
    for layer in own:
        if layer.op.name == "identity":
            source = layer.inputs[0].path
            through[layer.path] = through.get(source, source)
    read = [x.path for layer in layers if layer.path not in through for x in layer.inputs]
    return Counter(through.get(path, path) for path in (*read, *plan.outputs))


def stage_of(path: str) -> str:
    return path.split(".")[0]


def chain_of(scope: Scope) -> list[Scope]:
    """The stage, the use of a block in it, the use of a block in that, and so on."""
    chain = [scope]
    while chain[-1].parent:
        chain.append(chain[-1].parent)
    return chain[::-1]


def _parameters(use: Scope | None) -> dict[str, str]:
    """For which parameters a block is given tensors, by their paths, where it is given several."""
    found: dict[str, str] = {}
    for name, tensor in use.given.items() if use and len(use.given) > 1 else ():
        found[tensor.path] = f"{found[tensor.path]}, {name}" if tensor.path in found else name
    return found


def _continues(
    layer: Layer, drafts: Sequence[_Draft], sources: Sequence[str], readers: Mapping[str, int]
) -> bool:
    """Whether a layer is a norm or an activation behind a box that nothing else reads."""
    if not drafts or layer.op.group not in AFTER or layer.training != drafts[-1].layers[0].training:
        return False
    box = drafts[-1]
    first, last = box.layers[0], (box.more or box.layers)[-1]
    alone = sources == [box.key] and readers[last.path] == 1
    if box.use:
        return alone and stage_of(layer.path) == stage_of(first.path)
    return alone and first.op.group in BEGIN


def _box(draft: _Draft, plan: Plan, level: int) -> Box:
    first, layers, use = draft.layers[0], [*draft.layers, *draft.more], draft.use
    kind: Kind = "block" if use else KINDS.get(first.op.group, "other")
    more = tuple(layer.op.name for layer in draft.more)
    inside = None
    if use and plan.opens(use, level):
        inside = figure(", ".join((use.name, *more)), layers, plan, use, level + 1)
        inside = inside if inside.boxes else None
    if use:
        text = use.name if inside else plan.title(use)
    else:
        text = JOINS[first.op.name] if kind == "join" else op_text(first.op)
    return Box(
        key=draft.key,
        kind=kind,
        lines=(text, *more),
        paths=tuple(layer.path for layer in layers),
        shape=known_shape(layers[-1].output),
        training=first.training,
        op=None if use or kind == "join" else first.op,
        use=use,
        way=plan.way(use) if use else 0,
        inside=inside,
    )


def known_shape(shape: Shape | Unknown) -> Shape:
    """A shape of a network that passed its checks."""
    assert not isinstance(shape, Unknown), "a checked network has shapes everywhere"
    return shape


def op_text(op: Op, channels: str | None = None) -> str:
    """`7 x 7 conv, 64, stride 2`; the number of channels may be said in another way."""
    out, stride = op.values.get("out"), op.values.get("stride")
    parts = [label(op)]
    parts += [str(out) if channels is None else channels] if out else []
    if stride and stride != (1, 1):
        parts.append(f"stride {' x '.join(map(str, dict.fromkeys(stride)))}")
    return ", ".join(parts)


def _folded(figure: Figure) -> Figure:
    """Boxes that follow each other and are equal in all that is shown of them are one."""
    tails = Counter(arrow.tail for arrow in figure.arrows)
    heads = Counter(arrow.head for arrow in figure.arrows)
    links = {(arrow.tail, arrow.head) for arrow in figure.arrows}
    rows: list[list[Box]] = []
    for box in figure.boxes:
        last = rows[-1][-1] if rows else None
        only = last and (last.key, box.key) in links and tails[last.key] == heads[box.key] == 1
        if last and only and _place(last) == _place(box) and last.look() == box.look():
            rows[-1].append(box)
        else:
            rows.append([box])
    first_of = {box.key: row[0].key for row in rows for box in row}
    first_keys = {row[0].key for row in rows}
    return replace(
        figure,
        boxes=tuple(map(_one_of, rows)),
        arrows=tuple(
            replace(arrow, tail=first_of.get(arrow.tail, arrow.tail))
            for arrow in figure.arrows
            if arrow.head in first_keys
        ),
    )


def _one_of(row: Sequence[Box]) -> Box:
    if len(row) == 1:
        return row[0]
    paths = tuple(path for box in row for path in box.paths)
    return replace(_merged_box(row), paths=paths, shape=row[-1].shape, row=tuple(row))


def _place(box: Box) -> tuple[object, ...]:
    """Where boxes must be together to be one: in a stage, at one size."""
    shape = box.shape
    size = (shape.height, shape.width) if isinstance(shape, Image) else None
    return box.stage, size
