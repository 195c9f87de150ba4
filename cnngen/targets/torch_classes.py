"""The classes of a PyTorch file: each block and the model, with constructor and `forward`."""

from dataclasses import dataclass, replace

from cnngen.expressions.algebra import mentions_input
from cnngen.expressions.expression import Constant, InputChannels, Name
from cnngen.ops.base import Image
from cnngen.python.code import Code
from cnngen.python.signature import Argument, argument, ordered
from cnngen.semantics.network import INPUT
from cnngen.semantics.stages import first_origin, kept_stages, takes_previous
from cnngen.semantics.walk import argument_expressions, expressions, steps
from cnngen.syntax.tree import Argument as GivenArgument
from cnngen.syntax.tree import Block, Body, Branches, Call, ParameterType, Stage
from cnngen.targets.loops import loop_variables
from cnngen.targets.spelled import Printer
from cnngen.targets.torch_calls import Features, Frame, TorchClass
from cnngen.targets.torch_graphs import Forward, Graphs

RESERVED = {"self", "x", "nn", "torch", "Tensor", "F", "math", "in_channels"}


@dataclass(frozen=True, slots=True)
class TorchModel:
    """The model's class, and what it returns."""

    made: TorchClass
    returns: str
    outputs: tuple[tuple[str, bool], ...]  # name, and whether it exists in training only
    named: bool  # whether a NamedTuple of the outputs is needed


