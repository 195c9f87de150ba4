"""Figures: what a picture shows, before anything has a place.

A figure has boxes and arrows. They come from the layers of a network: a use of a block is one box,
a convolution with its norm and activation another one, and an identity is only an arrow.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cnngen.ops.base import Image, Op, Shape, Unknown
from cnngen.report.label import label
from cnngen.semantics.network import Layer, Network, Scope

Kind = Literal["block", "convolution", "pooling", "connected", "join", "other"]
JOINS = {"add": "+", "concat": "&", "multiply": "×", "max": "max", "mean": "mean"}
KINDS: dict[str, Kind] = {
    "convolution": "convolution",
    "pooling": "pooling",
    "fully connected": "connected",
    "join": "join",
}
AFTER = ("normalization", "activation")  # what belongs to the convolution before it


@dataclass(frozen=True, slots=True)
class Box:
    """`lines` are its texts, the main one first; `paths` the layers that it stands for, `output`
    what the last of them gives, and `times` how often it comes in a row.
    """

    key: str
    kind: Kind
    lines: tuple[str, ...]
    paths: tuple[str, ...]
    output: Shape
    training: bool
    times: int = 1

    @property
    def stage(self) -> str:
        return self.paths[0].split(".")[0]


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one box to another by their keys, with the shape of what goes along. A tail that is the
    key of no box is what the figure is given, and such a head what it gives.
    """

    tail: str
    head: str
    shape: str


