"""An op of ours from the attributes that a model has."""

from collections.abc import Iterator
from typing import Any, cast

from cnngen.ops import OPS
from cnngen.ops.attribute import Attribute
from cnngen.ops.base import Op

REPEATED = {"size": 2, "padding": 4}


class OutOfRangeError(Exception):
    """An attribute has a value that our op does not take; the message has no subject."""


def made(name: str, **given: Any) -> Op:
    """With attributes as its class takes them, and defaults for the rest."""
    values: dict[str, Any] = {}
    for key, attribute in OPS[name].attributes.items():
        value: Any = given.get(key, attribute.default)
        times = REPEATED.get(attribute.kind)
        values[key] = (value,) * times if times and isinstance(value, int) else value
        for number in _numbers(values[key]):
            if not _is_in_range(attribute, number):
                raise OutOfRangeError(f"has {number:g} as `{key}`, which `{name}` does not take")
    return OPS[name](values)


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, tuple):
        for item in cast(tuple[Any, ...], value):
            yield from _numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _is_in_range(attribute: Attribute[Any], number: float) -> bool:
    return (
        (attribute.minimum is None or number >= attribute.minimum)
        and (attribute.maximum is None or number <= attribute.maximum)
        and (attribute.above is None or number > attribute.above)
        and number - number == 0  # neither infinite nor no number
    )
