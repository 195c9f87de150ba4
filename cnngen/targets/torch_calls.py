"""Calls of PyTorch modules: the code that makes one layer or one block, and the channels that it
gives.
"""

from dataclasses import dataclass, field, replace
from typing import assert_never

from cnngen.expressions.algebra import simplify, substitute
from cnngen.expressions.expression import Conditional, Expression, InputChannels, Name
from cnngen.ops.base import Op
from cnngen.plan.channels import Channels, is_long
from cnngen.python.code import Code
from cnngen.python.signature import Argument, call_arguments
from cnngen.semantics.areas import Areas
from cnngen.semantics.network import Network, Rank
from cnngen.syntax.naming import snake_case
from cnngen.syntax.tree import (
    Block,
    Body,
    Branches,
    Call,
    Distribution,
    Each,
    Reference,
    Repeat,
    When,
)
from cnngen.targets.spelled import Printer
from cnngen.targets.spelling import Speller, spelling
from cnngen.targets.torch_init import Initialization

IDENTITY = "nn.Identity()"


@dataclass(frozen=True, slots=True)
class Features:
    """Symbolic channels of the running tensor (None: only the block that gave it knows).

    `owned` where they are a variable that nobody else reads, so that a loop may change it.
    """

    channels: Expression
    image: bool = True
    owned: bool = False


@dataclass(frozen=True, slots=True)
class TorchClass:
    """A class of the generated file, ready for the page."""

    name: str
    base: str
    about: str
    arguments: tuple[Argument, ...]
    init: Code
    forward: Code | None
    tensors: tuple[str, ...] = ()
    exposes_channels: bool = False


@dataclass(slots=True)
class Frame:
    """The class being written."""

    printer: Printer
    code: Code
    taken: set[str]
    block: Block | None
    known: dict[str, Features] = field(default_factory=dict[str, Features])
    running: set[str] = field(default_factory=set[str])  # variables of channels

    def fresh(self, name: str) -> str:
        """A local name that nothing else has."""
        free = name
        count = 2
        while free in self.taken:
            free, count = f"{name}_{count}", count + 1
        self.taken.add(free)
        return free


class Calls:
    """Writes the calls in the constructors of one network's classes."""

    def __init__(self, network: Network, speller: Speller) -> None:
        self.network = network
        self.resolution = network.resolution
        self.speller = speller
        self.areas = Areas(network)
        self.channels = Channels(self.resolution, self.areas)
        self.initialization = Initialization(network, speller)
        self.classes: dict[Block, TorchClass] = {}

    def call(self, call: Call, x: Features, frame: Frame) -> tuple[str, Features]:
        """The code that makes the module of a call, and what it gives."""
        if call in self.resolution.blocks:
            return self._block_call(call, x, frame)
        op = self.resolution.ops[call]
        if op.weights is not Op.weights:
            x = self.settle(x, frame)
        code = self.layer(call, x, frame)
        if draw := self.initialization.draw(call, frame.printer):
            code = f"{self.speller.use('initialized')}({code}, {draw})"
        return code, self._given(call, op, x, frame)

    def layer(self, call: Call, x: Features, frame: Frame) -> str:
        """The code that makes the module of an op, with the initial weights that PyTorch draws."""
        op = self.resolution.ops[call]
        context = {"channels": frame.printer.code(x.channels), "rank": self._rank(call, x)}
        context |= frame.printer.attributes(op, self.resolution.arguments[call])
        with spelling(call):
            return self.speller.spell(op.name, context)

    def _rank(self, call: Call, x: Features) -> Rank:
        """As it was when the network was laid out; a step that was not used then follows others."""
        return self.network.ranks.get(call, "image" if x.image else "vector")

    def _given(self, call: Call, op: type[Op], x: Features, frame: Frame) -> Features:
        if op.flattens:
            return replace(x, channels=self.areas.features(call, x.channels), image=False)
        entry = frame.printer.entry or InputChannels()
        arguments = {
            name: substitute(value, {}, entry)
            for name, value in self.resolution.arguments[call].items()
            if not isinstance(value, Distribution)
        }
        channels = op.channels(arguments, (x.channels,))
        image = x.image if op.gives == "same" else op.gives == "image"
        if channels == x.channels:
            return replace(x, image=image)
        return Features(simplify(channels), image)

    def _block_call(self, call: Call, x: Features, frame: Frame) -> tuple[str, Features]:
        block = self.resolution.blocks[call]
        takes_channels = any(a.name == "in_channels" for a in self.classes[block].arguments)
        if takes_channels or is_long(x.channels):
            x = self.settle(x, frame)
        code = self.made_block(call, x, frame)
        image = self._gives_image(block.body, x.image)
        inner = self.channels.block(block)
        if inner is None:
            instance = frame.fresh(snake_case(block.name.text))
            frame.code.add(f"{instance} = {code}")
            return instance, Features(Name(f"{instance}.out_channels"), image)
        entry = frame.printer.entry or InputChannels()
        names = {n: substitute(v, {}, entry) for n, v in self.channels.arguments(call).items()}
        channels = simplify(
            substitute(inner, names | self._tensors_channels(call, frame), x.channels)
        )
        return code, replace(x, image=image) if channels == x.channels else Features(
            channels, image
        )

    def made_block(self, call: Call, x: Features, frame: Frame) -> str:
        """The code that makes the module of a block."""
        block = self.resolution.blocks[call]
        made = self.classes[block]
        values = {"in_channels": x.channels, **self._tensors_channels(call, frame)}
        values |= self.areas.handed(call, block, frame.block)
        values |= {name: Name(name) for name in self.resolution.captured[block.name.text]}
        given: dict[str, tuple[Expression | None, str]] = {
            name: (None, frame.printer.code(value)) for name, value in values.items()
        }
        for name, value in self.channels.arguments(call).items():
            if any(a.name == name for a in made.arguments):
                given[name] = (value, frame.printer.code(value))
        listed = list(made.arguments)
        first = 1 if listed and listed[0].name == "in_channels" else 0
        return f"{made.name}({', '.join(call_arguments(listed, given, first))})"

    def _tensors_channels(self, call: Call, frame: Frame) -> dict[str, Expression]:
        """The channels of the other tensors that a block reads, by the arguments that take them."""
        return {
            f"{parameter}_channels": frame.known[name.text].channels
            for parameter, name in self.resolution.tensors(call).items()
        }

    def _gives_image(self, body: Body, image: bool) -> bool:
        """Whether a body gives images, for images or vectors."""
        for step in body:
            match step:
                case Call() if step in self.resolution.blocks:
                    image = self._gives_image(self.resolution.blocks[step].body, image)
                case Call():
                    gives = self.resolution.ops[step].gives
                    image = image if gives == "same" else gives == "image"
                case Branches():
                    image = self._gives_image(step.arms[0][1], image)
                case Repeat() | Each() | When():
                    image = self._gives_image(step.body, image)
                case Reference():
                    pass
                case _:
                    assert_never(step)
        return image

    def settle(self, x: Features, frame: Frame) -> Features:
        """Bind channels that depend on a condition, or are long, to a variable to read them."""
        if not isinstance(x.channels, Conditional) and not is_long(x.channels):
            return x
        return self.bound(x, frame)

    def bound(self, x: Features, frame: Frame) -> Features:
        """Channels in a variable of their own, which goes again if nothing reads it."""
        name = frame.fresh("channels")
        frame.running.add(name)
        frame.code.add(f"{name} = {frame.printer.code(x.channels)}")
        return replace(x, channels=Name(name), owned=True)
