"""A tree with numbers -> a spec with expressions, as plain data.

A block is fitted over all of its uses at once, the innermost first: what differs between them
becomes a parameter, or an expression over the channels of its input or over another parameter. A
loop is fitted over its iterations: what differs between them becomes a variable, whose list is in
turn a value of the body around it.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from cnngen.foreign.graph import Graph, Node
from cnngen.ops.base import Image
from cnngen.recovery.columns import CHANNELS, Column, Hole, solve
from cnngen.recovery.tree import (
    Apply,
    Body,
    Group,
    Item,
    Loop,
    Merge,
    Pass,
    Tree,
    Use,
    bodies,
    nodes,
)
from cnngen.syntax.naming import KEYWORDS, LANGUAGE, snake_case

INPUT_CHANNELS = "input.channels"
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
    for key, each in uses.items():  # those inside others come first
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


@dataclass(slots=True)
class _Fitter:
    graph: Graph
    blocks: dict[Hashable, Block] = field(default_factory=dict[Hashable, Block])
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
        block.parameters = solve(holes, features, taken)
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
        taken = {block.name for block in self.blocks.values()}
        stem = _cap_words(uses[0].kind) or self._described(uses[0].body)
        name, count = stem, 1
        while name in taken:
            count += 1
            name = f"{stem}{count}" if not stem[-1].isdecimal() else f"{stem}_{count}"
        return name

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
        steps = [
            self.step([row[i] for row in rows], holes, labels) for i in range(len(rows[0]))
        ]
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
                branches = {
                    arm.label: self.body([r.arms[i].body for r in rows], holes, (*labels, arm.label))
                    if arm.body
                    else "identity"
                    for i, arm in enumerate(arms)
                }
                step = {"branches": branches, "join": node.op.name}
            case Pass():
                step = {}
            case Use():
                step = self._call(rows, holes, labels)
            case Group():
                raise AssertionError("groups are dissolved where loops are found")
            case Loop():
                step = self._loop(rows, holes, labels)
            case _:
                assert_never(first)
        return _around(step, name=first.name, reads=first.reads)

    def _call(self, rows: Sequence[Any], holes: list[Hole], labels: tuple[str, ...]) -> Data:
        block = self.blocks[rows[0].block]
        values = [block.arguments(use) for use in rows]
        arguments: dict[str, Data] = dict(zip(block.takes, rows[0].tensors, strict=True))
        for name in block.parameters:
            column = tuple(each[name] for each in values)
            if name in block.defaults and {*column} == {block.defaults[name]}:
                continue
            label = snake_case(rows[0].label)
            detail = label if not label.isdecimal() and label else labels[-1] if labels else name
            measure = "channels" if _counts(name, column) else "other"
            hole = Hole(column, name, _plain(detail) or name, measure)
            holes.append(hole)
            arguments[name] = hole
        return {block.name: arguments} if arguments else block.name

    def _loop(self, rows: Sequence[Any], holes: list[Hole], labels: tuple[str, ...]) -> Data:
        counts = tuple(len(row.iterations) for row in rows)
        inner: list[Hole] = []
        body = self.body([each for row in rows for each in row.iterations], inner, labels)
        varying: list[Hole] = []
        for hole in inner:
            parts = [*_split(hole.column, counts)]
            if all(len({*part}) == 1 for part in parts):
                outer = Hole(tuple(p[0] for p in parts), hole.hint, hole.detail, hole.measure)
                hole.text = outer
                holes.append(outer)
            else:
                varying.append(hole)
        variables = solve(varying, {}, {*KEYWORDS, *LANGUAGE, *self.variables})
        self.variables |= variables.keys()
        if not variables:
            times = Hole(counts, "depth")
            holes.append(times)
            return {"repeat": times, "do": body}
        lists: dict[str, Data] = {}
        for name, column in variables.items():
            values = Hole(tuple(_split(column, counts)), f"{name}s")
            holes.append(values)
            lists[name] = values
        return {"each": lists, "do": body}

    def _attributes(
        self, rows: Sequence[Node], holes: list[Hole], labels: tuple[str, ...]
    ) -> dict[str, Data]:
        op = rows[0].op
        found: dict[str, Data] = {}
        for name, attribute in op.attributes.items():
            if attribute.kind == "tensor":
                continue
            column = tuple(_spelled(node, name) for node in rows)
            if attribute.kind == "padding" and all(_is_half(node) for node in rows):
                column = ("half",) * len(rows)
                if all(node.op.values["kernel"] == (1, 1) for node in rows):
                    column = (EITHER,) * len(rows)
            default = None if attribute.required else _short(attribute.default)
            if {*column} == {default} and not attribute.required:
                continue
            counts = name in CHANNELS and all(isinstance(x, int) for x in column)
            detail = labels[-1] if labels else ""
            hole = Hole(column, name, _plain(detail), "channels" if counts else "other")
            holes.append(hole)
            found[name] = hole
        return found


def _counts(name: str, column: Column) -> bool:
    return all(isinstance(x, int) and x > 7 for x in column)


def _plain(name: str) -> str:
    return name if name.isidentifier() and name == name.lower() else ""


def _split(column: Column, counts: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    start = 0
    for count in counts:
        yield column[start : start + count]
        start += count


def _spelled(node: Node, name: str) -> Any:
    """The value of an attribute as a spec says it."""
    return _short(node.op.values.get(name))


def _short(value: Any) -> Any:
    if isinstance(value, tuple) and len({*value}) == 1 and len(value) in (2, 4):
        return value[0]
    if isinstance(value, tuple) and len(value) == 4 and value[0] == value[1] and value[2] == value[3]:
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


def _cap_words(kind: str) -> str:
    """What a model calls a part, as the name of a block."""
    words = [w for w in kind.strip("_").replace(".", "_").split("_") if w]
    return "".join(word[0].upper() + word[1:] for word in words)
