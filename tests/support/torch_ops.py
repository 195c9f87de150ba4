"""An op alone as PyTorch code, with constants for its attributes."""

from typing import Any

from cnngen.expressions.expression import Constant, Expression, ListOf, Name
from cnngen.ops.base import Image, Op, Shape
from cnngen.python.flat import flat
from cnngen.targets.spelling import Speller
from cnngen.targets.torch.spell import spell
from cnngen.targets.torch.use import Use
from cnngen.targets.values import attribute_values


def spelled(speller: Speller, op: Op, x: Shape) -> str:
    """The module of an op that is given `x`."""
    kinds = {name: attribute.kind for name, attribute in op.attributes.items()}
    arguments = {
        name: Name(op.values[name]) if kind == "choice" else _expression(op.values[name])
        for name, kind in kinds.items()
    }
    values = attribute_values(type(op), arguments, {})
    if isinstance(x, Image):
        return flat(spell(Use(type(op), values, Constant(x.channels), "image", speller)))
    return flat(spell(Use(type(op), values, Constant(x.features), "vector", speller)))


def _expression(value: Any) -> Expression:
    if isinstance(value, tuple):
        items: tuple[Any, ...] = value
        return ListOf(tuple(map(_expression, items)))
    return Constant(value)
