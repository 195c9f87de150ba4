"""What the configuration of a Keras model says, checked as it is read: anything may be damaged."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from cnngen.foreign.foreign_file import ForeignFileError

CONSTANTS = ("__tensor__", "__numpy__")
CONSTANT = "_CONSTANT_VALUE"  # stands for a tensor in Keras 2

Leaf = tuple[str, int, int]  # a tensor: a layer, which of its calls, and which of what that gives
Stated = tuple[int | None, ...]  # the shape of a tensor, batch included, as far as it is known


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of an axis, as Python writes it."""

    start: Any
    stop: Any
    step: Any


@dataclass(frozen=True, slots=True)
class Before:
    """What the layer before gives, in a sequential model."""

    layer: str


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ForeignFileError(f"{what} is no mapping in the file")
    return cast("dict[str, Any]", value)


def sequence(value: Any, what: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise ForeignFileError(f"{what} is no list in the file")
    return cast("list[Any]", value)


def text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise ForeignFileError(f"{what} is no text in the file")
    return value


def shown(value: Any) -> str:
    """A name of the file in a message."""
    return str(value)[:60]


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def shape(value: Any) -> Stated:
    sizes = sequence(value, "a shape")
    if not all(n is None or (is_whole(n) and 0 <= n < 2**31) for n in sizes):
        raise ForeignFileError("a shape is no list of sizes")
    return tuple(sizes)


def input_shape(config: Mapping[str, Any]) -> Stated:
    """The shape that an input layer declares."""
    declared = config.get("batch_shape", config.get("batch_input_shape"))
    return shape(declared) if isinstance(declared, list) else ()


# --- Tensors


def is_leaf(value: Any) -> bool:
    """Whether a list is `[layer, call, tensor]`, with arguments perhaps."""
    if not isinstance(value, list):
        return False
    items = cast("list[Any]", value)
    if len(items) not in (3, 4) or not isinstance(items[0], str) or not is_whole(items[1]):
        return False
    return is_whole(items[2]) or items[0] == CONSTANT


def leaf(value: Any) -> Leaf:
    items = sequence(value, "what a layer reads")
    if not is_leaf(value) or items[0] == CONSTANT:
        raise ForeignFileError("what a layer reads is not said as `[layer, call, tensor]`")
    return items[0], items[1], items[2]


def history(tensor: Any) -> tuple[Leaf, Stated | None]:
    """Where a tensor of Keras 3 comes from, and its shape if that is said."""
    config = mapping(tensor.get("config"), "a tensor")
    sizes = config.get("shape")
    return leaf(config.get("keras_history")), shape(sizes) if isinstance(sizes, list) else None


def leaves(value: Any, which: str, named: str = "") -> Iterator[tuple[str, Leaf]]:
    """The ends of a model in the order in which Keras counts them: those of a dictionary by its
    names, which come with them.
    """
    if is_leaf(value):
        yield named, leaf(value)
    elif isinstance(value, dict):
        for key, inner in sorted(mapping(value, which).items()):
            yield from leaves(inner, which, key)
    else:
        for inner in sequence(value, f"`{which}`"):
            yield from leaves(inner, which)


def references(node: Any) -> Iterator[Leaf]:
    """All tensors in what a call is given, in their order."""
    match node:
        case Before(name):
            yield name, 0, 0
        case {"class_name": "__keras_tensor__"}:
            yield history(node)[0]
        case dict():
            for value in cast("dict[str, Any]", node).values():
                yield from references(value)
        case list() if is_leaf(cast("list[Any]", node)):
            items = cast("list[Any]", node)
            if items[0] != CONSTANT:
                yield leaf(items)
            for value in items[3:]:
                yield from references(value)
        case list():
            for value in cast("list[Any]", node):
                yield from references(value)
        case _:
            return


def flat(values: Sequence[Any]) -> Iterator[Any]:
    """All values in lists in lists, and in dictionaries by their names."""
    for value in values:
        if isinstance(value, list):
            yield from flat(cast("list[Any]", value))
        elif isinstance(value, dict):
            typed = cast("dict[str, Any]", value)
            yield from flat([typed[name] for name in sorted(typed)])
        else:
            yield value
