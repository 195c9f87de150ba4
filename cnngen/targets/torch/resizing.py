"""Other sizes and shapes: a layer of PyTorch, or a function where another tensor says the size,
which ask for corners only where they interpolate.
"""

from cnngen.python.construct import call
from cnngen.python.nodes import Attribute, Display, Node, Number, Slice, Subscript
from cnngen.targets.torch.use import Reading, Use
from cnngen.targets.values import is_constant


def upsample(made: Use) -> Node:
    scale = made.node("scale")
    if made.values["mode"] == "nearest":
        return call("nn.Upsample", scale_factor=scale)
    aligned = made.unless("align_corners", False)
    return call("nn.Upsample", scale_factor=scale, mode=made.node("mode"), align_corners=aligned)


def resize(made: Reading) -> Node:
    made.speller.imports("torch.nn.functional as F")
    size = Subscript(Attribute(made.tensors["like"], "shape"), Slice(Number("-2"), None))
    plain = made.values["mode"] == "nearest" or is_constant(made.values["align_corners"], False)
    aligned = None if plain else made.given["align_corners"]
    mode = made.given["mode"]
    return call("F.interpolate", made.x, size=size, mode=mode, align_corners=aligned)


def reshape(made: Use) -> Node:
    sizes = [made.node(name) for name in ("channels", "height", "width")]
    if made.rank == "vector":
        return call("nn.Unflatten", Number("1"), Display("(", tuple(sizes)))
    return call(made.speller.use("Reshape"), *sizes)
