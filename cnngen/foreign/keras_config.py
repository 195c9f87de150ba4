"""The configuration of a Keras model -> its graph, without Keras: nothing in it is executed.

Calls are read one after another, each as what its class and its arguments say that it computes;
what several compute together is recognised on the way. Whatever cannot be said is an obstacle, and
the rest is read as if it had been.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from cnngen.foreign.foreign_file import ForeignFileError, parse_json
from cnngen.foreign.graph import Graph, Node, Obstacle, Place, Reading
from cnngen.foreign.keras_calls import Call, Calls, Reference, read_by, read_calls
from cnngen.foreign.keras_convolutions import STANDARDIZED
from cnngen.foreign.keras_json import Stated
from cnngen.foreign.keras_listed import INPUT
from cnngen.foreign.keras_nearest import NEAREST
from cnngen.foreign.keras_operations import read_operation
from cnngen.foreign.keras_ops import JOINS, read_join, read_layer
from cnngen.foreign.keras_patterns import rewrite
from cnngen.foreign.keras_pools import centred, keep_same, to_its_size
from cnngen.foreign.keras_sizes import factor, like
from cnngen.foreign.keras_steps import At, Step, complete, input_step
from cnngen.ops import OPS
from cnngen.ops.base import Image, Op, Shape, ShapeError, Vector
from cnngen.semantics.attributes import Invalid
from cnngen.vocabulary.layer import Unsayable

UNKNOWN = "keras.Unknown"
RESIZE = "keras.Resize"
CUSTOM = (
    "its class is one of the author's, and a file does not say what that computes: build the model"
    " of layers of Keras, or import it from its Python"
)
NO_OP = "no op computes what it does: leave it out, or write it with layers that have one"
IN_PARTS = "neither it nor what it is a part of here is an op: write that with layers that have one"
FIXED = "no maps of this size come before it: resize to the size of others, or by a whole factor"

UNNAMED = "LayerScale"  # whose only variable Keras names by a count of such

Paths = Mapping[str, Mapping[str, str]]  # of each layer: where each of its variables is


def read_keras_config(
    text: str,
    *,
    title: str = "",
    origin: str = "",
    inputs: Mapping[str, Shape] | None = None,
    paths: Paths | None = None,
) -> Reading:
    """Read a model of Keras from its `to_json()`; raises `ForeignFileError` where it is damaged.

    `inputs` has the shapes of inputs that the model leaves open, by their names; `input` is the
    only one.
    """
    calls = read_calls(parse_json(text))
    reader = _Reader(calls, inputs or {}, paths or {})
    return reader.read(title or calls.name, origin)


@dataclass(slots=True)
class _Reader:
    calls: Calls
    given: Mapping[str, Shape]
    paths: Paths
    results: list[list[Step]] = field(default_factory=list[list[Step]])
    obstacles: dict[tuple[str, Place, str], Obstacle] = field(
        default_factory=dict[tuple[str, Place, str], Obstacle]
    )
    inputs: dict[Step, str] = field(default_factory=dict[Step, str])

    def read(self, title: str, origin: str) -> Reading:
        declared = {reference.call: name for name, (reference, _) in self.calls.inputs.items()}
        for call in self.calls.calls:
            if call.kind == INPUT and call.number in declared:
                self.results.append([self._input(call, declared[call.number])])
            else:
                self.results.append(self._checked(call, self._call(call)))
        outputs = {name: self._step(x) for name, x in self.calls.outputs.items()}
        nodes, kept = self._nodes(outputs)
        shapes = {name: x.shape for x, name in self.inputs.items() if x.shape is not None}
        graph = Graph(title, origin, shapes, nodes, kept)
        return Reading(graph, tuple(self.obstacles.values()))

    def _refuse(self, call: Call, help: str) -> None:
        what = f"`{call.kind[:60]}`" + (f" (`{call.name[:60]}`)" if call.name else "")
        obstacle = Obstacle(what, Place(call.modules), help)
        self.obstacles.setdefault((what, obstacle.place, help), obstacle)

    # --- Inputs

    def _input(self, call: Call, name: str) -> Step:
        called = name if len(self.calls.inputs) > 1 else "input"
        declared = self.calls.inputs[name][1]
        given = self.given.get(called, self.given.get(name))
        shape = _declared(declared) or given
        if shape is None:
            wanted = "its size is open: say which it is to be" if declared else "it has no shape"
            if len(declared) not in (0, 2, 4):
                wanted = "an input is an image of height, width and channels, or a vector"
            self._refuse(call, wanted)
        elif given is not None and not _agree(declared, given):
            self._refuse(call, f"the model is made for {shape}, and not for {given}")
        step = input_step(call, shape)
        self.inputs[step] = called
        return step

    # --- Calls

    def _call(self, call: Call) -> list[Step]:
        try:
            found = self._read(call)
        except Unsayable as reason:
            found, help = None, str(reason)
        except (ShapeError, Invalid) as error:
            found, help = None, " ".join(filter(None, (str(error), error.help)))
        else:
            help = ""
        if found is None:
            self._refuse(call, help or NEAREST.get(call.kind, NO_OP))
            shape = _declared(self.calls.stated.get(Reference(call.number, 0), ()))
            return [Step(UNKNOWN, {}, tuple(map(self._step, read_by(call))), shape, call)]
        return found

    def _read(self, call: Call) -> list[Step] | None:
        if call.custom and call.kind != STANDARDIZED:
            raise Unsayable(CUSTOM)
        operands = [self._value(x) for x in call.arguments]
        keywords = {
            name: self._value(x)
            for name, x in call.keywords.items()
            if not (name == "mask" and x is None)
        }
        if "mask" in keywords:
            raise Unsayable("what it computes depends on a mask, which no op has")
        at = At(call, rewrite)
        match operands:
            case [list()] if call.kind in JOINS and not _is_weighted(call):
                parts = cast("list[Any]", operands[0])
                tensors = [x for x in parts if isinstance(x, Step)]
                if not tensors or len(tensors) < len(parts):
                    raise Unsayable("it joins tensors and constants")
                return [read_join(at, tensors)]
            case [Step() as x] if not call.operation and call.kind != "TFOpLambda":
                if self._is_unread(x):
                    return [Step(UNKNOWN, {}, (x,), None, call)]
                return [read_layer(at, x, self.calls.version)]
            case _:
                return read_operation(at, operands, keywords)

    def _is_unread(self, x: Step) -> bool:
        """Whether its shape is hidden by an obstacle before it, of which was told."""
        return x.shape is None and (x.word == UNKNOWN or x in self.inputs)

    def _value(self, value: Any) -> Any:
        match value:
            case Reference():
                return self._step(value)
            case list():
                return [self._value(x) for x in cast("list[Any]", value)]
            case _:
                return value

    def _step(self, reference: Reference) -> Step:
        steps = self.results[reference.call]
        if steps and steps[0].word == UNKNOWN:
            return steps[0]
        if not 0 <= reference.index < len(steps):
            name = self.calls.calls[reference.call].name
            raise ForeignFileError(f"the layer `{name[:60]}` has no output {reference.index}")
        return steps[reference.index]

    def _checked(self, call: Call, steps: list[Step]) -> list[Step]:
        """The steps with the shapes that the model states; it must agree with ours."""
        found: list[Step] = []
        for index, step in enumerate(steps):
            stated = self.calls.stated.get(Reference(call.number, index), ())
            if step.shape is None:
                shape = _declared(stated)
                step = step if shape is None else replace(step, shape=shape)
            elif stated and step.is_op and not _agree(stated, step.shape):
                self._refuse(
                    call,
                    f"it gives {' x '.join(map(str, stated[1:]))} in the model, and {step.shape}"
                    " here: please report it",
                )
            found.append(step)
        return found

    # --- Nodes

    def _nodes(self, outputs: Mapping[str, Step]) -> tuple[dict[str, Node], dict[str, str]]:
        """What the outputs depend on, as nodes; and the name of each output's."""
        live = _in_order([*outputs.values()])
        readers: dict[Step, list[Step]] = {}
        for step in live:
            for x in step.inputs:
                readers.setdefault(x, []).append(step)
        nodes = _Nodes(self.paths, frozenset(self.inputs.values()))
        names: dict[Step, str] = dict(self.inputs)
        same = keep_same(live)
        for step in live:
            if step in names:
                continue
            if step.word == RESIZE:
                made = self._resized(step, readers)
            else:
                made = to_its_size(step if step.word in same else centred(step))
            if made is None or not made.is_op:
                if step.word != UNKNOWN:
                    self._refuse(step.call, FIXED if step.word == RESIZE else IN_PARTS)
            elif all(x in names for x in made.inputs) and made.shape is not None:
                names[step] = nodes.add(made, tuple(names[x] for x in made.inputs))
        return nodes.nodes, {name: names[x] for name, x in outputs.items() if x in names}

    def _resized(self, step: Step, readers: Mapping[Step, Sequence[Step]]) -> Step | None:
        how = {name: step.values[name] for name in ("mode", "align_corners")}
        if target := like(step, readers):
            inputs = (*step.inputs, target)
            return replace(step, word="resize", values={"like": "", **how}, inputs=inputs)
        scale = factor(step)
        if scale is None or how["mode"] == "nearest":
            return None
        values = complete(OPS["upsample"], {"scale": scale, **how})
        return replace(step, word="upsample", values=values)


