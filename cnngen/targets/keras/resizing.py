"""Resizing: the layer of Keras, and functions for the interpolation that it does not know, and for
sizes that are those of other maps.
"""

from collections.abc import Mapping

from cnngen.python.construct import call, text
from cnngen.python.nodes import Conditional, Function, Node, Text
from cnngen.targets.keras.construct import applied
from cnngen.targets.keras.support import KEYWORDS_ONLY, NAME, Signature, function, use
from cnngen.targets.keras.use import Given, Use
from cnngen.targets.keras.values import Value, is_false, is_true


def may_align(values: Mapping[str, Value]) -> bool:
    """Whether an `upsample` may leave corner pixels in place, and so asks for a size."""
    return values["mode"] != "nearest" and not is_false(values["align_corners"])


def upsample(made: Use) -> Node:
    scale, mode, align = made.node("scale"), made.values["mode"], made.values["align_corners"]
    how = None if mode == "nearest" else text("bilinear")
    stock = applied(call("layers.UpSampling2D", scale, interpolation=how, name=made.name), made.x)
    if not may_align(made.values):
        return stock
    name = use("upsample_aligned", Given(made.common, made.scope), _upsample_aligned)
    aligned = call(name, made.x, scale, name=made.name)
    return aligned if is_true(align) else Conditional(made.node("align_corners"), aligned, stock)


def _upsample_aligned(given: Given) -> Function:
    """Along each axis, every position has a place between two of the input's."""
    speller = given.scope.speller
    speller.imports("math")
    square = given.common.square
    axes = "axis in (1, 2)"
    if not square:
        axes = f"axis, factor in zip((1, 2), {speller.use('pair')}(scale), strict=True)"
    factor = "scale" if square else "factor"
    body = f"""\
    for {axes}:
        length = x.shape[axis]
        if length is None:
            raise ValueError(f"{{name}} needs an input of known height and width")
        steps, longer = length - 1, length * {factor}
        places = [i * steps / max(longer - 1, 1) for i in range(longer)]
        shares = ops.convert_to_tensor([place % 1 for place in places], dtype=x.dtype)
        shares = ops.reshape(shares, (-1, 1, 1) if axis == 1 else (-1, 1))
        before = ops.take(x, [math.floor(place) for place in places], axis=axis)
        after = ops.take(x, [math.ceil(place) for place in places], axis=axis)
        x = before + shares * (after - before)
    return x"""
    return function(
        "upsample_aligned",
        [Signature(given.common).of("scale"), KEYWORDS_ONLY, NAME],
        "Enlarge maps such that the centres of their corner pixels stay where they are.",
        [Text(tuple(body.splitlines()))],
    )


def resize(made: Use) -> Node:
    mode, align, use = made.values["mode"], made.values["align_corners"], made.scope.speller.use
    arguments = made.x, made.tensors["like"]
    if mode == "nearest":
        return call(use("resize_nearest"), *arguments)
    if is_true(align):
        return call(use("resize_aligned"), *arguments)
    plain = call(use("resize_bilinear"), *arguments)
    if is_false(align):
        return plain
    aligned = call(use("resize_aligned"), *arguments)
    return Conditional(made.node("align_corners"), aligned, plain)


SUPPORT = {"upsample_aligned": _upsample_aligned}
