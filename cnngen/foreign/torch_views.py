"""PyTorch's functions that show a tensor otherwise, or take a part of it."""

from collections.abc import Callable, Sequence
from typing import Any

from cnngen.foreign import patterns
from cnngen.foreign.axes import Axes, Factor, Row, in_a_row, length, regrouped, row
from cnngen.foreign.held import UnknownValueError, value
from cnngen.foreign.lowering import AxesError, Lost, Lowering, Made, View, shown
from cnngen.foreign.torch_calls import arguments
from cnngen.foreign.trace_torch import Call, Traced
from cnngen.ops.base import Image

Arguments = dict[str, Any]
Result = View | Lost | Sequence[View | Lost]
Handler = Callable[[Lowering, Call, Arguments], Result]

SAME_NUMBERS = (
    *("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as", "reshape_as"),
    *("_unsafe_view", "ravel"),
)
PASSES = (
    *("contiguous", "clone", "detach", "to", "float", "type", "type_as", "requires_grad", "data"),
    *("_to_copy", "alias", "double", "half", "bfloat16", "cpu", "cuda", "identity", "positive"),
    "as_subclass",
)
ALL = 2**63 - 1  # an end behind all others, as `torch.ops` has it
NO_CHANNELS = "ops take channels from feature maps, along their channels alone"


def passes(low: Lowering, call: Call, given: Arguments) -> View:
    return low.view(given["input"])


def same_numbers(low: Lowering, call: Call, given: Arguments) -> View:
    """Other axes for the same numbers in the same order."""
    view = base(low.view(given["input"]))
    sizes = call.gives[0].sizes
    if len(sizes) == len(view.axes) and sizes == tuple(map(length, view.axes)):
        return low.view(given["input"])
    axes = regrouped(view.axes, sizes)
    if axes is None:
        view = low.settle(low.view(given["input"]))  # shuffled channels, say, are maps again
        axes = regrouped(view.axes, sizes)
    if axes is None or view.axes[0] not in axes[:2]:
        raise AxesError(
            f"`{call.name}` to {' x '.join(map(str, sizes))}",
            "axes of maps and vectors may be split and put together, but the batch is one axis",
        )
    return finished(low, View(view.node, axes, call))


def permuted(low: Lowering, call: Call, given: Arguments) -> View:
    view = low.view(given["input"])
    rank = len(view.axes)
    order = _order(call, given, rank)
    return finished(low, View(view.node, tuple(view.axes[i] for i in order), call))


def _order(call: Call, given: Arguments, rank: int) -> list[int]:
    """Where each axis comes from."""
    order = list(range(rank))
    if call.name == "permute":
        named = given.get("dims", call.args[1:])
        listed = named[0] if len(named) == 1 and isinstance(named[0], list | tuple) else named
        return [i % rank for i in listed]
    if call.name in ("t", "T"):
        return order[::-1]
    if "source" in given:
        moved, places = (
            [i % rank for i in ([each] if isinstance(each, int) else each)]
            for each in (given["source"], given["destination"])
        )
        rest = [i for i in order if i not in moved]
        for place, i in sorted(zip(places, moved, strict=True)):
            rest.insert(place, i)
        return rest
    first, second = given["dim0"] % rank, given["dim1"] % rank
    order[first], order[second] = order[second], order[first]
    return order


def expanded(low: Lowering, call: Call, given: Arguments) -> View:
    """A tensor that is repeated along axes of one index, as what joins it repeats it anyway."""
    view = low.view(given["input"])
    missing = len(call.gives[0].sizes) - len(view.axes)
    return View(view.node, (*[()] * missing, *view.axes), view.call)


def base(view: View) -> View:
    """What was flattened, as it was before."""
    if view.plain and view.node.word == "flatten":
        before = view.node.inputs[0]
        batch, *others = before.axes
        return View(before, (batch, in_a_row(tuple(others))), view.call)
    return view


def finished(low: Lowering, view: View) -> View:
    """A vector is one at once, so that what follows stands behind its `flatten`."""
    return low.settle(view) if len(view.axes) == 2 else view


