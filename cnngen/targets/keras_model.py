"""The model's function in a Keras file: its stages one after the other, and what it returns."""

from dataclasses import dataclass

import networkx as nx

from cnngen.program.code import Code
from cnngen.program.docstring import WIDTH
from cnngen.program.signature import Argument, argument
from cnngen.program.spelled import Printer
from cnngen.semantics.network import INPUT
from cnngen.semantics.stages import first_origin, kept_stages
from cnngen.syntax.tree import Call, ParameterType, Stage
from cnngen.targets.keras_frame import Frame
from cnngen.targets.keras_functions import KerasFunctions
from cnngen.targets.layer_name import LayerName
from cnngen.targets.loops import loop_variables
from cnngen.targets.page import shape_text

DEEP = 800  # layers on the way from the input to an output
ROOM = 5  # calls for each layer, and for deeper variants


@dataclass(frozen=True, slots=True)
class KerasModel:
    arguments: tuple[Argument, ...]
    code: Code
    training_heads: bool


class KerasModels(KerasFunctions):
    """Writes all functions of one network, the model's last."""

    def model(self) -> KerasModel:
        spec = self.resolution.spec
        types: dict[str, ParameterType] = {p.name.text: p.type for p in spec.parameters}
        taken = (
            self.reserved | set(types) | {n for s in spec.stages for n in loop_variables(s.body)}
        )
        taken |= {"in_channels"}
        frame = Frame(
            Printer(self.speller, types, None, "in_channels"), Code(), taken, {INPUT: "image"}
        )
        self._allow_recursion(frame)
        frame.code.add('image = keras.Input(input_shape, name="image")')
        frame.code.add("")
        kept = kept_stages(self.resolution)
        names = {stage: name for name, stage in self.network.outputs.items()}
        x = "image"
        for stage in spec.stages:
            if stage.training:
                frame.tensors.setdefault(f"{stage.name.text} reads", x)
                continue
            name = stage.name.text
            wanted = name if name in kept else names.get(name, "")
            x = self._stage(
                stage, x, self._variable(wanted, names, frame) if wanted else "x", frame
            )
            frame.tensors[name] = x
        self._return(frame)
        return KerasModel(
            tuple(argument(p) for p in spec.parameters),
            frame.code,
            bool(self.network.training_stages()),
        )

    def _allow_recursion(self, frame: Frame) -> None:
        """Keras makes a model by recursion, a call for each layer on the way to the input. Python
        stops at 1,000 calls.
        """
        if (depth := nx.dag_longest_path_length(self.network.graph)) > DEEP:
            limit = -(-ROOM * depth // 1000) * 1000
            self.speller.imports("sys")
            frame.code.add("# Keras goes through layers by recursion, which Python limits.")
            frame.code.add(f"sys.setrecursionlimit(max(sys.getrecursionlimit(), {limit:_}))")

    def _variable(self, wanted: str, names: dict[str, str], frame: Frame) -> str:
        """A variable for a stage that is read by name."""
        others = {stage.name.text for stage in self.resolution.spec.stages} - {wanted}
        return frame.fresh(wanted if wanted not in others else f"{wanted}_output")

    def _stage(self, stage: Stage, x: str, out: str, frame: Frame) -> str:
        """Write a stage: a line with its shape behind it, or a paragraph with its shape above."""
        if origin := first_origin(stage):
            x = frame.tensors[origin.text]
        name = stage.name.text
        shape = self.network.stages[name].shape
        size = shape_text(shape, channels_last=True)
        single = (
            len(stage.body) == 1
            and isinstance(stage.body[0], Call)
            and stage.body[0] in self.resolution.blocks
        )
        if not single:
            if frame.code.lines[-1][1]:
                frame.code.add("")
            frame.code.add(f"# {name}: {size}")
        mark = frame.code.mark()
        arrangement = self.resolution.arrangement(stage.body)
        value = self.body(stage.body, arrangement, LayerName(name), x, "x", frame)
        frame.code.define(mark, "in_channels", f"{x}.shape[-1]")
        if frame.code.mark() > mark and value == "x":
            depth, last = frame.code.lines[-1]
            if out != "x" and depth == 0 and last.startswith("x = "):
                frame.code.lines[-1] = (0, f"{out} = {last.removeprefix('x = ')}")
                value = out
            if single:
                depth, last = frame.code.lines[-1]
                if len(f"    {last}  # {size}") <= WIDTH:
                    frame.code.lines[-1] = (depth, f"{last}  # {size}")
                else:
                    frame.code.lines.insert(-1, (0, f"# {name}: {size}"))
        if out not in ("x", value):
            frame.code.add(f"{out} = {value}")
            value = out
        if not single:
            frame.code.add("")
        return value

    def _return(self, frame: Frame) -> None:
        network, stem = self.network, self.resolution.spec.stem
        training = network.training_stages()
        inference = {n: frame.tensors[s] for n, s in network.outputs.items() if s not in training}
        code = frame.code
        if code.lines[-1][1]:
            code.add("")
        plain = next(iter(inference.values())) if len(inference) == 1 else _dict(inference)
        returned = f'return keras.Model(image, {plain}, name="{stem}")'
        heads = [stage for stage in self.resolution.spec.stages if stage.training]
        if not heads:
            code.add(returned)
            return
        with code.inside("if not training_heads:"):
            code.add(returned)
        outputs = dict(inference)
        for stage in heads:
            name = stage.name.text
            x = frame.tensors[f"{name} reads"]
            out = self._variable(name, {}, frame)
            outputs |= {o: out for o, s in network.outputs.items() if s == name}
            frame.tensors[name] = self._stage(stage, x, out, frame)
        if not code.lines[-1][1]:
            code.lines.pop()
        code.add(f'return keras.Model(image, {_dict(outputs)}, name="{stem}")')


def _dict(outputs: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name, value in outputs.items()) + "}"
