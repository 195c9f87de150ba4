"""Graphs of PyTorch modules: layers as attributes, and a `forward` where tensors meet."""

from dataclasses import dataclass, field, replace

from cnngen.python.code import Code
from cnngen.semantics.walk import steps
from cnngen.syntax.tree import Body, Branches, Call, Reference, Step
from cnngen.targets.torch_calls import Features, Frame
from cnngen.targets.torch_chains import Chains

LONG = 70  # a value longer than this gets a line of its own


@dataclass(slots=True)
class Forward:
    """A `forward` in the making: its lines, and the variable of each tensor that can be read by
    name.
    """

    code: Code = field(default_factory=Code)
    variables: dict[str, str] = field(default_factory=dict[str, str])


class Graphs(Chains):
    """Writes the layers and the `forward` of bodies that are graphs."""

    def graph(self, body: Body, x: Features, frame: Frame, forward: Forward) -> Features:
        """The steps of a block that joins: attributes of `self`, called one after the other."""
        keys = self.resolution.arrangement(body, block=True).keys
        value = "x"
        forward.variables["input"] = "x"
        read = {name for step in steps(body) for name in self.resolution.reads(step)}
        if "input" in read:
            forward.variables["input"] = frame.fresh("given")
            forward.code.add(f"{forward.variables['input']} = x")
        for step in body:
            if step.origin:
                x, value = frame.known[step.origin.text], forward.variables[step.origin.text]
            if isinstance(step, Branches):
                if not value.isidentifier():
                    forward.code.add(f"x = {value}")
                    value = "x"
                x, value = self.join(
                    step, x, value, frame, forward, step.name.text if step.name else ""
                )
            elif not isinstance(step, Reference):
                x = self.assign_step(step, x, frame, f"self.{keys[step]}")
                value = self.applied(step, f"self.{keys[step]}", value, forward)
            if step.name:
                frame.known[step.name.text] = x = replace(x, owned=False)
            if step.name and step.name.text in read:
                variable = forward.variables[step.name.text] = frame.fresh(step.name.text)
                forward.code.add(f"{variable} = {value}")
                value = variable
            elif len(value) > LONG and step is not body[-1]:
                forward.code.add(f"x = {value}")
                value = "x"
        forward.code.add(f"return {value}")
        return x

    def applied(self, step: Step, module: str, value: str, forward: Forward) -> str:
        """A module called with the running tensor and the other tensors that its step reads."""
        tensors: list[str] = []
        if isinstance(step, Call) and self._has_forward(step):  # else the block reads no other
            handed = self.resolution.tensors(step).values()
            tensors = [forward.variables[name.text] for name in handed]
        return f"{module}({', '.join([value, *tensors])})"

    def _has_forward(self, call: Call) -> bool:
        block = self.resolution.blocks.get(call)
        return block is not None and self.classes[block].forward is not None

    def join(
        self, step: Branches, x: Features, value: str, frame: Frame, forward: Forward, name: str
    ) -> tuple[Features, str]:
        """The code that joins the branches; a `name` is a level of its own for their layers."""
        if name and not any(
            self.resolution.reads(inner) for _, body in step.arms for inner in steps(body)
        ):
            code, x = self.container(step, x, frame)
            frame.code.add(f"self.{name} = {code}")
            return x, f"self.{name}({value})"
        entries: list[str] = []
        inputs: list[str] = []
        outputs: list[Features] = []
        for arm, body in step.arms:
            module = f'self.{name}["{arm.text}"]' if name else f"self.{arm.text}"
            given, source = replace(x, owned=False), value
            if body and body[0].origin:
                origin = body[0].origin.text
                given, source = frame.known[origin], forward.variables[origin]
            if self.passes(body):
                outputs.append(given)
                inputs.append(source)
                continue
            if name:
                code, output = self.body(body, given, frame, arm.text)
                entries.append(f'"{arm.text}": {code}')
            else:
                output = self.assign(body, given, frame, module)
            outputs.append(output)
            inputs.append(self.applied(body[0], module, source, forward))
        if entries:
            frame.code.add(f"self.{name} = nn.ModuleDict({{{', '.join(entries)},}})")
        return self.joined(step, outputs), self.speller.spell(step.join.text, {"inputs": inputs})

    def passes(self, body: Body) -> bool:
        """Whether a branch gives its input as it is."""
        return all(
            isinstance(step, Reference)
            or (isinstance(step, Call) and (op := self.resolution.ops.get(step)) and op.is_identity)
            for step in body
        )
