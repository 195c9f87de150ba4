"""A graph of members -> a body of steps with branches.

Where what leaves a tensor meets again in one join, and nothing else is read between, there are
branches. Any other tensor with several readers gets a name, by which they read it. Both come from
the dominators of the graph and of the reversed graph.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import networkx as nx

from cnngen.foreign.graph import Node
from cnngen.recovery.regions import Member, Region
from cnngen.recovery.tree import INPUT, Again, Apply, Arm, Body, Group, Item, Merge, Pass, Use
from cnngen.syntax.naming import snake_case

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
    title: Callable[[Member], str],
    *,
    apart: bool = False,
) -> tuple[Body, dict[str, str]]:
    """The body that computes the outputs, and the names of those of its steps that have one.

    `given` names the tensors from outside, the first of which is its input; `title` proposes the
    name of a member. With `apart`, what the model has under a name is a step, and no branch.
    """
    flow = _flow(members, given, outputs)
    forks = _forks(flow)
    anchors = {
        name
        for name in flow.members
        if len(flow.readers(name)) > 1 and name not in forks
    }
    anchors |= {read for name in flow.members for read in _tensors(flow, name)} - {*given}
    anchors |= {*outputs[:-1]}
    if apart:
        anchors |= {name for name, member in flow.members.items() if member.label}
        forks = {start: end for start, end in forks.items() if not _between(flow, start, end) & anchors}
    anchors |= {*flow.again, *flow.again.values()}
    while True:
        names = _names(flow, anchors, title, {*given.values(), INPUT})
        emitter = _Emitter(flow, forks, anchors, names)
        steps: list[Item] = []
        running = next(iter(given), "")
        for name in flow.members:
            if name in anchors or name in outputs:
                start, body = emitter.chain(name, top=name)
                steps += emitter.joined(start, body, running, names.get(name, ""))
                running = name
        if not emitter.open:
            return _distinct(steps, names), names
        anchors |= emitter.open


def _distinct(steps: Sequence[Item], names: Mapping[str, str]) -> Body:
    """The steps with a label of its own for each branch: all are parts of one body."""
    taken = {*names.values()}
    body: list[Item] = []
    for item in steps:
        if isinstance(item, Merge):
            arms: list[Arm] = []
            for arm in item.arms:
                stem, count, label = arm.stem, 1, arm.label
                while label in taken:
                    count += 1
                    label = f"{stem}{count}"
                taken.add(label)
                arms.append(replace(arm, label=label))
            item = replace(item, arms=tuple(arms))
        body.append(item)
    return tuple(body)


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
    named = {member.name if isinstance(member, Node) else member.gives[0]: member for member in members}
    reads = {
        name: member.inputs if isinstance(member, Node) else member.reads
        for name, member in named.items()
    }
    first = {held: name for name, member in named.items() for held in _held(member)[:1]}
    again = {name: first[shared] for name, member in named.items() if (shared := _shared(member))}
    return _Flow(named, reads, given, tuple(outputs), again)


def _held(member: Member) -> list[str]:
    """The nodes of a member."""
    if isinstance(member, Node):
        return [member.name]
    return [name for each in member.members for name in _held(each)]


def _shared(member: Member) -> str:
    """The first node of the member that this one is again, if it is one."""
    if isinstance(member, Node):
        return member.shares
    first = member.members[0]
    return _shared(first) if all(map(_shared, member.members)) else ""


def _tensors(flow: _Flow, name: str) -> tuple[str, ...]:
    """What a member reads besides its input, which only a name can say."""
    member = flow.members[name]
    return () if isinstance(member, Node) and member.op.joins else flow.reads[name][1:]


def _forks(flow: _Flow) -> dict[str, str]:
    """Where branches begin, with the join that ends them."""
    after = nx.immediate_dominators(flow.graph, SOURCE)
    before = nx.immediate_dominators(flow.graph.reverse(copy=False), SINK)
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


def _names(
    flow: _Flow, anchors: set[str], title: Callable[[Member], str], taken: set[str]
) -> dict[str, str]:
    names: dict[str, str] = {}
    for key, member in flow.members.items():
        if key in anchors:
            stem, count = title(member), 1
            while (name := stem if count == 1 else f"{stem}_{count}") in taken:
                count += 1
            taken.add(name)
            names[key] = name
    return names


@dataclass(slots=True)
class _Emitter:
    flow: _Flow
    forks: Mapping[str, str]
    anchors: set[str]
    names: Mapping[str, str]
    open: set[str] = field(default_factory=set[str])  # what branches may not hold

    def name_of(self, key: str) -> str:
        return self.flow.given.get(key) or self.names[key]

    def chain(self, key: str, *, top: str = "", stop: str = "") -> tuple[str, list[Item]]:
        """The steps that lead to a member, and what the first of them reads."""
        steps: list[Item] = []
        while key != stop and key in self.flow.members and (key == top or key not in self.anchors):
            member = self.flow.members[key]
            if isinstance(member, Node) and member.op.joins:
                key, step = self._merge(key, member)
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
        return first, used(member, tensors)

    def node(self, region: Region) -> Node:
        """The node whose result a region gives."""
        last = region.members[-1]
        return last if isinstance(last, Node) else self.node(last)

    def _merge(self, key: str, node: Node) -> tuple[str, Item]:
        fork = next((start for start, end in self.forks.items() if end == key), "")
        arms = [self.chain(read, stop=fork) for read in self.flow.reads[key]]
        starts = [start for start, _ in arms]
        start = fork or max(dict.fromkeys(starts), key=starts.count)
        made: list[Arm] = []
        for read, (origin, steps) in zip(self.flow.reads[key], arms, strict=True):
            if (len(steps) > 1 or isinstance(steps[0] if steps else None, Merge)) and not is_closed(steps):
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


def used(region: Region, tensors: tuple[str, ...] = ()) -> Use | Group:
    """A region as the use of a block, and a container as a group."""
    names = (INPUT, *_spare(region))
    given = dict(zip(region.reads, names, strict=True))
    body, _ = structure(region.members, given, region.gives, titled)
    if region.is_container and is_closed(body) and not any(item.name for item in body):
        return Group(region.label, body)
    kind = "" if region.is_container else region.module.kind
    ends = region.reads[0], region.gives[0]
    return Use(kind, region.label, body, names[1:], tensors, source=ends[0], gives=ends[1])


def _spare(region: Region) -> Iterator[str]:
    """Names for the tensors that a block is given besides its input."""
    others = len(region.reads) - 1
    for i in range(others):
        yield "skip" if others == 1 else f"skip{i + 1}"


def titled(member: Member) -> str:
    """What the model calls a member, or what it is."""
    label = member.label
    if label and not label.isdecimal():
        return snake_case(label)
    return member.op.name if isinstance(member, Node) else snake_case(member.module.kind)


def _labelled(node: Node, arms: list[Arm]) -> tuple[Arm, ...]:
    """Names for branches: what the model calls the module of each, or what is usual."""
    labels: list[str] = []
    for i, arm in enumerate(arms):
        label = _label(arm) or _usual(node, arm, i)
        count, stem = 1, label
        while label in labels:
            count += 1
            label = f"{stem}{count}"
        labels.append(label)
    return tuple(Arm(label, arm.body) for label, arm in zip(labels, arms, strict=True))


def _label(arm: Arm) -> str:
    match arm.body:
        case (Use(label=label) | Group(label=label),) | (Apply(node=Node(label=label)),):
            return "" if label.isdecimal() else snake_case(label)
        case _:
            return ""


def _usual(node: Node, arm: Arm, i: int) -> str:
    plain = not arm.body or isinstance(arm.body[0], Pass)
    if node.op.name == "add":
        return "shortcut" if plain else "residual"
    if node.op.gates:
        return "maps" if plain else "gate"
    return "known" if plain else f"branch{i + 1}"
