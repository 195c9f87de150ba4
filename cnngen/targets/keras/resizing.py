"""Resizing: the layer of Keras, and a function for the interpolation that it does not know."""

from cnngen.python.construct import call, text
from cnngen.python.nodes import Conditional, Function, Node, Text
from cnngen.targets.keras.construct import applied
from cnngen.targets.keras.support import KEYWORDS_ONLY, NAME, Signature, function, use
from cnngen.targets.keras.use import Given, Use
from cnngen.targets.keras.values import is_false, is_true


def upsample(made: Use) -> Node:
    scale, mode, align = made.node("scale"), made.values["mode"], made.values["align_corners"]
    how = None if mode == "nearest" else text("bilinear")
    stock = applied(call("layers.UpSampling2D", scale, interpolation=how, name=made.name), made.x)
    if how is None or is_false(align):
        return stock
    name = use("upsample_aligned", Given(made.common, made.scope), _upsample_aligned)
    aligned = call(name, made.x, scale, name=made.name)
    return aligned if is_true(align) else Conditional(made.node("align_corners"), aligned, stock)


def _upsample_aligned(given: Given) -> Function:
    """Along each axis, every position has a place between two of the input's."""
    pair = None if given.common.square else given.scope.speller.use("pair")
    scales = f"{pair}(scale)" if pair else "(scale, scale)"
    body = f"""\
    for axis, factor in zip((1, 2), {scales}, strict=True):
        length = x.shape[axis]
        if length is None:
            raise ValueError(f"{{name}} needs an input of known height and width")
        places = [i * (length - 1) / max(length * factor - 1, 1) for i in range(length * factor)]
        before = [int(place) for place in places]
        after = [min(i + 1, length - 1) for i in before]
        shares = [place - i for place, i in zip(places, before, strict=True)]
        shares = ops.convert_to_tensor(shares, dtype=x.dtype)
        shares = ops.reshape(shares, (-1, 1, 1) if axis == 1 else (-1, 1))
        first = ops.take(x, before, axis=axis)
        x = first + shares * (ops.take(x, after, axis=axis) - first)
    return x"""
    return function(
        "upsample_aligned",
        [Signature(given.common).of("scale"), KEYWORDS_ONLY, NAME],
        "Enlarge maps such that the centres of their corner pixels stay where they are.",
        [Text(tuple(body.splitlines()))],
    )


SUPPORT = {"upsample_aligned": _upsample_aligned}
