"""Grouped convolutions with a group for each channel, for which Keras has a layer of its own.

Its `Conv2D` computes them, too, but 5 to 25 times as slowly on a CPU, and a training step with a
multiplier some 800 times (`benchmarks/groups.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cnngen.expressions.algebra import equal, multiply, simplify
from cnngen.expressions.expression import Binary, Constant, Expression, InputChannels, Name
from cnngen.ops.base import Op
from cnngen.ops.convolution import DepthwiseConv
from cnngen.plan.channels import RUNNING, Channels
from cnngen.semantics.areas import Areas
from cnngen.semantics.network import INPUT, Layer, Network
from cnngen.syntax.tree import (
    ArgumentValue,
    Body,
    Branches,
    Call,
    Distribution,
    Each,
    Reference,
    Repeat,
    Step,
    When,
)

MOST = 16  # a multiplier that is seen to be a number
Known = Mapping[str, Expression | None]


@dataclass(slots=True)
class Depthwise:
    """The grouped convolutions that become depthwise ones in Keras: `always`, or `sometimes`, which
    only the numbers of channels tell when a model is made.
    """

    always: set[Call] = field(default_factory=set[Call])
    sometimes: set[Call] = field(default_factory=set[Call])

    def forms(self, call: Call) -> tuple[bool, ...]:
        """Whether a call is written as a depthwise convolution, or both ways."""
        return (True, False) if call in self.sometimes else (call in self.always,)


def is_depthwise(layer: Layer) -> bool:
    """Whether Keras computes a layer as a depthwise convolution."""
    return layer.op.depthwise_in_keras(layer.inputs[0].shape)


def find_depthwise(network: Network) -> Depthwise:
    """The calls of `conv` with a group for each channel, in some use at least."""
    found = Depthwise()
    layers = (layer for layer in network.layers.values() if layer.op.name == "conv")
    wanted = {layer.step for layer in layers if is_depthwise(layer)}
    if not wanted:
        return found
    walker = _Walker(network)
    for block in network.resolution.order:
        tensors = [p.name.text for p in block.parameters if p.type == "tensor"]
        known = {INPUT: InputChannels(), **{name: Name(f"{name}_channels") for name in tensors}}
        walker.body(block.body, InputChannels(), known)
    for stage in network.resolution.spec.stages:
        walker.body(stage.body, InputChannels(), {}, first=True)
    for step in wanted:
        if isinstance(step, Call):
            (found.always if step in walker.found else found.sometimes).add(step)
    return found


def depthwise_arguments(arguments: Mapping[str, ArgumentValue]) -> dict[str, ArgumentValue]:
    """The attributes of the depthwise convolution that a grouped one is."""
    out, groups = arguments["out"], arguments["groups"]
    assert not isinstance(out, Distribution) and not isinstance(groups, Distribution)
    factors = (Constant(n) for n in range(1, MOST + 1))
    multiplier = next((n for n in factors if equal(out, multiply(n, groups))), None)
    shared = {name: arguments[name] for name in DepthwiseConv.attributes if name in arguments}
    return shared | {"multiplier": multiplier or simplify(Binary("//", out, groups))}


def keras_call(
    op: type[Op], arguments: dict[str, ArgumentValue], depthwise: bool
) -> tuple[type[Op], dict[str, ArgumentValue]]:
    """The op that a call of an op is in Keras."""
    return (DepthwiseConv, depthwise_arguments(arguments)) if depthwise else (op, arguments)


class _Walker:
    """Follows channels to the grouped convolutions whose groups are just those."""

    def __init__(self, network: Network) -> None:
        self.resolution = network.resolution
        self.channels = Channels(network.resolution, Areas(network))
        self.found: set[Step] = set()

    def body(
        self, body: Body, channels: Expression | None, known: Known, *, first: bool = False
    ) -> None:
        """`first` where the first step has been given what it reads."""
        names = dict(known)
        for i, step in enumerate(body):
            if step.origin and not (first and i == 0):
                channels = names.get(step.origin.text)
            self.step(step, channels, names)
            channels = self.channels.step(step, channels, names)
            if step.name:
                names[step.name.text] = channels

    def step(self, step: Step, channels: Expression | None, known: Known) -> None:
        match step:
            case Call():
                if (op := self.resolution.ops.get(step)) and op.name == "conv":
                    groups = self.resolution.arguments[step]["groups"]
                    assert not isinstance(groups, Distribution)
                    if channels is not None and equal(groups, channels):
                        self.found.add(step)
            case Repeat() | Each():
                between = step.between if isinstance(step, Each) else None
                bodies = [body for body in (between, step.body) if body is not None]
                given = channels or RUNNING
                kept = all(self.channels.body(body, given, known) == given for body in bodies)
                for body in bodies:
                    self.body(body, given if kept else RUNNING, known)
            case When():
                self.body(step.body, channels, known)
                self.body(step.orelse or (), channels, known)
            case Branches():
                for _, body in step.arms:
                    self.body(body, channels, known)
            case Reference():
                pass
