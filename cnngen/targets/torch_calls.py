"""Calls of PyTorch modules: the code that makes one layer or one block, and the channels that it
gives.
"""

from dataclasses import dataclass, field, replace
from typing import assert_never

from cnngen.ops.base import Op
from cnngen.program.algebra import simplify, substitute
from cnngen.program.areas import Areas
from cnngen.program.channels import Channels, is_long
from cnngen.program.code import Code
from cnngen.program.signature import Argument, call_arguments
from cnngen.program.spelled import Printer
from cnngen.semantics.keys import snake_case
from cnngen.semantics.network import Network
from cnngen.syntax.expression import Conditional, Expression, InputChannels, Name
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
        self.initialization = Initialization(self.resolution, speller)
        self.classes: dict[Block, TorchClass] = {}

    def call(self, call: Call, x: Features, frame: Frame) -> tuple[str, Features]:
        """The code that makes the module of a call, and what it gives."""
        if call in self.resolution.blocks:
            return self._block_call(call, x, frame)
        op = self.resolution.ops[call]
        arguments = self.resolution.arguments[call]
        if op.weights is not Op.weights:
            x = self.settle(x, frame)
        context = frame.printer.attributes(op, arguments)
        rank = "image" if x.image else "vector"
        context = {"channels": frame.printer.code(x.channels), "rank": rank} | context
        with spelling(call):
            code = self.speller.spell(op.name, context)
            code = self.initialization.wrap(call, code, frame.printer)
        return code, self._given(call, op, x, frame)

    def _given(self, call: Call, op: type[Op], x: Features, frame: Frame) -> Features:
        if op.name == "flatten":
            return (
                replace(x, channels=self.areas.features(call, x.channels), image=False)
                if x.image
                else x
            )
        entry = frame.printer.entry or InputChannels()
        arguments = {
            name: substitute(value, {}, entry)
            for name, value in self.resolution.arguments[call].items()
            if not isinstance(value, Distribution)
        }
        channels = op.channels(arguments, (x.channels,))
        image = x.image or op.name == "reshape"
        if channels == x.channels:
            return replace(x, image=image)
        return Features(simplify(channels), image)

    def _block_call(self, call: Call, x: Features, frame: Frame) -> tuple[str, Features]:
        block = self.resolution.blocks[call]
        made = self.classes[block]
        expressions_ = self.channels.arguments(call)
        if any(a.name == "in_channels" for a in made.arguments) or is_long(x.channels):
            x = self.settle(x, frame)
        given: dict[str, tuple[Expression | None, str]] = {
            name: (value, frame.printer.code(value))
            for name, value in expressions_.items()
            if any(a.name == name for a in made.arguments)
        }
        given["in_channels"] = (None, frame.printer.code(x.channels))
        for captured in self.resolution.captured[block.name.text]:
            given[captured] = (None, captured)
        tensors: dict[str, Expression | None] = {}
        for parameter, name in self.resolution.tensors(call).items():
            channels = frame.known[name.text].channels
            tensors[f"{parameter}_channels"] = channels
            given[f"{parameter}_channels"] = (None, frame.printer.code(channels))
        for name, area in self.areas.handed(call, block, frame.block).items():
            given[name] = (None, frame.printer.code(area))
        listed = list(made.arguments)
        first = 1 if listed and listed[0].name == "in_channels" else 0
        code = f"{made.name}({', '.join(call_arguments(listed, given, first))})"
        entry = frame.printer.entry or InputChannels()
        inner = self.channels.block(block)
        image = self._gives_image(block.body, x.image)
        if inner is None:
            instance = frame.fresh(snake_case(block.name.text))
            frame.code.add(f"{instance} = {code}")
            return instance, Features(Name(f"{instance}.out_channels"), image)
        names = {name: substitute(v, {}, entry) for name, v in expressions_.items()}
        names |= {name: v for name, v in tensors.items() if v is not None}
        channels = simplify(substitute(inner, names, x.channels))
        return code, replace(x, image=image) if channels == x.channels else Features(
            channels, image
        )

    def _gives_image(self, body: Body, image: bool) -> bool:
        """Whether a body gives images, for images or vectors."""
        for step in body:
            match step:
                case Call() if step in self.resolution.blocks:
                    image = self._gives_image(self.resolution.blocks[step].body, image)
                case Call():
                    name = self.resolution.ops[step].name
                    image = (image or name == "reshape") and name != "flatten"
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
        """Bind channels that depend on a condition, or are long, to a variable before they are read."""
        if not isinstance(x.channels, Conditional) and not is_long(x.channels):
            return x
        name = frame.fresh("channels")
        frame.code.add(f"{name} = {frame.printer.code(x.channels)}")
        return replace(x, channels=Name(name), owned=True)
