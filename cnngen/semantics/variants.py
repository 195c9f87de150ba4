"""Variants: what generated code takes for granted of shapes, and which parameters would change it.

Code is generated once and called with any parameters. Of shapes it knows what the network of the
defaults shows: the area of each `flatten`, and whether a layer is given maps or a vector. So the
tree is followed here for all parameters at once, also into branches and loops that the defaults do
not enter. What is sure there is noted for the targets; parameters with other values of which a note
would be wrong are *fixed*: only `--set` can change them.
"""

from collections.abc import Mapping
from typing import assert_never

from cnngen.ops.base import Image, Shape, Vector
from cnngen.semantics.facts import NOTHING, NOWHERE, ParameterNames, Traced
from cnngen.semantics.network import Fixed, Network, Scope
from cnngen.semantics.traced_bodies import MOST_VISITS, TooManyVisits, TracedBodies
from cnngen.semantics.traced_ops import Areas, Path, Trail
from cnngen.syntax.tree import Call


def note_variants(network: Network) -> None:
    """Note what holds for other values of the parameters, and which of these are fixed."""
    parameters = network.resolution.spec.parameters
    if not parameters:
        return
    names = [parameter.name.text for parameter in parameters]
    areas = {
        _path(call, scope): (image.height, image.width)
        for call, uses in network.flattened.items()
        for image, scope in uses
    }
    for unroll in (True, False):
        try:
            variants = Variants(network, areas, NOTHING, unroll)
            found = variants.follow()
            needed = frozenset(found)
            if len(found) * variants.visits <= MOST_VISITS:
                needed = _needed(network, areas, needed, unroll)
            network.fixed = {name: found[name] for name in names if name in needed}
            return
        except TooManyVisits:
            pass
    network.fixed = dict.fromkeys(names, "size")


def _needed(network: Network, areas: Areas, found: ParameterNames, unroll: bool) -> ParameterNames:
    """The parameters that must be fixed even if all others of those found are: one may matter only
    on a way that another one opens.
    """
    for name in sorted(found) if len(found) > 1 else ():
        fewer = found - {name}
        if not Variants(network, areas, fewer, unroll).follow():
            found = fewer
    return found


def _path(call: Call, scope: Scope) -> Path:
    outer: list[Call] = []
    at: Scope | None = scope
    while at:
        outer += [at.call] if at.call else []
        at = at.parent
    return (*reversed(outer), call)


class Variants(TracedBodies):
    """Follows the stages of a network."""

    def follow(self) -> Mapping[str, Fixed]:
        """The parameters that must keep their defaults."""
        said = {each.name.text: each.parameter for each in self.resolution.spec.inputs}
        tensors = {name: self.given(x, said.get(name)) for name, x in self.network.inputs.items()}
        x = next(iter(tensors.values()))  # of several, the first stage says which it reads
        for stage in self.resolution.spec.stages:
            given = tensors[stage.origin.text] if stage.origin else x
            first = stage.body[0].origin if stage.body else None
            entry = tensors[first.text] if first else given
            scope = Scope({}, None, "", stage=stage)
            place = Trail(self.model, tensors, entry, scope)
            tensors[stage.name.text] = after = self.body(stage.body, given, place)
            if not stage.training:
                x = after
        return self.found

    def given(self, shape: Shape, parameter: str | None) -> Traced:
        """What is known of an input, whose channels or features a parameter may say."""
        constant = self.symbols.constant
        said = self.model[parameter] if parameter else None
        match shape:
            case Image(channels, height, width):
                size = constant((height, width))
                return Traced(constant("image"), size, said or constant(channels))
            case Vector(features):
                return Traced(constant("vector"), NOWHERE, said or constant(features))
            case _:
                assert_never(shape)
