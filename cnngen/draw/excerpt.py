"""Excerpts: the lines that make a layer, in the spec and in the generated sources."""

from collections.abc import Mapping
from dataclasses import dataclass

from cnngen.python.nodes import Origin
from cnngen.semantics.network import Layer, Scope
from cnngen.source import Span
from cnngen.syntax.tree import Spec
from cnngen.targets.rendered import Lines, Rendered


@dataclass(frozen=True, slots=True)
class Excerpt:
    """`shown` is what stands together, such as a block, and `marked` what matters of it."""

    file: str
    shown: Lines
    marked: Lines


def in_spec(at: Span, scope: Scope | None) -> Excerpt:
    """A step, in the block or stage in which it stands."""
    around = (scope.block or scope.stage) if scope else None
    marked = _lines(at)
    shown = _lines(around.span) if around and around.span.source is at.source else marked
    inside = shown[0] <= marked[0] and marked[1] <= shown[1]
    return Excerpt(at.source.path, shown if inside else marked, marked)


def _lines(span: Span) -> Lines:
    first, _, last, column = span.corners
    return first, max(first, last - 1) if column == 1 else last


@dataclass(frozen=True, slots=True)
class Sources:
    """The generated sources of a network, by target, which know what each line was made from."""

    spec: Spec
    rendered: Mapping[str, Rendered]

    def layer(self, target: str, layer: Layer) -> Excerpt | None:
        """What makes a layer, in the definition of its block; one without a line of its own, such
        as an identity, is somewhere in there.
        """
        around = self._lines(target, layer.scope.block or self.spec)
        made = self._lines(target, layer.step)
        return Excerpt(target, around, made or around) if around else None

    def block(self, target: str, scope: Scope) -> Excerpt | None:
        """What makes a block."""
        whole = self._lines(target, scope.block)
        return Excerpt(target, whole, whole) if whole else None

    def _lines(self, target: str, origin: Origin) -> Lines | None:
        """All that was made from one origin, which stands close together."""
        rendered = self.rendered.get(target)
        places = rendered.places.get(origin, ()) if rendered else ()
        if not places:
            return None
        firsts, lasts = zip(*places, strict=True)
        return min(firsts), max(lasts)
