"""Follow: a checked network -> the tracks of its tensors, and the limits of its layers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from cnngen.ops.base import Image, Op, Shape, Unknown, Vector
from cnngen.ops.movement import Fixed, Movement, growth
from cnngen.semantics.network import Layer, Network
from cnngen.sizes.limits import Kind, Limit
from cnngen.sizes.track import Track, Tracks, straight


@dataclass(frozen=True, slots=True)
class Maps:
    """Feature maps: their shape in the network as it is, and a track for each axis."""

    shape: Image
    tracks: tuple[Track, Track]


@dataclass(frozen=True, slots=True)
class Row:
    """A vector. `pieces` are the maps that were flattened into it, in order; a number stands for
    features that depend on no size.
    """

    pieces: tuple[Maps | int, ...]

    def maps(self) -> list[Maps]:
        return [piece for piece in self.pieces if isinstance(piece, Maps)]


Followed = Maps | Row


@dataclass(frozen=True, slots=True)
class Course:
    """What was found along a network, for inputs up to `upto`."""

    upto: int
    tensors: Mapping[str, Followed]
    limits: Sequence[Limit]

    def tracks(self) -> list[Track]:
        """Those of all tensors."""
        found = dict[Track, None]()
        for tensor in self.tensors.values():
            for maps in [tensor] if isinstance(tensor, Maps) else tensor.maps():
                found |= dict.fromkeys(maps.tracks)
        return list(found)

    def flattens(self) -> bool:
        """Whether the length of a vector depends on the size of the input."""
        return any(isinstance(x, Row) and x.maps() for x in self.tensors.values())


def follow(network: Network, upto: int, moving: Collection[str]) -> Course:
    """Every tensor for all images up to a length: those of the inputs that are `moving`, which are
    of one size; the others stay as they are.
    """
    entry = straight(upto)
    course = _Course(upto, Tracks())
    for name, shape in network.inputs.items():
        match shape:
            case Image() if name in moving:
                course.tensors[name] = Maps(shape, (entry, entry))
            case Image(_, height, width):
                sides = (course.tracks.constant(side, upto) for side in (height, width))
                course.tensors[name] = Maps(shape, (next(sides), next(sides)))
            case Vector(features):
                course.tensors[name] = Row((features,))
            case _:
                assert_never(shape)
    for layer in network.layers.values():
        course.add(layer)
    return Course(upto, course.tensors, course.limits)


class _Course:
    def __init__(self, upto: int, tracks: Tracks) -> None:
        self.upto, self.tracks = upto, tracks
        self.tensors: dict[str, Followed] = {}
        self.limits: list[Limit] = []

    def add(self, layer: Layer) -> None:
        """Follow one layer, whose inputs have been followed."""
        inputs = [self.tensors[x.path] for x in layer.inputs]
        maps = [x for x in inputs if isinstance(x, Maps)]
        rows = [x for x in inputs if isinstance(x, Row)]
        if layer.op.joins:
            output = self._joined_maps(layer, maps) if maps else self._joined_rows(layer, rows)
        elif layer.op.sized_like:
            output = Maps(_image(layer.output), maps[1].tracks)
        elif maps:
            output = self._mapped(layer, maps[0])
        else:
            output = self._computed(layer, rows[0])
        self.tensors[layer.path] = output

    def _mapped(self, layer: Layer, x: Maps) -> Followed:
        if layer.op.flattens:
            varies = any(track.growth for track in x.tracks)
            return Row((x if varies else _features(layer.output),))
        if layer.op.refuses_flattened:
            self._fix(layer, "single", x)
        height, width = layer.op.moves(x.shape)
        output = _image(layer.output)
        if layer.op.needs_positions:
            for axis in (0, 1):
                self._limit(layer, "several", axis, (x.tracks[axis],))
        tracks = (
            self._moved(layer, x, 0, height, output.height),
            self._moved(layer, x, 1, width, output.width),
        )
        return Maps(output, tracks)

    def _moved(self, layer: Layer, x: Maps, axis: int, movement: Movement, own: int) -> Track:
        if isinstance(movement, Fixed):
            return self.tracks.constant(own, self.upto)
        track = self.tracks.through(layer.op, x.shape, axis, movement, x.tracks[axis])
        before = x.tracks[axis]
        if track is before:
            return track
        beyond = zip(before.lengths[track.short :], track.lengths[track.short :], strict=True)
        if any(n is not None and m is None for n, m in beyond):
            self._limit(layer, "uneven", axis, (track, before), growth(movement)[0])
        elif track.short:
            self._limit(layer, "small", axis, (track,))
        return track

    def _joined_maps(self, layer: Layer, inputs: list[Maps]) -> Maps:
        """The first branch decides; in a product the largest does, as others may be gates. Which
        one is the largest may depend on the size.
        """
        tracks = inputs[0].tracks
        if all(x.tracks == tracks for x in inputs):
            return Maps(_image(layer.output), tracks)
        along = [tuple(x.tracks[axis] for x in inputs) for axis in (0, 1)]
        if layer.op.gates:
            tracks = self.tracks.largest(along[0]), self.tracks.largest(along[1])
            for axis in (0, 1):
                self._limit(layer, "gate", axis, (tracks[axis], *along[axis]))
        else:
            for axis in (0, 1):
                self._limit(layer, "equal", axis, along[axis])
        return Maps(_image(layer.output), tracks)

    def _joined_rows(self, layer: Layer, inputs: list[Row]) -> Row:
        if layer.op.concatenates:
            return Row(tuple(piece for x in inputs for piece in x.pieces))
        first, *others = inputs
        for other in others:
            if not _alike(first, other):
                for maps in first.maps() + other.maps():
                    self._fix(layer, "single", maps)
                continue
            for one, two in zip(first.maps(), other.maps(), strict=True):
                for axis in (0, 1):
                    if one.tracks[axis] is not two.tracks[axis]:
                        self._limit(layer, "equal", axis, (one.tracks[axis], two.tracks[axis]))
        return first

    def _computed(self, layer: Layer, x: Row) -> Followed:
        """The output of an op that takes a vector."""
        shape = layer.inputs[0].shape
        assert isinstance(shape, Vector)
        if layer.op.refuses_flattened:
            for maps in x.maps():
                self._fix(layer, "single", maps)
        elif _has_features_built_in(layer.op, shape):
            for maps in x.maps():
                self._fix(layer, "weights", maps)
        if isinstance(layer.output, Image):
            lengths = layer.output.height, layer.output.width
            height, width = (self.tracks.constant(length, self.upto) for length in lengths)
            return Maps(layer.output, (height, width))
        return x if layer.output == shape else Row((_features(layer.output),))

    def _fix(self, layer: Layer, kind: Kind, maps: Maps) -> None:
        own = maps.shape.height, maps.shape.width
        for axis in (0, 1):
            if maps.tracks[axis].growth:
                self._limit(layer, kind, axis, (maps.tracks[axis],), own[axis])

    def _limit(
        self, layer: Layer, kind: Kind, axis: int, tracks: tuple[Track, ...], at: int = 0
    ) -> None:
        self.limits.append(Limit(layer.path, layer.op.name, kind, axis, tracks, layer.training, at))


def _alike(one: Row, two: Row) -> bool:
    """Whether the pieces of two vectors are of one length, whatever the size of the input."""
    if len(one.pieces) != len(two.pieces):
        return False
    return all(
        a.shape.channels == b.shape.channels
        if isinstance(a, Maps) and isinstance(b, Maps)
        else a == b
        for a, b in zip(one.pieces, two.pieces, strict=True)
    )


def _has_features_built_in(op: Op, x: Vector) -> bool:
    """Whether an op that was built takes vectors of one length only."""
    longer = Vector(x.features + 1, (x.features + 1,))
    return op.counts_features or op.weights(x) != op.weights(longer)


def _image(shape: Shape | Unknown) -> Image:
    assert isinstance(shape, Image)
    return shape


def _features(shape: Shape | Unknown) -> int:
    assert isinstance(shape, Vector)
    return shape.features
