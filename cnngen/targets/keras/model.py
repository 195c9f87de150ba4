"""The model's function: its stages one after the other, and what it returns."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import networkx as nx

from cnngen.ops.base import Image
from cnngen.plan.program import Bind, Call, Reuse, StageRegion, Unit
from cnngen.python.construct import call, text
from cnngen.python.document import WIDTH
from cnngen.python.flat import flat
from cnngen.python.nodes import (
    Assign,
    Attribute,
    Blank,
    Comment,
    Comprehension,
    Dictionary,
    Display,
    Do,
    Name,
    Node,
    Number,
    Return,
    Slice,
    Starred,
    Statement,
    Subscript,
    Unary,
)
from cnngen.semantics.network import INPUT, Network
from cnngen.semantics.stages import first_origin, read_stages
from cnngen.semantics.types import types_of
from cnngen.semantics.walk import loop_variables
from cnngen.targets.keras.construct import applied, channels_of, channels_of_all, number
from cnngen.targets.keras.frame import File, Frame
from cnngen.targets.keras.functions import only_variable, shape_argument
from cnngen.targets.keras.layer_name import LayerName
from cnngen.targets.keras.scope import CHANNELS, Scope
from cnngen.targets.keras.statements import write_part, write_region
from cnngen.targets.keras.suite import Suite
from cnngen.targets.page import shape_text, shapes_text
from cnngen.targets.spelling import Speller

DEEP = 800  # layers on the way from the input to an output
ROOM = 5  # calls for each layer, and for deeper variants
COMMENT = (
    "Files of weights go by the order of layers. As one layer, which is given the outputs, the",
    "heads come last, and the others have the places that they have without heads.",
)


def write_model(file: File, speller: Speller) -> tuple[Statement, ...]:
    """The statements of the model's function."""
    spec = file.program.network.resolution.spec
    types = types_of(spec.parameters)
    scope = Scope(speller, types, file.needed)
    variables = (name for stage in spec.stages for name in loop_variables(stage.body))
    taken = {*file.needed, *map(scope.called, (*types, *variables))}
    frame, code = Frame(file, scope, taken), Suite()
    _inputs(code, frame)
    code.add(Blank())
    names = _output_names(file)
    x = next(iter(frame.tensors.values()))  # of several, the first stage says which it reads
    for stage in file.program.stages:
        if stage.training:
            continue
        if stage.step in frame.shared:
            frame.parts[stage.name] = frame.variable(stage.name)
        wanted = stage.name if stage.kept or stage.gives.listed else names.get(stage.name, "")
        out = _variable(wanted, frame) if wanted else "x"
        x = _stage(stage, x, out, code, frame)
        (frame.lists if stage.gives.listed else frame.tensors)[stage.name] = x
    _return(code, frame)
    return tuple(code.statements)


def _inputs(code: Suite, frame: Frame) -> None:
    """A variable for each input. Several keep their names, by which users give them."""
    network = frame.file.program.network
    for name, shape in network.inputs.items():
        if name == INPUT:
            variable = only_variable(shape)
            layer = _layer_name(variable, frame.file)
        else:
            variable = frame.variable(name if name not in frame.taken else f"{name}_input")
            layer = text(name)
        frame.tensors[name] = variable
        code.assign(variable, call("keras.Input", _shape(name, frame), name=layer))


def _shape(name: str, frame: Frame) -> Node:
    """The shape of an input: an argument, or what is left of it with the parameter that says the
    rest.
    """
    network = frame.file.program.network
    said = {each.name.text: each.parameter for each in network.resolution.spec.inputs}
    parameter, argument = said[name], Name(shape_argument(name))
    if parameter is None:
        return argument
    number = Name(frame.scope.called(parameter))
    is_image = isinstance(network.inputs[name], Image)
    return Display("(", (Starred(argument), number) if is_image else (number,))


def _layer_name(wanted: str, file: File) -> Node:
    """The name of a layer that no spec has, which steps aside for those of the spec."""
    network = file.program.network
    names = {path.replace(".", "_") for path in network.layers} | network.inputs.keys()
    while wanted in names:
        wanted += "_"
    return text(wanted)


