"""From the calls of a run to ops: what each tensor is by then, and what has been made so far.

A tensor is what an op gives, shown perhaps with other axes. Where an op needs it as it is shown,
that has become an op of its own: a `flatten`, a `reshape`, a `channel_shuffle`.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cnngen.foreign.axes import Axes, Factor, axes_of, in_order, length, row, whole
from cnngen.foreign.complete_op import complete_op
from cnngen.foreign.graph import Obstacle, Place
from cnngen.foreign.held import weight_key
from cnngen.foreign.trace_torch import Call, Run, Traced
from cnngen.ops.base import Image, Op, Shape, ShapeError, shape_of
from cnngen.semantics.attributes import Invalid


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A node: an op (none for an input, for what no op says, and for what is half of an op, as the
    3 that is added in a hard sigmoid), and what it reads.
    """

    word: str
    op: Op | None
    inputs: tuple["Made", ...]
    shape: Shape
    batch: int
    call: Call | None = None
    weights: Mapping[str, str] = field(default_factory=dict[str, str])
    obstacle: Obstacle | None = None
    number: float = 0.0

    @property
    def axes(self) -> Axes:
        """Those of what it gives, as it is."""
        return axes_of(self.shape, self.batch)

    @property
    def is_input(self) -> bool:
        return self.call is None


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a node gives, with other axes perhaps, which the last call has shown so."""

    node: Made
    axes: Axes
    call: Call | None = None

    @property
    def plain(self) -> bool:
        return self.axes == self.node.axes


@dataclass(frozen=True, slots=True)
class Lost:
    """What comes of nodes that no op says, and has no shape of ours."""

    causes: tuple[Made, ...]


class NoOpError(Exception):
    """No op says what a call computes."""

    def __init__(self, what: str, help: str) -> None:
        super().__init__(what)
        self.what, self.help = what, help


class AxesError(NoOpError):
    """A tensor has other axes than an op takes, as all have that come of an op without axes."""


class LostError(Exception):
    """What a call computes depends on what no op says."""


@dataclass(slots=True)
class Lowering:
    """The calls of a run as nodes. `others` has the same call in a run on a larger image, where
    there is one; `of_key` gives the value of a weight; `sized` has the tensors whose sizes were
    read.
    """

    run: Run
    names: Sequence[str]
    others: Mapping[Call, Call]
    of_key: Callable[[str], Any]
    parameters: Container[str]
    larger: Mapping[Traced, tuple[int, ...]]  # sizes of the inputs in that run
    beyond: dict[Made, bool] = field(default_factory=dict[Made, bool])
    nodes: list[Made] = field(default_factory=list[Made])
    values: dict[Traced, View | Lost] = field(default_factory=dict[Traced, View | Lost])
    settled: dict[View, View] = field(default_factory=dict[View, View])
    sized: list[tuple[View, Traced]] = field(
        default_factory=list[tuple[View, Traced]]
    )  # whose sizes were read
    obstacles: dict[tuple[str, Place], Obstacle] = field(
        default_factory=dict[tuple[str, Place], Obstacle]
    )

    # --- What tensors are

    def start(self, shapes: Sequence[Shape]) -> None:
        for traced, name, shape in zip(self.run.inputs, self.names, shapes, strict=True):
            self.values[traced] = shown(self._kept(Made(name, None, (), shape, traced.sizes[0])))

    def depends(self, value: Any) -> bool:
        """Whether a tensor depends on what the model is given."""
        return isinstance(value, Traced) and value in self.values

    def view(self, value: Any) -> View:
        match self.values.get(value) if isinstance(value, Traced) else None:
            case View() as view:
                return view
            case Lost():
                raise LostError
            case None:
                raise NoOpError(
                    "an op on constants and weights alone", "compute it outside of the model"
                )

    def maps(self, value: Any) -> Made:
        """The node that gives a tensor, as feature maps with nothing but these axes."""
        return self.maps_of(self.view(value), value)

    def maps_of(self, view: View, value: Any) -> Made:
        view = self.settle(view)
        if view.plain and isinstance(view.node.shape, Image):
            return view.node
        found = self._reshaped(view)
        if found is None or not isinstance(found.node.shape, Image):
            raise self.not_shown(value)
        return found.node

    def vector(self, value: Any) -> Made:
        view = self.settle(self.view(value))
        if view.plain and not isinstance(view.node.shape, Image):
            return view.node
        raise self.not_shown(value)

    def not_shown(self, value: Traced) -> AxesError:
        sizes = " x ".join(map(str, ("batch", *value.sizes[1:])))
        return AxesError(
            f"a tensor of {sizes} for an op on feature maps or a vector",
            "maps are batch x channels x height x width, vectors batch x features",
        )

    # --- Views

    def settle(self, view: View) -> View:
        """A view as the ops that its axes stand for; channels last, and other axes in another
        order, stay a view.
        """
        if view.plain:
            return view
        if view not in self.settled:
            self.settled[view] = self._settled(view)
        return self.settled[view]

    def _settled(self, view: View) -> View:
        node, axes = view.node, view.axes
        if len(axes) == 2 and in_order(axes, node.axes):
            return shown(self.node(view.call, "flatten", [node]))
        if len(axes) != 4:
            return view
        if isinstance(node.shape, Image):
            if last_channels(view) or (made := self._moved(view)) is None:
                return view
            return made
        return self._reshaped(view) or view

    def _moved(self, view: View) -> View | None:
        """Channels, or pixels and channels, in another order."""
        node, (_, channels, height, width) = view.node, view.axes
        shape = node.shape
        assert isinstance(shape, Image)
        size = Image(length(channels), length(height), length(width))
        for word, given in _orders(shape, size):
            op = complete_op(word, **given)
            if _moves(word, node, *given.values()) == view.axes:
                return shown(self.made(view.call, op, [node]))
        if shape.dimensions != size.dimensions and not shape.reordered:
            return self._reshaped(view)
        return None

    def _reshaped(self, view: View) -> View | None:
        """The same numbers in the same order, as maps."""
        node = view.node
        if len(view.axes) != 4 or not in_order(view.axes, node.axes):
            return None
        channels, height, width = map(length, view.axes[1:])
        if isinstance(node.shape, Image) and node.shape.dimensions == (channels, height, width):
            return shown(node)
        if node.word == "flatten" and node.inputs[0].shape == Image(channels, height, width):
            return shown(node.inputs[0])
        size = {"channels": channels, "height": height, "width": width}
        if node.word == "flatten" and one_run(node.call, view.call):
            node = node.inputs[0]
        return shown(self.node(view.call, "reshape", [node], **size))

    # --- Nodes

    def node(
        self,
        call: Call | None,
        word: str,
        inputs: Sequence[Made],
        weights: Mapping[str, str] | None = None,
        /,
        **given: Any,
    ) -> Made:
        """A node of an op with these attributes."""
        try:
            op = complete_op(word, **given)
        except Invalid as error:
            raise NoOpError(f"`{word}`: {error.message}", error.help or "") from error
        return self.made(call, op, inputs, weights)

    def made(
        self,
        call: Call | None,
        op: Op,
        inputs: Sequence[Made],
        weights: Mapping[str, str] | None = None,
    ) -> Made:
        try:
            shape = op.infer(*(x.shape for x in inputs))
        except ShapeError as error:
            raise NoOpError(error.message, error.help or "") from error
        return self._kept(
            Made(op.name, op, (*inputs,), shape, inputs[0].batch, call, weights or {})
        )

    def _kept(self, made: Made) -> Made:
        self.nodes.append(made)
        return made

    def half(
        self,
        call: Call,
        word: str,
        node: Made,
        error: NoOpError,
        weights: Mapping[str, str] | None = None,
        *,
        number: float = 0.0,
        shape: Shape | None = None,
    ) -> Made:
        """What is an op together with a later call, and an obstacle alone."""
        obstacle = self.obstacle(call, error)
        given = weights or {}
        x = shape or node.shape
        return self._kept(Made(word, None, (node,), x, node.batch, call, given, obstacle, number))

    def unsaid(self, call: Call, error: NoOpError | None, result: Traced) -> View | Lost:
        """What stands for the result of a call that no op says: a node where it has a shape."""
        causes = tuple(self._causes(call))
        if isinstance(error, AxesError) and any(self._beyond(x) for x in causes):
            error = None
        obstacle = self.obstacle(call, error) if error else None
        batch = causes[0].batch if causes else 1
        found = _shape(result.sizes, batch)
        shape = found or shape_of((1,))
        made = self._kept(Made(call.name, None, causes, shape, batch, call, obstacle=obstacle))
        return shown(made) if found else Lost((made,))

    def _beyond(self, node: Made) -> bool:
        """Whether a node comes of one that no op says."""
        if node not in self.beyond:
            unsaid = node.op is None and not node.is_input
            self.beyond[node] = unsaid or any(map(self._beyond, node.inputs))
        return self.beyond[node]

    def _causes(self, call: Call) -> Iterator[Made]:
        for traced in call.reads:
            match self.values.get(traced):
                case View(node):
                    yield node
                case Lost(causes):
                    yield from causes
                case None:
                    pass

    def obstacle(self, call: Call, error: NoOpError) -> Obstacle:
        """One for each place."""
        key = error.what, call.place
        return self.obstacles.setdefault(key, Obstacle(error.what, call.place, error.help))

    def weights(self, given: Mapping[str, Any], *names: str) -> dict[str, str]:
        """The keys of a layer's weights, by their names there; computed ones have none."""
        held = {name: given[name] for name in names if isinstance(given.get(name), Traced)}
        keys = {name: weight_key(tensor) for name, tensor in held.items()}
        if any(not key for name, key in keys.items() if name != "weight"):
            raise NoOpError("a layer by weights that are computed", "ops learn their own weights")
        return {name: key for name, key in keys.items() if key}

    def checked(self, call: Call, made: View | Lost, traced: Traced) -> View | Lost:
        """What was made of a call, if it has the shape that PyTorch gave."""
        if isinstance(made, Lost) or call.name.startswith("expand") or call.name == "broadcast_to":
            return made
        sizes = tuple(length(factors) for factors in made.axes)
        if len(sizes) > len(traced.sizes) and made.node.op is None:
            return made
        if sizes != traced.sizes and made.node.word not in ("difference", "squares"):
            raise RuntimeError(f"`{call.name}` gives {traced.sizes}, and {made.node.word} {sizes}")
        return made

    # --- Sizes

    def note_size(self, call: Call) -> None:
        """Remember whose sizes were read."""
        for traced in call.reads:
            if isinstance(view := self.values.get(traced), View):
                self.sized.append((view, traced))

    def other(self, traced: Traced) -> tuple[int, ...] | None:
        """The sizes of a tensor in the run on a larger image, if there is one."""
        if (call := traced.call) is None:
            return self.larger.get(traced)
        if (twin := self.others.get(call)) is None:
            return None
        return twin.gives[call.gives.index(traced)].sizes


