"""Joins of tensors in a `forward`."""

from collections.abc import Callable, Mapping, Sequence

from cnngen.ops.base import Op
from cnngen.python.construct import call, dotted
from cnngen.python.docstring import docstring
from cnngen.python.nodes import (
    Attribute,
    Class,
    Comprehension,
    Display,
    Function,
    Name,
    Node,
    Number,
    Parameter,
    Return,
)
from cnngen.targets.spelling import Speller


def maximum(inputs: Sequence[Node], speller: Speller) -> Node:
    """The largest value at each place; PyTorch has a function for two tensors."""
    if len(inputs) > 2:
        return _folded("torch.maximum")(Display("[", tuple(inputs)), speller)
    speller.imports("torch")
    return call("torch.maximum", *inputs)


def _folded(function: str) -> Callable[[Node, Speller], Node]:
    def join(tensors: Node, speller: Speller) -> Node:
        speller.imports("functools")
        speller.imports("torch")
        return call("functools.reduce", dotted(function), tensors)

    return join


def _concatenated(tensors: Node, speller: Speller) -> Node:
    speller.imports("torch")
    return call("torch.cat", tensors, dim=Number("1"))


def _averaged(tensors: Node, speller: Speller) -> Node:
    speller.imports("torch")
    return call(Attribute(call("torch.stack", tensors), "mean"), dim=Number("0"))


LISTED: Mapping[str, Callable[[Node, Speller], Node]] = {
    "concat": _concatenated,
    "mean": _averaged,
    "add": _folded("torch.add"),
    "multiply": _folded("torch.mul"),
    "max": _folded("torch.maximum"),
}
"""Joins of a list of tensors, of which there may be any number."""


def apart_class(base: str, speller: Speller) -> str:
    """The class of modules side by side, which gives the list of what these give."""

    def define(name: str) -> Class:
        child, x, children = Name("child"), Name("x"), Name("self")
        iterable = call(Attribute(children, "values")) if base == "nn.ModuleDict" else children
        body = (Return(Comprehension("[", call(child, x), child, iterable)),)
        parameters = (Parameter("self"), Parameter("x", "Tensor"))
        forward = Function("forward", parameters, "list[Tensor]", body)
        about = docstring([["What each of the modules gives for the same input."]], 4)
        return Class(name, (dotted(base),), (forward,), about)

    return speller.write(base.replace("nn.Module", "Apart"), define)


def list_class(op: type[Op] | None, speller: Speller) -> str:
    """The class of a list of modules that joins what these give: `ConcatList`."""
    if op is None:
        return apart_class("nn.ModuleList", speller)

    def define(name: str) -> Class:
        child, x = Name("child"), Name("x")
        given = Comprehension("[", call(child, x), child, Name("self"))
        body = (Return(LISTED[op.name](given, speller)),)
        parameters = (Parameter("self"), Parameter("x", "Tensor"))
        forward = Function("forward", parameters, "Tensor", body)
        about = docstring([[(op.__doc__ or "").splitlines()[0]]], 4)
        return Class(name, (dotted("nn.ModuleList"),), (forward,), about)

    return speller.write(f"{op.name.capitalize()}List", define)
