"""What computes a tensor of a Keras model: one of our ops, or something that none of them is.

The latter have words that begin with `keras.`, and are there to be recognised: what several of them
compute together may be an op.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cnngen.foreign.keras_calls import Call
from cnngen.foreign.keras_listed import INPUT
from cnngen.ops import OPS
from cnngen.ops.base import Image, Op, Shape, Vector
from cnngen.semantics.attributes import attribute_value
from cnngen.vocabulary.layer import Unsayable

Constants = Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A tensor as what computes it: the word and the values of an op, and the tensors that this
    reads. `suffix` is what its name has behind that of the layer. `shape` is None where an
    obstacle leaves it unknown.
    """

    word: str
    values: Mapping[str, Any]
    inputs: tuple["Step", ...]
    shape: Shape | None
    call: Call
    suffix: str = ""
    constants: Constants = field(default_factory=dict[str, tuple[float, ...]])

    @property
    def is_op(self) -> bool:
        return self.word in OPS

    @property
    def op(self) -> Op:
        return OPS[self.word](self.values)

    @property
    def image(self) -> Image | None:
        return self.shape if isinstance(self.shape, Image) else None

    def named(self, name: str, *words: str) -> bool:
        """Whether it is one of these words, or the word of Keras `name`."""
        return self.word == f"keras.{name}" or self.word in words


Rewrite = Callable[[Step], Step]


@dataclass(frozen=True, slots=True)
class At:
    """Makes the steps of a call, each rewritten as soon as it is made."""

    call: Call
    rewrite: Rewrite

    def op(
        self,
        word: str,
        *inputs: Step,
        suffix: str = "",
        constants: Constants | None = None,
        **given: Any,
    ) -> Step:
        """One of our ops with these attributes; raises `ShapeError` and `Invalid`."""
        made = op_step(self.call, word, inputs, given, suffix, constants or {})
        return self.rewrite(made)

    def raw(self, word: str, *inputs: Step, shape: Shape | None = None, **values: Any) -> Step:
        """Something that no op computes by itself."""
        return self.rewrite(Step(f"keras.{word}", values, inputs, shape, self.call))


def op_step(
    call: Call,
    word: str,
    inputs: tuple[Step, ...],
    given: Mapping[str, Any],
    suffix: str = "",
    constants: Constants | None = None,
) -> Step:
    values = complete(OPS[word], given)
    shapes = [x.shape for x in inputs]
    known = [shape for shape in shapes if shape is not None]
    shape = OPS[word](values).infer(*known) if len(known) == len(shapes) else None
    return Step(word, values, inputs, shape, call, suffix, constants or {})


def complete(op: type[Op], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """All attributes, checked and normalised."""
    values: dict[str, Any] = {}
    for name, attribute in op.attributes.items():
        value = given.get(name, attribute.default)
        if attribute.kind in ("choice", "padding") and isinstance(value, str):
            if value not in attribute.choices or value == "half":
                raise Unsayable(f"no op has a {name} `{value[:40]}`")
            values[name] = value
        elif attribute.kind in ("init", "tensor"):
            values[name] = value
        else:
            try:
                values[name] = attribute_value(attribute, _tuples(value))
            except OverflowError:
                raise Unsayable(f"no op has so large a {name}") from None
    return values


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def input_step(call: Call, shape: Shape | None) -> Step:
    return Step(f"keras.{INPUT}", {}, (), shape, call)


def features(shape: Shape | None) -> int | None:
    """The channels of maps, or the features of a vector."""
    if isinstance(shape, Vector):
        return shape.features
    return shape.channels if shape else None
