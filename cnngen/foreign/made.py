"""An op of ours from the attributes that a model has."""

from typing import Any

from cnngen.ops import OPS
from cnngen.ops.base import Op

REPEATED = {"size": 2, "padding": 4}


def made(name: str, **given: Any) -> Op:
    """With attributes as its class takes them, and defaults for the rest."""
    values: dict[str, Any] = {}
    for key, attribute in OPS[name].attributes.items():
        value: Any = given.get(key, attribute.default)
        times = REPEATED.get(attribute.kind)
        values[key] = (value,) * times if times and isinstance(value, int) else value
    return OPS[name](values)
