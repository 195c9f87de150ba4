"""Remedies: edits that may mend shapes that do not fit. `remedy.py` tries which of them do."""

from collections.abc import Iterator
from math import gcd

from cnngen.diagnostics.model import Remedies, Remedy
from cnngen.ops.base import Image, Op, ShapeError, Vector
from cnngen.semantics.explanations.given import decided
from cnngen.semantics.network import Network, Scope, Tensor
from cnngen.syntax.edits import with_argument, with_steps
from cnngen.syntax.tree import Call


def remedies_of_layer(
    error: ShapeError, call: Call, op: Op, x: Tensor, scope: Scope, network: Network
) -> Remedies:
    """What may help where the input of a layer is not what it takes."""
    if isinstance(x.shape, Vector) and error.wants == "image" and x.path in network.inputs:
        return _reshaped(call, x.shape)
    if not isinstance(x.shape, Image):
        return ()
    if error.wants == "vector":
        return _flattened(call, x.shape)
    return tuple((remedy,) for remedy in _other_values(error, call, op, x.shape, scope))


def _flattened(call: Call, x: Image) -> Remedies:
    steps = ["flatten", call.span.text]
    pooled = ["global_avg_pool", *steps]
    ways = [steps] if x.height == x.width == 1 else [pooled, steps]
    return tuple(((with_steps(call.span, way),),) for way in ways)


def _reshaped(call: Call, x: Vector) -> Remedies:
    """Maps of 1 x 1."""
    maps = f"reshape: {{channels: {x.features}, height: 1, width: 1}}"
    return (((with_steps(call.span, [maps, call.span.text]),),),)


def _other_values(
    error: ShapeError, call: Call, op: Op, x: Image, scope: Scope
) -> Iterator[Remedy]:
    """Other values for the attribute that is wrong, or for one that it depends on."""
    match error.code, error.attribute:
        case "indivisible-channels", "groups":
            most = gcd(x.channels, op.values.get("out", x.channels))
            groups = op.values["groups"]
            divisors = [n for n in range(2, min(most, 4096) + 1) if most % n == 0]
            near = [*[n for n in divisors if n < groups][-1:], *[n for n in divisors if n > groups]]
            yield from (_set(call, "groups", str(n), scope) for n in near[:2])
        case "empty-output", "kernel" if op.group == "pooling":
            if (side := min(x.height, x.width)) > 1:
                yield _set(call, "kernel", str(side), scope)
        case "empty-output", "kernel":
            yield _set(call, "padding", "half", scope)
        case _:
            pass


def _set(call: Call, name: str, value: str, scope: Scope) -> Remedy:
    """Another value, where it is decided."""
    place, name, _ = decided(call, name, scope)
    return (with_argument(place, name, value),)
