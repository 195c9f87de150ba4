"""An ONNX file as a graph of our ops, without PyTorch or TensorFlow.

The file is data: nothing in it is run. Names of modules and lines of source are those that PyTorch's
exporters leave in it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from cnngen.foreign.graph import Graph, Node, Obstacle, Place, Reading
from cnngen.foreign.made import made
from cnngen.foreign.onnx_call import Call
from cnngen.foreign.onnx_constants import Array, OnnxFileError
from cnngen.foreign.onnx_drafts import Draft, Drafts, Flow, UnreadableError
from cnngen.foreign.onnx_file import OnnxFile, Sizes, read_file_of_onnx
from cnngen.foreign.onnx_ops import read_calls
from cnngen.foreign.onnx_patterns import joined
from cnngen.foreign.onnx_places import placed
from cnngen.foreign.onnx_program import program
from cnngen.foreign.onnx_weights import WeightKeys
from cnngen.ops.base import Image, Shape, Vector, shape_of

ONLY = "input"
FEW = 4  # groups that several slices are


def read_onnx(
    path: Path, *, title: str, origin: str, inputs: Mapping[str, Shape] | None = None
) -> Reading:
    """Reads a model from a file. `inputs` has the shapes that the file leaves open.

    Raises `OnnxFileError` with a sentence for a file that cannot be read at all, and `OSError`.
    """
    return _read(path, title, origin, inputs or {})[0]


def read_onnx_weights(path: Path, inputs: Mapping[str, Shape] | None = None) -> dict[str, Array]:
    """The weights of a file in our layout, by the keys that its graph has for them."""
    return _read(path, "", "", inputs or {})[1].arrays()


@dataclass(frozen=True, slots=True)
class _Input:
    name: str
    shape: Shape
    batch: int


def _read(
    path: Path, title: str, origin: str, given: Mapping[str, Shape]
) -> tuple[Reading, WeightKeys]:
    file = read_file_of_onnx(path)
    inputs = _inputs(file, given)
    found = joined(program(file.calls, file.constants, file.outputs)).with_scopes()
    batch = max((x.batch for x in inputs.values()), default=1)
    names = {name: x.name for name, x in inputs.items()}
    d = Drafts(found, batch, {name: x.shape for name, x in inputs.items()}, found.uses())
    d.values.update(found.constants)
    d.values.update({name: d.seen(name) for name in inputs})
    obstacles = read_calls(d, {} if given else file.shapes)
    outputs = dict(_outputs(d, file, obstacles))
    drafts = _grouped(_needed(d.drafts, outputs.values(), bool(obstacles)))
    keys = WeightKeys()
    nodes = placed(drafts, names, keys)
    graph = Graph(
        title,
        origin,
        {x.name: x.shape for x in inputs.values()},
        {node.name: node for node in nodes.values()},
        {name: _name(source, nodes, names) for name, source in outputs.items()},
    )
    return Reading(graph, tuple(obstacles)), keys


def _name(source: str, nodes: Mapping[str, Node], inputs: Mapping[str, str]) -> str:
    return nodes[source].name if source in nodes else inputs[source]


def _inputs(file: OnnxFile, given: Mapping[str, Shape]) -> dict[str, _Input]:
    """What goes in, by its name in the file; the only one is called `input` in the graph."""
    result: dict[str, _Input] = {}
    for name, sizes in file.inputs.items():
        ours = ONLY if len(file.inputs) == 1 else name
        shape = given.get(name) or given.get(ours) or _shape(name, sizes)
        if len(file.inputs) == len(given) == 1:
            (shape,) = given.values()
        if len(sizes) != len(shape.dimensions) + 1:
            raise OnnxFileError(
                f"its input `{name}` has {len(sizes)} axes, and {shape} needs"
                f" {len(shape.dimensions) + 1}, with that of samples"
            )
        result[name] = _Input(ours, shape, sizes[0] or 1)
    if not result:
        raise OnnxFileError("its graph takes nothing, so that there is no network")
    return result


def _shape(name: str, sizes: Sizes) -> Shape:
    known = [size for size in sizes[1:] if size is not None]
    if len(sizes) not in (2, 4):
        raise OnnxFileError(
            f"its input `{name}` has {len(sizes)} axes: samples x channels x height x width, or"
            " samples x features, are what a network here takes"
        )
    if len(known) < len(sizes) - 1:
        spelt = " x ".join("?" if size is None else str(size) for size in sizes[1:])
        raise OnnxFileError(f"its input `{name}` is {spelt}: say which size to read it for")
    return shape_of(known)


def _outputs(
    d: Drafts, file: OnnxFile, obstacles: list[Obstacle]
) -> Iterator[tuple[str, str]]:
    """The node that gives each output."""
    for name in file.outputs:
        value = d.values.get(name)
        ours = "output" if len(file.outputs) == 1 else name
        if isinstance(value, Flow):
            try:
                yield ours, d.settled(_giver(d, name), value)
            except UnreadableError as error:
                what = f"the output `{name}` {error.why}"
                obstacles.append(Obstacle(what, Place(), error.help))
        elif value is not None:
            what = f"the output `{name}` does not depend on the input"
            obstacles.append(Obstacle(what, Place(), "export a model that gives maps or features"))


def _giver(d: Drafts, name: str) -> Call:
    return d.program.by_output.get(name) or Call("Identity", name, (), (name,))


def _needed(
    drafts: Mapping[str, Draft], outputs: Iterator[str] | object, partial: bool
) -> dict[str, Draft]:
    """Without nodes that nothing reads; where obstacles stand, all are kept that were read."""
    if partial:
        return dict(drafts)
    needed = {*outputs}  # type: ignore[misc]
    kept: list[str] = []
    for name in reversed(drafts):
        if name in needed:
            needed.update(drafts[name].inputs)
            kept.append(name)
    return {name: drafts[name] for name in reversed(kept)}


def _grouped(drafts: Mapping[str, Draft]) -> dict[str, Draft]:
    """Slices that follow each other, all of one length, are groups of channels."""
    slices: dict[str, list[str]] = {}
    for name, draft in drafts.items():
        if draft.op.name == "slice_channels":
            slices.setdefault(draft.inputs[0], []).append(name)
    result = dict(drafts)
    for names in slices.values():
        ends = sorted({(d.op.values["start"], d.op.values["stop"]) for d in map(drafts.get, names) if d})
        shape = drafts[names[0]].shape
        total = sum(stop - start for start, stop in ends)
        alike = len({stop - start for start, stop in ends}) == 1 and len(ends) > 1
        follow = ends[0][0] == 0 and all(a[1] == b[0] for a, b in pairwise(ends))
        if not (alike and follow and isinstance(shape, Image)):
            continue
        source = drafts[names[0]].inputs[0]
        if source in drafts and drafts[source].shape.dimensions[0] != total:
            continue
        for name in names:
            draft = drafts[name]
            index = draft.op.values["start"] * len(ends) // total
            result[name] = Draft(
                made("channel_group", index=index, groups=len(ends)),
                draft.inputs,
                draft.shape,
                draft.scope,
                draft.weights,
            )
    return result


__all__ = ["OnnxFileError", "read_onnx", "read_onnx_weights", "Vector", "replace", "FEW"]
