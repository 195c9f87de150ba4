"""Names of Keras layers: the path of a step with `_` for `.`, an f-string where only the running
code knows a part. A layer that no step has is called after the one that it belongs to.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cnngen.expressions.expression import Constant, Expression
from cnngen.plan.program import Bind, Gather, Join, JoinLoop, Pass, Program, Region, regions
from cnngen.python.construct import suffixed
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


def beside(name: Node, word: str, scope: Scope) -> Node:
    """The name of a layer that belongs to one of the author's: `"stem_0_pad"`."""
    return suffixed(name, f"_{scope.speller.beside(word)}")


def layer_words(program: Program) -> frozenset[str]:
    """The words of which the author's layers have their names."""
    bodies = [part.body for part in (*program.units, *program.stages)]
    words = {word for body in bodies for word in _words(body)}
    return frozenset(words | {stage.name for stage in program.stages})


def _words(region: Region) -> Iterator[str]:
    for node in region.nodes:
        if isinstance(node, Pass | Bind):
            continue
        levels = isinstance(node, Join | JoinLoop | Gather)
        keys = (node.key, node.level) if levels else (node.key,)
        yield from (key for key in keys if isinstance(key, str))
        if isinstance(node, Join):
            yield from (arm.name for arm in node.arms)
        for inner in regions(node):
            yield from _words(inner)
