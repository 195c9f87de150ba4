"""Sizes that follow those of other maps, or are numbers: told apart by a run on a larger image."""

from typing import Any

from cnngen.foreign.lowering import Lowering, Made, NoOpError, View, shown
from cnngen.foreign.torch_calls import arguments, pair
from cnngen.foreign.trace_torch import Call
from cnngen.ops.base import Image

MODES = ("nearest", "bilinear")


def interpolated(low: Lowering, call: Call, given: dict[str, Any]) -> View:
    """Maps of another size: so many times larger, or as large as others."""
    node = low.maps(given["input"])
    mode, aligned = given.get("mode", "nearest"), bool(given.get("align_corners"))
    if mode not in MODES or given.get("antialias"):
        raise NoOpError(
            f"`interpolate` by `{mode}`" + (", antialiased" if given.get("antialias") else ""),
            "`upsample` and `resize` have the modes `nearest` and `bilinear`",
        )
    said = {"mode": mode, "align_corners": aligned}
    shape, size = node.shape, call.gives[0].sizes[2:]
    assert isinstance(shape, Image)
    ratio = size[0] / shape.height, size[1] / shape.width
    if sized_by := given.get("output_size"):  # as `torch.ops` has it
        given = {**given, "size": sized_by}
    by_factor = given.get("size") is None or given.get("scale_factor") is not None
    if by_factor:
        factor = given.get("scale_factor", given.get("scale_factors"))
        by = pair(factor) if not isinstance(factor, float) else (factor, factor)
        if any(n != int(n) for n in by):
            raise NoOpError(
                f"`interpolate` by {factor}",
                "`upsample` enlarges by whole factors; `resize` gives the size of other maps",
            )
        scale = tuple(map(int, by))
        return shown(low.node(call, "upsample", [node], scale=scale, **said))
    if like := _like(low, call, (size[0], size[1])):
        if like is node:
            return shown(node)
        return shown(low.node(call, "resize", [node, like], like="like", **said))
    whole = all(n == int(n) for n in ratio)
    if whole and (not low.others.get(call) or _ratio(low, call) == ratio):
        scale = tuple(map(int, ratio))
        return shown(low.node(call, "upsample", [node], scale=scale, **said))
    raise NoOpError(
        f"a size that is baked in ({size[0]} x {size[1]})",
        "take it from a tensor, as in `size=x.shape[-2:]`",
    )


def _ratio(low: Lowering, call: Call) -> tuple[float, float]:
    """By how much the maps grow in the run on a larger image."""
    twin = low.others[call]
    before, after = arguments(twin)["input"].sizes[2:], twin.gives[0].sizes[2:]
    return after[0] / before[0], after[1] / before[1]


def _like(low: Lowering, call: Call, size: tuple[int, int]) -> Made | None:
    """Maps of this size: those whose size was read last."""
    twin = low.others.get(call)
    for view, traced in reversed(low.sized):
        larger = low.other(traced)
        fits = traced.sizes[-2:] == size and view.plain and isinstance(view.node.shape, Image)
        if fits and (twin is None or larger is None or larger[-2:] == twin.gives[0].sizes[-2:]):
            return view.node
    return None
