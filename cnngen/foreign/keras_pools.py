"""Poolings of Keras that take more than a layer: borders, ends that hang over, sizes that are given.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cnngen.foreign.keras_steps import Step, op_step
from cnngen.ops.attribute import Sides
from cnngen.ops.base import Image, ShapeError

NO_SIDES: Sides = (0, 0, 0, 0)
STRIDED = ("conv", "depthwise_conv", "separable_conv", "standardized_conv")
POSITIVE = ("relu", "relu6", "sigmoid", "hard_sigmoid", "softmax", "softplus", "group_softmax")
KEEP_SIGN = (
    *("max_pool", "avg_pool", "global_avg_pool", "global_max_pool", "dropout", "concat", "add"),
    *("multiply", "max", "mean", "upsample", "zero_pad", "crop", "channel_shuffle", "drop_path"),
    *("channel_group", "slice_channels", "gather_channels", "channel_mean", "channel_max"),
)
DEEPEST = 20


def _changed(step: Step, x: Step, **values: Any) -> Step:
    return op_step(step.call, step.word, (x,), {**step.values, **values}, step.suffix)


def stride_of(step: Step) -> tuple[int, int]:
    return step.values["stride"] or step.values["kernel"]


def plain_max(step: Step) -> Step | None:
    """Values of an op as a spec says them most simply: a stride that is the kernel's is none."""
    if step.values["stride"] != step.values["kernel"]:
        return None
    return _changed(step, step.inputs[0], stride=None)