def _output_names(file: File) -> dict[str, str]:
    """The name of the output that each stage is."""
    return {stage: name for name, stage in file.program.network.outputs.items()}


def recursion(network: Network, speller: Speller) -> list[Statement]:
    """What a file does when it is imported: Keras makes a model by recursion, a call for each layer
    on the way to the input, and Python stops at 1,000 calls.
    """
    if (depth := nx.dag_longest_path_length(network.graph)) <= DEEP:
        return []
    limit = Number(f"{-(-ROOM * depth // 1000) * 1000:_}")
    speller.imports("sys")
    most = call("max", call("sys.getrecursionlimit"), limit)
    return [
        Comment("Keras makes a model by recursion through its layers, which Python limits."),
        Do(call("sys.setrecursionlimit", most)),
    ]


def _variable(wanted: str, frame: Frame) -> str:
    """A variable for a stage that is read by name."""
    others = {stage.name for stage in frame.file.program.stages} - {wanted}
    return frame.variable(wanted if wanted not in others else f"{wanted}_output")


def _stage(stage: StageRegion, x: str, out: str, code: Suite, frame: Frame) -> str:
    """Write a stage: a line with its shape behind it, or a paragraph with its shape above."""
    given: Node = Name(x)
    if origin := first_origin(stage.step):
        given = frame.read(origin)
        x = given.text if isinstance(given, Name) else "x"
    size = _size(stage, frame.file.program.network)
    above = Comment(f"{stage.name}: {size}")
    single = _is_single(stage) and stage.step not in frame.shared
    if not single:
        code.blank()
        code.add(above)
    written = Suite(code.depth)
    if stage.step.origin and not isinstance(given, Name):
        written.assign(x, given)
    value = _write(stage, x, out if _carries(stage) else "x", written, frame)
    read = channels_of_all if stage.body.given.listed else channels_of
    written.define(0, CHANNELS, read(given))
    if written.statements and value in ("x", out):
        value = _named(written, out) if value == "x" else value
        if single:
            _comment(written, size, above)
    code.extend(written)
    if out not in ("x", value):
        code.assign(out, Name(value))
        value = out
    if not single:
        code.add(Blank())
    return value


def _size(stage: StageRegion, network: Network) -> str:
    """The shape of what a stage gives, or the shapes."""
    if stage.gives.listed:
        return shapes_text(network.lists[stage.name], channels_last=True)
    return shape_text(network.stages[stage.name].shape, channels_last=True)


def _carries(stage: StageRegion) -> bool:
    """Whether all that a stage writes are lists, which then have its name from the first one on."""
    steps = (node for node in stage.body.nodes if not isinstance(node, Bind))
    return all(node.gives.listed for node in steps)


def _write(stage: StageRegion, x: str, out: str, code: Suite, frame: Frame) -> str:
    name = LayerName((stage.name,))
    write = partial(write_region, stage.body, name, code=code, frame=frame)
    if stage.step not in frame.shared:
        return write(x, out)
    given = partial(write, is_given=True)
    return write_part(stage.body, stage.name, name, x, out, given, code, frame)


def _is_single(stage: StageRegion) -> bool:
    """Whether a stage is a call of a block, or of what was made before, and nothing else."""
    match [node for node in stage.body.nodes if not isinstance(node, Bind)]:
        case [Call(layer=layer)]:
            return isinstance(layer.made, Unit)
        case [Reuse()]:
            return True
        case _:
            return False


def _named(written: Suite, out: str) -> str:
    """Let the last statement assign to a variable of the stage, if it is an assignment."""
    match written.statements:
        case [*before, Assign((Name("x"),)) as last] if out != "x":
            written.statements = [*before, replace(last, targets=(Name(out),))]
            return out
        case _:
            return "x"


