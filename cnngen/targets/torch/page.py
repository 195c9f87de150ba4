"""Classes of the file as nodes, and their text."""

from collections.abc import Sequence

from cnngen.python.construct import dotted
from cnngen.python.deep_loops import split_deep_loops
from cnngen.python.expression import node
from cnngen.python.nodes import (
    Call,
    Class,
    Do,
    Function,
    Name,
    Node,
    Origin,
    Parameter,
    Statement,
    Text,
)
from cnngen.python.signature import Argument
from cnngen.targets.constants import constant
from cnngen.targets.page import about, model_docstring, shapes
from cnngen.targets.spelling import Speller
from cnngen.targets.torch.construct import CONSTRUCT
from cnngen.targets.torch.model import ModelClass, Outputs
from cnngen.targets.torch.names import block_class_name, model_class_name
from cnngen.targets.torch.scope import File, UnitClass
from cnngen.targets.torch.units import argument_for

SELF = Parameter("self")
NOTHING = (Do(Call(CONSTRUCT)),)  # a constructor that does what that of the base does


def unit_page(made: UnitClass, file: File) -> Class:
    members: list[Function] = []
    if made.arguments or made.constructor != NOTHING or made.forward is None:
        members.append(_constructor(made.arguments, made.constructor, file.speller))
    if made.forward is not None:
        members.append(_forward(made.given, made.returns, made.forward))
    name = block_class_name(made.unit.name, file.network.resolution.spec)
    docstring = about(made.unit.about) if made.unit.about else ""
    return _class(name, made.base, members, docstring, made.unit.block)


def model_page(made: ModelClass, file: File) -> Class:
    network, spec = file.network, file.network.resolution.spec
    arguments = [argument_for(parameter, file) for parameter in spec.parameters]
    members = (
        _constructor(arguments, made.constructor, file.speller),
        _forward([(x, "Tensor") for x in made.inputs], made.outputs.annotation, made.forward),
    )
    sizes = shapes(network, channels_last=False)
    docstring = model_docstring(network, sizes, arguments)
    return _class(model_class_name(spec), dotted("nn.Module"), members, docstring, spec)


def _class(
    name: str, base: Node, members: Sequence[Statement], docstring: str, origin: Origin = None
) -> Class:
    comment = "noqa: N801" if "_" in name else ""  # an author may number a block `Block2_1`
    return Class(name, (base,), tuple(members), docstring, comment, origin)


def _constructor(
    arguments: Sequence[Argument], body: tuple[Statement, ...], speller: Speller
) -> Function:
    parameters = (Parameter(a.name, a.annotation, _default(a, speller)) for a in arguments)
    return split_deep_loops(Function("__init__", (SELF, *parameters), "None", body))


def _default(argument: Argument, speller: Speller) -> Node | None:
    if argument.code is not None:
        return constant(argument.code, speller)
    return None if argument.default is None else node(argument.default)


def _forward(
    tensors: Sequence[tuple[str, str]], returns: str, body: tuple[Statement, ...]
) -> Function:
    parameters = (Parameter(name, annotation) for name, annotation in tensors)
    return Function("forward", (SELF, *parameters), returns, body)


def outputs_page(outputs: Outputs) -> Class:
    """The named tuple of what the model returns."""
    plain = len(outputs.inference) == 1
    also = f" in training; in evaluation it returns `{outputs.inference[0]}` alone" if plain else ""
    lines = [
        f"    {name}: Tensor" + (" | None = None" if training and not plain else "")
        for name, training in outputs.names
    ]
    docstring = f'    """What the model returns{also}."""'
    return _class(outputs.tuple_name, Name("NamedTuple"), [Text(tuple(lines))], docstring)