@dataclass(slots=True)
class _Nodes:
    """Nodes by their names, each of which occurs once."""

    paths: Paths
    taken: frozenset[str]
    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    holders: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def add(self, step: Step, inputs: tuple[str, ...]) -> str:
        call, op = step.call, step.op
        label = "" if call.operation or call.kind == "TFOpLambda" else call.name + step.suffix
        base = label or step.word
        name = self._unique(f"{call.modules[-1].path}.{base}" if call.modules else base)
        weights: dict[str, str] = {}
        shares = ""
        if type(op).weights is not Op.weights:
            place = call.layer, step.suffix
            shares = self.holders.get(place, "")
            self.holders.setdefault(place, name)
            weights = self._keys(step, op)
        if op.tensors:
            values = {**step.values, **dict(zip(op.tensors, inputs[1:], strict=True))}
            op = type(op)(values)
        assert step.shape is not None
        self.nodes[name] = Node(
            *(name, op, inputs, step.shape, Place(call.modules), label),
            weights=weights,
            constants=step.constants,
            shares=shares,
        )
        return name

    def _keys(self, step: Step, op: Op) -> dict[str, str]:
        """The path of the variable that holds each weight."""
        read = step.inputs[0].shape
        known = self.paths.get(step.call.layer, {})
        found: dict[str, str] = {}
        for weight in op.weights(read):
            if weight not in step.constants:
                variable = op.in_keras(weight, read).variable
                if step.call.kind == UNNAMED:
                    found[weight] = next(iter(known.values()), f"{step.call.scope}/variable")
                else:
                    found[weight] = known.get(variable, f"{step.call.scope}/{variable}")
        return found

    def _unique(self, base: str) -> str:
        name, number = base, 2
        while name in self.nodes or name in self.taken:
            name, number = f"{base}_{number}", number + 1
        return name


