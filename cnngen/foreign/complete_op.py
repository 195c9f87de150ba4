"""An op with all its attributes: those that a model says, and the defaults of the language."""

from typing import Any

from cnngen.ops.base import OPS, Op
from cnngen.semantics.attributes import attribute_value


def complete_op(word: str, **given: Any) -> Op:
    """An op whose values are normalised as in a network; raises `Invalid` for one out of range."""
    op = OPS[word]
    values = {
        name: given.get(name, None if attribute.required else attribute.default)
        for name, attribute in op.attributes.items()
    }
    return op(
        {
            name: value
            if isinstance(value, str) or attribute.kind == "init"
            else attribute_value(attribute, value)
            for name, attribute in op.attributes.items()
            for value in [values[name]]
        }
    )