def _comment(written: Suite, size: str, above: Comment) -> None:
    """Put the shape of a stage behind its line, if it fits there."""
    *before, last = written.statements
    assert isinstance(last, Assign)
    line = " = ".join(flat(part) for part in (*last.targets, last.value))
    if len(f"    {line}  # {size}") <= WIDTH:
        written.statements = [*before, replace(last, comment=size)]
    else:
        written.statements = [*before, above, last]


# --- What is returned


def _return(code: Suite, frame: Frame) -> None:
    program = frame.file.program
    network, stem = program.network, program.network.resolution.spec.stem
    training = network.training_stages()
    outputs = {n: frame.tensors[s] for n, s in network.outputs.items() if s not in training}
    code.blank()
    first, *others = outputs.values()
    plain = Name(first) if not others else _dict(outputs)
    returned = Return(call("keras.Model", _given(frame), plain, name=text(stem)))
    if not training:
        code.add(returned)
        return
    then = code.inside()
    then.add(returned)
    code.choose(Unary("not", Name("training_heads")), then)
    _heads(outputs, code, frame)


def _heads(outputs: dict[str, str], code: Suite, frame: Frame) -> None:
    """Write the stages that exist in training only, as one layer that gives all outputs.

    Keras finds the weights of a layer in a file by its place among those of its class, in an order
    that follows from the graph. It sees this layer last, and behind it first what leads to the
    outputs of inference, in the order of their names, as it does without heads.
    """
    program = frame.file.program
    reads, inputs, whole = frame.variable("reads"), frame.variable("inputs"), _given(frame)
    ordered = [outputs[name] for name in sorted(outputs)]
    tensors = list(dict.fromkeys([*ordered, *_taps(frame)]))
    renamed: dict[str, str] = {}  # as the variables of inputs are those of the whole model
    for name in program.network.inputs:
        renamed[frame.tensors[name]] = frame.variable("given" if name == INPUT else f"given_{name}")
        frame.tensors[name] = renamed[frame.tensors[name]]
    given = [renamed.get(tensor, tensor) for tensor in tensors]
    code.add(Blank())
    for line in COMMENT:
        code.add(Comment(line))
    code.assign(reads, Display("[", tuple(map(Name, tensors))))
    code.assign(inputs, _inputs_like(reads))
    kind = "bare" if len(given) > 1 else "("
    code.add(Assign((Display(kind, tuple(map(Name, given))),), Name(inputs)))
    previous = INPUT
    for stage in program.stages:
        if stage.training:
            x, out = frame.tensors.get(previous, ""), _variable(stage.name, frame)
            frame.tensors[stage.name] = out = _stage(stage, x, out, code, frame)
            outputs |= {o: out for o, s in program.network.outputs.items() if s == stage.name}
        if not stage.step.training:
            previous = stage.name
    heads, stem = frame.variable("heads"), program.network.resolution.spec.stem
    made = call(
        "keras.Model", Name(inputs), _dict(outputs), name=_layer_name("training_heads", frame.file)
    )
    code.assign(heads, made)
    read = applied(Name(heads), Name(reads))
    code.add(Return(call("keras.Model", whole, read, name=text(stem))))


def _given(frame: Frame) -> Node:
    """The inputs of the whole model."""
    inputs = {name: frame.tensors[name] for name in frame.file.program.network.inputs}
    return Name(inputs[INPUT]) if INPUT in inputs else _dict(inputs)


def _inputs_like(reads: str) -> Node:
    x = Name("x")
    shape = Subscript(Attribute(x, "shape"), Slice(number(1), None))
    made = call("keras.Input", shape, dtype=Attribute(x, "dtype"))
    return Comprehension("[", made, x, Name(reads))


def _taps(frame: Frame) -> list[str]:
    """The variables of what stages that exist always hand over to those of training."""
    resolution = frame.file.program.network.resolution
    training, read = resolution.training, read_stages(resolution)
    names = [n for stage, names in read.items() if stage in training for n in names]
    return [frame.tensors[name] for name in names if name not in training]


def _dict(outputs: Mapping[str, str]) -> Node:
    return Dictionary(tuple((text(name), Name(value)) for name, value in outputs.items()))
