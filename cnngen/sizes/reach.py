"""Reach: the part of an image on which each tensor of a network depends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cnngen.ops.base import Vector
from cnngen.semantics.network import Layer, Network, known_shape
from cnngen.sizes.field import PIXEL, Field, joined, moved


@dataclass(frozen=True, slots=True)
class Reach:
    """Along one axis: the field that windows bound (None: they do not), and whether all of the
    image counts, too, through a gate or another branch. Where neither is so, nothing of it counts.
    """

    field: Field | None
    whole: bool = False


WHOLE = Reach(None, True)
NOTHING = Reach(None)
Reaches = tuple[Reach, Reach]  # along the height and the width


def reaches(network: Network, image: str) -> Mapping[str, Reaches]:
    """The reach of each tensor into an input, by the path of the tensor."""
    found: dict[str, Reaches] = {name: (NOTHING, NOTHING) for name in network.inputs}
    found[image] = Reach(PIXEL), Reach(PIXEL)
    known: dict[object, Reach] = {}
    for layer in network.layers.values():
        inputs = [found[x.path] for x in layer.inputs]
        if layer.op.joins:
            found[layer.path] = (_joined([x[0] for x in inputs]), _joined([x[1] for x in inputs]))
        else:
            found[layer.path] = _moved(layer, inputs[0], known)
    return found


def _moved(layer: Layer, x: Reaches, known: dict[object, Reach]) -> Reaches:
    shape, *others = (known_shape(x.shape) for x in layer.inputs)
    if x == (NOTHING, NOTHING):
        return x
    if isinstance(shape, Vector):
        return (WHOLE, WHOLE) if layer.op.group == "fully connected" else x
    steps = layer.op.moves(shape, *others)
    for step, reach in zip(steps, x, strict=True):
        key = (step, reach)
        if key not in known:
            field = moved(step, reach.field) if reach.field else None
            known[key] = Reach(field, reach.whole or field is None)
    return known[steps[0], x[0]], known[steps[1], x[1]]


def _joined(inputs: Sequence[Reach]) -> Reach:
    whole = any(reach.whole for reach in inputs)
    fields = list(dict.fromkeys(reach.field for reach in inputs if reach.field))
    if not fields:
        return WHOLE if whole else NOTHING
    field = fields[0]
    for other in fields[1:]:
        union = joined(field, other)
        if union is None:
            whole = True
        else:
            field = union
    return Reach(field, whole)