def _in_order(outputs: Sequence[Step]) -> list[Step]:
    """All that outputs depend on, each behind what it reads."""
    order: dict[Step, None] = {}
    waiting = [(step, False) for step in reversed(outputs)]
    while waiting:
        step, leaving = waiting.pop()
        if step in order:
            continue
        if leaving or not step.inputs:
            order[step] = None
            continue
        waiting.append((step, True))
        waiting += [(x, False) for x in reversed(step.inputs) if x not in order]
    return [*order]


def _declared(sizes: Stated) -> Shape | None:
    """A shape of which all is known, but for the batch."""
    match sizes:
        case [_, int(n)] if n > 0:
            return Vector(n, (n,))
        case [_, int(height), int(width), int(channels)] if min(height, width, channels) > 0:
            return Image(channels, height, width)
        case _:
            return None


def _agree(sizes: Stated, shape: Shape) -> bool:
    """Whether a shape is one that is stated, as far as it is."""
    ours = (
        (shape.features,)
        if isinstance(shape, Vector)
        else (shape.height, shape.width, shape.channels)
    )
    theirs = sizes[1:]
    return len(ours) == len(theirs) and all(
        b is None or a == b for a, b in zip(ours, theirs, strict=True)
    )


def _is_weighted(call: Call) -> bool:
    """Whether an `Average` is the operation, which reads weights besides."""
    return call.kind == "Average" and "axis" in call.config