class TorchClasses(Graphs):
    """Writes the classes of one network."""

    kept: frozenset[str] = frozenset()
    running: str = INPUT  # what the next stage reads

    def blocks(self) -> list[TorchClass]:
        for block in self.resolution.order:
            self.classes[block] = self._block(block)
        return list(self.classes.values())

    def _block(self, block: Block) -> TorchClass:
        frame = self._frame(block)
        arrangement = self.resolution.arrangement(block.body, block=True)
        alone = arrangement.layout != "graph" and not self._reads_input(block.body)
        image = self.network.block_ranks.get(block, "image") == "image"
        x = Features(InputChannels(), image, owned=alone)
        base, forward = "nn.Sequential", None
        if arrangement.layout == "graph":
            base, forward = "nn.Module", Forward()
            tensors = [p.name.text for p in block.parameters if p.type == "tensor"]
            forward.variables |= {name: name for name in tensors}
            frame.code.add("super().__init__()")
            x = self.graph(block.body, x, frame, forward)
        elif arrangement.layout == "single" and isinstance(block.body[0], Call):
            base = self._derive(block.body[0], x, frame)
        else:
            x = self.build(block.body, x, frame, "self")
        if self.channels.block(block) is None and base.startswith("nn."):  # else the base has it
            frame.code.add(f"self.out_channels = {frame.printer.code(x.channels)}")
        frame.code.drop_unread(frame.running)
        return TorchClass(
            block.name.text,
            base,
            block.about,
            tuple(self._arguments(block, frame)),
            frame.code,
            forward.code if forward else None,
            tuple(p.name.text for p in block.parameters if p.type == "tensor"),
        )

    def _derive(self, call: Call, x: Features, frame: Frame) -> str:
        """A block of one layer or block is that, with arguments of its own. Gives the base."""
        own = call in self.resolution.blocks
        code = self.made_block(call, x, frame) if own else self.layer(call, x, frame)
        base, _, arguments = code.partition("(")
        if not own:
            self.speller.note_untyped()
        frame.code.add(f"super().__init__({arguments}")
        if not own and (draw := self.initialization.draw(call, frame.printer)):
            frame.code.add(f"{self.speller.use('initialized')}(self, {draw})")
        return base

    def _frame(self, block: Block) -> Frame:
        types: dict[str, ParameterType] = {
            p.name.text: p.type for p in (*self.resolution.spec.parameters, *block.parameters)
        }
        image = self.network.block_ranks.get(block, "image") == "image"
        known = {INPUT: Features(InputChannels(), image)} | {
            p.name.text: Features(Name(f"{p.name.text}_channels"))
            for p in block.parameters
            if p.type == "tensor"
        }
        taken = (
            RESERVED | set(types) | loop_variables(block.body) | set(self.areas.arguments(block))
        )
        return Frame(Printer(self.speller, types, None), Code(), taken, block, known)

    def _reads_input(self, body: Body) -> bool:
        """Whether `input.channels` stands anywhere in a body."""
        for step in steps(body):
            if isinstance(step, Call):
                values = self.resolution.arguments.get(step, {}).values()
                parts = [
                    e for v in values for e in argument_expressions(GivenArgument(step.callee, v))
                ]
            else:
                parts = list(expressions(step))
            if any(mentions_input(part) for part in parts):
                return True
        return False

    def _arguments(self, block: Block, frame: Frame) -> list[Argument]:
        """What the constructor takes: channels and areas that it uses, then the parameters."""
        own = [argument(p) for p in block.parameters if p.type != "tensor"]
        names = self.resolution.captured[block.name.text]
        captured = [argument(p) for p in self.resolution.spec.parameters if p.name.text in names]
        derived = ["in_channels"]
        derived += [f"{p.name.text}_channels" for p in block.parameters if p.type == "tensor"]
        derived += self.areas.arguments(block)
        names = frame.code.names()
        used = [Argument(name, "int") for name in derived if name in names]
        return [*used, *ordered(own, captured)]

    # --- the model --------------------------------------------------------------------------------

    def model(self) -> TorchModel:
        spec = self.resolution.spec
        types: dict[str, ParameterType] = {p.name.text: p.type for p in spec.parameters}
        taken = RESERVED | set(types) | {n for s in spec.stages for n in loop_variables(s.body)}
        channels = Constant(self.network.input.channels)
        frame = Frame(Printer(self.speller, types, channels), Code(), taken, None)
        frame.known[INPUT] = Features(channels)
        frame.code.add("super().__init__()")
        forward = Forward(variables={INPUT: "x"})
        self.kept = kept_stages(self.resolution)
        if INPUT in self.kept:
            forward.variables[INPUT] = "image"
            forward.code.add("image = x")
        x, value = frame.known[INPUT], "x"
        heads = replace(forward, code=Code())  # what is computed in training only
        training: dict[str, str] = {}
        for stage in spec.stages:
            name = stage.name.text
            only = name in self.resolution.training
            after, code = self._stage(stage, x, value, frame, heads if only else forward)
            kept = name in self.kept
            frame.known[name] = after = replace(after, owned=after.owned and not kept)
            if only:
                training[name] = self._assign_stage(stage, code, heads) if kept else code
            else:
                value = self._assign_stage(stage, code, forward)
            if not stage.training:
                x, self.running = after, name
        if self.initialization.statements():
            frame.code.add("self.apply(init_weights)")
        frame.code.drop_unread(frame.running)
        outputs = self._outputs()
        self._return(outputs, training, forward, heads)
        arguments = tuple(argument(p) for p in spec.parameters)
        made = TorchClass(
            spec.name.text, "nn.Module", spec.about, arguments, frame.code, forward.code
        )
        inference = [name for name, only in outputs if not only]
        named = len(outputs) > 1
        tuple_name = f"{spec.name.text}Outputs"
        plain = "Tensor" if len(inference) == 1 else tuple_name
        returns = f"Tensor | {tuple_name}" if named and plain == "Tensor" else plain
        return TorchModel(made, returns, outputs, named)

    def _stage(
        self, stage: Stage, x: Features, value: str, frame: Frame, forward: Forward
    ) -> tuple[Features, str]:
        """Build a stage; gives what it gives, and the code that calls it."""
        if origin := first_origin(stage):
            x, value = frame.known[origin.text], forward.variables[origin.text]
        elif stage.name.text in self.resolution.training:
            value = forward.variables[self.running]
        if self._reads_input(stage.body):
            x = replace(self.settle(x, frame), owned=False)
        frame.printer.entry = x.channels
        name = stage.name.text
        if self.passes(stage.body):
            return x, value
        if len(stage.body) == 1 and isinstance(step := stage.body[0], Branches) and not step.name:
            return self.join(step, x, value, frame, forward, name)
        after = self.assign(stage.body, x, frame, f"self.{name}")
        return after, self.applied(stage.body[0], f"self.{name}", value, forward)

    def _assign_stage(self, stage: Stage, code: str, forward: Forward) -> str:
        """Write the line of a stage; gives the variable that the next stage reads."""
        stages = self.resolution.spec.stages
        name = stage.name.text
        rest = (other for other in stages[stages.index(stage) + 1 :] if not other.training)
        following = next(rest, None)
        only = self.resolution.training
        read = following and takes_previous(following) and following.name.text not in only
        output = next((o for o, s in self.network.outputs.items() if s == name), None)
        targets = ["x"] if read else []
        if name in self.kept or output:
            names = {other.name.text for other in stages}
            plain = output if output and name not in self.kept and output not in names else name
            forward.variables[name] = plain
            targets.append(plain)
        if code in targets:
            targets.remove(code)
        comment = self._comment(name)
        if not targets:
            return code
        forward.code.add(f"{' = '.join(targets)} = {code}{comment}")
        return targets[0]

    def _comment(self, stage: str) -> str:
        shape = self.network.stages[stage].shape
        return f"  # {shape}" if isinstance(shape, Image) or shape else ""

    def _outputs(self) -> tuple[tuple[str, bool], ...]:
        """The outputs; those of training come last."""
        training = self.network.training_stages()
        pairs = [(name, stage in training) for name, stage in self.network.outputs.items()]
        return tuple(sorted(pairs, key=lambda pair: pair[1]))

    def _return(
        self,
        outputs: tuple[tuple[str, bool], ...],
        training: dict[str, str],
        forward: Forward,
        heads: Forward,
    ) -> None:
        stages = self.network.outputs
        inference = [name for name, only in outputs if not only]
        values = {name: forward.variables[stages[name]] for name in inference}
        tuple_name = f"{self.resolution.spec.name.text}Outputs"
        arguments = [f"{name}={values[name]}" for name in inference]
        if arguments and arguments[0] == f"{inference[0]}={inference[0]}":
            arguments[0] = inference[0]
        if len(outputs) == 1:
            _fold_return(forward.code, values[inference[0]])
            return
        if len(inference) < len(outputs):
            plain = (
                values[inference[0]]
                if len(inference) == 1
                else f"{tuple_name}({', '.join(arguments)})"
            )
            with forward.code.inside("if not self.training:"):
                forward.code.add(f"return {plain}")
            forward.code.lines += heads.code.lines
            arguments += [f"{name}={training[stages[name]]}" for name, only in outputs if only]
        forward.code.add(f"return {tuple_name}({', '.join(arguments)})")


def _fold_return(code: Code, value: str) -> None:
    """`return value`; in one line with its assignment where that is the line before."""
    depth, last = code.lines[-1]
    if depth == 0 and last.startswith(f"{value} = "):
        code.lines[-1] = (depth, "return " + last.removeprefix(f"{value} = "))
    else:
        code.add(f"return {value}")
