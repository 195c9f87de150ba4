"""Sums, products and their like of tensors, weights and numbers, and reductions along axes."""

from collections.abc import Sequence
from typing import Any

from cnngen.foreign import patterns
from cnngen.foreign.axes import Axes, Factor, Row, in_a_row, row
from cnngen.foreign.held import UnknownValueError, is_noise, rate_of_noise, value, weight_key
from cnngen.foreign.lowering import AxesError, Lost, Lowering, Made, NoOpError, View, pure, shown
from cnngen.foreign.torch_calls import word_of
from cnngen.foreign.torch_views import Arguments, Handler, finished
from cnngen.foreign.trace_torch import Call, Traced
from cnngen.ops.base import Image

JOINS = {"add": "add", "sub": "subtract", "mul": "multiply", "max": "max"}


def arithmetic(low: Lowering, call: Call, given: Arguments) -> View:
    word = word_of(call)
    first, second = _operands(call)
    if given.get("alpha", 1) != 1 or given.get("rounding_mode"):
        raise NoOpError(f"`{call.name}` with further arguments", "write it with operators")
    if word in ("rsub", "rdiv"):
        word, first, second = word[1:], second, first
    if low.depends(first) and low.depends(second):
        return _joined(low, call, word, first, second)
    if low.depends(second) and word in ("add", "mul"):
        first, second = second, first
    if not low.depends(first):
        raise _no_op(word, "a number or a weight on the left")
    return _with(low, call, word, low.settle(low.view(first)), second)


def _operands(call: Call) -> tuple[Any, Any]:
    both = [*call.args, *(call.named[n] for n in ("input", "other") if n in call.named)]
    if len(both) != 2:
        raise NoOpError(f"`{call.name}` of one tensor", "no op computes one number of a tensor")
    return both[0], both[1]


def _no_op(word: str, what: str) -> NoOpError:
    return NoOpError(
        f"`{word}` with {what}",
        "tensors are added, subtracted and multiplied with each other, multiplied by a number"
        " (`scale`), or by learnt numbers for each channel (`affine`)",
    )


# --- Of two tensors


def _joined(low: Lowering, call: Call, word: str, first: Traced, second: Traced) -> View:
    if word not in JOINS:
        raise _no_op(word, "another tensor")
    a, b = (low.settle(low.view(each)) for each in (first, second))
    if len(a.axes) != len(b.axes) or not (pure(a) and pure(b)):
        raise AxesError(f"`{word}` of tensors of other axes", "joins take maps of equal sizes")
    axes = _matched(a, b)
    if axes is None:
        raise AxesError(f"`{word}` of tensors of other axes", "joins take maps of equal sizes")
    found = patterns.of_product(low, call, a.node, b.node) if word == "mul" else None
    made = found or low.node(call, JOINS[word], [a.node, b.node])
    return View(made, axes, a.call)


def _matched(a: View, b: View) -> Axes | None:
    """The axes of what two views give together: each is the same in both, or of one index."""
    found: list[Row] = []
    for one, other in zip(a.axes, b.axes, strict=True):
        if one != other and one and other:
            return None
        found.append(one or other)
    if isinstance(a.node.shape, Image) != isinstance(b.node.shape, Image):
        return None
    return tuple(found)


# --- With what is no tensor of the model


def _with(low: Lowering, call: Call, word: str, view: View, other: Any) -> View:
    """A tensor and a number, a weight or noise."""
    if not pure(view):
        raise _no_op(word, "a number, for a part of a tensor")
    node = view.node
    if isinstance(other, Traced):
        if is_noise(other):
            made = _dropped(low, call, word, node, other)
        elif found := patterns.of_held(low, call, word, node, other):
            made = found
        elif key := weight_key(other):
            made = _affine(low, call, word, view, other, key)
        elif (number := _one_number(low, other)) is not None:
            made = _number(low, call, word, node, number)
        else:
            raise _no_op(word, "a tensor of constants")
    else:
        made = _number(low, call, word, node, other)
    return View(made, view.axes, view.call)


