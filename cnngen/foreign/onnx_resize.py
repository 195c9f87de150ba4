"""A `Resize` as `upsample` by whole factors, or as `resize` to the size of other maps."""

from cnngen.foreign.complete_op import complete_op
from cnngen.foreign.onnx_call import Call
from cnngen.foreign.onnx_constants import Constant
from cnngen.foreign.onnx_drafts import Drafts, Flow, UnreadableError
from cnngen.ops.base import Image

CENTRES = {"half_pixel", "pytorch_half_pixel"}


def resize(d: Drafts, call: Call) -> Flow:
    source = d.image(call, d.flow(call))
    x = d.shape(source)
    assert isinstance(x, Image)
    scales, sizes = _scales(d, call), d.constant(call, 3) if call.op == "Resize" else None
    mode, aligned = _mode(call)
    values = {"mode": mode, "align_corners": aligned}
    if scales is not None:
        if len(scales) != 4 or scales[:2] != [1, 1] or not _are_whole(scales):
            raise UnreadableError(
                f"resizes by {' x '.join(f'{n:g}' for n in scales[2:])}",
                "`upsample` enlarges by whole factors, and `resize` to the size of other maps",
            )
        return d.add(call, complete_op("upsample", scale=_pair(scales), **values), source)
    told = _of_all_axes(call, [*sizes.integers()]) if sizes else []
    if sizes is None or len(told) != 4:
        raise UnreadableError("is told neither a size nor scales of maps")
    height, width = int(told[2]), int(told[3])
    if (like := _maps_of_size(d, sizes, source, (height, width))) is not None:
        return d.add(call, complete_op("resize", like=like, **values), source, like)
    if height % x.height or width % x.width:
        raise UnreadableError(
            f"resizes to {height} x {width}, a size that no other maps have",
            "`resize` takes the size of other maps, and `upsample` enlarges by whole factors",
        )
    scale = (height // x.height, width // x.width)
    return d.add(call, complete_op("upsample", scale=scale, **values), source)


def _scales(d: Drafts, call: Call) -> list[float] | None:
    """The factors; their place has changed with the versions of the op."""
    if call.op == "Upsample" or len(call.inputs) == 2:
        constant = d.constant(call, 1)
    else:
        constant = d.constant(call, 2)
    if constant is None or not constant.count:
        return None
    return _of_all_axes(call, [float(x) for x in constant.array.reshape(-1)[:4]])


def _of_all_axes(call: Call, numbers: list[float]) -> list[float]:
    """New versions may tell numbers of heights and widths only."""
    return [1, 1, *numbers] if call.integers("axes") == (2, 3) else numbers


def _are_whole(scales: list[float]) -> bool:
    return all(n >= 1 and n == int(n) for n in scales)


def _pair(scales: list[float]) -> tuple[int, int]:
    return int(scales[2]), int(scales[3])


def _mode(call: Call) -> tuple[str, bool]:
    """How values between pixels are found, and whether corners are aligned."""
    mode, where = call.word("mode", "nearest"), _coordinates(call)
    if call.integer("antialias", 0):
        raise UnreadableError("smooths before it makes maps smaller", "`avg_pool` does, too")
    if mode == "linear" and (where in CENTRES or where == "align_corners"):
        return "bilinear", where == "align_corners"
    if mode == "nearest":
        rounding = call.word("nearest_mode", "round_prefer_floor")
        floor = where == "asymmetric" and (rounding == "floor" or call.op == "Upsample")
        if floor or (where in CENTRES and rounding.startswith("round") and call.input(2)):
            return "nearest", False
        raise UnreadableError(f"takes the pixel by {where} and {rounding}", "`nearest` is by floor")
    raise UnreadableError(f"resizes by {mode}, {where}", "the modes are `nearest` and `bilinear`")


def _coordinates(call: Call) -> str:
    old = call.op == "Upsample" or len(call.inputs) == 2
    return call.word("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")


def _maps_of_size(d: Drafts, sizes: Constant, source: str, size: tuple[int, int]) -> str | None:
    """The maps that it takes its size of: those whose shape the file reads, or else, where it has
    become a number, an input of that size, or the newest maps that have it.
    """

    def fits(name: str) -> bool:
        shape = d.shape(name)
        return isinstance(shape, Image) and (shape.height, shape.width) == size

    read = [d.values.get(name) for name in sorted(sizes.sizes_of)]
    for value in read:
        if isinstance(value, Flow) and fits(value.source) and value.source != source:
            return value.source
    candidates = [*d.inputs, *reversed(d.drafts)]
    return next((name for name in candidates if name != source and fits(name)), None)
