"""Our ops as they are found in an ONNX file, and what its tensors are in terms of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, prod

import numpy as np

from cnngen.foreign.complete_op import complete_op
from cnngen.foreign.onnx_axes import Axes, Factor, dimensions, flattened, joined, standard, whole
from cnngen.foreign.onnx_call import Call, Scope
from cnngen.foreign.onnx_constants import Constant
from cnngen.foreign.onnx_program import Program
from cnngen.ops.base import Image, Op, Shape, ShapeError, Vector, Weights

MOST_CHANNELS = 4096  # whose order is written down one by one


class UnreadableError(Exception):
    """A call that no op of ours computes: why, and what may be done about it."""

    def __init__(self, why: str, help: str = "") -> None:
        super().__init__(why)
        self.help = help


class DependsError(Exception):
    """A call that reads what could not be read, of which it was said so already."""


@dataclass(slots=True, eq=False)
class Draft:
    """A node of our graph. Its name, and those of its inputs, are numbers until all are known."""

    op: Op
    inputs: tuple[str, ...]
    shape: Shape
    scope: Scope
    weights: dict[str, Constant]


@dataclass(frozen=True, slots=True)
class Flow:
    """A tensor that depends on the input: what a node (or an input) gives, perhaps seen along other
    axes than the standard ones.
    """

    source: str
    shape: Shape
    axes: Axes

    @property
    def sizes(self) -> tuple[int, ...]:
        return dimensions(self.axes)


Value = Flow | Constant | Sequence[Flow] | None  # None: it could not be read


@dataclass(slots=True)
class Drafts:
    """What is known while the calls are read one by one."""

    program: Program
    batch: int
    inputs: Mapping[str, Shape]
    uses: Counter[str]
    opset: int
    drafts: dict[str, Draft] = field(default_factory=dict[str, Draft])
    values: dict[str, Value] = field(default_factory=dict[str, Value])
    count: int = 0
    divided: set[str] = field(default_factory=set[str])  # parts of what was divided evenly
    views: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    settled_views: dict[Flow, str] = field(default_factory=dict[Flow, str])

    # --- what a call reads -----------------------------------------------------------------------

    def flow(self, call: Call, index: int = 0) -> Flow:
        match self.value(call, index):
            case Flow() as flow:
                return flow
            case None:
                raise UnreadableError("reads nothing")
            case Constant():
                raise UnreadableError("reads a constant where maps are expected")
            case _:
                raise UnreadableError("reads a list of tensors")

    def value(self, call: Call, index: int = 0) -> Value:
        name = call.input(index)
        if not name:
            return None
        value = self.values.get(name)
        if value is None:
            raise DependsError
        return value

    def constant(self, call: Call, index: int) -> Constant | None:
        """An input that must not depend on the model's; None if it is left out."""
        value = self.value(call, index)
        if value is None or isinstance(value, Constant):
            return value
        raise UnreadableError(
            "computes with weights or sizes that depend on the input", "no op is given its weights"
        )

    def weight(self, call: Call, index: int) -> Constant:
        if (constant := self.constant(call, index)) is None:
            raise UnreadableError("has no weights")
        return constant

    def give(self, name: str, value: Value) -> None:
        self.values[name] = value
        if isinstance(value, Flow):
            self.views.setdefault(value.source, []).append(name)

    # --- what it gives ---------------------------------------------------------------------------

    def shape(self, source: str) -> Shape:
        return self.inputs[source] if source in self.inputs else self.drafts[source].shape

    def add(
        self, call: Call, op: Op, *sources: str, weights: Mapping[str, Constant] | None = None
    ) -> Flow:
        """A node of ours, and what it gives."""
        shape, expected = _inferred(op, [self.shape(source) for source in sources])
        if any(isinstance(x, float) and not isfinite(x) for x in op.values.values()):
            raise UnreadableError("has an attribute that is no number, or infinite")
        found = {name: w.shape for name, w in (weights or {}).items()}
        if found != expected:
            raise UnreadableError(f"has weights {_spell(found)}, where {op.name} has others")
        self.count += 1
        name = str(self.count)
        self.drafts[name] = Draft(op, sources, shape, call.scope, dict(weights or {}))
        return self.seen(name)

    def change(self, source: str, op: Op, weights: Mapping[str, Constant] | None = None) -> Flow:
        """A node that becomes another one, as nothing has read yet what it gave."""
        draft = self.drafts[source]
        shape, _ = _inferred(op, [self.shape(x) for x in draft.inputs])
        kept = draft.weights if weights is None else dict(weights)
        self.drafts[source] = Draft(op, draft.inputs, shape, draft.scope, kept)
        return self.seen(source)

    def seen(self, source: str) -> Flow:
        """What a node gives, along the standard axes."""
        shape = self.shape(source)
        return Flow(source, shape, standard(self.batch, shape))

    def pointwise(self, call: Call, op: Op, flow: Flow) -> Flow:
        """An op that does not care along which axes anything lies."""
        return Flow(self.add(call, op, flow.source).source, flow.shape, flow.axes)

    def is_read_once(self, source: str) -> bool:
        """Whether not more than one call reads what a node gives, in any of its views."""
        return all(self.uses[name] <= 1 for name in self.views.get(source, ()))

    # --- tensors along standard axes ------------------------------------------------------------

    def image(self, call: Call, flow: Flow) -> str:
        """The node that gives it as maps, one that only moves numbers if need be."""
        if len(flow.axes) != 4:
            raise UnreadableError(
                f"reads a tensor of {_sizes(flow.sizes)}",
                "maps are samples x channels x height x width",
            )
        if isinstance(flow.shape, Image):
            if flow.axes == standard(self.batch, flow.shape):
                return flow.source
            if (op := _rearranged(flow.axes, flow.shape)) is not None:
                return self._moved(call, op, flow)
        return self._reshaped(call, flow)

    def is_rearranged(self, flow: Flow) -> bool:
        """Whether it is maps, with numbers in another order than those of the node behind it."""
        if len(flow.axes) != 4 or not isinstance(flow.shape, Image):
            return False
        if flow.shape.height * flow.shape.width == 1:  # of which any order may be a step
            return False
        return flow.axes != standard(self.batch, flow.shape) and bool(
            _rearranged(flow.axes, flow.shape)
        )

    def _reshaped(self, call: Call, flow: Flow) -> str:
        first, *rest = flow.axes
        _, numbers = flattened(self.batch, flow.shape)
        if joined(rest) != numbers or first != whole("n", self.batch):
            raise UnreadableError(
                f"reads maps whose axes are in another order: {_sizes(flow.sizes)}",
                "transpose them back before",
            )
        channels, height, width = flow.sizes[1:]
        flow = self.unflattened(flow)
        if flow.shape == Image(channels, height, width):
            return flow.source
        op = complete_op("reshape", channels=channels, height=height, width=width)
        return self._moved(call, op, flow)

    def unflattened(self, flow: Flow) -> Flow:
        """Maps of 1 x 1 that were flattened, and are seen along other axes again."""
        draft = self.drafts.get(flow.source)
        if not draft or draft.op.name != "flatten":
            return flow
        (before,) = draft.inputs
        shape = self.shape(before)
        if isinstance(shape, Image) and shape.height * shape.width == 1:
            return Flow(before, shape, flow.axes)
        return flow

    def vector(self, call: Call, flow: Flow) -> str:
        """The node that gives it as features, a `flatten` if need be."""
        if flow.axes != flattened(self.batch, flow.shape):
            raise UnreadableError(
                f"reads a tensor of {_sizes(flow.sizes)}"
                + (" whose positions come before its channels" if len(flow.axes) == 2 else ""),
                "features are flattened channel by channel",
            )
        if isinstance(flow.shape, Vector):
            return flow.source
        return self._moved(call, complete_op("flatten"), flow)

    def settled(self, call: Call, flow: Flow) -> str:
        return self.vector(call, flow) if len(flow.axes) == 2 else self.image(call, flow)

    def _moved(self, call: Call, op: Op, flow: Flow) -> str:
        """The node that moves the numbers of a view, which is one whoever reads it."""
        if flow not in self.settled_views:
            self.settled_views[flow] = self.add(call, op, flow.source).source
        return self.settled_views[flow]


