"""Constants of an ONNX file, and what nodes make of them: many nodes compute nothing but the shape
that another one is given.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, prod
from typing import Any

import numpy as np

from cnngen.foreign.foreign_file import ForeignFileError
from cnngen.foreign.onnx_call import Call

Array = np.ndarray[Any, np.dtype[Any]]
MOST_NUMBERS = 1 << 24  # that a node may compute
SMALL = 64  # numbers that are read to learn what a weight is

# The types of the format that numpy has; those of 16 bits of other kinds are read as float32.
TYPES: dict[int, str] = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    16: "float32",
}


class OnnxFileError(ForeignFileError):
    """An ONNX file that cannot be read."""


@dataclass(frozen=True, eq=False)
class Constant:
    """Numbers that do not depend on the input, read when they are asked for.

    `key` is the name of what holds them in the file, if need be in another order of axes, `order`.
    `sizes_of` are the tensors whose sizes they are.
    """

    key: str
    shape: tuple[int, ...]
    load: Callable[[], Array]
    sizes_of: frozenset[str] = frozenset()
    computed: bool = False
    order: tuple[int, ...] = ()

    @cached_property
    def array(self) -> Array:
        return self.load()

    @property
    def count(self) -> int:
        return prod(self.shape)

    @property
    def scalar(self) -> float | None:
        """Its number, where it is one."""
        if self.count != 1:
            return None
        number: Any = self.array.reshape(-1)[0]
        return single(number) if self.array.dtype.kind == "f" else float(number)

    def integers(self) -> tuple[int, ...]:
        return tuple(int(x) for x in self.array.reshape(-1)[:4096])

    def all_are(self, value: float) -> bool:
        return bool(np.all(self.array == value))

    def seen(self, change: Callable[[Array], Array]) -> "Constant":
        """The same numbers in another layout."""
        stand_in: Array = np.broadcast_to(np.float32(0), self.shape)
        shape = tuple(change(stand_in).shape)
        return replace(self, shape=shape, load=lambda: change(self.array))

    def transposed(self, order: tuple[int, ...]) -> "Constant":
        """Its axes in another order, which is told from that of the file where shapes do not."""
        changed = self.seen(lambda v: v.transpose(order))
        return replace(changed, order=(*self.order, *order))


def of_array(key: str, array: Array, sizes_of: frozenset[str] = frozenset()) -> Constant:
    return Constant(key, tuple(array.shape), lambda: array, sizes_of, computed=True)


def single(number: Any) -> float:
    """A number as it was written before it became a float32: 0.1 and not 0.10000000149."""
    return float(str(number))


Arguments = Sequence[Constant | None]
Function = Callable[[Call, list[Array]], Array]


def folded(call: Call, given: Arguments) -> list[Constant] | None:
    """What a node makes of constants, if it is of those that are carried out."""
    present = [c for c in given if c is not None]
    sizes_of = frozenset[str]().union(*(c.sizes_of for c in present))
    name = call.outputs[0]
    try:
        with np.errstate(all="ignore"):
            if call.op == "Transpose" and given[0]:
                order = call.integers("perm") or tuple(reversed(range(len(given[0].shape))))
                return [given[0].transposed(order)]
            if call.op in SAME_NUMBERS and present:
                change = _change(call, given)
                return [given[0].seen(change)] if given[0] and change else None
            if call.op == "Shape" and given[0]:
                return [sizes(call, given[0].shape, sizes_of)]
            if call.op == "Split" and given[0] and given[0].count <= MOST_NUMBERS:
                parts = _split(call, given)
                names = zip(call.outputs, parts, strict=True)
                return [of_array(output, part, sizes_of) for output, part in names]
            function = FUNCTIONS.get(call.op)
            if not function or None in given[:1] or sum(c.count for c in present) > MOST_NUMBERS:
                return None
            result = function(call, [_EMPTY if c is None else c.array for c in given])
            return [of_array(name, np.asarray(result), sizes_of)]
    except OnnxFileError:
        raise
    except _TooLargeError:
        return None
    except Exception as error:  # of numpy, whatever the file made it do
        reason = (str(error).splitlines() or [""])[0][:120]
        raise OnnxFileError(f"its node `{call.name[:80]}` cannot be computed: {reason}") from None


_EMPTY: Array = np.zeros(0, np.int64)
SAME_NUMBERS = {
    *("Identity", "Cast", "CastLike", "Reshape", "Squeeze", "Unsqueeze", "Flatten"),
    *("Dropout",),
}


class _TooLargeError(Exception):
    """A result would not fit."""


def axes_of(call: Call, second: Constant | None, name: str = "axes") -> tuple[int, ...] | None:
    """Axes are an attribute in old versions of ops, and an input in new ones."""
    return second.integers() if second is not None else call.integers(name)


def target_sizes(call: Call, sizes: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """What a `Reshape` is told, with its zeros and its -1 as numbers."""
    kept = not call.integer("allowzero", 0)
    result = [
        shape[i] if size == 0 and kept and i < len(shape) else size for i, size in enumerate(sizes)
    ]
    if result.count(-1) == 1:
        known = -prod(result)
        result[result.index(-1)] = prod(shape) // known if known > 0 else 0
    return tuple(result)


def squeezed_axes(axes: Sequence[int] | None, shape: Sequence[int]) -> set[int]:
    if axes is None:
        return {i for i, size in enumerate(shape) if size == 1}
    return {axis % max(len(shape), 1) for axis in axes}


def _change(call: Call, given: Arguments) -> Callable[[Array], Array] | None:
    """What a node does to the layout of numbers."""
    x = given[0]
    second = given[1] if len(given) > 1 else None
    if x is None:
        return None
    match call.op:
        case "Cast":
            kind = TYPES.get(call.integer("to", 1))
            if kind is None or (kind.startswith("int") and x.count > MOST_NUMBERS):
                return None
            return lambda v: v if kind[0] == "f" == v.dtype.kind else v.astype(kind)
        case "Reshape" if second is not None:
            sizes = target_sizes(call, second.integers(), x.shape)
            return lambda v: v.reshape(sizes)
        case "Squeeze":
            out = squeezed_axes(axes_of(call, second), x.shape)
            left = tuple(size for i, size in enumerate(x.shape) if i not in out)
            return lambda v: v.reshape(left)
        case "Unsqueeze":
            axes = axes_of(call, second) or ()
            return lambda v: np.expand_dims(v, axes)
        case "Flatten":
            axis = call.integer("axis", 1)
            rows = prod(x.shape[:axis])
            return lambda v: v.reshape(rows, -1)
        case "Identity" | "CastLike" | "Dropout":
            return lambda v: v
        case _:
            return None


def sizes(call: Call, shape: Sequence[int], sizes_of: frozenset[str]) -> Constant:
    """What a `Shape` gives, or the part that it is asked for."""
    end: Any = call.attributes.get("end")
    asked = np.array(shape, np.int64)[call.integer("start", 0) : end]
    return of_array(call.outputs[0], asked, sizes_of)


def _split(call: Call, given: Arguments) -> list[Array]:
    x = given[0]
    assert x is not None
    axis = call.integer("axis", 0)
    lengths = axes_of(call, given[1] if len(given) > 1 else None, "split")
    total = x.shape[axis]
    lengths = lengths or split_evenly(total, len(call.outputs))
    return np.split(x.array, np.cumsum(lengths)[:-1].tolist(), axis)


def split_evenly(total: int, parts: int) -> tuple[int, ...]:
    """The last part may be smaller."""
    each = ceil(total / max(parts, 1))
    return (*(each for _ in range(parts - 1)), total - each * (parts - 1))


def slices(
    call: Call, rank: int, inputs: Sequence[Constant | None]
) -> dict[int, tuple[int, int, int]] | None:
    """Begin, end and step of a `Slice`, by axis. They were attributes once."""
    starts = axes_of(call, inputs[0] if inputs else None, "starts")
    ends = axes_of(call, inputs[1] if len(inputs) > 1 else None, "ends")
    if starts is None or ends is None:
        return None
    axes = axes_of(call, inputs[2] if len(inputs) > 2 else None) or tuple(range(len(starts)))
    steps = inputs[3].integers() if len(inputs) > 3 and inputs[3] else (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        return None
    ranges = zip(starts, ends, steps, strict=True)
    return {axis % max(rank, 1): part for axis, part in zip(axes, ranges, strict=True)}


def _slice(call: Call, given: list[Array]) -> Array:
    x, *rest = given
    constants = [of_array("", a) if a is not _EMPTY else None for a in rest]
    ranges = slices(call, x.ndim, constants) or {}
    return x[tuple(slice(*ranges[i]) if i in ranges else slice(None) for i in range(x.ndim))]


def _constant(call: Call, _: list[Array]) -> Array:
    name, value = next(iter(call.attributes.items()))
    if name == "value":
        return value
    return np.array(value, np.int64 if name in ("value_int", "value_ints") else np.float32)


def _fits(shape: Sequence[int]) -> tuple[int, ...]:
    if prod(shape) > MOST_NUMBERS or min(shape, default=0) < 0:
        raise _TooLargeError
    return tuple(shape)


def _filled(call: Call, given: list[Array]) -> Array:
    value: Any = call.attributes.get("value", np.zeros(1, np.float32))
    return np.full(_fits(given[0].tolist()), np.asarray(value).reshape(-1)[0])


def _expand(_: Call, given: list[Array]) -> Array:
    shape = np.broadcast_shapes(given[0].shape, tuple(given[1].tolist()))
    return np.broadcast_to(given[0], _fits(shape))


def _range(_: Call, given: list[Array]) -> Array:
    start, stop, step = (float(x) for x in given)
    _fits([ceil((stop - start) / step)])
    return np.arange(start, stop, step).astype(given[0].dtype)


def _divide(_: Call, given: list[Array]) -> Array:
    """Whole numbers are divided as in C."""
    a, b = given
    if a.dtype.kind not in "iu":
        return a / b
    if not np.all(b):
        raise ValueError("it divides by zero")
    return (np.sign(a) * np.sign(b)) * (np.abs(a) // np.abs(b))


def _reduced(function: Callable[..., Array]) -> Function:
    def reduce(call: Call, given: list[Array]) -> Array:
        second = of_array("", given[1]) if len(given) > 1 and given[1] is not _EMPTY else None
        axes = axes_of(call, second)
        return function(given[0], axis=axes, keepdims=bool(call.integer("keepdims", 1)))

    return reduce


def _normalized(call: Call, given: list[Array]) -> Array:
    """What becomes of weights that are standardized, by their own statistics or given ones."""
    x, scale, shift, mean, variance = given
    if call.integer("training_mode", 0):
        axes = (0, *range(2, x.ndim))
        mean, variance = x.mean(axes), x.var(axes)
    shape = (1, -1, *[1] * (x.ndim - 2))
    scale, shift, mean, variance = (v.reshape(shape) for v in (scale, shift, mean, variance))
    return (x - mean) / np.sqrt(variance + call.number("epsilon", 1e-5)) * scale + shift


def _two(function: Callable[[Array, Array], Array]) -> Function:
    def compute(_: Call, given: list[Array]) -> Array:
        _fits(np.broadcast_shapes(given[0].shape, given[1].shape))
        return function(given[0], given[1])

    return compute


def _one(function: Callable[[Array], Array]) -> Function:
    return lambda _, given: function(given[0])


def _where(_: Call, given: list[Array]) -> Array:
    _fits(np.broadcast_shapes(*(x.shape for x in given)))
    return np.where(given[0], given[1], given[2])


FUNCTIONS: Mapping[str, Function] = {
    "ConstantOfShape": _filled,
    "Expand": _expand,
    "Range": _range,
    "Slice": _slice,
    "Where": _where,
    "Concat": lambda call, given: np.concatenate(given, call.integer("axis", 0)),
    "Gather": lambda call, given: np.take(given[0], given[1], call.integer("axis", 0)),
    "BatchNormalization": _normalized,
    "Size": lambda _, given: np.array(given[0].size),
    "Div": _divide,
    "Add": _two(np.add),
    "Sub": _two(np.subtract),
    "Mul": _two(np.multiply),
    "Min": _two(np.minimum),
    "Max": _two(np.maximum),
    "Equal": _two(np.equal),
    "Less": _two(np.less),
    "Greater": _two(np.greater),
    "GreaterOrEqual": _two(np.greater_equal),
    "Neg": _one(np.negative),
    "Abs": _one(np.abs),
    "Sign": _one(np.sign),
    "Floor": _one(np.floor),
    "Ceil": _one(np.ceil),
    "Sqrt": _one(np.sqrt),
    "Reciprocal": _one(np.reciprocal),
    "ReduceProd": _reduced(np.prod),
    "ReduceSum": _reduced(np.sum),
    "ReduceMean": _reduced(np.mean),
}


def constant_of(call: Call) -> Constant | None:
    """What a `Constant` holds."""
    if call.op != "Constant" or not call.attributes:
        return None
    return of_array(call.outputs[0], _constant(call, []))
