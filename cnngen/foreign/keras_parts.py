"""Parts of a tensor, as operations of Keras take them -> ops."""

from collections.abc import Mapping
from typing import Any, cast

from cnngen.foreign.keras_json import Slice, is_whole
from cnngen.foreign.keras_steps import At, Step, features
from cnngen.ops.base import Image, Shape, Vector
from cnngen.vocabulary.layer import Unsayable

Arguments = Mapping[str, Any]  # by name: of an operation, and of its call
MOST_PARTS = 4096


def item(at: At, x: Step, key: Any) -> Step:
    """`x[...]`: channels by a slice, and maps by crops."""
    rank = 2 if isinstance(x.shape, Vector) else 4
    parts = cast("list[Any]", key) if isinstance(key, list) else [key]
    if ... in parts:
        at_dots = parts.index(...)
        fill = [Slice(None, None, None)] * (rank - len(parts) + 1)
        parts = [*parts[:at_dots], *fill, *parts[at_dots + 1 :]]
    parts += [Slice(None, None, None)] * (rank - len(parts))
    image = x.image
    if image is None or len(parts) != 4 or not all(isinstance(p, Slice) for p in parts):
        raise Unsayable("of its parts of a tensor, only slices of maps are ops")
    sizes = (image.height, image.width, image.channels)
    if parts[0] != Slice(None, None, None):
        raise Unsayable("it takes a part of the batch")
    (top, bottom, down), (left, right, across), (start, stop, step) = (
        _bounds(part, size) for part, size in zip(parts[1:], sizes, strict=True)
    )
    if (top, bottom, left, right) != (0, image.height, 0, image.width):
        sides = (top, image.height - bottom, left, image.width - right)
        x = at.op("crop", x, padding=sides)
    if (down, across) != (1, 1):
        x = at.op("max_pool", x, kernel=1, stride=(down, across))
    if step != 1:
        return at.op("gather_channels", x, channels=tuple(range(start, stop, step)))
    return (
        x
        if (start, stop) == (0, image.channels)
        else at.op("slice_channels", x, start=start, stop=stop)
    )


def _bounds(part: Any, size: int) -> tuple[int, int, int]:
    numbers = (part.start, part.stop, part.step)
    if not all(n is None or is_whole(n) for n in numbers):
        raise Unsayable("its slices are no numbers")
    if part.step is not None and part.step < 1:
        raise Unsayable("it goes through a tensor backwards")
    return slice(*numbers).indices(size)


def take(at: At, x: Step, indices: Any, axis: Any) -> Step:
    image = x.image
    order = listed(indices)
    if image is None or not order or not all(map(is_whole, order)):
        raise Unsayable("`gather_channels` takes channels of maps that a list names")
    if axis not in (-1, 3):
        return at.raw("Take", x, shape=_taken(image, len(order), axis), axis=axis, order=order)
    return at.op("gather_channels", x, channels=tuple(i % image.channels for i in order))


def _taken(image: Image, count: int, axis: Any) -> Shape:
    if axis in (1, 2):
        height, width = (count, image.width) if axis == 1 else (image.height, count)
        return Image(image.channels, height, width)
    raise Unsayable("it takes a part of the batch")


def split(at: At, x: Step, given: Arguments) -> list[Step]:
    parts, axis, count = given.get("indices_or_sections"), given.get("axis"), features(x.shape)
    if axis not in (-1, 3) or x.image is None or count is None:
        raise Unsayable("only channels of maps can be split")
    if isinstance(parts, int) and 0 < parts <= min(count, MOST_PARTS):
        return [at.op("channel_group", x, index=i, groups=parts) for i in range(parts)]
    if not isinstance(parts, list) or len(cast("list[Any]", parts)) > MOST_PARTS:
        raise Unsayable("its sections are no numbers")
    ends = [0, *cast("list[Any]", parts), count]
    return [
        at.op("slice_channels", x, start=a, stop=b) for a, b in zip(ends, ends[1:], strict=False)
    ]


def unstack(at: At, x: Step, given: Arguments) -> list[Step]:
    count = given.get("num")
    if not isinstance(count, int) or not 0 < count <= MOST_PARTS:
        raise Unsayable("how many parts it makes is no number")
    return [at.raw("Unstack", x, axis=given.get("axis", 0), index=i) for i in range(count)]


def listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
