"""A tree with numbers -> a spec with expressions, as plain data.

A block is fitted over all of its uses at once, the innermost first: what differs between them
becomes a parameter, or an expression over the channels of its input or over another parameter. A
loop is fitted over its iterations: what differs between them becomes a variable, whose list is in
turn a value of the body around it.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, assert_never, cast

from cnngen.foreign.graph import Graph, Node
from cnngen.ops.base import Image
from cnngen.recovery.blocks import Block, title
from cnngen.recovery.columns import (
    CHANNELS,
    INPUT_CHANNELS,
    MISSING,
    Column,
    Hole,
    Record,
    solve,
)
from cnngen.recovery.names import NOTHING, Names, numbered, spelled
from cnngen.recovery.tree import (
    Again,
    Apply,
    Arm,
    Body,
    Group,
    Item,
    Loop,
    Maybe,
    Merge,
    Pass,
    Tree,
    Use,
    height,
    nodes,
    uses_in,
)
from cnngen.recovery.values import written
from cnngen.syntax.naming import KEYWORDS, LANGUAGE, snake_case

T = TypeVar("T")
Data = Any  # what YAML can say: mappings, lists, texts, numbers; and holes


@dataclass(frozen=True, eq=False, slots=True)
class Range:
    """The list of a loop that needs no values."""

    times: Hole


def fit(tree: Tree, graph: Graph) -> dict[str, Data]:
    """The `blocks` and the `model` of a spec."""
    uses: dict[Hashable, list[Use]] = defaultdict(list)
    for stage in tree.stages:
        for use in uses_in(stage.body):
            uses[use.block].append(use)
    fitter = _Fitter(graph)
    for key, each in sorted(uses.items(), key=lambda pair: height((*pair[1],))):
        fitter.add(key, each)
    model: dict[str, Data] = {}
    tree_names = {stage.name for stage in tree.stages}
    for stage in tree.stages:
        holes: list[Hole] = []
        fitter.variables = {*tree_names}
        body = fitter.body([stage.body], holes, ())
        solve(holes, {}, set())
        step = _around(body, reads=stage.reads, training=stage.training)
        model[stage.name] = _filled(step)
    blocks = {block.name: block.written() for block in fitter.blocks.values()}
    return {"blocks": blocks, "model": model}


@dataclass(slots=True)
class _Fitter:
    graph: Graph
    blocks: dict[Hashable, Block] = field(default_factory=dict[Hashable, Block])
    titles: Names = field(default_factory=Names)
    variables: set[str] = field(default_factory=set[str])  # of the loops in what is fitted

    def add(self, key: Hashable, uses: list[Use]) -> None:
        """Fit a block over its uses."""
        block = Block(title(uses, self.titles), uses, takes=uses[0].takes)
        holes: list[Hole] = []
        self.variables = set()
        body = self.body([use.body for use in uses], holes, ())
        channels = tuple(self._channels(use.source) for use in uses)
        features = {INPUT_CHANNELS: channels} if all(channels) else {}
        taken = {*KEYWORDS, *LANGUAGE, *uses[0].takes, *_step_names(uses[0].body)}
        taken |= self.variables
        given = tuple(self._channels(use.gives) for use in uses)
        block.parameters = solve(holes, features, taken, given)
        block.body = _with_distinct_labels(_filled(body))
        block.find_defaults()
        self.blocks[key] = block

    def _channels(self, source: str) -> int:
        shape = self.graph.inputs.get(source) or self.graph.nodes[source].shape
        return shape.channels if isinstance(shape, Image) else shape.features

    # Bodies: as many as there are rows, all alike.

    def body(self, rows: Sequence[Body], holes: list[Hole], labels: tuple[str, ...]) -> Data:
        steps: list[Data] = []
        count = len(rows[0])
        for i in range(count):
            place = (*labels[:-1], f"{labels[-1]}_{i + 1}") if labels and count > 1 else labels
            made = self.step([row[i] for row in rows], holes, place)
            steps += made if isinstance(made, list) else [made]
        return steps[0] if len(steps) == 1 else steps

    def step(self, rows: Sequence[Item], holes: list[Hole], labels: tuple[str, ...]) -> Data:
        first = rows[0]
        match first:
            case Apply():
                step = self._apply(_all(rows, Apply), holes, labels)
            case Merge():
                step = self._merge(_all(rows, Merge), holes, labels)
            case Maybe():
                step = self._when(_all(rows, Maybe), holes, labels)
            case Again(target=target):
                step = {"use": target}
            case Pass():
                step = {}
            case Use():
                step = self._call(_all(rows, Use), holes, labels)
            case Group():
                raise AssertionError("groups are dissolved where loops are found")
            case Loop():
                step = self._loop(_all(rows, Loop), holes, labels)
            case _:
                assert_never(first)
        return _around(step, name=first.name, reads=first.reads)

    def _apply(self, rows: list[Apply], holes: list[Hole], labels: tuple[str, ...]) -> Data:
        op = rows[0].node.op
        attributes = self._attributes([row.node for row in rows], holes, labels)
        attributes |= dict(zip(op.tensors, rows[0].tensors, strict=True))
        return {op.name: attributes} if attributes else op.name

    def _merge(self, rows: list[Merge], holes: list[Hole], labels: tuple[str, ...]) -> Data:
        names = _arm_names([row.arms for row in rows])
        branches = {
            name: self._arm([row.arms[i] for row in rows], holes, (*labels, name))
            for i, name in enumerate(names)
        }
        return {"branches": branches, "join": rows[0].node.op.name}

    def _when(self, rows: list[Maybe], holes: list[Hole], labels: tuple[str, ...]) -> Data:
        first = rows[0]
        test, inside = self._maybe([row.body for row in rows], first.example, holes, labels)
        step: dict[str, Data] = {"when": test, "do": inside}
        if first.other:
            also, otherwise = self._maybe([row.orelse for row in rows], first.other, holes, labels)
            if all(row.body or row.orelse for row in rows):
                holes.remove(also)
                step["else"] = otherwise
            else:
                step["else"] = {"when": also, "do": otherwise}
        return step

    def _arm(self, rows: Sequence[Arm], holes: list[Hole], labels: tuple[str, ...]) -> Data:
        first = rows[0]
        if not first.optional:
            return self.body([r.body for r in rows], holes, labels) if first.body else "identity"
        there = tuple(row.present for row in rows)
        test = Hole(there, f"with_{first.label}", measure="test")
        holes.append(test)
        if not first.body:
            return {"when": test, "do": "identity", "else": "nothing"}
        bodies = [row.body if row.present else () for row in rows]
        inside = self._present(bodies, first.body, holes, labels)
        return {"when": test, "do": inside, "else": "nothing"}

    def _maybe(
        self, rows: Sequence[Body], example: Body, holes: list[Hole], labels: tuple[str, ...]
    ) -> tuple[Hole, Data]:
        """The condition of steps that are there in some rows, and the steps."""
        test = Hole(tuple(bool(row) for row in rows), f"with_{_word(example)}", measure="test")
        holes.append(test)
        return test, self._present(rows, example, holes, labels)

    def _present(
        self, rows: Sequence[Body], example: Body, holes: list[Hole], labels: tuple[str, ...]
    ) -> Data:
        """Steps that are there in some rows; in others, they have no numbers."""
        inner: list[Hole] = []
        there = [row for row in rows if row]
        data = self.body(there or [example], inner, labels)
        for hole in inner:
            values = iter(hole.column)
            if there:
                column = tuple(next(values) if row else MISSING for row in rows)
            else:
                column = hole.column * len(rows)
            hole.text = Hole(column, hole.hint, hole.detail, hole.measure)
            holes.append(hole.text)
        return data

    def _call(self, rows: Sequence[Use], holes: list[Hole], labels: tuple[str, ...]) -> Data:
        block = self.blocks[rows[0].block]
        values = [block.arguments(use) for use in rows]
        arguments: dict[str, Data] = dict(zip(block.takes, rows[0].tensors, strict=True))
        for name in block.parameters:
            column = tuple(each[name] for each in values)
            if name in block.defaults and {*column} == {block.defaults[name]}:
                continue
            detail = _detail(name, rows[0].label, labels)
            measure = "channels" if _counts(name, column) else "other"
            hole = Hole(column, name, detail, measure)
            holes.append(hole)
            arguments[name] = hole
        return {block.name: arguments} if arguments else block.name

    def _loop(self, rows: Sequence[Loop], holes: list[Hole], labels: tuple[str, ...]) -> Data:
        counts = tuple(len(row.iterations) for row in rows)
        own: list[Hole] = []
        body = self.body([each for row in rows for each in row.iterations], own, labels)
        if not rows[0].between and (split := self._first_apart(rows, own, counts)):
            return [
                self.body([row.iterations[0] for row in rows], holes, labels),
                self._loop(split, holes, labels),
            ]
        varying = self._varying(own, counts, holes)
        step: dict[str, Data] = {"do": body}
        if rows[0].between:
            step["between"] = self._between(rows, counts, varying, holes)
        variables = solve(varying, {}, {*KEYWORDS, *LANGUAGE, *self.variables})
        self.variables |= variables.keys()
        if variables:
            return {"each": self._lists(variables, counts, varying, holes), **step}
        times = Hole(counts, "depth")
        holes.append(times)
        if not rows[0].between:
            return {"repeat": times, **step}
        name = next(x for i in itertools.count(1) if (x := numbered("i", i)) not in self.variables)
        self.variables.add(name)
        return {"each": {name: Range(times)}, **step}

    def _between(
        self, rows: Sequence[Loop], counts: Column, varying: list[Hole], holes: list[Hole]
    ) -> Data:
        """What is done between two iterations, where it sees the variables of the second."""
        inner: list[Hole] = []
        data = self.body([each for row in rows for each in row.between], inner, ())
        fewer = tuple(count - 1 for count in counts)
        for hole in self._varying(inner, fewer, holes):
            whole = [x for p in _split(hole.column, fewer) for x in (MISSING, *p)]
            hole.text = Hole(tuple(whole), hole.hint, hole.detail, hole.measure)
            varying.append(hole.text)
        return data

    def _lists(
        self,
        variables: Mapping[str, Column],
        counts: Column,
        varying: list[Hole],
        holes: list[Hole],
    ) -> dict[str, Data]:
        """What the variables of a loop walk through."""
        lists: dict[str, Data] = {}
        for name, column in variables.items():
            values = [*_split(column, counts)]
            if len({*values}) > 1 and any(isinstance(x, tuple) or x is None for x in column):
                values = [tuple(map(Record, row)) for row in values]
                for hole in varying:
                    hole.text = f"{name}.value" if hole.text == name else hole.text
            lists[name] = Hole(tuple(values), f"{name}s")
            holes.append(lists[name])
        return lists

    def _first_apart(
        self, rows: Sequence[Loop], own: Sequence[Hole], counts: Sequence[int]
    ) -> list[Loop] | None:
        """The loops without their first iterations, where only these differ from the others."""
        if (
            min(counts) < 1
            or max(counts) < 3
            or any(len(each) > 1 for row in rows for each in row.iterations[:1])
        ):
            return None
        parts = [[*_split(hole.column, counts)] for hole in own]
        varies = any(len({*part} - {MISSING}) > 1 for each in parts for part in each)
        rest = all(len({*part[1:]} - {MISSING}) < 2 for each in parts for part in each)
        if not (varies and rest):
            return None
        return [replace(row, iterations=row.iterations[1:]) for row in rows]

    def _varying(
        self, inner: Sequence[Hole], counts: Sequence[int], holes: list[Hole]
    ) -> list[Hole]:
        """The holes that differ between iterations; others are holes of the body around."""
        varying: list[Hole] = []
        for hole in inner:
            parts = [*_split(hole.column, counts)]
            if all(len({*part} - {MISSING}) < 2 for part in parts):
                outer = Hole(tuple(_one(p) for p in parts), hole.hint, hole.detail, hole.measure)
                hole.text = outer
                holes.append(outer)
            else:
                varying.append(hole)
        return varying

    def _attributes(
        self, rows: Sequence[Node], holes: list[Hole], labels: tuple[str, ...]
    ) -> dict[str, Data]:
        found: dict[str, Data] = {}
        for name, attribute in rows[0].op.attributes.items():
            column = None if attribute.kind == "tensor" else written(rows, name)
            if column is not None:
                counts = name in CHANNELS and all(isinstance(x, int) for x in column)
                measure = "channels" if counts else "other"
                hole = Hole(column, name, _detail(name, rows[0].label, labels), measure)
                holes.append(hole)
                found[name] = hole
        return found


def _all(rows: Sequence[Item], kind: type[T]) -> list[T]:
    return [row for row in rows if isinstance(row, kind)]


def _word(body: Body) -> str:
    """What steps are, in a word."""
    match body[0]:
        case Use(label=label, kind=kind):
            return snake_case(kind) or label or "part"
        case Group(label=label) if label and not label.isdecimal():
            return label
        case Merge(node=node) if node.op.gates:
            return "gate"
        case _:
            return next((node.op.name for node in nodes(body)), "steps")


def _with_distinct_labels(body: Data) -> Data:
    """The body of a block, in which no two branches have one name, and none that of a step."""
    if not isinstance(body, list):
        return body
    steps: list[dict[str, Data]] = [
        cast("dict[str, Data]", step) if isinstance(step, dict) else {str(step): None}
        for step in cast("list[Data]", body)
    ]
    taken = Names(dict.fromkeys((step["name"] for step in steps if "name" in step), NOTHING))
    for step in steps:
        for word in (*step, step.get("join", "")):
            taken.inside.setdefault(snake_case(word), NOTHING)
    for step in steps:
        if "branches" in step:
            arms = cast("dict[str, Data]", step["branches"])
            step["branches"] = {taken.add(name): arm for name, arm in arms.items()}
    return cast("Data", body)


def _arm_names(rows: Sequence[tuple[Arm, ...]]) -> list[str]:
    """The labels of branches; where these count the rows, they go without their numbers."""
    alike = all([a.label for a in row] == [a.label for a in rows[0]] for row in rows)
    stems = [arm.stem for arm in rows[0]]
    return stems if not alike and len({*stems}) == len(stems) else [arm.label for arm in rows[0]]


def _counts(name: str, column: Column) -> bool:
    return all(isinstance(x, int) and x > 7 for x in column)


def _detail(name: str, label: str, labels: tuple[str, ...]) -> str:
    """A word that tells a value from others of its name: what the model calls its step, or which
    step of which branch that is, as in `out2_1`.
    """
    if own := "" if label.isdecimal() else spelled(label, "parameter"):
        return own
    place = "_".join(labels[-2:])
    counted = re.fullmatch(r"[a-z]+(\d+(?:_\d+)?)", place)
    return f"{name}{counted[1]}" if counted else place


def _one(part: Column) -> Any:
    """The only value of a column, or none."""
    return next((value for value in part if value is not MISSING), MISSING)


def _split(column: Column, counts: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    start = 0
    for count in counts:
        yield column[start : start + count]
        start += count


def _around(step: Data, *, name: str = "", reads: str = "", training: bool = False) -> Data:
    """A step with its name and what it reads."""
    if training:
        return {"when": "training", **({"from": reads} if reads else {}), "do": step}
    if not (name or reads):
        return step
    if isinstance(step, str):
        step = {step: {}}
    if isinstance(step, list):
        first, *others = cast("list[Data]", step)
        whole = [_around(first, reads=reads), *others]
        return [*whole[:-1], _around(whole[-1], name=name)]
    return {**step, **({"from": reads} if reads else {}), **({"name": name} if name else {})}


def _filled(data: Data) -> Data:
    """Data without holes."""
    match data:
        case Hole(text=text):
            return _filled(text)
        case Range(times=times):
            return f"range({_filled(times)})"
        case Record(value=value):
            return {"value": _filled(value)}
        case dict():
            return {key: _filled(x) for key, x in cast("dict[str, Data]", data).items()}
        case list():
            return [_filled(x) for x in cast("list[Data]", data)]
        case tuple():
            return tuple(_filled(x) for x in cast("tuple[Data, ...]", data))
        case _:
            return data


def _step_names(body: Body) -> Iterator[str]:
    for item in body:
        if item.name:
            yield item.name
