"""Changes: what two networks have in common and where they differ, in the words of the language."""

from collections import Counter
from collections.abc import Hashable, Mapping, Set
from dataclasses import asdict, dataclass
from typing import Any, cast

from cnngen.diff.align import Alignment, Part, align
from cnngen.ops.attribute import Distribution
from cnngen.report.summary import Dimensions, LayerSummary, Output, Summary, summarize
from cnngen.semantics.network import INPUT, Layer, Network


@dataclass(frozen=True, slots=True)
class Values:
    """A value before and after."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Group:
    """Layers that only one of the networks has; the parts at these paths look the same."""

    paths: tuple[str, ...]
    layers: int
    parameters: int
    macs: int
    ops: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Changed:
    """A change of attributes or inputs, and the layers for which it is the same."""

    op: str
    paths: tuple[str, ...]
    attributes: dict[str, Values]


@dataclass(frozen=True, slots=True)
class Moved:
    """A layer that computes the same with other shapes."""

    path: str
    old: Dimensions
    new: Dimensions


@dataclass(frozen=True, slots=True)
class StageChange:
    """A stage of either network; None where it has none of the name."""

    name: str
    old: Output | None
    new: Output | None
    parameters: tuple[int, int]
    macs: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from one network to another one; numbers are those of inference."""

    totals: dict[str, tuple[int, int]]
    interface: dict[str, Values]
    stages: tuple[StageChange, ...]
    renamed: tuple[Values, ...]
    added: tuple[Group, ...]
    removed: tuple[Group, ...]
    changed: tuple[Changed, ...]
    moved: tuple[Moved, ...]

    @property
    def empty(self) -> bool:
        lists = self.interface, self.renamed, self.added, self.removed, self.changed, self.moved
        return not any(lists)

    def as_dict(self) -> dict[str, Any]:
        """What `cnngen diff --format json` prints."""
        return asdict(self)


def difference(old: Network, new: Network) -> Difference:
    sums, found = (summarize(old), summarize(new)), align(old, new)
    layers = tuple({layer.path: layer for layer in each.layers} for each in sums)
    return Difference(
        totals=_totals(*sums),
        interface=_interface(*sums),
        stages=_stages(*sums),
        renamed=tuple(Values(a.path, b.path) for a, b in found.renamed),
        added=_groups(found.added, layers[1]),
        removed=_groups(found.removed, layers[0]),
        changed=_changed(found, old.inputs.keys() & new.inputs.keys()),
        moved=_moved(found, *layers),
    )


def _totals(old: Summary, new: Summary) -> dict[str, tuple[int, int]]:
    return {
        "parameters": (old.parameters, new.parameters),
        "buffers": (old.buffers, new.buffers),
        "MACs": (old.macs, new.macs),
        "layers": (len(old.counted()), len(new.counted())),
    }


def _interface(old: Summary, new: Summary) -> dict[str, Values]:
    """What the network takes and gives, where that changed."""
    found: dict[str, Values] = {}
    for word, before, after in (
        ("input", old.inputs, new.inputs),
        ("output", old.outputs, new.outputs),
    ):
        for name in {**before, **after}:
            a, b = (_size(each.get(name)) for each in (before, after))
            if a != b:
                found[word if name in (INPUT, "output") else f"{word} {name}"] = Values(a, b)
    return found


def _stages(old: Summary, new: Summary) -> tuple[StageChange, ...]:
    before, after = ({stage.name: stage for stage in each.stages} for each in (old, new))
    found: list[StageChange] = []
    for name in {**before, **after}:
        a, b = before.get(name), after.get(name)
        found.append(
            StageChange(
                name,
                a and a.output,
                b and b.output,
                (a.parameters if a else 0, b.parameters if b else 0),
                (a.macs if a else 0, b.macs if b else 0),
            )
        )
    return tuple(found)


def _groups(parts: list[Part], layers: Mapping[str, LayerSummary]) -> tuple[Group, ...]:
    alike: dict[Hashable, list[Part]] = {}
    for part in parts:
        alike.setdefault(part.outline, []).append(part)
    return tuple(_group(each, layers) for each in alike.values())


def _group(parts: list[Part], layers: Mapping[str, LayerSummary]) -> Group:
    inside = [layers[layer.path] for part in parts for layer in part.layers()]
    return Group(
        tuple(part.path for part in parts),
        len(inside),
        sum(layer.parameters for layer in inside),
        sum(layer.macs for layer in inside),
        dict(Counter(layer.op for layer in inside)),
    )


def _changed(found: Alignment, inputs: Set[str]) -> tuple[Changed, ...]:
    """Layers whose attributes differ, or that read others than before; alike ones together.
    `inputs` are those that both networks have.
    """
    counterparts = {old.path: new.path for old, new in found.pairs}
    counterparts |= {name: name for name in inputs}
    kept = set(counterparts.values())
    groups: dict[tuple[str, tuple[tuple[str, Values], ...]], list[str]] = {}
    for old, new in found.pairs:
        changes = _attributes(old, new) | _inputs(old, new, counterparts, kept)
        if old.training != new.training:
            changes["exists in"] = Values(_when(old), _when(new))
        if changes:
            groups.setdefault((old.op.name, tuple(changes.items())), []).append(new.path)
    return tuple(
        Changed(op, tuple(paths), dict(changes)) for (op, changes), paths in groups.items()
    )


def _attributes(old: Layer, new: Layer) -> dict[str, Values]:
    before, after = ({**layer.op.values, **_shared(layer)} for layer in (old, new))
    return {
        name: Values(spelled(before.get(name)), spelled(after.get(name)))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    }


def _shared(layer: Layer) -> dict[str, str]:
    """Whose weights a layer has, as if that were an attribute."""
    return {"weights of": layer.shares} if layer.shares else {}


def _inputs(
    old: Layer, new: Layer, counterparts: Mapping[str, str], kept: Set[str]
) -> dict[str, Values]:
    """The inputs of a layer, unless they differ only because layers before it came or went."""
    before, after = ([x.path for x in layer.inputs] for layer in (old, new))
    known = [counterparts.get(path) for path in before]
    had, has = set(known), set(after)
    gained = [path for path in after if path in kept and path not in had]
    lost = [path for path in known if path and path not in has]
    gone, fresh = known.count(None), sum(path not in kept for path in after)
    if len(gained) <= gone and len(lost) <= fresh:
        common = [[x for x in each if x in had and x in has] for each in (known, after)]
        if common[0] == common[1]:
            return {}
    return {"reads": Values(", ".join(before), ", ".join(after))}


def _when(layer: Layer) -> str:
    return "training only" if layer.training else "inference, too"


def _moved(
    found: Alignment, before: Mapping[str, LayerSummary], after: Mapping[str, LayerSummary]
) -> tuple[Moved, ...]:
    pairs = ((before[old.path], after[new.path]) for old, new in found.pairs)
    return tuple(Moved(b.path, a.output, b.output) for a, b in pairs if a.output != b.output)


def _size(sizes: Dimensions | None) -> str:
    return " x ".join(map(str, sizes)) if sizes else "none"


def spelled(value: object) -> str:
    """A value of an attribute as a spec would have it."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case Distribution(word, arguments):
            inside = ", ".join(f"{name}: {x}" for name, x in arguments)
            return f"{word} ({inside})" if inside else word
        case tuple():
            numbers = cast("tuple[object, ...]", value)
            same = len(set(numbers)) == 1
            return str(numbers[0]) if same else "[" + ", ".join(map(str, numbers)) + "]"
        case _:
            return str(value)
