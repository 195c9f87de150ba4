"""A graph of members -> a body of steps with branches.

Where what leaves a tensor meets again in one join, and nothing else is read between, there are
branches. Any other tensor with several readers gets a name, by which they read it. Both come from
the dominators of the graph and of the reversed graph.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import networkx as nx

from cnngen.foreign.graph import Node
from cnngen.recovery.names import NOTHING, Names, spelled
from cnngen.recovery.regions import Member, Region, owners
from cnngen.recovery.tree import (
    INPUT,
    Again,
    Apply,
    Arm,
    Body,
    Group,
    Item,
    Merge,
    Pass,
    Use,
    bodies,
    nodes,
)
from cnngen.syntax.naming import NameKind, snake_case

SOURCE, SINK = "<source>", "<sink>"


@dataclass(slots=True)
class _Flow:
    """The members of a body by name, what each reads, and who reads it.

    `given` maps what comes from outside to the name that it has in the body.
    """

    members: dict[str, Member]
    reads: dict[str, tuple[str, ...]]
    given: Mapping[str, str]
    outputs: tuple[str, ...]
    again: Mapping[str, str]  # members that are applied again, and which these are
    graph: "nx.DiGraph[str]" = field(default_factory=lambda: nx.DiGraph())

    def __post_init__(self) -> None:
        for name, reads in self.reads.items():
            for read in reads or (SOURCE,):
                self.graph.add_edge(read, name)
        for outside in self.given:
            self.graph.add_edge(SOURCE, outside)
        for name in self.outputs:
            self.graph.add_edge(name, SINK)

    def readers(self, name: str) -> list[str]:
        return [reader for reader in self.graph.successors(name)]

    def joins(self, name: str) -> bool:
        member = self.members.get(name)
        return isinstance(member, Node) and member.op.joins


def structure(
    members: Sequence[Member],
    given: Mapping[str, str],
    outputs: Sequence[str],
    *,
    model: bool = False,
    apart: bool = False,
) -> tuple[Body, dict[str, str], Names]:
    """The body that computes the outputs, the names of those of its steps that have one, and all
    names in it.

    `given` names the tensors from outside, the first of which is its input. The steps of the
    `model` itself become stages; with `apart`, what it has under a name is a step, and no branch.
    """
    flow = _flow(members, given, outputs)
    forks = _forks(flow)
    anchors = {read for name in flow.members for read in _tensors(flow, name)} - {*given}
    anchors |= {*outputs[:-1], *flow.again, *flow.again.values()}
    anchors |= {read for reads in flow.reads.values() for read in reads if reads.count(read) > 1}
    anchors -= {*given}
    if apart:
        anchors |= {name for name, member in flow.members.items() if member.label}
    while True:
        forks = {a: b for a, b in forks.items() if not _between(flow, a, b) & anchors}
        anchors |= {name for name in flow.members if len(flow.readers(name)) > 1} - {*forks}
        taken = Names(dict.fromkeys((*given.values(), INPUT), NOTHING))
        names = _names(flow, anchors, taken, apart=apart)
        emitter = _Emitter(flow, forks, anchors, names, apart)
        steps: list[Item] = []
        running = next(iter(given), "")
        for name in flow.members:
            if name in anchors or name in outputs:
                start, body = emitter.chain(name, top=name)
                steps += emitter.joined(start, body, running, names.get(name, ""))
                running = name
        if not emitter.open:
            return tuple(steps) if model else _distinct(steps, taken), names, taken
        anchors |= emitter.open


def _distinct(steps: Sequence[Item], taken: Names) -> Body:
    """The steps with a label of its own for each branch: all are parts of one body."""
    for item in steps:
        match item:
            case Apply(node=node) | Merge(node=node):
                taken.inside.setdefault(node.op.name, NOTHING)
            case Use(kind=kind):
                taken.inside.setdefault(snake_case(kind), NOTHING)
            case _:
                pass
    body: list[Item] = []
    for item in steps:
        if isinstance(item, Merge):
            arms: list[Arm] = []
            for arm in item.arms:
                label = arm.label if arm.label not in taken.inside else arm.stem
                arms.append(replace(arm, label=taken.add(label, _words(arm.body))))
            item = replace(item, arms=tuple(arms))
        body.append(item)
    return tuple(body)


def _word(member: Member) -> str:
    """The word that a step without a name has in paths."""
    return member.op.name if isinstance(member, Node) else snake_case(member.module.kind)


def _words(body: Sequence[Item]) -> frozenset[str]:
    """What may follow the name of a body in paths, besides positions."""
    if len(body) < 2 and not any(isinstance(item, Group | Merge | Use) for item in body):
        return NOTHING
    found = {"0"}
    for item in body:
        for inner in (body, *bodies(item)):
            found |= {step.name for step in inner if step.name}
        for node in nodes((item,)):
            found |= {node.op.name, spelled(node.label, "step"), *_around(node)}
        if isinstance(item, Merge):
            found |= {arm.label for arm in item.arms}
    return frozenset(found - {""})


def _around(node: Node) -> Iterator[str]:
    for module in node.place.modules:
        yield from (spelled(x, "step") for x in (module.path.rpartition(".")[2], module.kind))


def is_closed(body: Sequence[Item], *, inner: bool = False) -> bool:
    """Whether steps read nothing by its name, but for the first of them; with `inner`, what that
    reads itself does not matter.
    """
    for i, item in enumerate(body):
        if (i > 0 and item.reads) or getattr(item, "tensors", ()):
            return False
        if isinstance(item, Merge) and any(
            arm.body and (arm.body[0].reads or not is_closed(arm.body)) for arm in item.arms
        ):
            return False
    return True


def _flow(members: Sequence[Member], given: Mapping[str, str], outputs: Sequence[str]) -> _Flow:
    """Regions are known by the node that they give."""
    named = {
        member.name if isinstance(member, Node) else member.gives[0]: member for member in members
    }
    reads = {
        name: member.inputs if isinstance(member, Node) else member.reads
        for name, member in named.items()
    }
    first: dict[tuple[str, ...], str] = {}
    again: dict[str, str] = {}
    for name, member in named.items():
        if mine := owners(member):
            target = first.setdefault(mine, name)
            if target != name and _is_again(member):
                again[name] = target
    return _Flow(named, reads, given, tuple(outputs), again)


def _is_again(member: Member) -> bool:
    if isinstance(member, Node):
        return bool(member.shares)
    return all(_is_again(each) for each in member.members if owners(each))


def _tensors(flow: _Flow, name: str) -> tuple[str, ...]:
    """What a member reads besides its input, which only a name can say."""
    member = flow.members[name]
    return () if isinstance(member, Node) and member.op.joins else flow.reads[name][1:]


def _forks(flow: _Flow) -> dict[str, str]:
    """Where branches begin, with the join that ends them."""
    after = _dominators(flow.graph, SOURCE)
    before = _dominators(flow.graph.reverse(copy=False), SINK)
    forks: dict[str, str] = {}
    for name in (*flow.given, *flow.members):
        if name in flow.graph and len({*flow.readers(name)}) > 1:
            end = before.get(name)
            if end is not None and flow.joins(end) and after.get(end) == name:
                forks[name] = end
    while crossed := [name for name, end in forks.items() if _is_crossed(flow, forks, name, end)]:
        for name in crossed:
            del forks[name]
    return forks


def _dominators(graph: "nx.DiGraph[str]", start: str) -> dict[str, str]:
    """For each tensor the last one through which every way from the start leads."""
    return dict(nx.immediate_dominators(graph, start))  # pyright: ignore


def _is_crossed(flow: _Flow, forks: Mapping[str, str], start: str, end: str) -> bool:
    """Whether something between a fork and its join needs a name, or reads one."""
    inside = _between(flow, start, end)
    return len({*flow.reads[end]}) < len(flow.reads[end]) or any(
        (len({*flow.readers(name)}) > 1 and name not in forks)
        or _tensors(flow, name)
        or any(read not in inside and read != start for read in flow.reads[name])
        for name in inside
    )


def _between(flow: _Flow, start: str, end: str) -> set[str]:
    found: set[str] = set()
    waiting = [*flow.reads[end]]
    while waiting:
        name = waiting.pop()
        if name not in found and name != start and name in flow.members:
            found.add(name)
            waiting += flow.reads[name]
    return found


def _names(flow: _Flow, anchors: set[str], taken: Names, *, apart: bool) -> dict[str, str]:
    """Names for the members that need one."""
    found: dict[str, str] = {}
    for key, member in flow.members.items():
        if key in anchors:
            inside = frozenset({"0"}) if isinstance(member, Region) or not apart else NOTHING
            if isinstance(member, Region):
                inside |= _parts(member)
            found[key] = taken.add(titled(member), inside)
    return found


def _parts(region: Region) -> frozenset[str]:
    """What may follow the name of a region in paths."""
    found: set[str] = set()
    for member in region.members:
        if isinstance(member, Region):
            found |= _parts(member)
        found |= {spelled(member.label, "step"), _word(member)}
    return frozenset(found - {""})


@dataclass(slots=True)
class _Emitter:
    flow: _Flow
    forks: Mapping[str, str]
    anchors: set[str]
    names: Mapping[str, str]
    apart: bool
    open: set[str] = field(default_factory=set[str])  # what branches may not hold

    def name_of(self, key: str) -> str:
        return self.flow.given.get(key) or self.names[key]

    def chain(
        self, key: str, *, top: str = "", stops: frozenset[str] = frozenset()
    ) -> tuple[str, list[Item]]:
        """The steps that lead to a member, and what the first of them reads. They begin where a
        branch does, of which there may be several in each other.
        """
        steps: list[Item] = []
        members = self.flow.members
        while key not in stops and key in members and (key == top or key not in self.anchors):
            member = members[key]
            if isinstance(member, Node) and member.op.joins:
                key, step = self._merge(key, member, stops)
            else:
                key, step = self._step(key, member)
            steps.insert(0, step)
        return key, steps

    def _step(self, key: str, member: Member) -> tuple[str, Item]:
        first, *others = self.flow.reads[key]
        if target := self.flow.again.get(key):
            node = member if isinstance(member, Node) else self.node(member)
            return first, Again(self.names[target], node)
        tensors = tuple(self.name_of(other) for other in others)
        if isinstance(member, Node):
            return first, Apply(member, tensors=tensors)
        return first, used(
            member, tensors, whole=key in self.flow.again.values() and not self.apart
        )

    def node(self, region: Region) -> Node:
        """The node whose result a region gives."""
        last = region.members[-1]
        return last if isinstance(last, Node) else self.node(last)

    def _merge(self, key: str, node: Node, stops: frozenset[str]) -> tuple[str, Item]:
        fork = next((start for start, end in self.forks.items() if end == key), "")
        inside = stops | {fork} if fork else stops
        arms = [self.chain(read, stops=inside) for read in self.flow.reads[key]]
        starts = [start for start, _ in arms]
        start = fork or max(dict.fromkeys(starts), key=starts.count)
        made: list[Arm] = []
        for read, (origin, steps) in zip(self.flow.reads[key], arms, strict=True):
            if (len(steps) > 1 or isinstance(steps[0] if steps else None, Merge)) and not is_closed(
                steps
            ):
                self.open.add(read)
            body = steps if origin == start else self.joined(origin, steps, start, "")
            made.append(Arm("", tuple(body)))
        return start, Merge(node, _labelled(node, made))

    def joined(self, start: str, steps: list[Item], running: str, name: str) -> list[Item]:
        """Steps behind what is running, of which the last has a name."""
        if start != running and start in (*self.flow.given, *self.flow.members):
            origin = self.name_of(start)
            if steps:
                steps[0] = replace(steps[0], reads=origin)
            else:
                steps = [Pass(origin)]
        if name and steps:
            steps[-1] = replace(steps[-1], name=name)
        return steps


def used(region: Region, tensors: tuple[str, ...] = (), *, whole: bool = False) -> Use | Group:
    """A region as the use of a block, and a container as a group, unless it must be a `whole`."""
    names = (INPUT, *_spare(region))
    given = dict(zip(region.reads, names, strict=True))
    body, *_ = structure(region.members, given, region.gives)
    if (
        not whole
        and region.is_container
        and is_closed(body)
        and not any(item.name for item in body)
    ):
        return Group(region.label, body)
    kind = "" if region.is_container else region.module.kind
    ends = region.reads[0], region.gives[0]
    return Use(kind, region.label, body, names[1:], tensors, source=ends[0], gives=ends[1])


def _spare(region: Region) -> Iterator[str]:
    """Names for the tensors that a block is given besides its input."""
    others = len(region.reads) - 1
    for i in range(others):
        yield "skip" if others == 1 else f"skip{i + 1}"


def titled(member: Member, kind: NameKind = "step") -> str:
    """What the model calls a member, or what it is."""
    label = "" if member.label.isdecimal() else spelled(member.label, kind)
    if label:
        return label
    if isinstance(member, Node):
        return spelled(member.op.name, kind)
    return spelled(member.module.kind, kind) or "part"


def _labelled(node: Node, arms: list[Arm]) -> tuple[Arm, ...]:
    """Names for branches: what the model calls the module of each, or what is usual."""
    names = Names({node.op.name: NOTHING})
    labels = [names.add(_label(arm) or _usual(node, arm, i)) for i, arm in enumerate(arms)]
    return tuple(Arm(label, arm.body) for label, arm in zip(labels, arms, strict=True))


def _label(arm: Arm) -> str:
    match arm.body:
        case (Use(label=label) | Group(label=label),) | (Apply(node=Node(label=label)),):
            return "" if label.isdecimal() else spelled(label, "branch")
        case _:
            return ""


def _usual(node: Node, arm: Arm, i: int) -> str:
    plain = not arm.body or isinstance(arm.body[0], Pass)
    if node.op.name == "add":
        return "shortcut" if plain else "residual"
    if node.op.gates:
        return "maps" if plain else "gate"
    return "known" if plain else f"branch{i + 1}"
