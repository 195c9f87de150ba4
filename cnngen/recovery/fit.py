"""A tree with numbers -> a spec with expressions, as plain data.

A block is fitted over all of its uses at once, the innermost first: what differs between them
becomes a parameter, or an expression over the channels of its input or over another parameter. A
loop is fitted over its iterations: what differs between them becomes a variable, whose list is in
turn a value of the body around it.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from cnngen.foreign.graph import Graph, Node
from cnngen.ops.base import Image
from cnngen.recovery.columns import CHANNELS, INPUT_CHANNELS, MISSING, Column, Hole, solve
from cnngen.recovery.names import Names, spelled
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
    bodies,
    nodes,
)
from cnngen.syntax.naming import KEYWORDS, LANGUAGE

MOST_SHOWN = 5
EITHER = "0 or half"  # the padding of a window of one pixel
Data = Any  # what YAML can say: mappings, lists, texts, numbers; and holes


@dataclass(eq=False, slots=True)
class Block:
    """A block: its name, its parameters with their values at each use, and its body."""

    name: str
    uses: list[Use]
    parameters: dict[str, Column] = field(default_factory=dict[str, Column])
    defaults: dict[str, Any] = field(default_factory=dict[str, Any])
    takes: tuple[str, ...] = ()
    body: Data = None

    def arguments(self, use: Use) -> dict[str, Any]:
        row = next(i for i, each in enumerate(self.uses) if each is use)
        return {name: column[row] for name, column in self.parameters.items()}


def fit(tree: Tree, graph: Graph) -> dict[str, Data]:
    """The `blocks` and the `model` of a spec."""
    uses: dict[Hashable, list[Use]] = defaultdict(list)
    for stage in tree.stages:
        for use in _uses(stage.body):
            uses[use.block].append(use)
    fitter = _Fitter(graph)
    for key, each in sorted(uses.items(), key=lambda pair: max(map(_height, pair[1]))):
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
    blocks = {block.name: fitter.printed(block) for block in fitter.blocks.values()}
    return {"blocks": blocks, "model": model}


def _uses(body: Body) -> Iterator[Use]:
    """All uses in a body, those inside of others before them."""
    for item in body:
        for inner in bodies(item):
            yield from _uses(inner)
        if isinstance(item, Use):
            yield item


def _height(item: Item) -> int:
    """How many uses of blocks stand in each other."""
    inside = max((_height(x) for body in bodies(item) for x in body), default=0)
    return inside + isinstance(item, Use)


@dataclass(slots=True)
class _Fitter:
    graph: Graph
    blocks: dict[Hashable, Block] = field(default_factory=dict[Hashable, Block])
    titles: Names = field(default_factory=Names)
    variables: set[str] = field(default_factory=set[str])  # of the loops in what is fitted

    def add(self, key: Hashable, uses: list[Use]) -> None:
        """Fit a block over its uses."""
        block = Block(self._title(uses), uses, takes=uses[0].takes)
        holes: list[Hole] = []
        self.variables = set()
        body = self.body([use.body for use in uses], holes, ())
        channels = tuple(self._channels(use.source) for use in uses)
        features = {INPUT_CHANNELS: channels} if all(channels) else {}
        taken = {*KEYWORDS, *LANGUAGE, *uses[0].takes, *_step_names(uses[0].body)}
        taken |= self.variables
        given = tuple(self._channels(use.gives) for use in uses)
        block.parameters = solve(holes, features, taken, given)
        block.body = _filled(body)
        for name, column in block.parameters.items():
            common, count = Counter(column).most_common(1)[0]
            if name.startswith(("stride", "dilation")) and common == 1 and count > 1:
                block.defaults[name] = common
        self.blocks[key] = block

    def printed(self, block: Block) -> Data:
        types = {name: "tensor" for name in block.takes}
        for name, column in block.parameters.items():
            types[name] = block.defaults.get(name, _type(column))
        whole: dict[str, Data] = {}
        if types:
            whole["params"] = types
        return {"about": self._about(block), **whole, "body": block.body}

    def _about(self, block: Block) -> str:
        kind = block.uses[0].kind
        if kind:
            return f"What the model has as `{kind}`."
        ops = [*dict.fromkeys(node.op.name for node in nodes(block.uses[0].body))]
        shown = ", ".join(ops[:MOST_SHOWN]) + (", ..." if len(ops) > MOST_SHOWN else "")
        return f"What stands in {len(block.uses)} places: {shown}."

    def _title(self, uses: Sequence[Use]) -> str:
        stem = spelled(uses[0].kind, "block") or self._described(uses[0].body)
        return self.titles.add(stem)

    def _described(self, body: Body) -> str:
        """A name for a block for which the model has none."""
        ops = [item.node.op.name for item in body if isinstance(item, Apply)]
        match body:
            case (Merge(node=node), *_) if node.op.name == "add":
                return "Residual"
            case (Merge(node=node), *_) if node.op.gates:
                return "Gate"
            case (Merge(node=node), *_) if node.op.concatenates:
                return "Branches" if all(arm.body for arm in body[0].arms) else "DenseLayer"
            case (Loop(), *_):
                return "Stack"
            case _:
                pass
        if "depthwise_conv" in ops:
            return "DepthwiseUnit"
        if "separable_conv" in ops:
            return "SeparableUnit"
        return "ConvUnit" if "conv" in ops else "Unit"

    def _channels(self, source: str) -> int:
        shape = self.graph.inputs.get(source) or self.graph.nodes[source].shape
        return shape.channels if isinstance(shape, Image) else shape.features

    # Bodies: as many as there are rows, all alike.

    def body(self, rows: Sequence[Body], holes: list[Hole], labels: tuple[str, ...]) -> Data:
        steps: list[Data] = []
        for i in range(len(rows[0])):
            made = self.step([row[i] for row in rows], holes, labels)
            steps += made if isinstance(made, list) else [made]
        return steps[0] if len(steps) == 1 else steps

    def step(self, rows: Sequence[Item], holes: list[Hole], labels: tuple[str, ...]) -> Data:
        first = rows[0]
        match first:
            case Apply(node=node):
                attributes = self._attributes([r.node for r in rows], holes, labels)
                for name, tensor in zip(node.op.tensors, first.tensors, strict=True):
                    attributes[name] = tensor
                step = {node.op.name: attributes} if attributes else node.op.name
            case Merge(node=node, arms=arms):
                names = _arm_names([row.arms for row in rows])
                branches = {
                    names[i]: self._arm([r.arms[i] for r in rows], holes, (*labels, names[i]))
                    for i in range(len(arms))
                }
                step = {"branches": branches, "join": node.op.name}
            case Maybe(example=example, other=other):
                test, inside = self._maybe([r.body for r in rows], example, holes, labels)
                step = {"when": test, "do": inside}
                if other:
                    also, otherwise = self._maybe([r.orelse for r in rows], other, holes, labels)
                    always = all(r.body or r.orelse for r in rows)
                    step["else"] = otherwise if always else {"when": also, "do": otherwise}
                    if always:
                        holes.remove(also)
            case Again(target=target):
                step = {"use": target}
            case Pass():
                step = {}
            case Use():
                step = self._call(rows, holes, labels)
            case Group():
                raise AssertionError("groups are dissolved where loops are found")
            case Loop():
                step = self._loop(rows, holes, labels)
                if isinstance(step, list) and (first.name or first.reads):
                    step[0] = _around(step[0], reads=first.reads)
                    step[-1] = _around(step[-1], name=first.name)
                    return step
            case _:
                assert_never(first)
        return _around(step, name=first.name, reads=first.reads)

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
        hint = next((node.op.name for node in nodes(example)), "steps")
        test = Hole(tuple(bool(row) for row in rows), f"with_{hint}", measure="test")
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

    def _call(self, rows: Sequence[Any], holes: list[Hole], labels: tuple[str, ...]) -> Data:
        block = self.blocks[rows[0].block]
        values = [block.arguments(use) for use in rows]
        arguments: dict[str, Data] = dict(zip(block.takes, rows[0].tensors, strict=True))
        for name in block.parameters:
            column = tuple(each[name] for each in values)
            if name in block.defaults and {*column} == {block.defaults[name]}:
                continue
            detail = _detail(rows[0].label)
            measure = "channels" if _counts(name, column) else "other"
            hole = Hole(column, name, detail, measure)
            holes.append(hole)
            arguments[name] = hole
        return {block.name: arguments} if arguments else block.name

    def _loop(self, rows: Sequence[Any], holes: list[Hole], labels: tuple[str, ...]) -> Data:
        counts = tuple(len(row.iterations) for row in rows)
        own: list[Hole] = []
        body = self.body([each for row in rows for each in row.iterations], own, labels)
        if not rows[0].between and (split := self._first_apart(rows, own, counts)):
            return [
                self.body([row.iterations[0] for row in rows], holes, labels),
                self._loop(split, holes, labels),
            ]
        varying = self._varying(own, counts, holes)
        between: Data = None
        if rows[0].between:
            other: list[Hole] = []
            between = self.body([each for row in rows for each in row.between], other, labels)
            fewer = tuple(count - 1 for count in counts)
            for hole in self._varying(other, fewer, holes):
                whole = [
                    x for p in _split(hole.column, fewer) for x in (*p, p[-1] if p else MISSING)
                ]
                hole.text = Hole(tuple(whole), hole.hint, hole.detail, hole.measure)
                varying.append(hole.text)
        variables = solve(varying, {}, {*KEYWORDS, *LANGUAGE, *self.variables})
        self.variables |= variables.keys()
        if not variables and between is None:
            times = Hole(counts, "depth")
            holes.append(times)
            return {"repeat": times, "do": body}
        lists: dict[str, Data] = {}
        for name, column in variables.items():
            values = Hole(tuple(_split(column, counts)), f"{name}s")
            holes.append(values)
            lists[name] = values
        if not lists:
            ranges = Hole(tuple(f"range({count})" for count in counts), "ranges")
            holes.append(ranges)
            lists["i"] = ranges
        after = {} if between is None else {"between": between}
        return {"each": lists, "do": body, **after}

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
        op = rows[0].op
        found: dict[str, Data] = {}
        for name, attribute in op.attributes.items():
            if attribute.kind == "tensor":
                continue
            column = tuple(_spelled(node.op.values.get(name), attribute.kind) for node in rows)
            if attribute.kind == "padding" and all(_is_half(node) for node in rows):
                column = ("half",) * len(rows)
                if all(node.op.values["kernel"] == (1, 1) for node in rows):
                    column = (EITHER,) * len(rows)
            default = None if attribute.required else _spelled(attribute.default, attribute.kind)
            if {*column} == {default} and not attribute.required:
                continue
            counts = name in CHANNELS and all(isinstance(x, int) for x in column)
            detail = _detail(rows[0].label)
            hole = Hole(column, name, detail, "channels" if counts else "other")
            holes.append(hole)
            found[name] = hole
        return found


def _arm_names(rows: Sequence[tuple[Arm, ...]]) -> list[str]:
    """The labels of branches; where these count the rows, they go without their numbers."""
    alike = all([a.label for a in row] == [a.label for a in rows[0]] for row in rows)
    stems = [arm.stem for arm in rows[0]]
    return stems if not alike and len({*stems}) == len(stems) else [arm.label for arm in rows[0]]


def _counts(name: str, column: Column) -> bool:
    return all(isinstance(x, int) and x > 7 for x in column)


def _detail(label: str) -> str:
    return "" if label.isdecimal() else spelled(label, "parameter")


def _one(part: Column) -> Any:
    """The only value of a column, or none."""
    return next((value for value in part if value is not MISSING), MISSING)


def _split(column: Column, counts: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    start = 0
    for count in counts:
        yield column[start : start + count]
        start += count


def _spelled(value: Any, kind: str) -> Any:
    """The value of an attribute as a spec says it."""
    if kind not in ("size", "padding") or not isinstance(value, tuple):
        return value
    if len({*value}) == 1:
        return value[0]
    if kind == "padding" and value[:1] + value[2:3] == value[1:2] + value[3:4]:
        return value[0], value[2]
    return value


def _is_half(node: Node) -> bool:
    """Whether the padding of a window is half of it on each side."""
    values = node.op.values
    kernel, padding = values.get("kernel"), values.get("padding")
    if not isinstance(kernel, tuple) or not isinstance(padding, tuple):
        return False
    dilation = values.get("dilation", (1, 1))
    if any(k % 2 == 0 for k in kernel):
        return False
    half = [d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True)]
    return padding == (half[0], half[0], half[1], half[1])


def _type(column: Column) -> str:
    if all(isinstance(x, bool) for x in column):
        return "bool"
    if all(isinstance(x, int) for x in column):
        return "int"
    if all(isinstance(x, int | float) for x in column):
        return "float"
    if all(isinstance(x, tuple) for x in column):
        whole = all(isinstance(i, int) for x in column for i in x)
        return "ints" if whole else "floats"
    return "size"


def _around(step: Data, *, name: str = "", reads: str = "", training: bool = False) -> Data:
    """A step with its name and what it reads."""
    if training:
        return {"when": "training", **({"from": reads} if reads else {}), "do": step}
    if not (name or reads):
        return step
    if isinstance(step, str):
        step = {step: {}}
    if isinstance(step, list):
        first, *rest = step
        return [_around(first, reads=reads), *rest]
    return {**step, **({"from": reads} if reads else {}), **({"name": name} if name else {})}


def _filled(data: Data) -> Data:
    """Data without holes."""
    match data:
        case Hole(text=text):
            return _filled(text)
        case dict():
            return {key: _filled(value) for key, value in data.items()}
        case list():
            return [_filled(value) for value in data]
        case tuple():
            return tuple(_filled(value) for value in data)
        case _:
            return data


def _step_names(body: Body) -> Iterator[str]:
    for item in body:
        if item.name:
            yield item.name
