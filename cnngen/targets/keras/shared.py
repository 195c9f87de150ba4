"""Parts that are used again: a layer, or a model of several layers, that is made once and called in
several places.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cnngen.expressions.expression import Constant
from cnngen.ops.base import Op
from cnngen.plan.program import (
    Bind,
    Call,
    Choice,
    Gather,
    Join,
    JoinLoop,
    Loop,
    Node,
    Pass,
    Region,
    Reuse,
    Unit,
    regions,
)
from cnngen.python import nodes
from cnngen.python.construct import call
from cnngen.python.nodes import Attribute, Name, Slice, Subscript
from cnngen.syntax.tree import Repeat, Step
from cnngen.targets.keras.callables import makes_layers
from cnngen.targets.keras.calls import op_call
from cnngen.targets.keras.construct import applied, channels_of, number, tuple_of
from cnngen.targets.keras.convolution import comes_late
from cnngen.targets.keras.frame import Frame
from cnngen.targets.keras.layer_name import LayerName, beside
from cnngen.targets.keras.limits import ONE_SIZE
from cnngen.targets.keras.pooling import ADAPTIVE
from cnngen.targets.keras.resizing import may_align
from cnngen.targets.keras.suite import Suite
from cnngen.targets.keras.values import Value
from cnngen.targets.spelling import spelling


def only_layer(part: Region, name: LayerName, frame: Frame) -> nodes.Node | None:
    """The layer that a part is, where it is a single one of Keras."""
    match [node for node in part.nodes if not isinstance(node, Bind)]:
        case [Call(layer=layer) as made] if part.layout == "single" and not isinstance(
            layer.made, Unit
        ):
            parameter = frame.file.program.network.resolution.op_uses.steps.get(made.step)
            of_ours = parameter is not None and makes_layers(parameter, frame.scope, frame.file)
            match op_call(made, name, "x", frame):
                case [nodes.Call(nodes.Call(Attribute(Name("layers"))) as layer, (Name("x"),))]:
                    return layer
                case [nodes.Call(nodes.Call() as layer, (Name("x"),))] if of_ours:
                    return layer
                case _:
                    return None
        case _:
            return None


def first_step(part: Region) -> Step | None:
    """What the first node of a part was made from."""
    return next((node.step for node in part.nodes if not isinstance(node, Bind)), None)


def passes(part: Region) -> bool:
    """Whether a part gives its input as it is, so that nothing is made of it."""
    for node in part.nodes:
        match node:
            case Bind() | Pass():
                continue
            case Call(layer=layer) if not isinstance(layer.made, Unit) and layer.made.is_identity:
                continue
            case Reuse(part=inner) if passes(inner):
                continue
            case _:
                return False
    return True


def may_pass(part: Region) -> bool:
    """Whether a part may give its input as it is, if some conditions are false and loops empty."""
    return all(map(_node_may_pass, part.nodes))


def _node_may_pass(node: Node) -> bool:
    match node:
        case Bind() | Pass():
            return True
        case Call(layer=layer):
            made = layer.made
            if isinstance(made, Unit):
                return any(may_pass(unit.body) for unit in layer.units)
            return made.is_identity
        case Reuse(part=part):
            return may_pass(part)
        case Loop(step=Repeat(times=Constant(int() as times)), body=body) if times > 0:
            return may_pass(body)
        case Choice(then=then, otherwise=otherwise):
            return otherwise is None or may_pass(otherwise) or may_pass(then)
        case Loop():
            return True
        case Gather():
            return True
        case Join(arms=arms):
            optional = any(arm.test is not None for arm in arms)  # so that one may be left
            return optional and any(may_pass(arm.region) for arm in arms)
        case JoinLoop():
            return False


def identity(inputs: str, name: LayerName, frame: Frame) -> nodes.Node:
    """A layer for what may else be no model: Keras takes an output that is an input for a cycle."""
    layer = call("layers.Identity", name=beside(name.node, "identity", frame.scope))
    return applied(layer, Name(inputs))


def entry(part: Region, x: str, code: Suite, inputs: str, frame: Frame) -> None:
    """The input of a model, for maps of any size where its layers allow that."""
    given = Name(x)
    if part.given.rank == "vector" or _size(part, frame, known=False).asked:
        shape: nodes.Node = Subscript(Attribute(given, "shape"), Slice(number(1), None))
    else:
        shape = tuple_of(Name("None"), Name("None"), channels_of(given))
    code.assign(inputs, call("keras.Input", shape))


def model(inputs: str, output: str, name: LayerName) -> nodes.Node:
    return call("keras.Model", Name(inputs), Name(output), name=name.node)


@dataclass(frozen=True, slots=True)
class _Size:
    """Whether layers are made for a size of the input, and whether that of the output is `known`
    whatever the input's is.
    """

    asked: bool
    known: bool


def _size(part: Region, frame: Frame, *, known: bool) -> _Size:
    asked = False
    for node in part.nodes:
        found = _size_at(node, frame, known=known)
        asked, known = asked or found.asked, found.known
    return _Size(asked, known)


def _size_at(node: Node, frame: Frame, *, known: bool) -> _Size:
    match node:
        case Call(layer=layer):
            made = layer.made
            if isinstance(made, Unit):
                found = [_size(unit.body, frame, known=known) for unit in layer.units]
                return _Size(any(x.asked for x in found), all(x.known for x in found))
            asks = made.flattens or _is_made_for_a_size(node, frame)
            return _Size(asks and not known, (known or made.sets_size) and not made.sized_like)
        case Reuse(part=part):
            return _size(part, frame, known=known)
        case Loop():
            return _Size(any(_size(x, frame, known=known).asked for x in regions(node)), known)
        case Choice():
            found = [_size(x, frame, known=known) for x in regions(node)]
            return _Size(any(x.asked for x in found), known or all(x.known for x in found))
        case Join():
            found = [_size(x, frame, known=known) for x in regions(node)]
            return _Size(any(x.asked for x in found), all(x.known for x in found))
        case JoinLoop(body=body):
            return _size(body, frame, known=known)
        case Gather() | Pass() | Bind():
            return _Size(False, known)


def _is_made_for_a_size(node: Call, frame: Frame) -> bool:
    """Whether a layer pads or pools by the size of its input; refused where that is not one."""
    forms = frame.file.forms[node]
    if not any(_asks_size(form.op, form.values, form.square) for form in forms):
        return False
    layers = frame.file.program.network.layers
    for layer in map(layers.__getitem__, node.paths):
        if layer.shares and layer.inputs[0].shape != layers[layer.shares].inputs[0].shape:
            with spelling(node.step):
                ONE_SIZE.refuse()
    return True


def _asks_size(op: type[Op], values: Mapping[str, Value], square: bool) -> bool:
    if op.name == "upsample":
        return may_align(values)
    return op.name in ADAPTIVE or (
        values.get("padding") == "same" and comes_late(op, values, square)
    )
