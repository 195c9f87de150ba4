"""What several steps compute together, and an op of ours computes alone.

A pattern is given a step that was just made, and looks back at what this reads; it gives another
step, or None. What nobody reads any more vanishes. Those of poolings stand in keras_pools.py.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from math import isclose
from typing import Any, cast

from cnngen.foreign.keras_pools import POOLS, STRIDED
from cnngen.foreign.keras_resizing import RESIZING
from cnngen.foreign.keras_steps import Step, op_step
from cnngen.ops.attribute import LARGEST
from cnngen.ops.base import Image, ShapeError, Vector
from cnngen.semantics.attributes import Invalid

Pattern = Callable[[Step], Step | None]
NO_SIDES = (0, 0, 0, 0)


def rewrite(step: Step) -> Step:
    """A step as the op that it completes, if it does."""
    for pattern in PATTERNS.get(step.word, ()):
        try:
            found = pattern(step)
        except (ShapeError, Invalid):  # the op would refuse it: it stays as it is
            continue
        if found is not None:
            return found if found is step else rewrite(found)
    return step


def _as(step: Step, word: str, *inputs: Step, **values: Any) -> Step:
    """Another op in the place of a step."""
    return op_step(step.call, word, inputs, values, step.suffix, step.constants)


def _changed(step: Step, *inputs: Step, **values: Any) -> Step:
    """A step with other inputs and values."""
    return _as(step, step.word, *(inputs or step.inputs), **{**step.values, **values})


# --- Convolutions


def padded_convolution(step: Step) -> Step | None:
    """Zeros around the input of a convolution without padding are its padding."""
    (x,) = step.inputs
    if x.word != "zero_pad" or step.values["padding"] != NO_SIDES:
        return None
    return _changed(step, x.inputs[0], padding=x.values["padding"])


def cropped_transposed(step: Step) -> Step | None:
    """What is cropped of a transposed convolution is its padding."""
    (x,) = step.inputs
    top, bottom, left, right = step.values["padding"]
    if x.word != "transposed_conv" or x.values["padding"] != NO_SIDES or x.call.readers > 1:
        return None
    if top != bottom or left != right:
        return None
    return _changed(x, padding=step.values["padding"])


# --- Activations


def gated(step: Step) -> Step | None:
    """`x * sigmoid(x)` and its kin."""
    if len(step.inputs) != 2:
        return None
    for x, gate in (step.inputs, step.inputs[::-1]):
        if gate.word in GATES and gate.inputs[0] is x:
            return _as(step, GATES[gate.word], x)
        if gate.word == "tanh" and gate.inputs[0].word == "softplus":
            return _as(step, "mish", x) if gate.inputs[0].inputs[0] is x else None
    return None


GATES = {"sigmoid": "silu", "hard_sigmoid": "hard_swish"}


def hard_sigmoid(step: Step) -> Step | None:
    """`relu6(x + 3) / 6`."""
    (x,) = step.inputs
    if x.word != "relu6" or not isclose(step.values["by"], 1 / 6, rel_tol=1e-6):
        return None
    (moved,) = x.inputs
    if not moved.named("Offset") or moved.values["by"] != 3:
        return None
    return _as(step, "hard_sigmoid", moved.inputs[0])


# --- Channels


def channel_order(step: Step) -> tuple[int, ...] | None:
    """Which channels a step takes, one after another."""
    if step.word == "gather_channels":
        return step.values["channels"]
    image = step.image
    if step.word != "channel_shuffle" or image is None:
        return None
    size = image.channels // step.values["groups"]
    return tuple(i for first in range(size) for i in range(first, image.channels, size))


def gathered(step: Step) -> Step | None:
    """A list of channels that is all of them, or in the order of a shuffle, or of another list."""
    (x,) = step.inputs
    order: tuple[int, ...] = step.values["channels"]
    before = channel_order(x)
    if before is not None:
        return _changed(step, x.inputs[0], channels=tuple(before[i] for i in order))
    channels = x.image.channels if x.image else 0
    if order == tuple(range(channels)):
        return x
    if len(order) != channels or len(order) < 3 or order[0] != 0 or channels % max(order[1], 1):
        return None
    shuffled = _as(step, "channel_shuffle", x, groups=channels // max(order[1], 1))
    return shuffled if channel_order(shuffled) == order else None


def shuffled_by_shape(step: Step) -> Step | None:
    """Groups as an axis of their own, swapped with that of the channels in each."""
    (x,) = step.inputs
    if not x.named("Transpose") or x.values["order"] != (0, 1, 2, 4, 3):
        return None
    (grouped,) = x.inputs
    if not grouped.named("Reshape"):
        return None
    source, sizes = grouped.inputs[0], grouped.values["sizes"]
    if source.image is None or keras_sizes(source) != step.values["sizes"] or len(sizes) != 4:
        return None
    return _as(step, "channel_shuffle", source, groups=sizes[2])


def group_softmax(step: Step) -> Step | None:
    """The parts of a softmax over stacked groups, one behind the other."""
    if len(step.inputs) < 2 or not all(x.named("Unstack") for x in step.inputs):
        return None
    shares = step.inputs[0].inputs[0]
    if any(x.inputs[0] is not shares for x in step.inputs) or not _counts(step.inputs):
        return None
    if not shares.named("Softmax") or shares.values["axis"] != 0:
        return None
    source = stacked_groups(shares.inputs[0])
    if source is None or len(shares.inputs[0].inputs) != len(step.inputs):
        return None
    return _as(step, "group_softmax", source, groups=len(step.inputs))


def group_sum(step: Step) -> Step | None:
    (x,) = step.inputs
    source = stacked_groups(x) if step.values["axis"] in (0, [0]) else None
    if source is None or step.values["keepdims"]:
        return None
    return _as(step, "group_sum", source, groups=len(x.inputs))


def stacked_groups(step: Step) -> Step | None:
    """That of which all groups of channels are stacked."""
    groups = step.inputs
    if not step.named("Stack") or step.values["axis"] != 0:
        return None
    if not all(x.word == "channel_group" and x.inputs[0] is groups[0].inputs[0] for x in groups):
        return None
    if not _counts(groups) or any(x.values["groups"] != len(groups) for x in groups):
        return None
    return groups[0].inputs[0]


def _counts(steps: Iterable[Step]) -> bool:
    """Whether they are the first, the second and so on."""
    return all(x.values["index"] == i for x, i in zip(steps, count(), strict=False))


# --- Shapes


def keras_sizes(step: Step) -> tuple[int, ...]:
    match step.shape:
        case Image(channels=c, height=h, width=w):
            return h, w, c
        case Vector(features=n):
            return (n,)
        case None:
            return ()


def reshaped(step: Step) -> Step | None:
    """A reshape that keeps the shape, makes a vector, or makes maps of one."""
    (x,) = step.inputs
    sizes: tuple[int, ...] = step.values["sizes"]
    if x.shape is None:
        return None
    if sizes == keras_sizes(x):
        return x
    if len(sizes) == 1 and sizes[0] == x.shape.numbers:
        return _as(step, "flatten", x)
    if x.word == "flatten" and keras_sizes(x.inputs[0]) == sizes:
        return x.inputs[0]
    if len(sizes) != 3:
        return None
    height, width, channels = sizes
    if channels > 1 and height * width > 1:
        return None
    return _as(step, "reshape", x, channels=channels, height=height, width=width)


def transposed(step: Step) -> Step | None:
    """Numbers as maps in the order of PyTorch."""
    (x,) = step.inputs
    order = step.values["order"]
    if order == tuple(range(len(order))):
        return x
    if order != (0, 2, 3, 1):
        return None
    if x.named("Reshape") and len(x.values["sizes"]) == 3:
        (source,), sizes = x.inputs, x.values["sizes"]
    elif x.image is not None and not x.image.reordered:
        source, sizes = x, keras_sizes(x)
    else:
        return None
    channels, height, width = sizes
    return _as(step, "reshape", source, channels=channels, height=height, width=width)


def reshaped_twice(step: Step) -> Step | None:
    """Of two reshapes the second is enough."""
    (x,) = step.inputs
    return _changed(step, x.inputs[0]) if x.word == "reshape" else None


def flattened_twice(step: Step) -> Step | None:
    (x,) = step.inputs
    return x if x.word == "flatten" else None


# --- Norms, and distances


def response_norm(step: Step) -> Step | None:
    """Divided by a power of the mean square of near channels, which is pooled across an axis that
    was swapped with that of the channels.
    """
    x, power = step.inputs
    if not power.named("Power") or not power.inputs[0].named("Offset"):
        return None
    offset = power.inputs[0]
    scaled = offset.inputs[0]
    if scaled.word != "scale" or not scaled.inputs[0].named("Transpose"):
        return None
    pool = scaled.inputs[0].inputs[0]
    if pool.word != "avg_pool" or not pool.inputs[0].named("Transpose"):
        return None
    padded = pool.inputs[0].inputs[0]
    if {s.values["order"] for s in (scaled.inputs[0], pool.inputs[0])} != {(0, 1, 3, 2)}:
        return None
    squares = padded.inputs[0] if padded.word == "pad_channels" else padded
    size = pool.values["kernel"][1]
    sides = (padded.values["before"], padded.values["after"]) if padded is not squares else (0, 0)
    if sides != (size // 2, (size - 1) // 2) or pool.values["kernel"][0] != 1:
        return None
    if not squares.named("Square") or squares.inputs[0] is not x:
        return None
    values = {"alpha": scaled.values["by"], "k": offset.values["by"]}
    return _as(step, "local_response_norm", x, size=size, beta=power.values["exponent"], **values)


def radial(step: Step) -> Step | None:
    """Squared distances to points whose coordinates are 1 or -1."""
    (squares,) = step.inputs
    if step.values["axis"] not in (-1, 2) or not squares.named("Square"):
        return None
    (apart,) = squares.inputs
    if not apart.named("Difference") or not apart.inputs[0].named("ExpandDims"):
        return None
    source, points = apart.inputs[0].inputs[0], apart.values["points"]
    match points:
        case [list(), *_] if apart.inputs[0].values["axis"] == 1:
            rows = [cast("list[Any]", row) for row in points if isinstance(row, list)]
        case _:
            return None
    lengths = {len(row) for row in rows}
    if (
        len(rows) != len(points)
        or len(lengths) != 1
        or any(n not in (1, -1) for r in rows for n in r)
    ):
        return None
    length = lengths.pop()
    bits = max((n for n in range(1, 32) if length % n == 0 and 2**n <= LARGEST), default=1)
    codes = tuple(tuple(_number(row[i : i + bits]) for i in range(0, length, bits)) for row in rows)
    return _as(step, "rbf", source, codes=codes, bits=bits)


def _number(digits: list[int]) -> int:
    return int("".join("1" if d == 1 else "0" for d in digits), 2)


def factors(step: Step) -> Step | None:
    """A constant for each channel: the scale of an `affine`."""
    made = op_step(step.call, "affine", step.inputs, {"shift": False}, step.suffix)
    return Step(
        **{n: getattr(made, n) for n in ("word", "values", "inputs", "shape", "call")},
        suffix=step.suffix,
        constants={"weight": step.values["factors"]},
    )


PATTERNS: Mapping[str, tuple[Pattern, ...]] = {
    **dict.fromkeys(STRIDED, (padded_convolution,)),
    **POOLS,
    **RESIZING,
    "crop": (cropped_transposed,),
    "multiply": (*POOLS["multiply"], gated),
    "scale": (hard_sigmoid,),
    "gather_channels": (gathered,),
    "concat": (group_softmax,),
    "reshape": (reshaped_twice,),
    "flatten": (flattened_twice,),
    "keras.Reshape": (shuffled_by_shape, reshaped),
    "keras.Transpose": (transposed,),
    "keras.Sum": (group_sum, radial),
    "keras.Divide": (response_norm,),
    "keras.Factors": (factors,),
}
