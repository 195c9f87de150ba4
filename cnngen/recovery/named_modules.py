"""Names of a flat model's layers -> the modules that they tell of.

A model of Keras is flat, and its hierarchy is in names: `conv2_block1_1_conv`, `features_3_conv`.
Their parts make a trie, in which a prefix is a module if its layers are together in the order of
execution. Names may be anything: those that are interleaved say nothing (`conv2d_7`, as Keras
counts layers that have no name), and layers between others of one prefix are of it, whatever they
are called.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from cnngen.foreign.graph import Graph, Module, Node
from cnngen.recovery.tree import outline

CONTAINER = "Sequential"
BLOCK = "Block"  # a kind of module of which names only have the number
LEAST_LAYERS = 2  # of what is written out wherever it is
MOST_PARTS = 12
NEARLY_ALL = 0.8  # of the layers: a prefix of so many is the model's own name
MOST = 0.5  # of the layers: names that place fewer than these say nothing

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """A node, and the parts of its name that no module around it has."""

    node: Node
    parts: Parts

    def inside(self, prefix: Parts) -> "_Layer":
        """The layer in the module of this prefix; another name says nothing there."""
        known = self.parts[: len(prefix)] == prefix
        return replace(self, parts=self.parts[len(prefix) :] if known else ())


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A module that names tell of: its path, and what it holds."""

    path: Parts
    members: tuple["_Layer | _Part", ...]

    @property
    def label(self) -> str:
        return self.path[-1]

    @property
    def pattern(self) -> Parts:
        """The path without numbers, which modules have in common that are counted."""
        return tuple("" if _is_index(part) else part.rstrip("0123456789") for part in self.path)


def named_modules(graph: Graph) -> Graph:
    """The graph with modules by the names of its layers, if it has none and most names tell of
    some.
    """
    if any(node.place.modules for node in graph.nodes.values()):
        return graph
    layers = [_Layer(node, _parts(node.label)) for node in graph.nodes.values()]
    members = tuple(_members(_without_title(layers), (), _readers(graph)))
    kinds = _kinds(members)
    nodes = {node.name: node for node in _placed(members, (), kinds)}
    placed = sum(bool(node.place.modules) for node in nodes.values())
    return replace(graph, nodes=nodes) if placed > MOST * len(nodes) else graph


def _parts(name: str) -> Parts:
    """What a name is made of: `block1a_expand_conv` is `block1`, `a`, `expand`, `conv`."""
    words = re.split(r"[^A-Za-z0-9]+|(?<=[0-9])(?=[a-z](?![A-Za-z0-9]))", name)
    return tuple(word for word in words if word)[:MOST_PARTS]


def _is_index(part: str) -> bool:
    return part.isdecimal() or len(part) == 1


def _readers(graph: Graph) -> dict[str, set[str]]:
    readers: dict[str, set[str]] = {name: set() for name in (*graph.inputs, *graph.nodes)}
    for node in graph.nodes.values():
        for read in node.inputs:
            readers[read].add(node.name)
    for name in graph.outputs.values():
        readers[name].add("")
    return readers


def _without_title(layers: Sequence[_Layer]) -> list[_Layer]:
    """The layers without what nearly all names begin with, if words follow it."""
    while True:
        heads = Counter(layer.parts[0] for layer in layers if len(layer.parts) > 1)
        head, times = heads.most_common(1)[0] if heads else ("", 0)
        titled = [x for x in layers if x.parts[:1] == (head,) and len(x.parts) > 1]
        numbered = any(_is_index(layer.parts[1]) for layer in titled)
        if times < max(1, NEARLY_ALL * len(layers)) or numbered:
            return [*layers]
        layers = [replace(x, parts=x.parts[1:]) if x in titled else x for x in layers]


# --- Groups


def _members(
    layers: Sequence[_Layer], path: Parts, readers: Mapping[str, set[str]]
) -> Iterator[_Layer | _Part]:
    """What a module at this path holds, in order."""
    spans = _spans(layers)
    start = 0
    while start < len(layers):
        head = "".join(layers[start].parts[:1])
        if end := spans.get(head, 0):
            end = _with_join(layers, start, end, {*spans}, readers)
            prefix = _longest([x.parts for x in layers[start:end] if x.parts[:1] == (head,)])
            around = (*path, "_".join(prefix))
            inner = [layer.inside(prefix) for layer in layers[start:end]]
            yield _Part(around, tuple(_members(inner, around, readers)))
            start = end
        else:
            yield layers[start]
            start += 1


def _spans(layers: Sequence[_Layer]) -> dict[str, int]:
    """Where the layers end that begin with a part, for all parts that tell of a module."""
    places: dict[str, list[int]] = defaultdict(list)
    for i, layer in enumerate(layers):
        for part in layer.parts[:1]:
            places[part].append(i)
    found = {
        part: (at[0], at[-1])
        for part, at in places.items()
        if not _is_count(part, [layers[i].parts for i in at])
        and (len(at) > 1 or (_is_index(part) and len(layers[at[0]].parts) > 1))
    }
    return {
        part: last + 1
        for part, (first, last) in found.items()
        if not any(part != x and first <= b and a <= last for x, (a, b) in found.items())
    }