def shown(node: Made, call: Call | None = None) -> View:
    """What a node gives, as it is."""
    return View(node, node.axes, call)


def one_run(a: Call | None, b: Call | None) -> bool:
    """Whether two calls are made in the same run of a module."""
    return a is not None and b is not None and a.inside[-1:] == b.inside[-1:]


def last_channels(view: View) -> bool:
    """Whether maps are shown with their channels last."""
    batch, channels, height, width = view.node.axes
    return view.axes == (batch, height, width, channels) and view.axes != (
        *(batch, channels, height, width),
    )


def pure(view: View) -> bool:
    """Whether a view has all that the node gives, and no axis of it is in another order."""
    return whole(view.axes, view.node.axes)


def _shape(sizes: Sequence[int], batch: int) -> Shape | None:
    fits = len(sizes) in (2, 4) and sizes[0] == batch and min(sizes) > 0
    return shape_of(sizes[1:]) if fits else None


def _orders(shape: Image, size: Image) -> Iterator[tuple[str, dict[str, int]]]:
    """The ops that may give maps of another size by moving values, with their attributes."""
    if size == shape:
        for groups in range(2, shape.channels):
            if shape.channels % groups == 0:
                yield "channel_shuffle", {"groups": groups}
    elif size.height % shape.height == 0 and size.channels < shape.channels:
        yield "pixel_shuffle", {"factor": size.height // shape.height}
    elif shape.height % size.height == 0 and size.channels > shape.channels:
        yield "pixel_unshuffle", {"factor": shape.height // size.height}


def _moves(word: str, node: Made, n: int) -> Axes:
    """The axes of what such an op gives."""
    c, h, w = node.shape.dimensions
    batch, channels, height, width = node.axes
    match word:
        case "channel_shuffle":
            rows = [Factor("channels", c // n), Factor("channels", n, c // n)]
            return batch, row(rows), height, width
        case "pixel_shuffle":
            rows, columns = Factor("channels", n, n), Factor("channels", n)
            maps = row([Factor("channels", c // n**2, n**2)])
            return batch, maps, row([*height, rows]), row([*width, columns])
        case _:
            rows, columns = Factor("height", n), Factor("width", n)
            small = row([Factor("height", h // n, n)]), row([Factor("width", w // n, n)])
            return batch, row([*channels, rows, columns]), *small
