"""Joins: one tensor out of the outputs of several branches."""

from collections.abc import Mapping
from functools import reduce

from cnngen.expressions.expression import Constant, Expression
from cnngen.ops.base import Image, Op, Shape, ShapeError, Vector, plus

POOLED = (
    "end the branch of 1 x 1 with `resize: {like: ...}`: as a block, which can read its `input`"
)
SAME_SIZE = "give all branches the same stride, and `padding: half` to odd kernels"


class Join(Op, group="join"):
    """What takes several tensors."""

    gives = "same"
    joins = True
    keeps = "nothing"


class Concat(Join, name="concat"):
    """The branches one after another, along the channels (of vectors: features)."""

    concatenates = True
    sign = "C"

    def infer(self, *inputs: Shape) -> Shape:
        images, vectors = _alike(self, inputs)
        if vectors:
            return Vector(sum(x.features for x in vectors), _in_a_row(vectors))
        height, width = images[0].height, images[0].width
        if any((x.height, x.width) != (height, width) for x in images):
            raise ShapeError(
                "the branches of `concat` have different heights or widths",
                label="`concat` needs equal heights and widths",
                help=POOLED if any((x.height, x.width) == (1, 1) for x in images) else SAME_SIZE,
            )
        return Image(sum(x.channels for x in images), height, width)

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return reduce(plus, inputs)


class Elementwise(Join):
    """What combines equal shapes, value by value."""

    def infer(self, *inputs: Shape) -> Shape:
        return _equal(self, inputs)


class Add(Elementwise, name="add"):
    """The sum of the branches."""

    in_place = True
    accumulates = True
    sign = "+"


class Subtract(Elementwise, name="subtract"):
    """The first branch less the second."""

    in_place = True
    takes_two = True
    sign = "−"


class Mean(Elementwise, name="mean"):
    """The average of the branches."""

    sign = "mean"


class Max(Elementwise, name="max"):
    """The largest value over the branches, position by position."""

    sign = "max"
    accumulates = True
    keeps = "both"


class Multiply(Join, name="multiply"):
    """The product of the branches.

    A branch of C x 1 x 1 or of 1 x H x W is a gate, with one number for a map or for a position.
    """

    keeps = "input"
    gates = True
    sign = "×"
    accumulates = True

    def infer(self, *inputs: Shape) -> Shape:
        images, vectors = _alike(self, inputs)
        if vectors:
            return _equal(self, inputs)
        largest = max(images, key=lambda x: (x.height * x.width, x.channels))
        size = largest.height, largest.width
        channels = largest.channels if largest.channels > 1 else max(x.channels for x in images)
        if any(
            x.channels not in (channels, 1) or (x.height, x.width) not in (size, (1, 1))
            for x in images
        ):
            raise ShapeError(
                "the branches of `multiply` have different shapes",
                label="`multiply` needs equal shapes; a gate is C x 1 x 1 or 1 x H x W",
                help="start the gate with `global_avg_pool`, and end it with"
                f" `conv: {{out: {channels}, kernel: 1}}`"
                if any((x.height, x.width) == (1, 1) for x in images)
                else _project(images),
            )
        return Image(channels, *size)

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return next((x for x in inputs if x != Constant(1)), inputs[0])


def _alike(op: Op, inputs: tuple[Shape, ...]) -> tuple[list[Image], list[Vector]]:
    """The inputs as images, or else as vectors; one of the lists is empty."""
    images = [x for x in inputs if isinstance(x, Image)]
    vectors = [x for x in inputs if isinstance(x, Vector)]
    if images and vectors:
        raise ShapeError(
            f"the branches of `{op.name}` are feature maps and vectors",
            label=f"`{op.name}` needs one or the other",
            help="put `flatten` at the end of the branches that give feature maps",
        )
    return images, vectors


def _equal(op: Op, inputs: tuple[Shape, ...]) -> Shape:
    """The shape that all inputs have."""
    images, vectors = _alike(op, inputs)
    if all(x == inputs[0] for x in inputs):
        return inputs[0]
    if len({x.features for x in vectors}) == 1:
        raise ShapeError(
            f"the branches of `{op.name}` were flattened from different shapes",
            label="features that do not belong together would meet",
            help="put a `linear` after each `flatten`, or join before it",
        )
    raise ShapeError(
        f"the branches of `{op.name}` have different shapes",
        label=f"`{op.name}` needs equal shapes",
        help=_project(images) if images else "end each branch with a `linear` of the same `out`",
    )


def _project(images: list[Image]) -> str:
    if len(sizes := {(x.height, x.width) for x in images}) > 1:
        return POOLED if (1, 1) in sizes else SAME_SIZE
    out = max(x.channels for x in images)
    return f"project with `conv: {{out: {out}, kernel: 1}}` where there are fewer channels"


def _in_a_row(vectors: list[Vector]) -> tuple[Image | int, ...]:
    """The parts of all vectors, with adjacent numbers as one."""
    parts: list[Image | int] = []
    for part in (part for x in vectors for part in x.parts):
        if parts and isinstance(part, int) and isinstance(parts[-1], int):
            parts[-1] += part
        else:
            parts.append(part)
    return tuple(parts)