@dataclass(frozen=True, slots=True)
class Figure:
    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How far a figure goes: uses of blocks that lie `depth` deep are one box each, but for those
    that are one box inside: a convolution with its norm and activation, or a row of one block.
    """

    depth: int
    plain: frozenset[str] = frozenset()


def figure(title: str, layers: Sequence[Layer], plan: Plan) -> Figure:
    """Layers as boxes and arrows."""
    readers = Counter(x.path for layer in layers for x in layer.inputs)
    drafts: list[_Draft] = []
    place: dict[str, str] = {}  # from the path of a layer to the key of its box
    arrows: dict[tuple[str, str], Arrow] = {}
    for layer in layers:
        sources = [place.get(x.path, x.path) for x in layer.inputs]
        use = _use(layer.scope, plan)
        if use is None and layer.op.name == "identity":
            place[layer.path] = sources[0]
            continue
        key = f"{use.path}:{use.name}" if use else layer.path
        if drafts and drafts[-1].key == key:
            drafts[-1].layers.append(layer)
        elif use is None and _continues(layer, drafts, sources, readers):
            drafts[-1].layers.append(layer)
            key = drafts[-1].key
        else:
            drafts.append(_Draft(key, use, [layer]))
        place[layer.path] = key
        for source, tensor in zip(sources, layer.inputs, strict=True):
            if source != key:
                arrows.setdefault((source, key), Arrow(source, key, str(tensor.shape)))
    folded = _folded(Figure(title, tuple(map(_box, drafts)), tuple(arrows.values())))
    read = {arrow.tail for arrow in folded.arrows}
    ends = [Arrow(b.key, f"{b.key}:", str(b.output)) for b in folded.boxes if b.key not in read]
    return replace(folded, arrows=(*folded.arrows, *ends))


@dataclass(slots=True)
class _Draft:
    """A box in the making: a use of a block, or else layers that belong together."""

    key: str
    use: Scope | None
    layers: list[Layer]


def _use(scope: Scope, plan: Plan) -> Scope | None:
    """The outermost use of a block from this depth on in which a layer lies."""
    return next((use for use in _chain(scope)[plan.depth :] if use.name not in plan.plain), None)


def _chain(scope: Scope) -> list[Scope]:
    chain = [scope]
    while chain[-1].parent:
        chain.append(chain[-1].parent)
    return chain[::-1]


def _continues(
    layer: Layer, drafts: Sequence[_Draft], sources: Sequence[str], readers: Mapping[str, int]
) -> bool:
    """Whether a layer is the norm or the activation of the box before it, which only it reads."""
    if not drafts or drafts[-1].use or layer.op.group not in AFTER:
        return False
    box = drafts[-1]
    kind = KINDS.get(box.layers[0].op.group)
    alone = sources == [box.key] and readers[box.layers[-1].path] == 1
    return alone and kind in ("convolution", "connected")


def _box(draft: _Draft) -> Box:
    first, *others = draft.layers
    kind: Kind = "block" if draft.use else KINDS.get(first.op.group, "other")
    if draft.use:
        lines: tuple[str, ...] = (draft.use.name,)
    elif kind == "join":
        lines = (JOINS[first.op.name],)
    else:
        lines = (_text(first.op), *(layer.op.name for layer in others))
    paths = tuple(layer.path for layer in draft.layers)
    output = draft.layers[-1].output
    assert not isinstance(output, Unknown), "a network that passed its checks has shapes everywhere"
    return Box(draft.key, kind, lines, paths, output, first.training)


def _text(op: Op) -> str:
    """`7 x 7 conv, 64, stride 2`."""
    out, stride = op.values.get("out"), op.values.get("stride")
    parts = [label(op)]
    parts += [str(out)] if out else []
    if stride and stride != (1, 1):
        parts.append(f"stride {' x '.join(map(str, dict.fromkeys(stride)))}")
    return ", ".join(parts)


def _folded(figure: Figure) -> Figure:
    """Boxes that look alike and follow each other are one, with how often they come."""
    tails = Counter(arrow.tail for arrow in figure.arrows)
    heads = Counter(arrow.head for arrow in figure.arrows)
    links = {(arrow.tail, arrow.head) for arrow in figure.arrows}
    boxes: list[Box] = []
    last = ""  # the key of the last box before it was folded
    stands_for: dict[str, str] = {}
    for box in figure.boxes:
        only = (last, box.key) in links and tails[last] == heads[box.key] == 1
        if only and _look(boxes[-1]) == _look(box):
            before = boxes[-1]
            paths = before.paths + box.paths
            boxes[-1] = replace(before, times=before.times + 1, paths=paths, output=box.output)
            stands_for[box.key] = before.key
        else:
            boxes.append(box)
        last = box.key
    arrows = [
        Arrow(stands_for.get(arrow.tail, arrow.tail), arrow.head, arrow.shape)
        for arrow in figure.arrows
        if arrow.head not in stands_for
    ]
    return Figure(figure.title, tuple(boxes), tuple(arrows))


def _look(box: Box) -> tuple[object, ...]:
    output = box.output
    size = (output.height, output.width) if isinstance(output, Image) else None
    return box.kind, box.lines, box.stage, size


def overview(network: Network, plain: frozenset[str]) -> Figure:
    """The whole network, block by block; blocks say in which stage they are."""
    layers = list(network.layers.values())
    whole = figure(network.resolution.spec.name.text, layers, Plan(1, plain))
    boxes = (
        replace(box, lines=(*box.lines, box.stage)) if box.kind == "block" else box
        for box in whole.boxes
    )
    return replace(whole, boxes=tuple(boxes))


def insides(network: Network) -> tuple[list[Figure], frozenset[str]]:
    """What is inside of each block, as in its first use; and the blocks of a single box."""
    found: dict[str, tuple[str, int, list[Layer]]] = {}
    for layer in network.layers.values():
        for depth, use in enumerate(_chain(layer.scope)):
            if use.block:
                path, level, layers = found.setdefault(use.name, (use.path, depth, []))
                if (path, level) == (use.path, depth):
                    layers.append(layer)
    plain: set[str] = set()
    figures: list[Figure] = []
    for block in network.resolution.order:  # what a block uses comes before it
        name = block.name.text
        if name in found:
            _, depth, layers = found[name]
            inside = figure(name, layers, Plan(depth + 1, frozenset(plain)))
            if len(inside.boxes) == 1:
                plain.add(name)
            else:
                figures.append(inside)
    seen = list(found)
    return sorted(figures, key=lambda figure: seen.index(figure.title)), frozenset(plain)