def _is_count(part: str, names: Sequence[Parts]) -> bool:
    """Whether names count layers of one kind: `add`, `add_1`, `add_2`."""
    return (part,) in names and all(
        len(name) == 1 or (len(name) == 2 and name[1].isdecimal()) for name in names
    )


def _longest(names: Sequence[Parts]) -> Parts:
    """The prefix of a module: all that its layers have in common before a number."""
    length = 1
    while not _is_index(names[0][length - 1]):
        longer = {name[: length + 1] for name in names}
        if len(longer) > 1 or any(len(name) < length + 2 for name in names):
            break
        if _is_index(names[0][length]):
            break
        length += 1
    return names[0][:length]


def _with_join(
    layers: Sequence[_Layer],
    start: int,
    end: int,
    heads: set[str],
    readers: Mapping[str, set[str]],
) -> int:
    """Where a module ends with the join that follows it, if that reads only what the module does:
    names are given to the layers of a block, but often not to its shortcut.
    """
    inside = {layer.node.name for layer in layers[start:end]}
    reads = {read for layer in layers[start:end] for read in layer.node.inputs} - inside
    last = layers[end - 1].node.name
    for i in range(end, len(layers)):
        node = layers[i].node
        if heads & {*layers[i].parts[:1]} or {*node.inputs} - inside - reads:
            break
        inside.add(node.name)
        if node.op.joins and last in node.inputs:
            gives = {name for name in inside if readers[name] - inside}
            return i + 1 if gives == {node.name} else end
    return end


# --- Kinds


def _kinds(members: Sequence[_Layer | _Part]) -> dict[Parts, str]:
    """What kind of module each path has: modules that are alike but for numbers are one block, and
    so are those that are counted and differ in more. What is in one place only is a container.
    """
    parts = [*_all_parts(members)]
    signs = {part.path: _sign(part) for part in parts}
    places: dict[Hashable, set[Hashable]] = defaultdict(set)
    variants: dict[Parts, set[Hashable]] = defaultdict(set)
    for part, place in _with_places(members, signs, ()):
        places[signs[part.path]].add(place)
        if re.search("[0-9]$", part.label) and len(part.path) > 1:
            variants[part.pattern].add(signs[part.path])
    kinds: dict[Parts, str] = {}
    for part in parts:
        several = len(places[signs[part.path]]) > 1 and len(_nodes(part)) > LEAST_LAYERS
        if len(variants.get(part.pattern, ())) > 1:
            kinds[part.path] = part.pattern[-1] or BLOCK
        elif len(_reads(part)) > 1:
            kinds[part.path] = part.pattern[-1]
        else:
            kinds[part.path] = "" if several else CONTAINER
    return kinds


def _all_parts(members: Sequence[_Layer | _Part]) -> Iterator[_Part]:
    for member in members:
        if isinstance(member, _Part):
            yield member
            yield from _all_parts(member.members)


def _with_places(
    members: Sequence[_Layer | _Part], signs: Mapping[Parts, Hashable], around: Parts
) -> Iterator[tuple[_Part, Hashable]]:
    """Each module with the place in which it is; those that a loop may hold are in the same."""
    runs = groupby(members, lambda x: signs[x.path] if isinstance(x, _Part) else None)
    for i, (_, run) in enumerate(runs):
        for part in run:
            if isinstance(part, _Part):
                word = part.pattern[-1] if around else part.label
                yield part, (around, word or i)
                yield from _with_places(part.members, signs, part.pattern)


def _nodes(member: _Layer | _Part) -> list[Node]:
    if isinstance(member, _Layer):
        return [member.node]
    return [node for each in member.members for node in _nodes(each)]


def _reads(part: _Part) -> list[str]:
    """What a module reads of others, in order."""
    nodes = _nodes(part)
    inside = {node.name for node in nodes}
    reads = (read for node in nodes for read in node.inputs if read not in inside)
    return [*dict.fromkeys(reads)]


def _sign(part: _Part) -> Hashable:
    """What modules have in common that are alike but for numbers."""
    nodes = _nodes(part)
    known = [*_reads(part), *(node.name for node in nodes)]
    return tuple((outline(node), tuple(map(known.index, node.inputs))) for node in nodes)


# --- Places


def _placed(
    members: Sequence[_Layer | _Part], around: tuple[Module, ...], kinds: Mapping[Parts, str]
) -> Iterator[Node]:
    """The nodes in order, each with the modules around it."""
    for member in members:
        if isinstance(member, _Part):
            module = Module(".".join(member.path), kinds[member.path])
            yield from _placed(member.members, (*around, module), kinds)
        else:
            label = "_".join(member.parts) if around else member.node.label
            place = replace(member.node.place, modules=around)
            yield replace(member.node, place=place, label=label)
