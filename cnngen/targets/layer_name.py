"""Names of Keras layers: the path of a step with `_` for `.`, as an f-string where a part is only
known at run time.
"""

from dataclasses import dataclass, replace

from cnngen.expressions.algebra import add, simplify, subtract
from cnngen.expressions.expression import Constant, Expression
from cnngen.python.expression import python


@dataclass(frozen=True, slots=True)
class LayerName:
    """Text with `{code}` parts; the first may be the name that a function was given."""

    text: str

    def __truediv__(self, key: "str | Position") -> "LayerName":
        part = key if isinstance(key, str) else key.text()
        return replace(self, text=f"{self.text}_{part}")

    def code(self) -> str:
        """A string literal, an f-string, or the variable alone."""
        if self.text == "{name}":
            return "name"
        return f'f"{self.text}"' if "{" in self.text else f'"{self.text}"'


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a chain: a number, plus what loops before it have taken."""

    value: Expression = Constant(0)

    def plus(self, other: Expression | int) -> "Position":
        added = Constant(other) if isinstance(other, int) else other
        return Position(simplify(add(self.value, added)))

    def before(self) -> "Position":
        return Position(simplify(subtract(self.value, Constant(1))))

    def text(self) -> str:
        if isinstance(self.value, Constant):
            return str(self.value.value)
        return f"{{{python(self.value)}}}"