def _dropped(low: Lowering, call: Call, word: str, node: Made, noise: Traced) -> Made:
    rate, per_sample = rate_of_noise(noise), all(n == 1 for n in noise.sizes[1:])
    if word != "mul" or rate is None or not per_sample:
        raise NoOpError(
            "random numbers",
            "there are `dropout`, `channel_dropout`, `alpha_dropout` and `drop_path`",
        )
    return low.node(call, "drop_path", [node], rate=rate)


def _affine(low: Lowering, call: Call, word: str, view: View, weight: Traced, key: str) -> Made:
    """A learnt scale or shift for each channel."""
    node = view.node
    channels = node.axes[1]
    sizes = [1] * (len(view.axes) - len(weight.sizes)) + [*weight.sizes]
    rows = [around for around, n in zip(view.axes, sizes, strict=False) if n > 1]
    fits = len(sizes) == len(view.axes) and (
        rows == [channels] if channels else all(n == 1 for n in sizes)
    )
    if not fits:
        raise _no_op(word, "learnt numbers that are not one for each channel")
    if word == "mul":
        return low.node(call, "affine", [node], {"weight": key}, shift=False)
    if word == "add" and node.word == "affine" and "bias" not in node.weights:
        return low.node(call, "affine", node.inputs, {**node.weights, "bias": key}, shift=True)
    raise _no_op(word, "a learnt number for each channel, without a scale")


def _one_number(low: Lowering, held: Traced) -> float | None:
    try:
        found = value(held, low.of_key)
    except UnknownValueError:
        return None
    first = float(found.flatten()[0])
    return first if bool((found == first).all()) else None


def _number(low: Lowering, call: Call, word: str, node: Made, number: Any) -> Made:
    if not isinstance(number, int | float):
        raise _no_op(word, "what is no number")
    if word in ("add", "sub") and number == 0:
        return node
    if word in ("add", "sub"):
        offset = number if word == "add" else -number
        return low.half(call, "offset", node, _no_op(word, "a number"), number=offset)
    if word in ("mul", "div"):
        by = number if word == "mul" else 1 / number
        found = patterns.of_quotient(low, call, node, 1 / by) if by else None
        return found or low.node(call, "scale", [node], by=by)
    raise _no_op(word, "a number")


# --- Along axes


def reduction(low: Lowering, call: Call, given: Arguments) -> Sequence[View | Lost]:
    how = word_of(call)
    if how == "max" and (isinstance(given.get("dim"), Traced) or "other" in given):
        return [arithmetic(low, call, given)]
    if given.get("dim") is None:
        raise NoOpError(f"`{call.name}` over all values", "no op gives one number for a batch")
    view = low.settle(low.view(given["input"]))
    rank = len(view.axes)
    listed = [given["dim"]] if isinstance(given["dim"], int) else given["dim"]
    dims = sorted(i % rank for i in listed)
    if how == "sum" and dims == [2] and (found := patterns.of_sum(low, call, view.node)):
        return [shown(found)]
    made = _reduced(low, call, "amax" if how == "max" else how, view, dims)
    kept = [() if i in dims else around for i, around in enumerate(view.axes)]
    if not given.get("keepdim"):
        kept = [around for i, around in enumerate(kept) if i not in dims]
    return [finished(low, View(made, tuple(kept), call)), *(Lost(()) for _ in call.gives[1:])]


WORDS = {
    ("mean", "positions"): "global_avg_pool",
    ("amax", "positions"): "global_max_pool",
    ("mean", "channels"): "channel_mean",
    ("amax", "channels"): "channel_max",
}


def _reduced(low: Lowering, call: Call, how: str, view: View, dims: list[int]) -> Made:
    node = view.node
    if not view.plain and not any(view.axes[i] for i in dims):
        return node  # each is alone
    what = _what(view, dims)
    if how == "sum" and what == "channels":
        return low.node(call, "group_sum", [node], groups=node.shape.dimensions[0])
    if isinstance(what, int):
        return _of_groups(low, call, how, node, what)
    if (how, what) not in WORDS:
        raise AxesError(
            f"`{call.name}` over " + (what or "other axes than all positions, or all channels"),
            "there are means and largest values over positions and over channels",
        )
    return low.node(call, WORDS[how, what], [node])


