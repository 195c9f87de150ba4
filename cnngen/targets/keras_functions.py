"""The functions of a Keras file: blocks and the model as statements on tensors."""

from typing import assert_never

from cnngen.expressions.algebra import multiply, simplify, subtract
from cnngen.expressions.expression import Apply, Constant, Expression, Name
from cnngen.python.code import Code
from cnngen.python.signature import argument, call_arguments, ordered
from cnngen.semantics.keys import Arrangement
from cnngen.semantics.network import INPUT, Network
from cnngen.semantics.walk import steps
from cnngen.syntax.naming import snake_case
from cnngen.syntax.tree import (
    Block,
    Body,
    Branches,
    Call,
    Distribution,
    Each,
    ParameterType,
    Reference,
    Repeat,
    Step,
    When,
)
from cnngen.targets.keras_depthwise import Depthwise, keras_call
from cnngen.targets.keras_frame import Frame, KerasFunction, fold_return
from cnngen.targets.keras_init import initializers
from cnngen.targets.layer_name import LayerName, Position
from cnngen.targets.loops import loop_header, loop_index, loop_variables
from cnngen.targets.spelled import Printer
from cnngen.targets.spelling import Speller, spelling

LONGEST_POSITION = 30  # characters of code in a layer's name

RESERVED = {"x", "name", "keras", "layers", "ops", "math", "image", "input_shape", "training_heads"}


