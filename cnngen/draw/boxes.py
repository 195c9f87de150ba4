"""Boxes: the layers of a network as the boxes and arrows of a figure.

A use of a block is one box; a convolution with its norm and activation is one, too; an identity is
only an arrow. A box that is opened holds a figure. Equal boxes in a row become one that says how
often.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cnngen.draw.detail import Detail, key_of
from cnngen.draw.figure import (
    KINDS,
    Arrow,
    Box,
    Figure,
    Kind,
    merged_box,
    op_text,
    stage_of,
)
from cnngen.ops.base import Image, Shape
from cnngen.semantics.network import Layer, Scope, known_shape

AFTER = ("normalization", "activation")  # what belongs to the box before it, which begins with:
BEGIN = ("convolution", "fully connected", "normalization")


def figure(
    title: str, layers: Sequence[Layer], detail: Detail, within: Scope | None = None, level: int = 0
) -> Figure:
    """Layers as boxes and arrows: those of the whole network, or those within a use of a block.
    `level` is the number of opened boxes around them.
    """
    above = len(within.chain()) if within else 1
    drafts: list[_Draft] = []
    places: dict[str, str] = {}  # from the path of a layer to the key of its box
    givers: dict[str, str] = {}  # from that of an identity to that of the layer behind which it is
    arrows: dict[tuple[str, str, str, int], Arrow] = {}
    read: dict[tuple[str, str], list[str]] = {}  # what one box reads of another
    scopes = dict.fromkeys(layer.scope for layer in layers)
    uses = {scope: detail.box(scope.chain()[above:]) for scope in scopes}
    keys = {use: key_of(use) for use in uses.values() if use}
    readers = _readers([layer for layer in layers if not uses[layer.scope]], layers, detail)
    names = _parameters(within)
    parameters = {use: _parameters(use) for use in uses.values()}
    for layer in layers:
        use = uses[layer.scope]
        sources = [places.get(x.path, x.path) for x in layer.inputs]
        if use is None and layer.op.is_identity:
            places[layer.path] = sources[0]
            path = layer.inputs[0].path
            givers[layer.path] = givers.get(path, path)
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
                path = givers.get(tensor.path, tensor.path)
                given = read.setdefault((source, key), [])
                given += [path] if path not in given else ()
                number = given.index(path) if use else sources[:i].count(source)
                link = source, key, parameter, number
                if link not in arrows:
                    shapes = (known_shape(tensor.shape),)
                    arrows[link] = Arrow(source, key, shapes, name, parameter, number, path)
    owner = _owner(layers, within) if within else ""
    boxes = tuple(_box(each, detail, level, _shared(each, within, owner)) for each in drafts)
    folded = _folded(Figure(title, boxes, tuple(arrows.values())))
    tails = {arrow.tail for arrow in folded.arrows}
    ends = [Arrow(b.key, f"{b.key}:", (b.shape,)) for b in folded.boxes if b.key not in tails]
    if layers and not boxes:
        ends = [Arrow(places[layers[-1].path], ":", (known_shape(layers[-1].output),))]
    return replace(folded, arrows=(*folded.arrows, *ends))


@dataclass(slots=True)
class _Draft:
    """A box in the making: a use of a block or a layer, and `more` layers that belong to it."""

    key: str
    use: Scope | None
    layers: list[Layer]
    more: list[Layer] = field(default_factory=list[Layer])


def _readers(own: Sequence[Layer], layers: Sequence[Layer], detail: Detail) -> Counter[str]:
    """How many layers read each output, directly or through identities that get no box."""
    through: dict[str, str] = {}
    for layer in own:
        if layer.op.is_identity:
            source = layer.inputs[0].path
            through[layer.path] = through.get(source, source)
    read = [x.path for layer in layers if layer.path not in through for x in layer.inputs]
    return Counter(through.get(path, path) for path in (*read, *detail.outputs))


def _parameters(use: Scope | None) -> dict[str, str]:
    """The parameters for which a block is given tensors, by the paths of these; only where it is
    given several.
    """
    found: dict[str, str] = {}
    for name, tensor in use.given.items() if use and len(use.given) > 1 else ():
        found[tensor.path] = f"{found[tensor.path]}, {name}" if tensor.path in found else name
    return found


def _continues(
    layer: Layer, drafts: Sequence[_Draft], sources: Sequence[str], readers: Mapping[str, int]
) -> bool:
    """Whether a layer is a norm or an activation that belongs to the box before it, whose output it
    alone reads.
    """
    if not drafts or layer.op.group not in AFTER or layer.training != drafts[-1].layers[0].training:
        return False
    box = drafts[-1]
    first, last = box.layers[0], (box.more or box.layers)[-1]
    alone = sources == [box.key] and readers[last.path] == 1
    if box.use:
        return alone and stage_of(layer.path) == stage_of(first.path)
    return alone and first.op.group in BEGIN


def _box(draft: _Draft, detail: Detail, level: int, mark: tuple[str, ...]) -> Box:
    first, layers, use = draft.layers[0], [*draft.layers, *draft.more], draft.use
    kind: Kind = "block" if use else KINDS.get(first.op.group, "other")
    more = (*(layer.op.name for layer in draft.more), *mark)
    inside = None
    if use and detail.opens(use, level):
        inside = figure(", ".join((use.name, *more)), layers, detail, use, level + 1)
        inside = inside if inside.boxes else None
    if use:
        text = use.name if inside else detail.title(use)
    else:
        text = first.op.sign if kind == "join" else op_text(first.op)
    return Box(
        key=draft.key,
        kind=kind,
        lines=(text, *more),
        paths=tuple(layer.path for layer in layers),
        shape=known_shape(layers[-1].output),
        training=first.training,
        op=None if use or kind == "join" else first.op,
        use=use,
        way=detail.way(use) if use else 0,
        inside=inside,
    )


def _owner(layers: Sequence[Layer], within: Scope) -> str:
    """The path of the use of a block whose layers hold the weights: its own, or that of the first
    where all of it is used again.
    """
    for layer in layers:
        below = layer.path[len(within.path) :]
        if layer.shares and layer.shares.endswith(below):
            return layer.shares[: len(layer.shares) - len(below)]
    return within.path


def _shared(draft: _Draft, within: Scope | None, owner: str) -> tuple[str, ...]:
    """Of what a box has the weights, where it is used again; what is around it says so where that
    is.
    """
    first = draft.layers[0]
    if not first.shares or not any(layer.op.weights(*_shapes(layer)) for layer in draft.layers):
        return ()
    if within and first.shares == owner + first.path[len(within.path) :]:
        return ()
    part = _used_again(first).removeprefix(owner).lstrip(".")
    return (f"weights of {part}",)


def _used_again(layer: Layer) -> str:
    """The path of the stage or step that is used again; below it, both uses have equal paths."""
    holder, path = layer.shares.split("."), layer.path.split(".")
    while len(holder) > 1 and len(path) > 1 and holder[-1] == path[-1]:
        holder.pop()
        path.pop()
    return ".".join(holder)


def _shapes(layer: Layer) -> tuple[Shape, ...]:
    return tuple(known_shape(x.shape) for x in layer.inputs)


def _folded(figure: Figure) -> Figure:
    """Boxes in a row that show the same become one box."""
    tails = Counter(arrow.tail for arrow in figure.arrows)
    heads = Counter(arrow.head for arrow in figure.arrows)
    links = Counter((arrow.tail, arrow.head) for arrow in figure.arrows)
    rows: list[list[Box]] = []
    for box in figure.boxes:
        last = rows[-1][-1] if rows else None
        count = links[last.key, box.key] if last else 0
        only = count and last and tails[last.key] == heads[box.key] == count
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
    return replace(merged_box(row), paths=paths, shape=row[-1].shape, row=tuple(row))


def _place(box: Box) -> tuple[object, ...]:
    """The stage and the size of a box: boxes that become one agree in both."""
    shape = box.shape
    size = (shape.height, shape.width) if isinstance(shape, Image) else None
    return box.stage, size
