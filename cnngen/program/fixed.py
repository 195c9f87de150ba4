"""Fixed parameters: those that change a flattened size, and so cannot be changed in the generated
code alone.
"""

from collections.abc import Iterator

from cnngen.program.algebra import free_names
from cnngen.semantics.network import INPUT, Network
from cnngen.semantics.resolve import Resolution
from cnngen.syntax.expression import Constant, Expression
from cnngen.syntax.tree import (
    Block,
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

Names = frozenset[str]
NOTHING: Names = frozenset()


class _Taint:
    """Follows which names heights and widths depend on, along the steps of the spec.

    `sized` is what the running tensor's size depends on; `found` collects what sizes of flattened
    images depend on.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.resolution: Resolution = network.resolution
        self.found: set[str] = set()
        # Each block is followed once, with its own names, however often blocks use each other.
        self.followed: dict[Block, tuple[Names, Names]] = {}
        self.resizing: dict[Block, bool] = {}

    def body(
        self, body: Body, sized: Names, names: dict[str, Names], known: dict[str, Names]
    ) -> Names:
        """`names` says what each name in scope depends on among the model's parameters."""
        known = dict(known)
        for step in body:
            if step.origin:
                sized = known.get(step.origin.text, NOTHING)
            sized = self.step(step, sized, names, known)
            if step.name:
                known[step.name.text] = sized
        return sized

    def step(
        self, step: Step, sized: Names, names: dict[str, Names], known: dict[str, Names]
    ) -> Names:
        match step:
            case Call() if step in self.resolution.blocks:
                return self.block(step, self.resolution.blocks[step], sized, names, known)
            case Call():
                return self.op(step, sized, names)
            case Reference():
                return sized
            case Branches():
                arms = [self.body(body, sized, names, known) for _, body in step.arms]
                return NOTHING.union(*arms)
            case Repeat():
                return self.loop(step, depends(step.times, names), names, sized, known)
            case Each():
                inner = dict(names)
                count: Names = NOTHING
                for variable, values in step.lists:
                    inner[variable.text] = depends(values, names)
                    count |= inner[variable.text]
                return self.loop(step, count, inner, sized, known)
            case When():
                then = self.body(step.body, sized, names, known)
                otherwise = self.body(step.orelse or (), sized, names, known)
                changed = self.resizes(step.body) or self.resizes(step.orelse or ())
                return then | otherwise | (depends(step.test, names) if changed else NOTHING)

    def loop(
        self,
        step: Repeat | Each,
        count: Names,
        names: dict[str, Names],
        sized: Names,
        known: dict[str, Names],
    ) -> Names:
        bodies = (step.body, *((step.between,) if isinstance(step, Each) and step.between else ()))
        changed = any(self.resizes(body) for body in bodies)
        for body in bodies:
            sized = self.body(body, sized, names, known)
        return sized | (count if changed else NOTHING)

    def block(
        self,
        call: Call,
        block: Block,
        sized: Names,
        names: dict[str, Names],
        known: dict[str, Names],
    ) -> Names:
        output, found = self.follow(block)
        given = self.resolution.arguments[call]
        meanings = {p.name.text: frozenset({p.name.text}) for p in self.resolution.spec.parameters}
        meanings[INPUT] = sized
        for parameter in block.parameters:
            value = given.get(parameter.name.text)
            if value is not None and not isinstance(value, Distribution):
                meanings[parameter.name.text] = depends(value, names)
        for parameter, name in self.resolution.tensors(call).items():
            meanings[parameter] = known.get(name.text, NOTHING)
        self.found |= translate(found, meanings)
        return translate(output, meanings)

    def follow(self, block: Block) -> tuple[Names, Names]:
        """What a block's output and the images that it flattens depend on, by the block's names."""
        if block not in self.followed:
            found, self.found = self.found, set()
            parameters = (*self.resolution.spec.parameters, *block.parameters)
            names = {p.name.text: frozenset({p.name.text}) for p in parameters}
            names[INPUT] = frozenset({INPUT})
            output = self.body(block.body, names[INPUT], names, names)
            self.followed[block] = output, frozenset(self.found)
            self.found = found
        return self.followed[block]

    def op(self, call: Call, sized: Names, names: dict[str, Names]) -> Names:
        op = self.resolution.ops[call]
        if op.name == "flatten":
            sizes = {(i.height, i.width) for i, _ in self.network.flattened.get(call, [])}
            if sizes != {(1, 1)} or sized:
                self.found |= sized
            return NOTHING
        if op.name in ("global_avg_pool", "global_max_pool"):
            return NOTHING
        own = frozenset(n for e in self.sizing(call) for n in depends(e, names))
        return own if op.name.startswith("adaptive_") or op.name == "reshape" else sized | own

    def sizing(self, call: Call) -> Iterator[Expression]:
        """The attributes of a call on which the size of its output depends."""
        op = self.resolution.ops[call]
        arguments = self.resolution.arguments[call]
        same = arguments.get("padding") == Constant("same")
        for name in op.sizing:
            value = arguments[name]
            if not isinstance(value, Distribution) and not (
                same and name in ("kernel", "dilation")
            ):
                yield value

    def resizes(self, body: Body) -> bool:
        """Whether a body may change a height or width; only a step of a stride of 1 that pads is
        sure not to.
        """
        for step in body:
            match step:
                case Call() if step in self.resolution.blocks:
                    block = self.resolution.blocks[step]
                    if block not in self.resizing:
                        self.resizing[block] = self.resizes(block.body)
                    if self.resizing[block]:
                        return True
                case Call():
                    if self.resolution.ops[step].sizing and not self.keeps(step):
                        return True
                case Reference():
                    pass
                case Branches():
                    if any(self.resizes(arm) for _, arm in step.arms):
                        return True
                case Repeat() | Each() | When():
                    between = step.between if isinstance(step, Each) else None
                    orelse = step.orelse if isinstance(step, When) else None
                    if any(self.resizes(b) for b in (step.body, between or (), orelse or ())):
                        return True
        return False

    def keeps(self, call: Call) -> bool:
        """Whether an op gives the size that it is given, for all values of the parameters."""
        arguments = self.resolution.arguments[call]
        padding, kernel = arguments.get("padding"), arguments.get("kernel")
        if arguments.get("stride") != Constant(1):
            return False
        odd = (
            isinstance(kernel, Constant) and isinstance(kernel.value, int) and kernel.value % 2 == 1
        )
        half = padding == Constant("half") or (
            odd
            and isinstance(kernel, Constant)
            and padding == Constant((int(kernel.value or 0) - 1) // 2)
        )
        return padding == Constant("same") or (
            odd and half and arguments.get("dilation", Constant(1)) == Constant(1)
        )


def depends(expression: Expression, names: dict[str, Names]) -> Names:
    return NOTHING.union(*(names.get(name, NOTHING) for name in free_names(expression)))


def translate(names: Names, meanings: dict[str, Names]) -> Names:
    return NOTHING.union(*(meanings.get(name, NOTHING) for name in names))


def fixed_parameters(network: Network) -> tuple[str, ...]:
    """The model's parameters that change the size of what a `flatten` flattens, in their order."""
    spec = network.resolution.spec
    taint = _Taint(network)
    names = {p.name.text: frozenset({p.name.text}) for p in spec.parameters}
    known: dict[str, Names] = {"input": NOTHING}
    running: Names = NOTHING
    for stage in spec.stages:
        given = known.get(stage.origin.text, NOTHING) if stage.origin else running
        known[stage.name.text] = after = taint.body(stage.body, given, names, known)
        if not stage.training:
            running = after
    return tuple(p.name.text for p in spec.parameters if p.name.text in taint.found)