def _inferred(op: Op, shapes: Sequence[Shape]) -> tuple[Shape, Weights]:
    try:
        return op.infer(*shapes), op.weights(*shapes)
    except ShapeError as error:
        raise UnreadableError(f"is refused: {error.message}", error.help or "") from None


def _rearranged(axes: Axes, shape: Image) -> Op | None:
    """The op that puts maps so."""
    _, channels, height, width = axes
    if (height, width) == (whole("h", shape.height), whole("w", shape.width)):
        if any(factor.letter != "c" for factor in channels):
            return None
        match channels:
            case (Factor(stride=1, size=each), Factor(stride=stride, size=groups)) if (
                stride == each
            ):
                return complete_op("channel_shuffle", groups=groups)
            case _ if shape.channels <= MOST_CHANNELS:
                return complete_op("gather_channels", channels=_order(channels))
            case _:
                return None
    for factor in {f.size for f in (*channels, *height, *width) if f.letter != "n"}:
        if axes[1:] == _shuffled(factor, shape):
            return complete_op("pixel_shuffle", factor=factor)
        if axes[1:] == _unshuffled(factor, shape):
            return complete_op("pixel_unshuffle", factor=factor)
    return None


def _order(factors: Sequence[Factor]) -> tuple[int, ...]:
    numbers = np.zeros(1, np.int64)
    for factor in factors:
        numbers = (numbers[:, None] + factor.stride * np.arange(factor.size)).reshape(-1)
    return tuple(map(int, numbers))


def _shuffled(factor: int, shape: Image) -> Axes:
    c = Factor("c", factor**2, shape.channels // factor**2)
    rows, columns = Factor("c", factor, factor), Factor("c", 1, factor)
    h, w = whole("h", shape.height), whole("w", shape.width)
    return (joined([(c,)]), joined([h, (rows,)]), joined([w, (columns,)]))


def _unshuffled(factor: int, shape: Image) -> Axes:
    c = whole("c", shape.channels)
    rows, columns = Factor("h", 1, factor), Factor("w", 1, factor)
    h = Factor("h", factor, shape.height // factor)
    w = Factor("w", factor, shape.width // factor)
    return (joined([c, (rows,), (columns,)]), joined([(h,)]), joined([(w,)]))


def _sizes(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


def _spell(weights: Mapping[str, Sequence[int]]) -> str:
    return ", ".join(f"{name} {_sizes(sizes)}" for name, sizes in weights.items())


def per_channel(constant: Constant, flow: Flow) -> Constant | None:
    """A constant as one number for each channel, if it is that beside a tensor."""
    if len(constant.shape) > len(flow.axes):
        return None
    offset = len(flow.axes) - len(constant.shape)
    channels = flow.shape.dimensions[0]
    many = [offset + i for i, size in enumerate(constant.shape) if size > 1]
    if len(many) != 1 or flow.axes[many[0]] != whole("c", channels):
        return None
    if prod(constant.shape) != channels:
        return None
    return constant.seen(lambda v: v.reshape(-1))
