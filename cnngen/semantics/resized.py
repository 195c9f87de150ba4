"""Resized: the height and width of an op's output, as far as they are known for all parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cnngen.expressions.evaluate import UNDETERMINED, EvaluationError
from cnngen.expressions.expression import Conditional, Constant, Expression, walk
from cnngen.ops.attribute import Attribute
from cnngen.ops.base import Image, Op, Shape, ShapeError, Vector
from cnngen.semantics.attributes import attribute_value, half
from cnngen.semantics.facts import Fact, Symbols
from cnngen.semantics.network import Rank
from cnngen.semantics.words import chooses_word
from cnngen.syntax.tree import ArgumentValue, Distribution

Facts = Callable[[Expression], Fact]
ONE = (1, 1)
EITHER: tuple[Shape, ...] = Image(1, 1, 1), Vector(1, (1,))
LARGE = (1000, 1001, 1002, 1003)  # an op that keeps these lengths keeps all, whatever its stride

# What an attribute may be that does not matter to sizes.
NEUTRAL: dict[str, Any] = {
    **{"int": 1, "float": 1.0, "bool": False, "size": ONE, "padding": (0, 0, 0, 0)},
    **{"ints": (0,), "table": ((0,),), "init": None, "tensor": ""},
}


@dataclass(slots=True)
class Resizing:
    """Asks the ops themselves which sizes they give, once for each question."""

    symbols: Symbols
    known: dict[tuple[Any, ...], Any] = field(default_factory=dict[tuple[Any, ...], Any])
    ranks: dict[type[Op], Rank | None] = field(default_factory=dict[type[Op], Rank | None])

    def after(
        self, op: type[Op], arguments: Mapping[str, ArgumentValue], size: Fact, facts: Facts
    ) -> Fact:
        """The size that an op gives; `facts` evaluates its arguments."""
        if not op.sizing and not op.sets_size:
            return size
        padding = arguments.get("padding")
        if isinstance(padding, Conditional) and chooses_word(op.attributes["padding"], padding):
            return self._either(op, arguments, padding, size, facts)
        given = self._attributes(op, arguments, facts)
        if op.sets_size:
            return self._set(*given.values())
        if all(fact.known for fact in given.values()) and self._keeps(op, given):
            return size
        if size.known and size.value == ONE and arguments.get("padding") == Constant("same"):
            return size  # whatever the stride is
        value = self._size(op, given, size.value)
        key = ("resized", op.name, *given)
        return self.symbols.made(value, [*given.values(), size], *key)

    def _either(
        self,
        op: type[Op],
        arguments: Mapping[str, ArgumentValue],
        padding: Conditional,
        size: Fact,
        facts: Facts,
    ) -> Fact:
        """The size with one of two paddings."""
        test = facts(padding.test)
        then, otherwise = (
            self.after(op, {**arguments, "padding": arm}, size, facts)
            for arm in (padding.then, padding.otherwise)
        )
        if test.known:
            return then if test.value else otherwise
        return self.symbols.choice(test, then, otherwise)

    def takes(self, op: type[Op]) -> Rank | None:
        """The rank of the input that an op insists on."""
        if op not in self.ranks:
            wanted: list[Rank | None] = [_wanted(op, x) for x in EITHER]
            self.ranks[op] = wanted[0] or wanted[1]
        return self.ranks[op]

    def _attributes(
        self, op: type[Op], arguments: Mapping[str, ArgumentValue], facts: Facts
    ) -> dict[str, Fact]:
        """The attributes on which the size depends, normalised as `bind` does it."""
        given: dict[str, Fact] = {}
        padding = arguments.get("padding")
        # With `same`, only the stride counts; it may be left to the kernel.
        unread = ("dilation",) if _may_be_null(arguments.get("stride")) else ("dilation", "kernel")
        for name in op.sizing:
            value = arguments[name]
            assert not isinstance(value, Distribution)
            if padding == Constant("same") and name in unread:
                continue
            if name == "padding" and padding == Constant("same"):
                given[name] = self.symbols.constant("same")
            elif name != "padding" or padding != Constant("half"):
                given[name] = self._normal(op.attributes[name], facts(value))
        if padding == Constant("half"):
            dilation = given.get("dilation", self.symbols.constant(ONE))
            given["padding"] = self._half(given["kernel"], dilation)
        return given

    def _normal(self, attribute: Attribute[Any], fact: Fact) -> Fact:
        if fact.value is UNDETERMINED:
            return fact
        try:
            value = attribute_value(attribute, fact.value)
        except EvaluationError:
            value = UNDETERMINED
        return self.symbols.made(value, [fact], "attribute", attribute.kind)

    def _half(self, kernel: Fact, dilation: Fact) -> Fact:
        both = kernel.value, dilation.value
        value = UNDETERMINED if UNDETERMINED in both else half(*both)
        return self.symbols.made(value, [kernel, dilation], "half")

    def _set(self, *given: Fact) -> Fact:
        """The size that attributes say: none of them, a size, or a height and a width."""
        if not given:
            return self.symbols.constant(ONE)
        if len(given) == 1:
            return given[0]
        height, width = given
        both = height.value, width.value
        value = UNDETERMINED if UNDETERMINED in both else both
        return self.symbols.made(value, [height, width], "pair")

    def _keeps(self, op: type[Op], given: Mapping[str, Fact]) -> bool:
        return all(self._size(op, given, (n, n)) == (n, n) for n in LARGE)

    def _size(self, op: type[Op], given: Mapping[str, Fact], size: Any) -> Any:
        """The size of the output for these values, `UNDETERMINED` where one of them is."""
        values = {name: fact.value for name, fact in given.items()}
        if UNDETERMINED in values.values() or size is UNDETERMINED:
            return UNDETERMINED
        key = (op, *values.items(), size)
        if key not in self.known:
            self.known[key] = _infer(op, values, size)
        return self.known[key]


def _neutral(op: type[Op], values: Mapping[str, Any]) -> Op:
    neutral = {
        name: attribute.choices[0] if attribute.kind == "choice" else NEUTRAL[attribute.kind]
        for name, attribute in op.attributes.items()
    }
    return op({**neutral, **values})


def _wanted(op: type[Op], x: Shape) -> Rank | None:
    """The rank that an op says it needs when it is given this shape."""
    try:
        _neutral(op, {}).infer(x, *[Image(1, 1, 1)] * len(op.tensors))
    except ShapeError as error:
        return error.wants
    return None


def _infer(op: type[Op], values: Mapping[str, Any], size: tuple[int, int]) -> Any:
    try:
        output = _neutral(op, values).infer(Image(0, *size))  # every number divides no channels
    except ShapeError:
        return UNDETERMINED
    return (output.height, output.width) if isinstance(output, Image) else UNDETERMINED


def _may_be_null(stride: ArgumentValue | None) -> bool:
    """Whether the stride may be `null`, which means that of the kernel."""
    if not isinstance(stride, Expression):
        return False
    return any(isinstance(part, Constant) and part.value is None for part, _ in walk(stride))
