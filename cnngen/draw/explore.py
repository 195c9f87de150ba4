"""The page to explore a network with: every block can be opened in place, down to the layers.

The inside of each box is laid out here; the page only makes room for it when it is opened. Uses of
a block that look alike share their layout.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, cast

from markupsafe import Markup

from cnngen.diagnostics.model import Report
from cnngen.diagnostics.terminal import one_line
from cnngen.draw.boxes import figure
from cnngen.draw.coordinates import places, texts
from cnngen.draw.detail import Detail
from cnngen.draw.excerpt import Excerpt, Sources, in_spec
from cnngen.draw.figure import LEGEND, TRAINING, Arrow, Box, Figure
from cnngen.draw.figures import MOST_PARTS, TooLargeError, check_reach, overview
from cnngen.draw.metrics import BOLD, OTHERS, SIGNS, WIDTHS, width
from cnngen.draw.place import (
    FRAME,
    FRAME_HEAD,
    SMALL,
    TEXT,
    frame_title,
    lines,
    placed,
    size,
)
from cnngen.draw.render import render, text_of
from cnngen.draw.uses import closed_detail
from cnngen.ops.attribute import Distribution
from cnngen.report.summary import LayerSummary, summarize
from cnngen.semantics.attributes import spell
from cnngen.semantics.network import Layer, Network, Scope
from cnngen.targets.generate import rendered
from cnngen.targets.registry import BUILT_IN

Json = dict[str, Any]
TITLES = {"torch": "PyTorch", "keras": "Keras"}
MOST_LAYERS = 20_000


def page(network: Network, depth: int = 0, expand: frozenset[str] = frozenset()) -> str:
    """The page, which needs nothing else; raises `TooLargeError` and `MissingFrameworkError`."""
    spec = network.resolution.spec
    if (count := len(network.layers)) > MOST_LAYERS:
        raise TooLargeError(
            f"a page of {count:,} layers would be slow: {MOST_LAYERS:,} are the most"
        )
    detail = closed_detail(network).unnumbered()
    whole = overview(network, detail)
    _check(whole)
    report = Report()  # a target that lacks an op has no source on the page
    built = {target: rendered(network, target, report) for target in sorted(BUILT_IN)}
    sources = {target: source for target, source in built.items() if source is not None}
    costs = {layer.path: layer for layer in summarize(network, training=True).layers}
    opening = replace(detail, depth=depth, expand=expand)
    specs = _specs(network)
    explorer = _Explorer(network, Sources(spec, sources), costs, detail, opening, _files(specs))
    explorer.figure(whole, framed=False)
    data = {
        "figures": explorer.figures,
        "layouts": explorer.layouts,
        "items": explorer.items,
        "opened": explorer.opened,
        "sources": {explorer.files[path]: text for path, text in specs.items()}
        | {target: source.text for target, source in sources.items()},
        "titles": {target: TITLES[target] for target in sources},
        "frame": FRAME,
        "head": FRAME_HEAD,
        "metrics": {
            **{"widths": WIDTHS, "signs": SIGNS, "others": OTHERS, "bold": BOLD},
            **{"text": TEXT, "small": SMALL},
        },
    }
    return render(
        "explore.html.jinja",
        title=spec.name.text,
        about=one_line(spec.about),
        legend=LEGEND,
        dashed=TRAINING if any(layer.training for layer in network.layers.values()) else "",
        data=Markup(_json(data)),
        style=Markup(text_of("explore.css")),
        script=Markup(text_of("explore.js")),
    )


def _json(data: Json) -> str:
    """JSON that can stand in a `script` element: no text of a spec can end it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _specs(network: Network) -> dict[str, str]:
    spans = (layer.step.span for layer in network.layers.values())
    sources = dict.fromkeys([network.resolution.spec.span.source, *(s.source for s in spans)])
    return {source.path: source.text for source in sources}


def _files(paths: Iterable[str]) -> dict[str, str]:
    """The names of files, without the folders of the machine where the page was made."""
    names: dict[str, str] = {}
    for path in paths:
        name = PurePath(path).name
        others = sum(PurePath(other).name == name for other in names)
        names[path] = f"{name} ({others + 1})" if others else name
    return names


