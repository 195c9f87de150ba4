"""The model's function in a Keras file: its stages one after the other, and what it returns."""

from dataclasses import dataclass

import networkx as nx

from cnngen.python.code import Code
from cnngen.python.docstring import WIDTH
from cnngen.python.signature import Argument, argument
from cnngen.semantics.network import INPUT
from cnngen.semantics.stages import first_origin, kept_stages, read_stages
from cnngen.syntax.tree import Call, ParameterType, Stage
from cnngen.targets.keras_frame import Frame
from cnngen.targets.keras_functions import KerasFunctions
from cnngen.targets.layer_name import LayerName
from cnngen.targets.loops import loop_variables
from cnngen.targets.page import shape_text
from cnngen.targets.spelled import Printer

DEEP = 800  # layers on the way from the input to an output
ROOM = 5  # calls for each layer, and for deeper variants

COMMENT = (
    "# Files of weights go by the order of layers. As one layer, which is given the outputs, the",
    "# heads come last, and the others have the places that they have without heads.",
)


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
        for stage in (s for s in spec.stages if s.name.text not in self.resolution.training):
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
        if not training:
            code.add(returned)
            return
        with code.inside("if not training_heads:"):
            code.add(returned)
        self._heads(inference, frame)

    def _heads(self, outputs: dict[str, str], frame: Frame) -> None:
        """Write the stages that exist in training only, as one layer that gives all outputs.

        Keras finds the weights of a layer in a file by its place among those of its class, in an
        order that follows from the graph. It sees this layer last, and behind it first what leads
        to the outputs of inference, in the order of their names, as it does without heads.
        """
        code, stem = frame.code, self.resolution.spec.stem
        reads, inputs, image = frame.fresh("reads"), frame.fresh("inputs"), frame.tensors[INPUT]
        tensors = list(
            dict.fromkeys([*(outputs[name] for name in sorted(outputs)), *self._taps(frame)])
        )
        frame.tensors[INPUT] = frame.fresh("given")  # `image` is the input of the whole model
        given = [frame.tensors[INPUT] if tensor == image else tensor for tensor in tensors]
        code.add("")
        for line in COMMENT:
            code.add(line)
        code.add(f"{reads} = [{', '.join(tensors)}]")
        code.add(f"{inputs} = [keras.Input(x.shape[1:], dtype=x.dtype) for x in {reads}]")
        code.add(f"{', '.join(given) if len(given) > 1 else f'({given[0]},)'} = {inputs}")
        previous = INPUT
        for stage in self.resolution.spec.stages:
            name = stage.name.text
            if name in self.resolution.training:
                x, out = frame.tensors[previous], self._variable(name, {}, frame)
                frame.tensors[name] = out = self._stage(stage, x, out, frame)
                outputs |= {o: out for o, s in self.network.outputs.items() if s == name}
            if not stage.training:
                previous = name
        heads = frame.fresh("heads")
        code.add(f'{heads} = keras.Model({inputs}, {_dict(outputs)}, name="training_heads")')
        code.add(f'return keras.Model({image}, {heads}({reads}), name="{stem}")')

    def _taps(self, frame: Frame) -> list[str]:
        """The variables of what stages that exist always hand over to those of training."""
        training, read = self.resolution.training, read_stages(self.resolution)
        names = [n for stage, names in read.items() if stage in training for n in names]
        return [frame.tensors[name] for name in names if name not in training]


def _dict(outputs: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name, value in outputs.items()) + "}"
