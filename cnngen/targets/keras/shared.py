"""Parts that are used again: a layer, or a model of several layers, that is made once and called in
several places.
"""

from cnngen.expressions.expression import Constant
from cnngen.plan.program import Bind, Call, Choice, Join, Loop, Node, Pass, Region, Reuse, Unit
from cnngen.python import nodes
from cnngen.python.construct import call
from cnngen.python.nodes import Attribute, Name, Slice, Subscript
from cnngen.syntax.tree import Repeat, Step
from cnngen.targets.keras.calls import op_call
from cnngen.targets.keras.code import Code
from cnngen.targets.keras.construct import applied, channels_of, number, tuple_of
from cnngen.targets.keras.frame import Frame
from cnngen.targets.keras.layer_name import LayerName, beside


def only_layer(part: Region, name: LayerName, frame: Frame) -> nodes.Node | None:
    """The layer that a part is, where it is a single one of Keras."""
    match [node for node in part.nodes if not isinstance(node, Bind)]:
        case [Call(layer=layer) as made] if part.layout == "single" and not isinstance(
            layer.made, Unit
        ):
            match op_call(made, name, "x", frame):
                case [nodes.Call(nodes.Call(Attribute(Name("layers"))) as layer, (Name("x"),))]:
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
            return may_pass(made.body) if isinstance(made, Unit) else made.is_identity
        case Reuse(part=part):
            return may_pass(part)
        case Loop(step=Repeat(times=Constant(int() as times)), body=body) if times > 0:
            return may_pass(body)
        case Choice(then=then, otherwise=otherwise):
            return otherwise is None or may_pass(otherwise) or may_pass(then)
        case Loop():
            return True
        case Join():
            return False


def identity(inputs: str, name: LayerName, frame: Frame) -> nodes.Node:
    """A layer for what may else be no model: Keras takes an output that is an input for a cycle."""
    layer = call("layers.Identity", name=beside(name.node, "identity", frame.scope))
    return applied(layer, Name(inputs))


def entry(part: Region, x: str, code: Code, inputs: str) -> None:
    """The input of a model, for maps of any size where the layers allow that."""
    given = Name(x)
    if part.given.rank == "vector" or _asks_size(part, known=False)[0]:
        shape: nodes.Node = Subscript(Attribute(given, "shape"), Slice(number(1), None))
    else:
        shape = tuple_of(Name("None"), Name("None"), channels_of(given))
    code.assign(inputs, call("keras.Input", shape))


def model(inputs: str, output: str, name: LayerName) -> nodes.Node:
    return call("keras.Model", Name(inputs), Name(output), name=name.node)


def _asks_size(part: Region, *, known: bool) -> tuple[bool, bool]:
    """Whether a part makes features of positions whose number depends on the size of its input, and
    whether the size of what it gives is `known`.
    """
    for node in part.nodes:
        asks, known = _node_asks(node, known=known)
        if asks:
            return True, known
    return False, known


def _node_asks(node: Node, *, known: bool) -> tuple[bool, bool]:
    match node:
        case Call(layer=layer):
            made = layer.made
            if isinstance(made, Unit):
                return _asks_size(made.body, known=known)
            return made.flattens and not known, known or made.sets_size
        case Reuse(part=part):
            return _asks_size(part, known=known)
        case Loop(body=body, between=between):
            asked = [_asks_size(region, known=known)[0] for region in (body, between) if region]
            return any(asked), known
        case Choice(then=then, otherwise=otherwise):
            found = [_asks_size(region, known=known) for region in (then, otherwise) if region]
            return any(asks for asks, _ in found), known or all(after for _, after in found)
        case Join(arms=arms):
            found = [_asks_size(region, known=known) for _, region in arms]
            return any(asks for asks, _ in found), all(after for _, after in found)
        case Pass() | Bind():
            return False, known