@dataclass(slots=True)
class _Explorer:
    """All that the page shows, in lists that refer to each other by index. `opening` says which
    blocks are open at first; `opened` are the indices of their insides.
    """

    network: Network
    sources: Sources
    costs: dict[str, LayerSummary]
    detail: Detail
    opening: Detail
    files: dict[str, str]
    layouts: list[Json] = field(default_factory=list[Json])
    figures: list[Json] = field(default_factory=list[Json])
    items: list[Json] = field(default_factory=list[Json])
    opened: list[int] = field(default_factory=list[int])
    known: dict[object, int] = field(default_factory=dict[object, int])

    def figure(self, shown: Figure, framed: bool = True, level: int = 0) -> int:
        """Add a figure with everything inside of it; gives its index."""
        _check(shown)
        index = len(self.figures)
        self.figures.append({})
        self.figures[index] = {
            "layout": self._layout(shown, framed),
            "texts": texts(shown, framed),
            "boxes": [self._box(box, level) for box in shown.boxes],
        }
        return index

    def _excerpt(self, excerpt: Excerpt | None) -> list[object] | None:
        if excerpt is None:
            return None
        file = self.files.get(excerpt.file, excerpt.file)
        return [file, *excerpt.shown, *excerpt.marked]

    def _layout(self, shown: Figure, framed: bool) -> int:
        """The index of a figure's layout; figures that look alike share one."""
        index = {box.key: i for i, box in enumerate(shown.boxes)}
        for arrow in shown.arrows:
            for key in (arrow.tail, arrow.head):
                index.setdefault(key, len(index))  # what is outside has its numbers as well
        boxes = tuple((size(box), box.training) for box in shown.boxes)
        arrows = tuple((index[arrow.tail], index[arrow.head]) for arrow in shown.arrows)
        look = framed, boxes, arrows, tuple(width(text, SMALL) for text in texts(shown, framed))
        if look not in self.known:
            self.known[look] = len(self.layouts)
            self.layouts.append(places(placed(shown, framed)))
        return self.known[look]

    def _box(self, box: Box, level: int) -> Json:
        inside = self._add_inside(box, level)
        layers = [self.network.layers[path] for path in box.paths]
        first = box.row[0] if box.row else box
        own = [layer for layer in layers if layer.path in first.paths]
        if box.use:
            inner = [layer for layer in own if _lies_in(layer, box.use)]
            items = [self._use(box.use, inner), *map(self._layer, own[len(inner) :])]
        else:
            items = [self._layer(layer) for layer in own]
        return {
            "kind": box.kind,
            "lines": lines(box),
            "title": frame_title(box),
            "wide": round(width(frame_title(box), TEXT, bold=True) + FRAME),
            "training": box.training,
            "shape": str(box.shape),
            "paths": [_path(first), _path(box.row[-1] if box.row else box)],
            "times": box.times,
            "items": items,
            "inside": inside,
        }

    def _add_inside(self, box: Box, level: int) -> int | None:
        inside = self._inside(box)
        if inside is None or not inside.boxes:
            return None
        index = self.figure(inside, level=level if box.row else level + 1)
        uses = [each.use for each in box.row or (box,) if each.use]
        if any(self.opening.opens(use, level) for use in uses):
            self.opened.append(index)
        return index

    def _inside(self, box: Box) -> Figure | None:
        """What a box opens to: the boxes of a row, or the inside of a block."""
        if box.row:
            return _row(box)
        if box.use is None:
            return None
        layers = [self.network.layers[path] for path in box.paths]
        return figure(box.use.name, layers, self.detail, box.use)

    def _layer(self, layer: Layer) -> int:
        cost = self.costs[layer.path]
        values = {name: _value(value) for name, value in layer.op.values.items()}
        values |= {"weights of": layer.shares} if layer.shares else {}
        return self._item(
            name=layer.path,
            what=layer.op.name,
            values={name: text for name, text in values.items() if text},
            inputs=[str(tensor.shape) for tensor in layer.inputs],
            output=str(layer.output),
            parameters=cost.parameters,
            macs=cost.macs,
            training=layer.training,
            spec=[self._excerpt(in_spec(layer.step.span, layer.scope))],
            code=[self._excerpt(self.sources.layer(target, layer)) for target in TITLES],
        )

    def _use(self, use: Scope, layers: Sequence[Layer]) -> int:
        assert use.block and use.call
        inner = {layer.path for layer in layers}
        given = {name: str(tensor.shape) for name, tensor in use.given.items()}
        return self._item(
            name=use.path,
            what=use.name,
            about=use.block.about,
            values={name: spell(value) for name, value in use.own.items()},
            inputs=[f"{name}: {shape}" for name, shape in given.items()]
            if len(given) > 1
            else [*given.values()],
            output=str(layers[-1].output),
            parameters=sum(self.costs[path].parameters for path in inner),
            macs=sum(self.costs[path].macs for path in inner),
            training=layers[0].training,
            spec=[
                self._excerpt(in_spec(use.call.span, use.parent)),
                self._excerpt(in_spec(use.block.span, None)),
            ],
            code=[self._excerpt(self.sources.block(target, use)) for target in TITLES],
        )

    def _item(self, **item: object) -> int:
        self.items.append(item)
        return len(self.items) - 1


def _check(shown: Figure) -> None:
    """Raises `TooLargeError` for a figure that is too large to be laid out, whatever is inside its
    boxes.
    """
    if len(shown.boxes) + len(shown.arrows) > MOST_PARTS:
        raise TooLargeError(f"{len(shown.boxes):,} boxes in one place: make blocks of them")
    check_reach([replace(shown, boxes=tuple(replace(box, inside=None) for box in shown.boxes))])


def _path(box: Box) -> str:
    return box.use.path if box.use else box.paths[0]


def _lies_in(layer: Layer, use: Scope) -> bool:
    """Whether a layer lies in a use of a block, in any iteration of its loops."""
    return any(s.call is use.call and s.path == use.path for s in layer.scope.chain())


def _row(box: Box) -> Figure:
    """The boxes of a row, one by one; uses of blocks say which they are."""
    boxes = tuple(
        replace(each, lines=(each.lines[0], ", ".join((each.use.path, *each.lines[1:]))))
        if each.use
        else each
        for each in box.row
    )
    keys = [":enter", *(each.key for each in boxes), ":leave"]
    shapes = [(), *((each.shape,) for each in boxes)]
    arrows = tuple(map(Arrow, keys, keys[1:], shapes))
    return Figure(frame_title(box), boxes, arrows)


def _value(value: object) -> str:
    """The value of an attribute, where there is one."""
    match value:
        case None:
            return ""
        case Distribution(word, arguments):
            given = ", ".join(f"{name}: {each}" for name, each in arguments)
            return f"{word}, {given}" if given else word
        case str():
            return value
        case tuple():
            items = list(map(str, cast(tuple[object, ...], value)))
            return " x ".join(items) if len(items) == 2 else ", ".join(items)
        case _:
            return str(value).lower()