class KerasFunctions:
    """Writes the functions of one network."""

    def __init__(self, network: Network, speller: Speller, depthwise: Depthwise) -> None:
        self.network = network
        self.resolution = network.resolution
        self.speller = speller
        self.depthwise = depthwise
        self.functions: dict[Block, KerasFunction] = {}
        spec = self.resolution.spec
        self.reserved = RESERVED | {snake_case(block.name.text) for block in self.resolution.order}
        self.reserved |= {spec.stem, *speller.support_names()}

    def blocks(self) -> list[KerasFunction]:
        for block in self.resolution.order:
            self.functions[block] = self._block(block)
        return list(self.functions.values())

    def _block(self, block: Block) -> KerasFunction:
        spec = self.resolution.spec
        names: dict[str, ParameterType] = {
            p.name.text: p.type for p in (*spec.parameters, *block.parameters)
        }
        tensors = tuple(p.name.text for p in block.parameters if p.type == "tensor")
        frame = Frame(
            Printer(self.speller, names, None, "in_channels"),
            Code(),
            self.reserved | set(names) | loop_variables(block.body) | {"in_channels"},
            {INPUT: "x"} | {name: name for name in tensors},
        )
        if any(INPUT in self.resolution.reads(step) for step in steps(block.body)):
            frame.tensors[INPUT] = frame.fresh("given")
            frame.code.add(f"{frame.tensors[INPUT]} = x")
        arrangement = self.resolution.arrangement(block.body, block=True)
        value = self.body(block.body, arrangement, LayerName("{name}"), "x", "x", frame)
        fold_return(frame.code, value)
        frame.code.define(0, "in_channels", "x.shape[-1]")
        captured = self.resolution.captured[block.name.text]
        arguments = ordered(
            [argument(p) for p in block.parameters if p.type != "tensor"],
            [argument(p) for p in spec.parameters if p.name.text in captured],
        )
        name = snake_case(block.name.text)
        return KerasFunction(name, block.about, tuple(arguments), tensors, frame.code)

    # --- bodies -----------------------------------------------------------------------------------

    def body(
        self, body: Body, arrangement: Arrangement, name: LayerName, x: str, out: str, frame: Frame
    ) -> str:
        """Write the statements of a body that reads the variable `x` and writes `out`; gives the
        variable of its result.
        """
        graph = body if arrangement.layout == "graph" else ()
        read = {name for step in steps(graph) for name in self.resolution.reads(step)}
        position = Position()
        bound: list[tuple[int, str, str]] = []  # variables for positions that take long to say
        skip = False
        for i, step in enumerate(body):
            if step.origin:
                x = frame.tensors[step.origin.text]
            if isinstance(step, Reference):
                continue
            key = arrangement.keys.get(step)
            if skip:
                skip, position = False, position.plus(1)
                continue
            if key is None and arrangement.layout == "chain" and isinstance(step, Repeat | Each):
                x, position = self.loop(step, name, position, x, out, frame)
                code = frame.printer.code(position.value)
                if len(code) > LONGEST_POSITION:
                    variable = frame.fresh("position")
                    bound.append((frame.code.mark(), variable, code))
                    position = Position(Name(variable))
                continue
            at = name if arrangement.layout == "single" else name / (key or position)
            kept = step.name is not None and step.name.text in read
            target = frame.fresh(step.name.text) if step.name and kept else out
            if arrangement.layout == "graph" and isinstance(step, Branches) and not step.name:
                x = self.branches(step, name, x, target, frame, key or "")
            elif self.pools_flat(body, i):
                assert isinstance(step, Call)
                pool = self.resolution.ops[step].flat_in_keras
                frame.code.add(f"{target} = layers.{pool}(name={at.code()})({x})")
                x, skip = target, True
            else:
                x = self.step(step, at, x, target, frame)
            if step.name and kept:
                if x != target:  # an identity, whose variable other steps will write
                    frame.code.add(f"{target} = {x}")
                frame.tensors[step.name.text] = x = target
            position = position.plus(1)
        for mark, variable, code in reversed(bound):
            frame.code.define(mark, variable, code)
        return x

    def pools_flat(self, body: Body, i: int) -> bool:
        """Whether a global pool is followed by a `flatten`: Keras' pools give vectors unless told
        otherwise.
        """
        pair = body[i : i + 2]
        if len(pair) < 2 or not all(isinstance(s, Call) and s in self.resolution.ops for s in pair):
            return False
        first, second = (self.resolution.ops[step] for step in pair if isinstance(step, Call))
        alone = not pair[0].name and not pair[1].name and not pair[1].origin
        return bool(first.flat_in_keras) and second.flattens and alone

    def step(self, step: Step, name: LayerName, x: str, out: str, frame: Frame) -> str:
        match step:
            case Call():
                return self.call(step, name, x, out, frame)
            case Branches():
                return self.branches(step, name, x, out, frame, step.join.text)
            case Repeat() | Each():
                return self.loop(step, name, Position(), x, out, frame)[0]
            case When():
                return self.when(step, name, x, out, frame)
            case Reference():
                return x
            case _:
                assert_never(step)

    def call(self, call: Call, name: LayerName, x: str, out: str, frame: Frame) -> str:
        if (op := self.resolution.ops.get(call)) and op.is_identity:
            return x
        if call in self.resolution.blocks:
            codes = [self.block_call(call, name, x, frame)]
        else:
            with spelling(call):
                forms = self.depthwise.forms(call)
                codes = [self.op_call(call, name, x, frame, form) for form in forms]
        if len(codes) == 1:
            frame.code.add(f"{out} = {codes[0]}")
        else:
            self.either(call, codes, x, out, frame)
        return out

    def either(self, call: Call, codes: list[str], x: str, out: str, frame: Frame) -> None:
        """A depthwise layer, or else a grouped one: the number of channels tells which."""
        op, mark = self.resolution.ops[call], frame.code.mark()
        groups = frame.printer.attributes(op, self.resolution.arguments[call])["groups"]
        for header, code in zip((f"if {x}.shape[-1] == {groups}:", "else:"), codes, strict=True):
            with frame.code.inside(header):
                frame.code.add(f"{out} = {code}")
        frame.code.join_choice(mark, indent=4)

    def op_call(self, call: Call, name: LayerName, x: str, frame: Frame, depthwise: bool) -> str:
        """The code of a layer; `depthwise` where a grouped convolution is one of each channel."""
        op, arguments = self.resolution.ops[call], self.resolution.arguments[call]
        op, arguments = keras_call(op, arguments, depthwise)
        context = frame.printer.attributes(op, arguments)
        if init := arguments.get("init"):
            multiplier = context.get("multiplier", "1")
            context |= initializers(op.name, init, multiplier, frame.printer, self.speller)
        context |= {"x": x, "name": name.code(), "rank": self.network.ranks.get(call, "image")}
        return self.speller.spell(op.name, context)

    def block_call(self, call: Call, name: LayerName, x: str, frame: Frame) -> str:
        block = self.resolution.blocks[call]
        made = self.functions[block]
        given: dict[str, tuple[Expression | None, str]] = {
            n: (value, frame.printer.code(value))
            for n, value in self.resolution.arguments[call].items()
            if not isinstance(value, Distribution)
        }
        for captured in self.resolution.captured[block.name.text]:
            given[captured] = (None, captured)
        handed = self.resolution.tensors(call)
        tensors = [frame.tensors[handed[tensor].text] for tensor in made.tensors]
        parts = [x, *tensors, *call_arguments(list(made.arguments), given), f"name={name.code()}"]
        return f"{made.name}({', '.join(parts)})"

    # --- loops, conditions, joins -----------------------------------------------------------------

    def loop(
        self,
        step: Repeat | Each,
        name: LayerName,
        position: Position,
        x: str,
        out: str,
        frame: Frame,
    ) -> tuple[str, Position]:
        """Write a loop; its counter gives the positions of its iterations."""
        self.enter(x, out, frame)
        index = loop_index(frame.taken)
        frame.taken.add(index)
        between = step.between if isinstance(step, Each) else None
        times = step.times if isinstance(step, Repeat) else Apply("len", (step.lists[0][1],))
        counter: Expression = Name(index)
        counts = isinstance(step, Repeat) and position != Position()  # from its first position on
        at = position.plus(counter if between is None else multiply(Constant(2), counter))
        at = Position(counter) if counts else at
        start = frame.code.mark()
        with frame.code.inside("for:"):
            if between is not None:
                mark = frame.code.mark()
                with frame.code.inside(f"if {index} > 0:"):
                    self._arm(between, name / at.before(), out, out, frame)
                frame.code.join_conditions(mark)
            self._arm(step.body, name / at, out, out, frame)
        used = frame.code.names(start + 1)
        header = loop_header(step, index, used, frame.printer)
        taken = position.plus(times if between is None else self.with_between(times))
        if counts and index in used:
            first, last = (frame.printer.code(p.value) for p in (position, taken))
            header = f"for {index} in range({first}, {last}):"
        frame.code.rewrite(start, header)
        frame.taken.discard(index)
        return out, taken

    def with_between(self, times: Expression) -> Expression:
        """The positions that `times` iterations and what is between them take."""
        count = subtract(multiply(Constant(2), times), Constant(1))
        return simplify(Apply("max", (count, Constant(0))))

    def enter(self, x: str, out: str, frame: Frame) -> None:
        """What is written under a loop or a condition must have a value before."""
        if x != out:
            frame.code.add(f"{out} = {x}")

    def ensure(self, frame: Frame, mark: int, value: str, out: str) -> None:
        if value != out:
            frame.code.add(f"{out} = {value}")
        elif frame.code.mark() == mark:
            frame.code.add("pass")

    def when(self, step: When, name: LayerName, x: str, out: str, frame: Frame) -> str:
        if step.orelse is None:
            self.enter(x, out, frame)
        mark = frame.code.mark()
        with frame.code.inside(f"if {frame.printer.code(step.test)}:"):
            self._arm(step.body, name, x if step.orelse is not None else out, out, frame)
        if step.orelse is None:
            frame.code.join_conditions(mark)
        else:
            with frame.code.inside("else:"):
                self._arm(step.orelse, name, x, out, frame)
            frame.code.join_choice(mark, indent=4)
        return out

    def _arm(self, body: Body, name: LayerName, x: str, out: str, frame: Frame) -> None:
        mark = frame.code.mark()
        value = self.body(body, self.resolution.arrangement(body), name, x, out, frame)
        self.ensure(frame, mark, value, out)

    def branches(
        self, step: Branches, name: LayerName, x: str, out: str, frame: Frame, key: str
    ) -> str:
        """Write the arms one after the other, each in a variable of its own, then the join."""
        taken = set(frame.taken)
        inputs: list[str] = []
        for arm, body in step.arms:
            variable = frame.fresh(arm.text)
            arrangement = self.resolution.arrangement(body)
            inputs.append(self.body(body, arrangement, name / arm.text, x, variable, frame))
        frame.taken = taken
        context = {"inputs": inputs, "name": (name / key).code()}
        frame.code.add(f"{out} = {self.speller.spell(step.join.text, context)}")
        return out