# --- Parts


def parts(low: Lowering, call: Call, given: Arguments) -> Sequence[View]:
    """Channels, split among several tensors."""
    view = low.settle(low.view(given["input"]))
    dim = given.get("dim", 0) % len(view.axes)
    drop = call.name == "unbind"
    sizes: list[int] = [1 if drop else each.sizes[dim] for each in call.gives]
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return [
        _part(low, call, view, dim, start, start + size, drop=drop)
        for start, size in zip(starts, sizes, strict=True)
    ]


def narrowed(low: Lowering, call: Call, given: Arguments) -> View:
    view = low.settle(low.view(given["input"]))
    dim = given["dim"] % len(view.axes)
    if "start" in given and "length" in given:
        return _part(low, call, view, dim, given["start"], given["start"] + given["length"])
    return _part(low, call, view, dim, given["index"], given["index"] + 1, drop=True)


def _part(
    low: Lowering, call: Call, view: View, dim: int, start: int, stop: int, *, drop: bool = False
) -> View:
    """The indices of one axis from `start` to `stop`; `drop` takes the axis away."""
    around = view.axes[dim]
    size = length(around)
    start, stop = (min(n + size if n < 0 else n, size) for n in (start, stop))
    node = view.node
    if (start, stop) == (0, size):
        after: Row = around
    elif isinstance(node.shape, Image) and around == node.axes[1]:
        node = _channels(low, call, node, start, stop, size)
        after = node.axes[1]
    elif isinstance(node.shape, Image) and (group := _group(around, node.shape.channels)):
        if stop - start > 1:
            raise AxesError(f"a part of a view by `{call.name}`", NO_CHANNELS)
        node = low.node(call, "channel_group", [node], index=start, groups=group)
        after = ()
    else:
        raise AxesError(f"a part of a tensor by `{call.name}`", NO_CHANNELS)
    axes = list(view.axes)
    axes[dim : dim + 1] = [] if drop else [after]
    return finished(low, View(node, tuple(axes), call))


def _channels(low: Lowering, call: Call, node: Made, start: int, stop: int, size: int) -> Made:
    """Some channels: a group, where a function splits them equally."""
    several = len(call.gives)
    if several > 1 and several * (stop - start) == size:
        index = start // (stop - start)
        return low.node(call, "channel_group", [node], index=index, groups=several)
    return low.node(call, "slice_channels", [node], start=start, stop=stop)


def _group(around: Row, channels: int) -> int:
    """How many groups of adjacent channels an axis goes through, if it does."""
    match around:
        case (Factor("channels", groups, stride),) if groups * stride == channels:
            return groups
        case _:
            return 0


def item(low: Lowering, call: Call, given: Arguments) -> View:
    """What an index in brackets takes."""
    view = low.settle(low.view(given["input"]))
    index = _index(given["index"], len(view.axes))
    if view.plain and isinstance(view.node.shape, Image) and _positions(index):
        return shown(_window(low, call, view.node, index[2:]))
    dim = 0
    for each in index:
        match each:
            case None:
                view = View(view.node, (*view.axes[:dim], (), *view.axes[dim:]), call)
                dim += 1
            case int():
                view = _part(low, call, view, dim, each, each + 1 if each != -1 else ALL, drop=True)
            case slice() if ends := _ends(each):
                view = _part(low, call, view, dim, *ends)
                dim += 1
            case list() | Traced() if dim == 1 and view.plain:
                view = shown(_gathered(low, call, view.node, each))
                dim += 1
            case _:
                raise AxesError("an index by a mask, by numbers, or with steps", NO_CHANNELS)
    return finished(low, view)


def _index(asked: Any, rank: int) -> list[Any]:
    """An index that says something of each axis, besides new ones."""
    index: list[Any] = [*asked] if isinstance(asked, tuple) else [asked]
    missing = rank - sum(i is not None and i is not Ellipsis for i in index)
    at = next((n for n, i in enumerate(index) if i is Ellipsis), len(index))
    return [*index[:at], *[slice(None)] * missing, *index[at + 1 :]]


