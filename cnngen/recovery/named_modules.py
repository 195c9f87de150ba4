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
from cnngen.recovery.names import Names
from cnngen.recovery.regions import readers_of
from cnngen.recovery.tree import outline

CONTAINER = "Sequential"
BLOCK = "Block"  # a kind of module of which names only have the number
LEAST_LAYERS = 2  # of what is written out wherever it is
MOST_PARTS = 12
LETTERED = r"(block\d+)(?=[a-z](?:_|$))"  # the second block of a stage is `block2b`
NEARLY_ALL = 0.8  # of the layers: a prefix of so many is the model's own name
MOST = 0.5  # of the layers: names that place fewer than these say nothing

USUAL = (
    r"(add|multiply|concatenate|conv2d|batch_normalization|activation|max_pooling2d|re_lu)(_\d+)?"
)

Parts = tuple[str, ...]
Readers = Mapping[str, set[str]]


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """A node, and the parts of its name that no module around it has; None where it is there
    because of the layers around it, and not by its name.
    """

    node: Node
    parts: Parts | None

    @property
    def known(self) -> Parts:
        return self.parts or ()

    def inside(self, prefix: Parts) -> "_Layer":
        """The layer in the module of this prefix."""
        fits = self.known[: len(prefix)] == prefix
        return replace(self, parts=self.known[len(prefix) :] if fits else None)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A module that names tell of: its path, and what it holds."""

    path: Parts
    members: tuple["_Layer | _Part", ...]

    @property
    def label(self) -> str:
        return self.path[-1]

    @property
    def is_counted(self) -> bool:
        return self.pattern[-1] != self.label

    @property
    def pattern(self) -> Parts:
        """The path without numbers, which modules have in common that are counted."""
        return tuple("" if _is_index(part) else part.rstrip("0123456789_") for part in self.path)


def named_modules(graph: Graph) -> Graph:
    """The graph with modules by the names of its layers, if most of them have none, and most names
    tell of some.
    """
    modular = sum(bool(node.place.modules) for node in graph.nodes.values())
    if modular > MOST * len(graph.nodes):
        return graph
    layers = [_Layer(node, _parts(node)) for node in graph.nodes.values()]
    members = tuple(_members(_without_title(layers), (), readers_of(graph)))
    kinds = _kinds(members)
    nodes = {node.name: node for node in _placed(members, (), kinds)}
    placed = sum(bool(node.place.modules) for node in nodes.values())
    return replace(graph, nodes=nodes) if placed > MOST * len(nodes) else graph


def _parts(node: Node) -> Parts | None:
    """What a name is made of: `block1a_expand_conv` is `block1`, `a`, `expand`, `conv`. Those that
    Keras gives are none.
    """
    if re.fullmatch(USUAL, node.label):
        return None
    around = [module.path for module in node.place.modules[-1:]]
    name = "_".join((*around, node.label)) if node.label else ""
    words = re.split("[^A-Za-z0-9]+", re.sub(LETTERED, r"\1_", name))
    return tuple(word for word in words if word)[:MOST_PARTS] or None


def _is_index(part: str) -> bool:
    return part.isdecimal() or len(part) == 1


def _without_title(layers: Sequence[_Layer]) -> list[_Layer]:
    """The layers without what nearly all names begin with, if words follow it."""
    while True:
        heads = Counter(layer.known[0] for layer in layers if len(layer.known) > 1)
        head, times = heads.most_common(1)[0] if heads else ("", 0)
        titled = {x for x in layers if x.known[:1] == (head,) and len(x.known) > 1}
        numbered = any(_is_index(layer.known[1]) for layer in titled)
        if times < max(1, NEARLY_ALL * len(layers)) or numbered:
            return [*layers]
        layers = [replace(x, parts=x.known[1:]) if x in titled else x for x in layers]


# --- Groups


def _members(layers: Sequence[_Layer], path: Parts, readers: Readers) -> Iterator[_Layer | _Part]:
    """What a module at this path holds, in order."""
    prefixes, ends = _prefixes(layers, readers, top=not path)
    start = 0
    while start < len(layers):
        first = _with_shortcut(layers, start, prefixes, ends, readers, top=not path)
        prefix = prefixes[first]
        if not prefix:
            yield layers[start]
            start += 1
            continue
        end = ends[prefix]
        names = [x.known for x in layers[start:end] if x.known[: len(prefix)] == prefix]
        prefix = _longest(names, len(prefix))
        around = (*path, "_".join(prefix))
        inner = [layer.inside(prefix) for layer in layers[start:end]]
        yield _Part(around, tuple(_members(inner, around, readers)))
        start = end


def _prefixes(
    layers: Sequence[_Layer], readers: Readers, *, top: bool
) -> tuple[list[Parts], dict[Parts, int]]:
    """The prefix of the module that each layer is in by its name, if there is one, and where that
    ends. It is the shortest that no other module interrupts and that gives one tensor.
    """
    found = [layer.known[:1] for layer in layers]
    while True:
        places: dict[Parts, list[int]] = defaultdict(list)
        for i, prefix in enumerate(found):
            places[prefix].append(i)
        for prefix, at in places.items():
            if prefix and not _is_module(prefix, [layers[i].known for i in at], top=top):
                for i in at:
                    found[i] = ()
        places = {prefix: at for prefix, at in places.items() if prefix and found[at[0]]}
        spans = {prefix: (at[0], at[-1] + 1) for prefix, at in places.items()}
        torn = {
            prefix
            for prefix, (first, end) in spans.items()
            if any(first < i < end for x in spans if x != prefix for i in places[x])
        }
        if not torn:
            ends = {x: _with_join(layers, *spans[x], found, readers) for x in spans}
            ends = {x: _with_calls(layers, spans[x][0], end, readers) for x, end in ends.items()}
            torn = {x for x, (first, _) in spans.items() if _open(layers[first : ends[x]], readers)}
            if not torn:
                return found, ends
        for prefix in torn:
            for i in places[prefix]:
                longer = layers[i].known[: len(prefix) + 1]
                found[i] = longer if longer != prefix else ()


def _open(layers: Sequence[_Layer], readers: Readers) -> bool:
    """Whether others read several of these layers."""
    inside = {layer.node.name for layer in layers}
    return sum(bool(readers[name] - inside) for name in inside) > 1


def _is_module(prefix: Parts, names: Sequence[Parts], *, top: bool) -> bool:
    """Whether layers are a module, and not those of one kind, counted: `add`, `add_1`, `add_2`."""
    if len(names) == 1:
        rest = names[0][len(prefix) :]
        return bool(rest) and (_is_index(prefix[-1]) or (rest == ("0",) and not top))
    rest = [name[len(prefix) :] for name in names]
    if len(rest) == 2 and not rest[0] and not top:
        return False  # a layer and its activation, which are a stage at most
    return () not in rest or any(x and not "_".join(x).isdecimal() for x in rest)


def _longest(names: Sequence[Parts], length: int) -> Parts:
    """The prefix of a module: all that its layers have in common before a number."""
    while not _is_index(names[0][length - 1]):
        longer = {name[: length + 1] for name in names}
        if len(longer) > 1 or any(len(name) < length + 2 for name in names):
            break
        if _is_index(names[0][length]):
            break
        length += 1
    return names[0][:length]


def _with_join(
    layers: Sequence[_Layer], start: int, end: int, prefixes: Sequence[Parts], readers: Readers
) -> int:
    """Where a module ends with the join that follows it, if that reads only what the module does:
    names are given to the layers of a block, but often not to its shortcut.
    """
    inside = {layer.node.name for layer in layers[start:end]}
    reads = _outside(layers[start:end])
    last = layers[end - 1].node.name
    for i in range(end, len(layers)):
        node = layers[i].node
        if _is_named(layers[i], prefixes[i]) or {*node.inputs} - inside - reads:
            break
        inside.add(node.name)
        if node.op.joins and last in node.inputs:
            return end if _open(layers[start : i + 1], readers) else i + 1
    return end


def _with_calls(layers: Sequence[_Layer], start: int, end: int, readers: Readers) -> int:
    """Where a module ends with the functions that follow it, as those have no names."""
    inside = {layer.node.name for layer in layers[start:end]}
    for i in range(end, len(layers)):
        node = layers[i].node
        if node.label or {*node.inputs} - inside or _open(layers[start : i + 1], readers):
            break
        inside.add(node.name)
        end = i + 1
    return end


def _with_shortcut(
    layers: Sequence[_Layer],
    start: int,
    prefixes: Sequence[Parts],
    ends: Mapping[Parts, int],
    readers: Readers,
    *,
    top: bool,
) -> int:
    """Where the names of a module begin that begins here, with a shortcut that has no name."""
    first = start
    while first < len(layers) and not _is_named(layers[first], prefixes[first]):
        first += 1
    if start < first < len(layers) and prefixes[first]:
        end = ends[prefixes[first]]
        inside = {layer.node.name for layer in layers[start:end]}
        without, within = _outside(layers[first:end]), _outside(layers[start:end])
        only = all(readers[layer.node.name] <= inside for layer in layers[start:first])
        calls = not top and not any(layer.node.label for layer in layers[start:first])
        if only and len(within) == 1 and (calls or len(without) > 1):
            return first
    return start


def _is_named(layer: _Layer, prefix: Parts) -> bool:
    """Whether a layer is where it is by its name."""
    return bool(prefix) or layer.parts is not None


def _outside(layers: Sequence[_Layer]) -> set[str]:
    """What layers read that is none of them."""
    inside = {layer.node.name for layer in layers}
    return {read for layer in layers for read in layer.node.inputs} - inside


# --- Kinds


def _kinds(members: Sequence[_Layer | _Part]) -> dict[Parts, str]:
    """What kind of module each path has: modules that are alike but for numbers are one block, and
    so are those that are counted and differ in more. What is in one place only is a container.
    """
    parts = [*_all_parts(members)]
    signs: dict[Parts, Hashable] = {}
    loose: dict[Parts, Hashable] = {}
    names = Names()
    kinds: dict[Parts, str] = {}
    for depth in sorted({len(part.path) for part in parts}, reverse=True):
        patterns: dict[Parts, list[_Part]] = defaultdict(list)
        for part in parts:
            if len(part.path) == depth:
                patterns[part.pattern].append(part)
                signs[part.path] = _sign(part, signs)
                loose[part.path] = _sign(part, loose, loose=True)
        for pattern, alike in patterns.items():
            counted = depth > 1 and all(part.is_counted for part in alike)
            joined = any(node.op.joins for part in alike for node in _nodes(part))
            if counted and joined and len({loose[part.path] for part in alike}) > 1:
                kind = names.add(pattern[-1] or BLOCK)
                for part in alike:
                    kinds[part.path], signs[part.path], loose[part.path] = kind, pattern, pattern
    places: dict[Hashable, set[Hashable]] = defaultdict(set)
    for part, place in _with_places(members, signs, ()):
        places[signs[part.path]].add(place)
    words = {sign: _common([x for x in parts if signs[x.path] == sign]) for sign in places}
    for part in parts:
        holds = any(isinstance(member, _Layer) for member in part.members)
        large = holds and len(_nodes(part)) > LEAST_LAYERS
        several = large and len(places[signs[part.path]]) > 1
        word = part.pattern[-1] if len(_reads(part)) > 1 else words[signs[part.path]]
        kind = word if several or len(_reads(part)) > 1 else CONTAINER
        kinds.setdefault(part.path, kind)
    return kinds


def _common(parts: Sequence[_Part]) -> str:
    """The word that most of these modules are called by."""
    word, times = Counter(part.pattern[-1] for part in parts).most_common(1)[0]
    return word if 2 * times > len(parts) else ""


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
                yield from _with_places(part.members, signs, (*around, word))


def _nodes(member: _Layer | _Part) -> list[Node]:
    if isinstance(member, _Layer):
        return [member.node]
    return [node for each in member.members for node in _nodes(each)]


def _reads(member: _Layer | _Part) -> list[str]:
    """What a member reads of others, in order."""
    nodes = _nodes(member)
    inside = {node.name for node in nodes}
    reads = (read for node in nodes for read in node.inputs if read not in inside)
    return [*dict.fromkeys(reads)] if isinstance(member, _Part) else [*reads]


def _sign(part: _Part, signs: Mapping[Parts, Hashable], *, loose: bool = False) -> Hashable:
    """What modules have in common that are alike but for numbers: what they hold, and what that
    reads. If `loose`, it is a number, too, how often a module in them follows itself.
    """
    places: dict[str, int] = {}
    found: list[Hashable] = []
    last: Hashable = None
    for member in part.members:
        own = outline(member.node) if isinstance(member, _Layer) else signs[member.path]
        reads = tuple(places.get(read, -1) for read in _reads(member))
        again = isinstance(member, _Part) and own == last and reads == (len(found) - 1,)
        if not (again and loose):
            found.append((own, reads))
        last = own
        places |= {node.name: len(found) - 1 for node in _nodes(member)}
    return tuple(found)


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
            label = "_".join(member.known) if around else member.node.label
            place = replace(member.node.place, modules=around)
            yield replace(member.node, place=place, label=label)
