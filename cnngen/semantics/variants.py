"""Variants: what generated code takes for granted of shapes, and which parameters would change it.

Code is generated once and called with any parameters. Of shapes it knows what the network of the
defaults shows: the area of each `flatten`, and whether a layer is given maps or a vector. So the
tree is followed here for all parameters at once, also into branches and loops that the defaults do
not enter. What is sure there is noted for the targets. Parameters for other values of which a note
would be wrong are *fixed*: only `--set` can change them.
"""

from dataclasses import replace
from typing import assert_never

from cnngen.ops.base import Image, Shape, Vector
from cnngen.semantics.facts import NOTHING, NOWHERE, ParameterNames, Traced, TracedList
from cnngen.semantics.map_lists import lone_loop
from cnngen.semantics.network import Network, Scope
from cnngen.semantics.traced_bodies import MOST_VISITS, Running, TooManyVisits, TracedBodies
from cnngen.semantics.traced_ops import Path, Sizes, Trail
from cnngen.syntax.tree import Call


def note_variants(network: Network) -> None:
    """Note what holds for other values of the parameters, and which of these are fixed."""
    parameters = network.resolution.spec.parameters
    names = [p.name.text for p in parameters if p.type != "op"]  # one changes no shape
    if not names:
        return
    sizes = {
        _path(call, scope): (image.height, image.width)
        for call, uses in network.flattened.items()
        for image, scope in uses
    }
    for unroll in (True, False):
        try:
            bodies = TracedBodies(network, sizes, NOTHING, unroll)
            _follow_stages(bodies)
            found = bodies.ops.found
            needed = frozenset(found)
            if len(found) * bodies.visits <= MOST_VISITS:
                needed = _needed(network, sizes, needed, unroll)
            network.fixed = {name: found[name] for name in names if name in needed}
            return
        except TooManyVisits:
            pass
    network.fixed = dict.fromkeys(names, "size")


def _needed(network: Network, sizes: Sizes, found: ParameterNames, unroll: bool) -> ParameterNames:
    """Those of the parameters found without which the others are not enough: one may matter only on
    a way through the program that another one opens.
    """
    for name in sorted(found) if len(found) > 1 else ():
        fewer = found - {name}
        bodies = TracedBodies(network, sizes, fewer, unroll)
        _follow_stages(bodies)
        if not bodies.ops.found:
            found = fewer
    return found


def _follow_stages(bodies: TracedBodies) -> None:
    """Follow the stages of the model; `bodies.ops` finds the parameters that must be fixed."""
    said = {each.name.text: each.parameter for each in bodies.resolution.spec.inputs}
    inputs = bodies.network.inputs.items()
    tensors = {name: _given(shape, said[name], bodies) for name, shape in inputs}
    x: Running = next(iter(tensors.values()))  # of several, the first stage says which it reads
    lists: dict[str, TracedList] = {}
    for stage in bodies.resolution.spec.stages:
        scope = Scope({}, None, "", stage=stage)
        place = Trail(bodies.model, tensors, bodies.entry(x), scope, lists=lists)
        given = bodies.follow(stage.origin, place) if stage.origin else x
        first = stage.body[0].origin if stage.body else None
        entry = bodies.entry(bodies.follow(first, place) if first else given)
        place = replace(place, entry=entry)
        if stage in bodies.shared:
            bodies.places[stage] = place
        after = bodies.body(stage.body, given, place)
        if isinstance(after, TracedList):
            lists[stage.name.text] = after
        else:
            tensors[stage.name.text] = after
            if (loop := lone_loop(stage.body)) and loop in bodies.turns:
                lists[stage.name.text] = bodies.turns[loop]
        if not stage.training:
            x = after


def _given(shape: Shape, parameter: str | None, bodies: TracedBodies) -> Traced:
    """What is known of an input, whose channels or features a parameter may say."""
    constant = bodies.symbols.constant
    said = bodies.model[parameter] if parameter else None
    match shape:
        case Image(channels, height, width):
            size = constant((height, width))
            return Traced(constant("image"), size, said or constant(channels))
        case Vector(features):
            return Traced(constant("vector"), NOWHERE, said or constant(features))
        case _:
            assert_never(shape)


def _path(call: Call, scope: Scope) -> Path:
    outer: list[Call] = []
    at: Scope | None = scope
    while at:
        outer += [at.call] if at.call else []
        at = at.parent
    return (*reversed(outer), call)
