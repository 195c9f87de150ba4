"""Align: which layer of one network is which layer of another, by its place and by what it
computes.

The paths of layers are a tree: stages and blocks hold what they are made of. Children with names
belong to those of the same name. Stages, and children with numbers, are aligned like the lines of a
text: equal ones stay together although layers between them came or went.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from cnngen.diff.sequences import common
from cnngen.semantics.network import Layer, Network


@dataclass
class Part:
    """A node of this tree: a layer, or a stage, a block or a step of a loop with what is in it."""

    path: str
    layer: Layer | None = None
    children: dict[str, "Part"] = field(default_factory=dict[str, "Part"])

    @cached_property
    def looks(self) -> Hashable:
        """What it computes, wherever it stands: its ops with their attributes."""
        if self.layer:
            return self.layer.op.name, tuple(sorted(self.layer.op.values.items(), key=_name))
        return tuple((_kind(name), child.looks) for name, child in self.children.items())

    @cached_property
    def outline(self) -> Hashable:
        """The same without attributes."""
        if self.layer:
            return self.layer.op.name
        return tuple((_kind(name), child.outline) for name, child in self.children.items())

    def layers(self) -> Iterator[Layer]:
        if self.layer:
            yield self.layer
        for child in self.children.values():
            yield from child.layers()


@dataclass(frozen=True, slots=True)
class Alignment:
    """The layers that belong together, and the parts that only one network has."""

    pairs: list[tuple[Layer, Layer]] = field(default_factory=list[tuple[Layer, Layer]])
    removed: list[Part] = field(default_factory=list[Part])
    added: list[Part] = field(default_factory=list[Part])
    renamed: list[tuple[Part, Part]] = field(default_factory=list[tuple[Part, Part]])


def align(old: Network, new: Network) -> Alignment:
    found = Alignment()
    _align(parts(old), parts(new), found)
    return found


def parts(network: Network) -> Part:
    """The tree of a network; the children of its root are the stages."""
    root = Part("")
    for path, layer in network.layers.items():
        part = root
        names = path.split(".")
        for i, name in enumerate(names):
            part = part.children.setdefault(name, Part(".".join(names[: i + 1])))
        part.layer = layer
    return root


def _align(old: Part, new: Part, found: Alignment) -> None:
    """Align two parts that belong to each other."""
    if old.layer and new.layer:
        if old.layer.op.name == new.layer.op.name:
            found.pairs.append((old.layer, new.layer))
        else:
            found.removed.append(old)
            found.added.append(new)
        return
    if old.layer or new.layer:  # a layer has become a block, or a block a layer
        found.removed.append(old)
        found.added.append(new)
        return
    if old.outline != new.outline and _align_nested(old, new, found):
        return
    _align_named(old, new, found)
    _align_numbered(
        [child for name, child in old.children.items() if name.isdecimal()],
        [child for name, child in new.children.items() if name.isdecimal()],
        found,
    )


def _align_nested(old: Part, new: Part, found: Alignment) -> bool:
    """Whether all of one part has become a step of the other one."""
    for i, outer, inner in ((0, old, new), (1, new, old)):
        for child in outer.children.values():
            if not child.layer and child.outline == inner.outline:
                others = [other for other in outer.children.values() if other is not child]
                (found.removed if i == 0 else found.added).extend(others)
                _align(*((child, inner) if i == 0 else (inner, child)), found)
                return True
    return False


def _align_named(old: Part, new: Part, found: Alignment) -> None:
    """Children of equal names belong together; so do children that differ in nothing but their
    names.
    """
    named = tuple({n: c for n, c in x.children.items() if not n.isdecimal()} for x in (old, new))
    left = {name: child for name, child in named[1].items() if name not in named[0]}
    alike: dict[Hashable, list[str]] = {}
    for name, child in reversed(left.items()):
        alike.setdefault(child.looks, []).append(name)
    for name, child in named[0].items():
        if name in named[1]:
            _align(child, named[1][name], found)
        elif names := alike.get(child.looks):
            other = left.pop(names.pop())  # the first of those that look so
            found.renamed.append((child, other))
            _align(child, other, found)
        else:
            found.removed.append(child)
    found.added.extend(left.values())


def _align_numbered(old: Sequence[Part], new: Sequence[Part], found: Alignment) -> None:
    for same, before, after in _runs([x.looks for x in old], [x.looks for x in new]):
        if same:
            for pair in zip(old[before], new[after], strict=True):
                _align(*pair, found)
        else:
            _align_changed(old[before], new[after], found)


def _align_changed(old: Sequence[Part], new: Sequence[Part], found: Alignment) -> None:
    """Align what stands between equal parts: parts of the same outline have changed, others came or
    went.
    """
    for same, before, after in _runs([x.outline for x in old], [x.outline for x in new]):
        if same or len(old[before]) == len(new[after]):
            for pair in zip(old[before], new[after], strict=True):
                _align(*pair, found)
        else:
            found.removed.extend(old[before])
            found.added.extend(new[after])


def _runs(old: Sequence[Hashable], new: Sequence[Hashable]) -> Iterator[tuple[bool, slice, slice]]:
    """The equal runs of two sequences and what stands between them, in order."""
    numbers = {each: i for i, each in enumerate(dict.fromkeys([*old, *new]))}  # short to compare
    pairs = common([numbers[x] for x in old], [numbers[x] for x in new])
    i = j = 0  # where the next run begins
    for k, m in [*pairs, (len(old), len(new))]:
        if k > i or m > j:
            yield False, slice(i, k), slice(j, m)
        if k < len(old):
            yield True, slice(k, k + 1), slice(m, m + 1)
        i, j = k + 1, m + 1


def _name(item: tuple[str, object]) -> str:
    return item[0]


def _kind(name: str) -> str:
    """The name of a child, or nothing where it is a number, which is a mere position."""
    return "" if name.isdecimal() else name
