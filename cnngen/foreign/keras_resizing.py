"""Interpolations for which Keras has no layer: rows, and then columns, that lists name."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isclose
from typing import Any, cast

from cnngen.foreign.keras_steps import Step, op_step

NEAR = 1e-5  # weights are of float32


def interpolated(step: Step) -> Step | None:
    """`before + share * (after - before)`, of rows or columns."""
    if len(step.inputs) != 2:
        return None
    before, weighed = step.inputs
    if not before.named("Take") or not weighed.named("Weigh"):
        return None
    apart = weighed.inputs[0]
    if apart.word != "subtract" or apart.inputs[1] is not before:
        return None
    after = apart.inputs[0]
    same = after.named("Take") and after.values["axis"] == before.values["axis"]
    if not same or after.inputs[0] is not before.inputs[0]:
        return None
    shares = _flat(weighed.values["weights"], before.values["axis"])
    orders = before.values["order"], after.values["order"]
    if shares is None or len(shares) != len(orders[0]):
        return None
    pairs = zip(*orders, shares, strict=True)
    places = [a + share * (b - a) for a, b, share in pairs]
    values = {"axis": before.values["axis"], "places": places}
    made = Step("keras.Interpolate", values, before.inputs, before.shape, step.call)
    return _aligned(made) or made


def _flat(weights: Any, axis: int) -> list[float] | None:
    """A list of lists of one number each, as many as an axis before the last wants."""
    flat: list[float] = []
    for each in cast("list[Any]", weights):
        match each:
            case [int() | float() as share] if axis == 2:
                flat.append(share)
            case [[int() | float() as share]] if axis == 1:
                flat.append(share)
            case _:
                return None
    return flat


def _aligned(columns: Step) -> Step | None:
    """Rows and then columns whose first and last are those of the input."""
    (rows,) = columns.inputs
    if columns.values["axis"] != 2 or not rows.named("Interpolate") or rows.values["axis"] != 1:
        return None
    (x,) = rows.inputs
    if x.image is None:
        return None
    sizes = x.image.height, x.image.width
    places = rows.values["places"], columns.values["places"]
    if not all(map(_spread, places, sizes)):
        return None
    lengths = len(places[0]), len(places[1])
    how = {"mode": "bilinear", "align_corners": True}
    if lengths != sizes and all(n % size == 0 for n, size in zip(lengths, sizes, strict=True)):
        scale = tuple(n // size for n, size in zip(lengths, sizes, strict=True))
        return op_step(columns.call, "upsample", (x,), {"scale": scale, **how})
    return replace(columns, word="keras.Resize", values={"size": lengths, **how}, inputs=(x,))


def _spread(places: list[float], size: int) -> bool:
    last = max(len(places) - 1, 1)
    wanted = (i * (size - 1) / last for i in range(len(places)))
    return all(isclose(a, b, abs_tol=NEAR * size) for a, b in zip(places, wanted, strict=True))


def copied(columns: Step) -> Step | None:
    """Rows and then columns, each the one in which the first corner of the new one lies."""
    (rows,) = columns.inputs
    if columns.values["axis"] != 2 or not rows.named("Take") or rows.values["axis"] != 1:
        return None
    (x,) = rows.inputs
    if x.image is None:
        return None
    orders = rows.values["order"], columns.values["order"]
    for order, size in zip(orders, (x.image.height, x.image.width), strict=True):
        if order != [i * size // len(order) for i in range(len(order))]:
            return None
    size = len(orders[0]), len(orders[1])
    values = {"size": size, "mode": "nearest", "align_corners": False}
    return replace(columns, word="keras.Resize", values=values, inputs=(x,))


RESIZING: Mapping[str, tuple[Callable[[Step], Step | None], ...]] = {
    "add": (interpolated,),
    "keras.Take": (copied,),
}
