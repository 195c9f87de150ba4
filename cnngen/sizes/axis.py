"""Along one axis: how long the output of an op is, for any length of its input."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cnngen.ops.base import Image, Op, ShapeError, Vector

Lengths = tuple[int | None, ...]  # None: too short


@dataclass(frozen=True, slots=True)
class Rulers:
    """How long an op's output is for each length of its input: the op is asked once for each."""

    known: dict[tuple[Any, ...], dict[int | None, int | None]] = field(
        default_factory=dict[tuple[Any, ...], dict[int | None, int | None]]
    )

    def measure(self, op: Op, x: Image, axis: int, lengths: Sequence[int | None]) -> Lengths:
        """The lengths of the output along an axis, where `x` is an input that the op takes."""
        key = (type(op), axis, *(op.values[name] for name in op.sizing))
        ruler = self.known.setdefault(key, {None: None})
        for length in set(lengths) - ruler.keys():
            assert length is not None
            ruler[length] = _length(op, x, axis, length)
        return tuple([ruler[length] for length in lengths])


def _length(op: Op, x: Image, axis: int, length: int) -> int | None:
    changed = replace(x, width=length) if axis else replace(x, height=length)
    try:
        output = op.infer(changed)
    except ShapeError:
        return None
    assert not isinstance(output, Vector)
    return output.width if axis else output.height
