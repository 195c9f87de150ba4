"""Outputs: the outputs of a network as functions of the height H and the width W of its input."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cnngen.ops.base import Image
from cnngen.semantics.network import Network
from cnngen.sizes.find import Exploration, Sizes
from cnngen.sizes.follow import Followed, Maps, Row
from cnngen.sizes.formula import formula
from cnngen.sizes.reach import Reaches, reaches
from cnngen.sizes.sets import Lengths
from cnngen.sizes.track import Track

EXAMPLES = 3
ANY = Lengths((), 1, 1, (0,))
NAMES = ("H", "W")
Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What the last maps before an output see of the image, where windows bound it.

    `strides` are the pixels between neighbouring positions, and `fields` those that a position
    sees, along the height and the width. `whole` is true where gates or other branches let it see
    all of the image, too.
    """

    path: str
    shape: Texts
    strides: tuple[Fraction, Fraction]
    fields: tuple[int, int]
    whole: bool


@dataclass(frozen=True, slots=True)
class Output:
    """One output, with a text for each axis; `views` has what it sees of each image, by the name of
    the input, and `whole` the images of which it sees all.
    """

    name: str
    shape: Texts
    views: Mapping[str, View]
    path: str
    whole: frozenset[str]


def outputs(exploration: Exploration, sizes: Sizes | None) -> list[Output]:
    """The outputs in inference, at sizes that work; None where no size can change."""
    network, tensors = exploration.network, exploration.course.tensors
    reached = {name: reaches(network, name) for name in network.images}
    lengths = (sizes.height, sizes.width) if sizes else (ANY, ANY)
    found: list[Output] = []
    for name, stage in network.outputs.items():
        if stage in network.training_stages():
            continue
        path = network.stages[stage].path
        shape = _shape(tensors[path], lengths, exploration.course.upto)
        views: dict[str, View] = {}
        for image, reach in reached.items():
            seen = _seen(path, network, reach)
            if _bounded(reach[seen]):
                upto = exploration.course.upto
                views[image] = _view(seen, tensors[seen], reach[seen], lengths, upto)
        whole = frozenset(n for n, reach in reached.items() if any(r.whole for r in reach[path]))
        found.append(Output(name, shape, views, path, whole))
    return found


def _seen(path: str, network: Network, reached: Mapping[str, Reaches]) -> str:
    """The nearest maps on the way to this tensor, or itself, of which windows bound the field."""
    while path not in network.inputs:
        layer = network.layers[path]
        if isinstance(layer.output, Image) and _bounded(reached[path]):
            break
        inputs = [x.path for x in layer.inputs[: 1 if layer.op.sized_like else None]]
        seeing = [x for x in inputs if any(along.field or along.whole for along in reached[x])]
        path = next((x for x in seeing if _bounded(reached[x])), (seeing or inputs)[0])
    return path


def _bounded(reach: Reaches) -> bool:
    return all(along.field for along in reach)


def _view(
    path: str, tensor: Followed, reach: Reaches, lengths: tuple[Lengths, Lengths], upto: int
) -> View:
    height, width = (along.field for along in reach)
    assert height and width
    return View(
        path,
        _shape(tensor, lengths, upto),
        (height.stride, width.stride),
        (height.size, width.size),
        any(along.whole for along in reach),
    )


def _shape(tensor: Followed, lengths: tuple[Lengths, Lengths], upto: int) -> Texts:
    match tensor:
        case Maps(shape, tracks):
            return str(shape.channels), *_sides(tracks, lengths, upto)
        case Row(pieces):
            return (" + ".join(_features(piece, lengths, upto) for piece in pieces),)


def _features(piece: Maps | int, lengths: tuple[Lengths, Lengths], upto: int) -> str:
    if isinstance(piece, int):
        return str(piece)
    sides = _sides(piece.tracks, lengths, upto)
    return " * ".join([str(piece.shape.channels), *map(_factor, sides)])


def _factor(text: str) -> str:
    return text if " " not in text or text.startswith(("floor(", "ceil(")) else f"({text})"


def _sides(tracks: tuple[Track, Track], lengths: tuple[Lengths, Lengths], upto: int) -> Texts:
    return tuple(_side(*each, upto) for each in zip(tracks, lengths, NAMES, strict=True))


def _side(track: Track, lengths: Lengths, name: str, upto: int) -> str:
    pairs = [(n, m) for n in range(1, upto + 1) if n in lengths and (m := track.at(n)) is not None]
    if not pairs:
        return "?"
    return formula(pairs, track.rate, name) or _examples(pairs, name)


def _examples(pairs: Sequence[tuple[int, int]], name: str) -> str:
    """A few lengths with what they give, where no formula says it."""
    chosen = sorted({pairs[i * (len(pairs) - 1) // (EXAMPLES - 1)] for i in range(EXAMPLES)})
    return f"[{', '.join(f'{m} for {name} = {n}' for n, m in chosen)}]"
