"""The parts of a graph: the modules of the model, each with the nodes and parts in it.

A module that only holds others in a row (`nn.Sequential`) is a container. What a module holds that
gives several tensors belongs to what is around it, as a block gives one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from cnngen.foreign.graph import Graph, Module, Node

CONTAINERS = {"Sequential", "ModuleList", "ModuleDict"}


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A module, and what it computes, in order; `reads` are the nodes or inputs outside of it, in
    the order in which it reads them, and `gives` those of its own that are read outside.
    """

    module: Module
    members: tuple["Member", ...]
    reads: tuple[str, ...]
    gives: tuple[str, ...]

    @property
    def label(self) -> str:
        return self.module.path.rpartition(".")[2]

    @property
    def is_container(self) -> bool:
        return self.module.kind in CONTAINERS


Member = Node | Region


def regions(graph: Graph) -> tuple[Member, ...]:
    """The members of the model itself. Modules directly in it stay regions, whatever they are.

    A module of which something else uses weights, but not all of it together, is no region.
    """
    nodes = [*graph.nodes.values()]
    readers, torn = readers_of(graph), set[str]()
    while True:
        found = tuple(_grouped(nodes, 0, readers, torn))
        more = {*_torn(found, nodes)}
        if not more:
            return found
        torn |= more


def owners(member: Member) -> tuple[str, ...]:
    """The nodes that hold the weights of a member: those that it is again, or its own."""
    if isinstance(member, Node):
        return (member.shares or member.name,) if member.weights or member.shares else ()
    return tuple(owner for each in member.members for owner in owners(each))


def held(member: Member) -> list[str]:
    """The nodes of a member."""
    if isinstance(member, Node):
        return [member.name]
    return [name for each in member.members for name in held(each)]


def _torn(body: Sequence[Member], nodes: Sequence[Node]) -> Iterator[str]:
    """The first nodes of regions that share weights with what is no sibling of the same weights."""
    users: dict[str, set[str]] = {}
    for node in nodes:
        if node.shares:
            users.setdefault(node.shares, {node.shares}).add(node.name)
    if not users:
        return
    for member in body:
        if isinstance(member, Region):
            mine = owners(member)
            like = {name for x in body if owners(x) == mine for name in held(x)}
            if {name for owner in mine for name in users.get(owner, ())} <= {*held(member)}:
                yield from _torn(member.members, nodes)
            elif any(users.get(owner, set()) - like for owner in mine):
                yield held(member)[0]


def readers_of(graph: Graph) -> dict[str, set[str]]:
    """Which nodes read each node or input; an output is read by nobody's name."""
    readers: dict[str, set[str]] = {name: set() for name in (*graph.inputs, *graph.nodes)}
    for node in graph.nodes.values():
        for read in node.inputs:
            readers[read].add(node.name)
    for name in graph.outputs.values():
        readers[name].add("")
    return readers


def _grouped(
    nodes: Sequence[Node], depth: int, readers: Mapping[str, set[str]], torn: set[str]
) -> Iterator[Member]:
    """Nodes that follow each other in one module at this depth are a member."""
    for module, run in groupby(nodes, lambda node: _module(node, depth)):
        members = [*run]
        if module is None:
            yield from members
            continue
        peeled, members = _peeled(members)
        yield from peeled
        if not members:
            continue
        region = _region(module, members, depth, readers, torn)
        top = depth == 0
        alone = len(region.reads) == 1 or not region.is_container
        whole = len(region.gives) == 1 and region.reads and alone and members[0].name not in torn
        if whole and (len(members) > 1 or top):
            yield region
        else:
            yield from region.members


def _module(node: Node, depth: int) -> Module | None:
    modules = node.place.modules
    return modules[depth] if len(modules) > depth else None


def _peeled(members: list[Node]) -> tuple[list[Node], list[Node]]:
    """A join of what a module is given is made before it, so that it is given one tensor."""
    inside = {node.name for node in members}
    peeled: list[Node] = []
    while len(members) > 1 and len(_outside(members, inside)) > 1:
        first = members[0]
        others = set(_outside(members[1:], inside))
        if not first.op.joins or others - {first.name}:
            break
        peeled.append(first)
        inside.discard(first.name)
        members = members[1:]
    return peeled, members


def _outside(members: Iterable[Node], inside: set[str]) -> list[str]:
    """What these nodes read that is not inside, in order."""
    reads = (read for node in members for read in node.inputs if read not in inside)
    return [*dict.fromkeys(reads)]


def _region(
    module: Module,
    nodes: list[Node],
    depth: int,
    readers: Mapping[str, set[str]],
    torn: set[str],
) -> Region:
    inside = {node.name for node in nodes}
    members = tuple(_grouped(nodes, depth + 1, readers, torn))
    gives = tuple(node.name for node in nodes if readers[node.name] - inside)
    return Region(module, members, tuple(_outside(nodes, inside)), gives)


def simplified(graph: Graph) -> Graph:
    """The graph without joins of one tensor, in which a concat that begins with all that an earlier
    one joins reads that: so do the layers of DenseNet grow from one to the next.
    """
    made: dict[tuple[str, ...], str] = {}
    same: dict[str, str] = {}
    nodes: dict[str, Node] = {}
    for name, node in graph.nodes.items():
        inputs = tuple(same.get(read, read) for read in node.inputs)
        if node.op.joins and len(inputs) == 1:
            same[name] = inputs[0]
            continue
        if node.op.concatenates:
            whole = inputs
            for count in range(len(whole) - 1, 1, -1):
                if earlier := made.get(whole[:count]):
                    inputs = earlier, *whole[count:]
                    break
            made.setdefault(whole, name)
        nodes[name] = replace(node, inputs=inputs)
    outputs = {word: same.get(name, name) for word, name in graph.outputs.items()}
    return replace(graph, nodes=nodes, outputs=outputs)
