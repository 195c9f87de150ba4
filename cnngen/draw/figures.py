"""The figures of a picture: the whole network, and the inside of its blocks."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from cnngen.diagnostics.suggest import suggest
from cnngen.diagnostics.terminal import one_line
from cnngen.draw.boxes import figure
from cnngen.draw.detail import Detail
from cnngen.draw.figure import Arrow, Box, Figure
from cnngen.draw.uses import closed_detail, panels, plain_of, uses_of
from cnngen.semantics.network import Network, Scope, known_shape

MOST_PARTS = 1500
MOST_REACH = 1200
REMEDY = "open fewer blocks, or make blocks of what repeats"


MOST_NAMES = 8


class UnknownNameError(ValueError):
    """No block or use has this name; the message says which names there are."""


class TooLargeError(Exception):
    """A picture that would be too large to read, and would take long."""


def figures(network: Network, depth: int = 0, expand: frozenset[str] = frozenset()) -> list[Figure]:
    """The whole network first, then the inside of each block that is not opened in it: one figure,
    or one for each way in which its uses are built. Raises `TooLargeError`.
    """
    uses = uses_of(network)
    detail = replace(closed_detail(network, uses), depth=depth, expand=expand)
    main = overview(network, detail)
    shown: dict[str, list[Figure]] = {}
    waiting = _closed(main)
    while waiting:
        name = waiting.pop(0)
        if name not in shown:
            closed = [use for use in uses[name] if not _is_open(use.scope, detail)]
            shown[name] = panels(closed, replace(detail, depth=0))
            waiting += [inner for inside in shown[name] for inner in _closed(inside)]
    drawn = [main, *(inside for insides in shown.values() for inside in insides)]
    if (count := sum(map(_parts, drawn))) > MOST_PARTS:
        raise TooLargeError(f"the picture would have {count:,} boxes and arrows: {REMEDY}")
    return drawn


def _is_open(use: Scope, detail: Detail) -> bool:
    around = [scope for scope in use.chain()[:-1] if scope.block and scope.name not in detail.plain]
    return detail.opens(use, len(around))


def overview(network: Network, detail: Detail) -> Figure:
    """The whole network, with a box for each use of a block, marked with its stage."""
    whole = figure(network.resolution.spec.name.text, list(network.layers.values()), detail)
    boxes = (
        replace(box, lines=(box.lines[0], ", ".join((box.stage, *box.lines[1:]))))
        if box.kind == "block" and not box.inside
        else box
        for box in whole.boxes
    )
    named = _with_inputs(replace(whole, boxes=tuple(boxes)), network)
    return _with_outputs(named, network)


def _with_inputs(whole: Figure, network: Network) -> Figure:
    """The whole network with the names of its inputs, if it has several."""
    names = network.inputs if len(network.inputs) > 1 else ()
    arrows = (replace(a, name=a.tail) if a.tail in names else a for a in whole.arrows)
    return replace(whole, arrows=tuple(arrows))


def _with_outputs(whole: Figure, network: Network) -> Figure:
    """The whole network with the names that the spec gives to its outputs."""
    if not network.resolution.spec.outputs:
        return whole
    giving = {path: box.key for box in whole.boxes for path in box.paths}
    named: list[Arrow] = []
    for name, stage in network.outputs.items():
        path, shape = network.stages[stage].path, network.stages[stage].shape
        while path not in giving and path in network.layers:
            path = network.layers[path].inputs[0].path  # of an identity, which has no box
        tail = giving.get(path, path)
        named.append(Arrow(tail, f"{tail}:{name}", (known_shape(shape),), name))
    replaced = {f"{arrow.tail}:" for arrow in named}
    kept = [arrow for arrow in whole.arrows if arrow.head not in replaced]
    return replace(whole, arrows=(*kept, *named))


def check_names(network: Network, expand: Collection[str]) -> None:
    """Raises `UnknownNameError` for a name that is neither of a block nor the path of a use."""
    known = names(network) if expand else []
    plain = plain_of(network, uses_of(network)) if expand else frozenset[str]()
    for name in sorted(set(expand) - set(known)):
        if name in plain:
            raise UnknownNameError(f"`{name}` has no box to open: it is drawn where it is used")
        near = suggest(name, known)
        hint = f"did you mean `{near}`?" if near else f"there are {', '.join(known[:MOST_NAMES])}"
        message = f"no block or use of one is called `{one_line(name)}`"
        raise UnknownNameError(f"{message}: {hint if known else 'nothing here can be opened'}")


def names(network: Network) -> list[str]:
    """What can be opened."""
    uses = uses_of(network)
    plain = plain_of(network, uses)
    found = [name for name in uses if name not in plain]
    return [*found, *(use.scope.path for name in found for use in uses[name])]


def check_reach(drawn: Iterable[Figure]) -> None:
    """Raises `TooLargeError` where arrows pass so many boxes that Graphviz would take minutes."""
    if (reach := sum(map(_reach, drawn))) > MOST_REACH:
        raise TooLargeError(f"the arrows would pass {reach:,} boxes: {REMEDY}, or draw it as dot")


def _reach(shown: Figure) -> int:
    """The number of rows that all arrows go down, if each box is in the row below its inputs."""
    tails: dict[str, list[str]] = {}
    for arrow in shown.arrows:
        tails.setdefault(arrow.head, []).append(arrow.tail)
    rows: dict[str, int] = {}
    for box in shown.boxes:
        rows[box.key] = 1 + max((rows.get(tail, 0) for tail in tails.get(box.key, ())), default=0)
    inner = sum(_reach(box.inside) for box in shown.boxes if box.inside)
    return inner + sum(
        max(1, rows.get(arrow.head, 0) - rows.get(arrow.tail, 0)) for arrow in shown.arrows
    )


def _closed(shown: Figure) -> list[str]:
    """The blocks that have a box in a figure."""
    return list(dict.fromkeys(box.use.name for box in _boxes(shown) if box.use and not box.inside))


def _boxes(shown: Figure) -> Iterator[Box]:
    for box in shown.boxes:
        yield box
        if box.inside:
            yield from _boxes(box.inside)


def _parts(shown: Figure) -> int:
    """The number of boxes and arrows."""
    inner = (_parts(box.inside) for box in shown.boxes if box.inside)
    return len(shown.boxes) + len(shown.arrows) + sum(inner)
