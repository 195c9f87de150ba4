"""Names of a flat model's layers -> the modules that they tell of.

A model of Keras is flat, and its hierarchy is in names: `conv2_block1_1_conv`, `features_3_conv`.
Their parts make a trie. A prefix is a module where its layers are all together in the order of
execution. Names may be anything: those that are interleaved say nothing (`conv2d_7`, as Keras
counts layers that have no name), and layers between others of one prefix are of it, whatever they
are called.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from cnngen.foreign.graph import Graph, Module, Node

CONTAINER = "Sequential"
MOST_PARTS = 12
NEARLY_ALL = 0.8  # of the layers: a prefix of so many is the model's own name

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


def named_modules(graph: Graph) -> Graph:
    """The graph with modules by the names of its layers, where it has none."""
    if any(node.place.modules for node in graph.nodes.values()):
        return graph
    readers = _readers(graph)
    layers = [_Layer(node, _parts(node.label)) for node in graph.nodes.values()]
    placed = _placed(_without_title(layers), (), readers)
    return replace(graph, nodes={node.name: node for node in placed})


def _parts(name: str) -> Parts:
    """What a name is made of: `block1a_expand_conv` is `block1`, `a`, `expand`, `conv`."""
    parts = [x for word in re.split(r"[^A-Za-z0-9]+", name) for x in re.split(BORDER, word) if x]
    return tuple(parts[:MOST_PARTS])


BORDER = r"(?<=[A-Za-z]\d)(?=[a-z]$)|(?<=[A-Za-z]\d\d)(?=[a-z]$)"


def _readers(graph: Graph) -> dict[str, set[str]]:
    readers: dict[str, set[str]] = {name: set() for name in (*graph.inputs, *graph.nodes)}
    for node in graph.nodes.values():
        for read in node.inputs:
            readers[read].add(node.name)
    for name in graph.outputs.values():
        readers[name].add("")
    return readers


def _without_title(layers: Sequence[_Layer]) -> list[_Layer]:
    """The layers without what most names begin with, if words follow it."""
    while True:
        heads = Counter(layer.parts[0] for layer in layers if len(layer.parts) > 1)
        if not heads:
            return [*layers]
        (head, times), *_ = heads.most_common(1)
        next_ = {layer.parts[1] for layer in layers if layer.parts[:1] == (head,) and layer.parts[1:]}
        if times < NEARLY_ALL * len(layers) or any(map(_is_index, next_)):
            return [*layers]
        layers = [
            replace(x, parts=x.parts[1:] if x.parts[:1] == (head,) and x.parts[1:] else x.parts)
            for x in layers
        ]


def _is_index(part: str) -> bool:
    return part.isdecimal() or len(part) == 1


def _placed(
    layers: Sequence[_Layer], path: Parts, readers: Mapping[str, set[str]]
) -> Iterator[Node]:
    """The nodes in order, each in the modules that there are inside of this path."""
    for prefix, group in _groups(layers, readers):
        if not prefix:
            yield from (_node(layer, path) for layer in group)
            continue
        inner = [layer.inside(prefix) for layer in group]
        around = (*path, "_".join(prefix))
        module = Module(".".join(around), _kind(group, prefix))
        for node in _placed(inner, around, readers):
            place = replace(node.place, modules=(module, *node.place.modules))
            yield replace(node, place=place)


def _kind(layers: Sequence[_Layer], prefix: Parts) -> str:
    """What reads several tensors is a block by the name of the group, and no container."""
    inside = {layer.node.name for layer in layers}
    reads = {read for layer in layers for read in layer.node.inputs} - inside
    return CONTAINER if len(reads) == 1 else "_".join(prefix).rstrip("0123456789_")


def _node(layer: _Layer, path: Parts) -> Node:
    """A node with the label that it has in the module at this path."""
    label = "_".join(layer.parts)
    return replace(layer.node, label=label if path else layer.node.label)


def _groups(
    layers: Sequence[_Layer], readers: Mapping[str, set[str]]
) -> Iterator[tuple[Parts, Sequence[_Layer]]]:
    """The layers in order, in groups of one prefix; those without one have an empty prefix."""
    spans = _spans(layers)
    start = 0
    while start < len(layers):
        head = layers[start].parts[:1]
        if head and (end := spans.get(head[0], 0)) and start < end:
            end = _with_join(layers, start, end, [*spans], readers)
            yield _longest(layers[start:end]), layers[start:end]
            start = end
        else:
            yield (), layers[start : start + 1]
            start += 1


def _spans(layers: Sequence[_Layer]) -> dict[str, int]:
    """Where the layers end that begin with a part, for all parts that say where a layer is."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for i, layer in enumerate(layers):
        if layer.parts:
            first.setdefault(layer.parts[0], i)
            last[layer.parts[0]] = i
    several = {part: (i, last[part]) for part, i in first.items() if last[part] > i}
    several = {
        part: (i, j) for part, (i, j) in several.items() if not _is_count(part, layers[i : j + 1])
    }
    return {
        part: j + 1
        for part, (i, j) in several.items()
        if not any(
            other != part and i < b and a < j for other, (a, b) in several.items()
        )
        and j + 1 - i < len(layers)
    }


def _is_count(part: str, layers: Sequence[_Layer]) -> bool:
    """Whether names count layers of one kind: `add`, `add_1`, `add_2`."""
    mine = [layer.parts for layer in layers if layer.parts[:1] == (part,)]
    return (part,) in mine and all(len(x) < 3 and x[-1].isdecimal() for x in mine if len(x) > 1)


def _longest(layers: Sequence[_Layer]) -> Parts:
    """The prefix of a group: as long as there is nothing else, up to a number."""
    (head, *_) = layers[0].parts
    mine = [layer.parts for layer in layers if layer.parts[:1] == (head,)]
    length = 1
    while not _is_index(mine[0][length - 1]):
        longer = {x[: length + 1] for x in mine}
        if len(longer) > 1 or any(len(x) < length + 2 for x in mine):
            break
        if _is_index(mine[0][length]):
            break
        length += 1
    return mine[0][:length]


def _with_join(
    layers: Sequence[_Layer],
    start: int,
    end: int,
    heads: Sequence[str],
    readers: Mapping[str, set[str]],
) -> int:
    """Where a group ends with the join that follows it, if that reads only what the group does:
    Keras names the layers of a block, and adds the shortcut without a name.
    """
    inside = {layer.node.name for layer in layers[start:end]}
    reads = {read for layer in layers[start:end] for read in layer.node.inputs} - inside
    last = layers[end - 1].node.name
    for i in range(end, len(layers)):
        layer = layers[i]
        if layer.parts[:1] and layer.parts[0] in heads or {*layer.node.inputs} - inside - reads:
            break
        inside.add(layer.node.name)
        if layer.node.op.joins and last in layer.node.inputs:
            gives = [name for name in inside if readers[name] - inside]
            return i + 1 if gives == [layer.node.name] else end
    return end