def _what(view: View, dims: list[int]) -> str | int:
    """What is reduced: the positions, the channels, or so many groups of these."""
    shape = view.node.shape
    if not isinstance(shape, Image):
        return ""
    _, channels, height, width = view.node.axes
    if view.plain:
        return "positions" if dims == [2, 3] else "channels" if dims == [1] else ""
    reduced = in_a_row(tuple(view.axes[i] for i in dims))
    match reduced:
        case _ if reduced == row((*height, *width)):
            return "positions"
        case _ if reduced == channels:
            return "channels"
        case (Factor("channels", groups, stride),) if groups * stride == shape.channels:
            return groups
        case _:
            return ""


def _of_groups(low: Lowering, call: Call, how: str, node: Made, groups: int) -> Made:
    """Over groups of channels: over the tensors of a `stack`, or a `group_sum`."""
    join = {"sum": "add", "mean": "mean", "amax": "max"}.get(how)
    stacked = node.word == "concat" and node.call is not None and node.call.name == "stack"
    if stacked and join and len(node.inputs) == groups:
        return low.node(call, join, node.inputs)
    if how == "sum":
        return low.node(call, "group_sum", [node], groups=groups)
    raise NoOpError(f"`{call.name}` over groups of channels", "there is `group_sum`")


def concatenated(low: Lowering, call: Call, given: Arguments) -> View:
    """Tensors one after another, or beside each other in an axis of their own."""
    listed: list[Any] = [*given["tensors"]]
    rank = len(call.gives[0].sizes)
    dim: int = given.get("dim", 0) % rank
    if found := patterns.of_concat(low, call, listed, dim):
        return found
    views = [low.settle(low.view(each)) for each in listed]
    first = views[0]
    if word_of(call) == "stack":
        return _stacked(low, call, [low.maps(each) for each in listed], dim)
    if not all(pure(each) for each in views):
        raise AxesError("`cat` of tensors of other axes", "`concat` joins maps along channels")
    if any(each.axes[dim] != each.node.axes[1] for each in views):
        raise AxesError(
            "`cat` along another axis than the channels", "`concat` joins maps along channels"
        )
    if any(_beside(each.axes, dim) != _beside(first.axes, dim) for each in views):
        raise AxesError("`cat` of tensors of other axes", "`concat` joins maps along channels")
    made = low.node(call, "concat", [each.node for each in views])
    axes = [*first.axes]
    axes[dim] = made.axes[1]
    return View(made, tuple(axes), first.call)


def _beside(axes: Axes, dim: int) -> Axes:
    return axes[:dim] + axes[dim + 1 :]


def _stacked(low: Lowering, call: Call, nodes: list[Made], dim: int) -> View:
    made = low.node(call, "concat", nodes)
    channels = nodes[0].shape.dimensions[0]
    group = row([Factor("channels", len(nodes), channels)])
    axes = [*shown(nodes[0]).axes]
    axes.insert(dim, group)
    return View(made, tuple(axes), call)


def negative(low: Lowering, call: Call, given: Arguments) -> View:
    return _with(low, call, "mul", low.settle(low.view(given["input"])), -1)


def square(low: Lowering, call: Call, given: Arguments) -> View:
    view = low.view(given["input"])
    power = 2 if call.name == "square" else (given.get("exponent") or call.args[1])
    found = patterns.of_square(low, call, view.node) if power == 2 else None
    if found is None:
        raise NoOpError(f"`{call.name}`", "no op computes powers")
    return View(found, view.axes, call)


ARITHMETIC: dict[str, Handler] = {
    **dict.fromkeys(("add", "sub", "mul", "div", "rsub", "rdiv"), arithmetic),
    **dict.fromkeys(("mean", "sum", "amax", "max"), reduction),
    **dict.fromkeys(("cat", "stack"), concatenated),
    **dict.fromkeys(("square", "pow"), square),
    "neg": negative,
}
