"""Separable convolutions: instances of a class of the file, which has no parameter for what all of
them have in common.
"""

from dataclasses import replace

from cnngen.expressions.expression import Constant, Name
from cnngen.python import nodes
from cnngen.python.construct import call
from cnngen.python.nodes import Assign, Class, Do, Function, Node, Number, Parameter
from cnngen.targets.torch.construct import CONSTRUCT, SEQUENTIAL, own
from cnngen.targets.torch.convolution import (
    as_grouped,
    computes_pads,
    conv2d,
    depthwise_channels,
    depthwise_conv,
)
from cnngen.targets.torch.use import Use
from cnngen.targets.values import Sides

NAME = "SeparableConv2d"
SIZE = "int | tuple[int, int]"
CHANNELS, OUT = "in_channels", "out_channels"
PARAMETERS = {
    "kernel": Parameter("kernel_size", SIZE),
    "stride": Parameter("stride", SIZE, Number("1")),
    "padding": Parameter("padding", f"{SIZE} | str", Number("0")),
    "dilation": Parameter("dilation", SIZE, Number("1")),
    "multiplier": Parameter("multiplier", "int", Number("1")),
    "bias": Parameter("bias", "bool", Number("True")),
}
"""Those of the class, by the attributes that they have the values of."""


def separable_conv(made: Use) -> Node:
    speller = made.speller
    if computes_pads(made) or isinstance(made.values["padding"], Sides):
        # A class of its own computes the pads.
        speller.imports("collections", "OrderedDict")
        depthwise = depthwise_conv(_without_bias(made))
        layers = call("OrderedDict", depthwise=depthwise, pointwise=_pointwise(made))
        return call(SEQUENTIAL, layers)
    called = speller.write(NAME, lambda name: _class(name, made))
    given = [
        (each, made.node(name)) for name, each in PARAMETERS.items() if name not in made.common
    ]
    named = {each.name: None if node == each.default else node for each, node in given}
    return call(called, made.as_node(made.channels), made.node("out"), **named)


def _without_bias(made: Use) -> Use:
    return replace(made, values={**made.values, "bias": Constant(False)})


def _pointwise(made: Use) -> nodes.Call:
    """The convolution that mixes what the one of each channel by itself gives."""
    return call(
        "nn.Conv2d",
        made.as_node(depthwise_channels(made)),
        made.node("out"),
        kernel_size=Number("1"),
        bias=made.unless("bias", True),
    )


# --- The class


def _class(name: str, made: Use) -> Class:
    """Its layers are those of a use whose values are parameters, but for the common ones."""
    own_values = {attribute: Name(each.name) for attribute, each in PARAMETERS.items()}
    values = {"out": Name(OUT), **own_values, **made.common}
    inside = replace(made, values=values, channels=Name(CHANNELS))
    parameters = [each for attribute, each in PARAMETERS.items() if attribute not in made.common]
    channels = (Parameter(CHANNELS, "int"), Parameter(OUT, "int"))
    body = (
        Do(nodes.Call(CONSTRUCT)),
        Assign((own("depthwise"),), conv2d(as_grouped(_without_bias(inside)))),
        Assign((own("pointwise"),), _pointwise(inside)),
    )
    constructor = Function("__init__", (Parameter("self"), *channels, *parameters), "None", body)
    about = "A convolution of each channel by itself, then a 1 x 1 convolution that mixes them."
    return Class(name, (SEQUENTIAL,), (constructor,), f'    """{about}"""')
