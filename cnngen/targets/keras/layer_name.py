"""Names of Keras layers: the path of a step with `_` for `.`, an f-string where only the running
code knows a part.
"""

from dataclasses import dataclass

from cnngen.expressions.expression import Constant, Expression
from cnngen.python.nodes import Name, Node, String
from cnngen.targets.keras.scope import Scope

GIVEN = Name("name")


@dataclass(frozen=True, slots=True)
class LayerName:
    """Text with nodes in it; the first may be the name that a function was given."""

    parts: tuple[str | Node, ...]

    def below(self, key: str | Expression, scope: Scope) -> "LayerName":
        """The name of a part."""
        match key:
            case str():
                return self._then(f"_{key}")
            case Constant(position):
                return self._then(f"_{position}")
            case _:
                return self._then("_", scope.node(key))

    def _then(self, text: str, *nodes: Node) -> "LayerName":
        *parts, last = self.parts
        ends = (last + text,) if isinstance(last, str) else (last, text)
        return LayerName((*parts, *ends, *nodes))

    @property
    def node(self) -> Node:
        """A string, or the variable alone."""
        return GIVEN if self.parts == (GIVEN,) else String(self.parts)