def centred_pool(step: Step) -> Step | None:
    """With a stride of 1, `same` is half of the window on each side, which averages do not count."""
    kernel = step.values["kernel"]
    if step.values["padding"] != "same" or stride_of(step) != (1, 1):
        return None
    if any(k % 2 == 0 for k in kernel):
        return None
    rows, columns = (k // 2 for k in kernel)
    uncounted = {"count_include_pad": False} if step.word == "avg_pool" else {}
    return _changed(step, step.inputs[0], padding=(rows, rows, columns, columns), **uncounted)


def late_stride(step: Step) -> Step | None:
    """A pooling of size 1 behind a convolution is its stride."""
    (x,) = step.inputs
    if step.values["kernel"] != (1, 1) or step.values["padding"] not in ("same", NO_SIDES):
        return None
    if x.word not in STRIDED or x.values["padding"] == "same" or stride_of(step) == (1, 1):
        return None
    stride = tuple(a * b for a, b in zip(x.values["stride"], stride_of(step), strict=True))
    return op_step(x.call, x.word, x.inputs, {**x.values, "stride": stride}, x.suffix, x.constants)


def bordered_max(step: Step) -> Step | None:
    """A border that never wins; what is longer at the end lets windows hang over."""
    (x,) = step.inputs
    if step.values["padding"] != NO_SIDES:
        return None
    zeros = x.word == "zero_pad" and is_positive(x.inputs[0])
    if not zeros and not x.named("Border"):
        return None
    sides: Sides = x.values["padding"] if zeros else x.values["sides"]
    return _padded_max(step, x.inputs[0], sides)


def _padded_max(step: Step, x: Step, sides: Sides) -> Step | None:
    top, bottom, left, right = sides
    kernel, stride = step.values["kernel"], stride_of(step)
    ends = [
        after - before == min(s, k - before) - 1
        for before, after, k, s in zip((top, left), (bottom, right), kernel, stride, strict=True)
    ]
    if all(ends) and (bottom > top or right > left):
        try:
            hanging = _changed(step, x, padding=(top, top, left, left), ceil=True)
        except ShapeError:
            hanging = None
        if hanging is not None and hanging.shape == step.shape:
            return hanging
    return _changed(step, x, padding=sides)


def is_positive(step: Step, depth: int = 0) -> bool:
    """Whether no value can be below 0, as far as it is easily seen."""
    if step.word in POSITIVE or step.named("OnesLike"):
        return True
    if step.word not in KEEP_SIGN or depth > DEEPEST:
        return False
    return all(is_positive(x, depth + 1) for x in step.inputs)


def bordered_avg(step: Step) -> Step | None:
    """Zeros around the input of an average are its padding, and count."""
    (x,) = step.inputs
    if x.word != "zero_pad" or step.values["padding"] != NO_SIDES or step.values["ceil"]:
        return None
    return _changed(step, x.inputs[0], padding=x.values["padding"], count_include_pad=True)


def blurred(step: Step) -> Step | None:
    """Averages of 2 x 2 one behind the other are binomial weights."""
    pools = [step]
    while _is_two(pools[-1].inputs[0]) and stride_of(pools[-1].inputs[0]) == (1, 1):
        pools.append(pools[-1].inputs[0])
    first, kernel = pools[-1], len(pools) + 1
    stride = stride_of(step)
    if not _is_two(step) or stride[0] != stride[1]:
        return None
    if any(pool.values["padding"] != NO_SIDES for pool in pools[:-1]):
        return None
    before, after = (kernel - 1) // 2, kernel // 2
    around = (before, after, before, after)
    x, given = first.inputs[0], {"kernel": kernel, "stride": stride[0]}
    if first.values["padding"] == NO_SIDES and x.named("Mirror") and x.values["sides"] == around:
        return op_step(step.call, "blur_pool", x.inputs, given, step.suffix)
    if kernel > 2 and first.values["padding"] == around:
        return op_step(step.call, "blur_pool", (x,), {**given, "border": "zeros"}, step.suffix)
    return None


def _is_two(step: Step) -> bool:
    return step.word == "avg_pool" and step.values["kernel"] == (2, 2) and not step.values["ceil"]


# --- Averages that do not count all


@dataclass(frozen=True, slots=True)
class _Averaged:
    """An average over a tensor and what was put around it, the innermost first; a border of None
    means that from there on all counts.
    """

    source: Step
    borders: tuple[Sides | None, ...]


def counted(step: Step) -> Step | None:
    """An average times the inverse share of the elements that count."""
    if len(step.inputs) != 2:
        return None
    pool, share = step.inputs
    if pool.word != "avg_pool" or not share.named("Reciprocal"):
        return None
    of, counts = _averaged(pool), share.inputs[0]
    if counts.word != "avg_pool" or of is None or any(b is None for b in of.borders):
        return None
    ones = _averaged(counts)
    if ones is None or not isinstance(of.source.shape, Image):
        return None
    if any(pool.values[n] != counts.values[n] for n in ("kernel", "ceil")):
        return None
    if stride_of(pool) != stride_of(counts):
        return None
    borders = [b for b in of.borders if b is not None]
    if [b for b in ones.borders if b is not None] != borders:
        return None
    wanted = _shares(of.source.shape, ones.borders, pool)
    for values in _candidates(borders, pool):
        try:
            made = _changed(pool, of.source, **values)
        except ShapeError:
            continue
        if made.shape == pool.shape and _own_shares(of.source.shape, made) == wanted:
            return op_step(step.call, "avg_pool", (of.source,), made.values, step.suffix)
    return None


def _averaged(pool: Step) -> _Averaged | None:
    if pool.values["padding"] == "same":
        return None
    borders: list[Sides | None] = []
    if any(pool.values["padding"]):
        borders.append(pool.values["padding"])
    x = pool.inputs[0]
    while True:
        if x.word == "zero_pad":
            borders.append(x.values["padding"])
        elif x.named("OnesLike"):
            borders.append(None)
        else:
            break
        x = x.inputs[0]
    return _Averaged(x, tuple(reversed(borders)))


def _shares(image: Image, borders: tuple[Sides | None, ...], pool: Step) -> list[list[Fraction]]:
    """What share of each window counts, along the height and the width."""
    found: list[list[Fraction]] = []
    for axis, length in enumerate((image.height, image.width)):
        line = [1] * length
        for border in borders:
            if border is None:
                line = [1] * len(line)
            else:
                before, after = border[2 * axis : 2 * axis + 2]
                line = [0] * before + line + [0] * after
        kernel, step = pool.values["kernel"][axis], stride_of(pool)[axis]
        starts = range(0, len(line) - kernel + 1, step)
        found.append([Fraction(sum(line[i : i + kernel]), kernel) for i in starts])
    return found


def _own_shares(image: Image, pool: Step) -> list[list[Fraction]]:
    """The same of an op."""
    assert isinstance(pool.shape, Image)
    found: list[list[Fraction]] = []
    sizes = zip((image.height, image.width), (pool.shape.height, pool.shape.width), strict=True)
    for axis, (length, positions) in enumerate(sizes):
        before, after = pool.values["padding"][2 * axis : 2 * axis + 2]
        low, high = (-before, length + after) if pool.values["count_include_pad"] else (0, length)
        kernel, step = pool.values["kernel"][axis], stride_of(pool)[axis]
        starts = [i * step - before for i in range(positions)]
        found.append([Fraction(min(i + kernel, high) - max(i, low), kernel) for i in starts])
    return found


def _candidates(borders: list[Sides], pool: Step) -> Iterator[Mapping[str, Any]]:
    """What an op may be told that has these borders."""
    first = borders[0] if borders else NO_SIDES
    for padding, ceil in ((NO_SIDES, True), (first, False), (first, True)):
        for counts in (True, False):
            yield {"padding": padding, "ceil": ceil, "count_include_pad": counts}


# --- Poolings to a size


def adaptive(step: Step) -> Step | None:
    """Windows that overlap, a slice for each row and then for each column."""
    rows = _windows(step, 2)
    if rows is None:
        return None
    kind, inner, columns = rows
    outer = _windows(inner, 1) if inner.named("Concatenate") else None
    if outer is None or outer[0] != kind or outer[1].image is None:
        return None
    x, image = outer[1], outer[1].image
    assert image is not None
    size = len(outer[2]), len(columns)
    if outer[2] != _ends(image.height, size[0]) or columns != _ends(image.width, size[1]):
        return None
    word = "adaptive_avg_pool" if kind == "keras.Mean" else "adaptive_max_pool"
    return op_step(step.call, word, (x,), {"size": size}, step.suffix)


def _windows(step: Step, axis: int) -> tuple[str, Step, list[tuple[int, int]]] | None:
    """A joined list of reductions along an axis: of what, and of which parts."""
    if step.values["axis"] != axis or not step.inputs:
        return None
    kind = step.inputs[0].word
    ends: list[tuple[int, int]] = []
    sources: list[Step] = []
    for part in step.inputs:
        if part.word != kind or kind not in ("keras.Mean", "keras.Max"):
            return None
        if part.values["axis"] != axis or not part.values["keepdims"]:
            return None
        x = part.inputs[0]
        source = x.inputs[0] if x.word == "crop" else x
        if source.image is None:
            return None
        length = source.image.height if axis == 1 else source.image.width
        before, after = x.values["padding"][2 * axis - 2 : 2 * axis] if x.word == "crop" else (0, 0)
        ends.append((before, length - after))
        sources.append(source)
    return (kind, sources[0], ends) if all(s is sources[0] for s in sources) else None


def _ends(length: int, count: int) -> list[tuple[int, int]]:
    return [(i * length // count, -(-(i + 1) * length // count)) for i in range(count)]


POOLS: Mapping[str, tuple[Callable[[Step], Step | None], ...]] = {
    "max_pool": (late_stride, centred_pool, bordered_max, plain_max),
    "avg_pool": (blurred, centred_pool, bordered_avg, plain_max),
    "multiply": (counted,),
    "keras.Concatenate": (adaptive,),
}
