"""Layers of Keras that pool whole maps, drop values, or give other shapes -> ops."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from cnngen.foreign.keras_steps import At, Step
from cnngen.foreign.keras_values import said
from cnngen.ops.base import Image, Shape
from cnngen.vocabulary.layer import Unsayable


def global_pool(at: At, config: Mapping[str, Any], x: Step) -> Step:
    word, _ = said(at.call.kind, {**config, "keepdims": True})
    pooled = at.op(word, x)
    if config.get("keepdims"):
        return pooled
    return at.op("flatten", pooled, suffix="_flatten")


def dropout(at: At, config: Mapping[str, Any], x: Step) -> Step:
    """What drops whole samples, or whole maps, is told so by the shape of its noise."""
    noise, rate = config.get("noise_shape"), config.get("rate")
    if noise is None:
        word, values = said(at.call.kind, config)
        return at.op(word, x, **values)
    sizes = cast("list[Any]", noise)[1:] if isinstance(noise, list) else []
    if sizes and at.call.kind == "Dropout" and all(n == 1 for n in sizes):
        return at.op("drop_path", x, rate=rate)
    if at.call.kind == "Dropout" and sizes[:2] == [1, 1] and len(sizes) == 3:
        return at.op("channel_dropout", x, rate=rate)
    raise Unsayable("`drop_path` drops samples, `channel_dropout` maps, and `dropout` values")


def stochastic_depth(at: At, config: Mapping[str, Any], x: Step) -> Step:
    return at.op("drop_path", x, rate=config.get("drop_path_rate"))


def reshape(at: At, config: Mapping[str, Any], x: Step) -> Step:
    return reshaped(at, x, config.get("target_shape"))


def reshaped(at: At, x: Step, target: Any) -> Step:
    """A tensor of another shape, whose sizes may be one that follows from the others."""
    sizes = cast("list[Any]", target) if isinstance(target, list | tuple) else [target]
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in sizes) or len(sizes) > 8:
        raise Unsayable("its shape is no list of sizes")
    return at.raw("Reshape", x, sizes=_whole(sizes, x), shape=None)


def _whole(sizes: Sequence[int], x: Step) -> tuple[int, ...]:
    """The sizes with the one that is -1, which follows from the others."""
    if -1 not in sizes or x.shape is None:
        return tuple(sizes)
    rest = 1
    for n in sizes:
        rest *= n if n != -1 else 1
    if rest <= 0 or x.shape.numbers % rest:
        raise Unsayable("its sizes do not divide what it is given")
    return tuple(x.shape.numbers // rest if n == -1 else n for n in sizes)


def permute(at: At, config: Mapping[str, Any], x: Step) -> Step:
    order = config.get("dims")
    if not isinstance(order, list):
        raise Unsayable("its `dims` are no list")
    return turned(at, x, [0, *cast("list[Any]", order)])


def turned(at: At, x: Step, axes: Sequence[Any]) -> Step:
    """A tensor with its axes in another order."""
    order = tuple(n for n in axes if isinstance(n, int))
    if len(order) < len(axes):
        raise Unsayable("its axes are no numbers")
    shape: Shape | None = None
    if x.image and sorted(order) == [0, 1, 2, 3] and order[0] == 0:
        sizes = (x.image.height, x.image.width, x.image.channels)
        shape = Image(sizes[order[3] - 1], sizes[order[1] - 1], sizes[order[2] - 1])
    return at.raw("Transpose", x, shape=shape, order=order)


def resizing(at: At, config: Mapping[str, Any], x: Step) -> Step:
    size = (config.get("height"), config.get("width"))
    return resized(at, x, size, config)


def resized(at: At, x: Step, size: Any, config: Mapping[str, Any]) -> Step:
    if config.get("antialias") or any(
        config.get(name) for name in ("crop_to_aspect_ratio", "pad_to_aspect_ratio")
    ):
        raise Unsayable("`resize` neither crops, pads nor smooths")
    mode = config.get("interpolation", "bilinear")
    if mode != "bilinear":  # of Keras' nearest, which takes another pixel, there is no op
        raise Unsayable("`resize` has Keras' `bilinear` only: its `nearest` copies other pixels")
    match size:
        case [int(height), int(width)] if 0 < min(height, width) <= max(height, width) < 2**16:
            shape = Image(x.image.channels, height, width) if x.image else None
            how = {"mode": mode, "align_corners": False}
            return at.raw("Resize", x, shape=shape, size=(height, width), **how)
        case _:
            raise Unsayable("its size is no pair of numbers")
