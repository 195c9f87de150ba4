"""Poolings of Keras that take more than a layer: borders, ends that hang over, given sizes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from cnngen.foreign.keras_steps import Step, op_step
from cnngen.ops.attribute import Sides
from cnngen.ops.base import Image, ShapeError

NO_SIDES: Sides = (0, 0, 0, 0)
POOLED = ("max_pool", "avg_pool")
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


def plain_stride(step: Step) -> Step | None:
    """Values of an op as a spec says them most simply: a stride that is the kernel's is none."""
    if step.values["stride"] != step.values["kernel"]:
        return None
    return _changed(step, step.inputs[0], stride=None)


def keep_same(steps: Iterable[Step]) -> frozenset[str]:
    """The ops of a model that say `same` where no other word says that: where they stride.

    For these the word stays, so that blocks are alike whether they stride or not; for others it is
    half of the window on each side.
    """
    return frozenset(x.word for x in steps if _is_same(x) and _half_of(x) is None)


def centred(step: Step) -> Step:
    """A window with half of itself on each side, where that is what `same` says."""
    sides = _half_of(step) if _is_same(step) else None
    if sides is None:
        return step
    values = {**step.values, "padding": sides}
    if step.word == "avg_pool":  # zeros of `same` do not count
        values["count_include_pad"] = not any(sides)
    return replace(step, values=values)


def _is_same(step: Step) -> bool:
    return step.word in (*STRIDED, *POOLED) and step.values["padding"] == "same"


def _half_of(step: Step) -> Sides | None:
    return halves(step.values["kernel"], stride_of(step), step.values.get("dilation", (1, 1)))


def halves(
    kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int] = (1, 1)
) -> Sides | None:
    """The sides of a `same` that are half of the window whatever the size of the input is."""
    reaches = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    if any(r % 2 or (r and s > 1) for r, s in zip(reaches, stride, strict=True)):
        return None
    rows, columns = (reach // 2 for reach in reaches)
    return rows, rows, columns, columns


def to_its_size(step: Step) -> Step:
    """A window of 1 that does not stride is a pooling to the size that is the input's already."""
    if step.word not in POOLED or step.image is None:
        return step
    if step.values["kernel"] != (1, 1) or stride_of(step) != (1, 1):
        return step
    size = (step.image.height, step.image.width)
    return replace(step, word=f"adaptive_{step.word}", values={"size": size})


def late_stride(step: Step) -> Step | None:
    """A pooling of size 1 behind a convolution is its stride, where Keras or TensorFlow refuses
    that: together with a dilation, or, in depthwise convolutions, another for rows than columns.
    """
    (x,) = step.inputs
    if step.values["kernel"] != (1, 1) or step.values["padding"] not in ("same", NO_SIDES):
        return None
    if x.word not in STRIDED or x.call.readers > 1:
        return None
    x = centred(x)
    if x.values["padding"] == "same":
        return None
    one = x.values["stride"] == (1, 1)
    each = x.word in ("depthwise_conv", "separable_conv", "conv")
    unequal = each and stride_of(step)[0] != stride_of(step)[1]
    if not one or not (x.values["dilation"] != (1, 1) or unequal):
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
    x = first.inputs[0]
    given: dict[str, Any] = {"kernel": kernel, "stride": stride[0]}
    if first.values["padding"] == NO_SIDES and x.named("Mirror") and x.values["sides"] == around:
        return op_step(step.call, "blur_pool", x.inputs, given, step.suffix)
    given["border"] = "zeros"
    if kernel > 2 and first.values["padding"] == around:
        return op_step(step.call, "blur_pool", (x,), given, step.suffix)
    if kernel > 2 and x.word == "zero_pad" and x.values["padding"] == around:
        return op_step(step.call, "blur_pool", x.inputs, given, step.suffix)
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


def no_border(step: Step) -> Step | None:
    """A border without width."""
    return None if any(step.values.get("padding") or step.values["sides"]) else step.inputs[0]


POOLS: Mapping[str, tuple[Callable[[Step], Step | None], ...]] = {
    "max_pool": (late_stride, bordered_max, plain_stride),
    "avg_pool": (blurred, bordered_avg, plain_stride),
    "multiply": (counted,),
    "keras.Concatenate": (adaptive,),
    "zero_pad": (no_border,),
    "keras.Border": (no_border,),
}
