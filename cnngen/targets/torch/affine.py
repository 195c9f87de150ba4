"""A learnt scale and shift: a class of the file, as PyTorch has none for it alone. It has no
parameter for what all uses have in common.
"""

from cnngen.python.construct import call
from cnngen.python.nodes import Class, Do, Function, Name, Node, Number, Parameter, Text
from cnngen.targets.torch.construct import CONSTRUCT
from cnngen.targets.torch.use import Use
from cnngen.targets.values import is_constant

NAME = "Affine"
PARAMETERS = ("shift",)
SCALE = "        self.weight = nn.Parameter(torch.ones(channels))"
SHIFT = "        self.bias = nn.Parameter(torch.zeros(channels))"


def affine(made: Use) -> Node:
    made.speller.imports("torch")
    called = made.speller.write(NAME, lambda name: _class(name, made))
    shift = made.unless("shift", True) if _varies(made) else None
    return call(called, made.as_node(made.channels), shift=shift)


def _varies(made: Use) -> bool:
    """Whether the class has a parameter for it; a condition is no flag, even one without names."""
    shift = made.common.get("shift")
    return not (is_constant(shift, True) or is_constant(shift, False))


def _class(name: str, made: Use) -> Class:
    shift = made.common.get("shift")
    parameters = [Parameter("self"), Parameter("channels", "int")]
    if is_constant(shift, True):
        about = "A learnt scale and a learnt shift for each channel."
        start = [SCALE, SHIFT]
        forward = ["        return (x.movedim(1, -1) * self.weight + self.bias).movedim(-1, 1)"]
    elif is_constant(shift, False):
        about = "A learnt scale for each channel."
        start = [SCALE]
        forward = ["        return (x.movedim(1, -1) * self.weight).movedim(-1, 1)"]
    else:
        about = "A learnt scale for each channel, and perhaps a learnt shift."
        parameters.append(Parameter("shift", "bool", Number("True")))
        start = [SCALE, f"{SHIFT} if shift else None"]
        forward = [
            "        x = x.movedim(1, -1) * self.weight",
            "        return (x if self.bias is None else x + self.bias).movedim(-1, 1)",
        ]
    construct = Do(call(CONSTRUCT))
    made_by = Function("__init__", tuple(parameters), "None", (construct, Text(tuple(start))))
    given = (Parameter("self"), Parameter("x", "Tensor"))
    computed = Function("forward", given, "Tensor", (Text(tuple(forward)),))
    return Class(name, (Name("nn.Module"),), (made_by, computed), f'    """{about}"""')
