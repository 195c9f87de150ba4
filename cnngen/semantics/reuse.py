"""Reuse: the layers of a part at another place, and what they can be given there.

The layers are those that were made at the first place, for its numbers of channels. Heights and
widths may be others, but for those that a `flatten` turns into features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cnngen.ops.base import Image, Op, Shape, ShapeError, Unknown
from cnngen.semantics.network import Layer, Scope, Tensor
from cnngen.syntax.tree import Stage

SIZE = "use `global_avg_pool` or `adaptive_avg_pool` before `flatten`, or give it maps of that size"
RANK = "write the steps again: layers for maps are others than those for vectors"


class Misfit(ShapeError):
    """A layer was made for other shapes; the message says what it is or has."""


@dataclass(slots=True, eq=False)
class Again:
    """From the paths and scopes of a part to those of another place, which is in `stage`."""

    old: str
    new: str
    stage: Stage | None
    scopes: dict[Scope, Scope] = field(default_factory=dict[Scope, Scope])

    def path(self, path: str) -> str:
        return self.new + path[len(self.old) :]

    def scope(self, scope: Scope, tensors: Mapping[str, Tensor]) -> Scope:
        """The scope of a layer; one around the part stays as it is."""
        if not (scope.path == self.old or scope.path.startswith(f"{self.old}.")):
            return scope
        if scope not in self.scopes:
            self.scopes[scope] = replace(
                scope,
                path=self.path(scope.path),
                parent=scope.parent and self.scope(scope.parent, tensors),
                stage=scope.stage and self.stage,
                given={name: tensors.get(x.path, x) for name, x in scope.given.items()},
            )
        return self.scopes[scope]


def check_again(layer: Layer, shapes: Sequence[Shape | Unknown]) -> None:
    """Raise `Misfit` where a layer that was made for its inputs cannot take these."""
    op = layer.op
    built = type(op).weights is not Op.weights or op.counts_features
    for old, new in zip((x.shape for x in layer.inputs), shapes, strict=True):
        if isinstance(old, Image) != isinstance(new, Image):
            was, is_now = ("maps", "a vector") if isinstance(old, Image) else ("a vector", "maps")
            raise Misfit(f"was made for {was}, and would get {is_now}", help=RANK)
        if op.flattens and old != new:
            raise Misfit(f"makes features of {old}, and would get {new}", help=SIZE)
        if built and _count(old) != _count(new):
            message = f"has weights for {_said(old)}, and would get {_count(new)}"
            again = "write the steps again, with weights of their own"
            raise Misfit(message, help=f"give it {_count(old)}, or {again}")


def _count(shape: Shape | Unknown) -> int:
    assert not isinstance(shape, Unknown)
    return shape.channels if isinstance(shape, Image) else shape.features


def _said(shape: Shape | Unknown) -> str:
    return f"{_count(shape)} {'channels' if isinstance(shape, Image) else 'features'}"