def _ends(part: Any) -> tuple[int, int] | None:
    """Where a slice without steps begins and ends."""
    if part.step not in (None, 1):
        return None
    return part.start or 0, ALL if part.stop is None else part.stop


def sliced(low: Lowering, call: Call, given: Arguments) -> View:
    """A part of one axis, as `torch.ops` has it."""
    rank, dim = len(given["input"].sizes), given.get("dim", 0)
    part = slice(given.get("start"), given.get("end"), given.get("step"))
    index = [part if i == dim % rank else slice(None) for i in range(rank)]
    return item(low, call, {**given, "index": (*index,)})


def _positions(index: list[Any]) -> bool:
    """Whether an index takes some rows and columns, and nothing else."""
    return (
        len(index) == 4
        and all(isinstance(i, slice) for i in index)
        and all(i == slice(None) for i in index[:2])
        and any(i != slice(None) for i in index[2:])
    )


def _window(low: Lowering, call: Call, node: Made, index: list[slice]) -> Made:
    """Rows and columns: every second one, or those without a border."""
    shape = node.shape
    assert isinstance(shape, Image)
    ranges = [range(n)[i] for n, i in zip((shape.height, shape.width), index, strict=True)]
    steps = tuple(r.step for r in ranges)
    if any(s > 1 for s in steps):
        if any(
            r.start or r.stop < n for r, n in zip(ranges, (shape.height, shape.width), strict=True)
        ):
            raise AxesError("rows and columns with steps and borders", "`crop` first")
        return low.node(call, "max_pool", [node], kernel=1, stride=steps)
    if found := patterns.of_window(low, call, node, ranges):
        return found
    top, left = (r.start for r in ranges)
    bottom, right = shape.height - ranges[0].stop, shape.width - ranges[1].stop
    if low.others.get(call) and not _same_border(low, call, (bottom, right)):
        raise AxesError(
            "a part of the maps by fixed numbers",
            "count from the end, as in `x[:, :, 1:-1, 1:-1]`, for maps of any size",
        )
    return low.node(call, "crop", [node], padding=(top, bottom, left, right))


def _same_border(low: Lowering, call: Call, border: tuple[int, int]) -> bool:
    """Whether as much is left out of larger maps."""
    twin = low.others[call]
    index = _index(arguments(twin).get("index", ...), 4)[2:]
    sizes: tuple[int, ...] = twin.args[0].sizes[2:]
    left: list[range] = [range(n)[i] for n, i in zip(sizes, index, strict=True)]
    return tuple(n - each.stop for n, each in zip(sizes, left, strict=True)) == border


def selected(low: Lowering, call: Call, given: Arguments) -> View:
    if given["dim"] % len(given["input"].sizes) != 1:
        raise AxesError(f"`{call.name}` along another axis than the channels", NO_CHANNELS)
    return shown(_gathered(low, call, low.maps(given["input"]), given["index"]))


def _gathered(low: Lowering, call: Call, node: Made, index: Any) -> Made:
    try:
        listed = value(index, low.of_key).tolist() if isinstance(index, Traced) else index
    except UnknownValueError:
        raise AxesError("an index that is computed", NO_CHANNELS) from None
    return low.node(call, "gather_channels", [node], channels=tuple(listed))


def joined_axes(view: View, made: Made, dim: int) -> Axes:
    """The axes of a view with other channels."""
    axes = list(view.axes)
    axes[dim] = row(made.axes[1])
    return tuple(axes)


VIEWS: dict[str, Handler] = {
    **dict.fromkeys(PASSES, passes),
    **dict.fromkeys(SAME_NUMBERS, same_numbers),
    **dict.fromkeys(("permute", "transpose", "movedim", "t", "T"), permuted),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to"), expanded),
    **dict.fromkeys(("chunk", "split", "split_with_sizes", "unbind", "tensor_split"), parts),
    "narrow": narrowed,
    "select": narrowed,
    "slice": sliced,
    "__getitem__": item,
    "index_select": selected,
}
