"""An ONNX file as a graph of our ops, without PyTorch or TensorFlow.

The file is data: nothing in it is run. Names of modules and lines of source are those that
PyTorch's exporters leave in it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from cnngen.foreign.complete_op import complete_op
from cnngen.foreign.graph import Graph, Node, Obstacle, Place, Reading
from cnngen.foreign.onnx_call import Call
from cnngen.foreign.onnx_constants import Array, OnnxFileError
from cnngen.foreign.onnx_drafts import Draft, Drafts, Flow, UnreadableError
from cnngen.foreign.onnx_file import OnnxFile, Sizes, read_file_of_onnx, shown
from cnngen.foreign.onnx_ops import read_calls
from cnngen.foreign.onnx_patterns import joined
from cnngen.foreign.onnx_places import placed
from cnngen.foreign.onnx_program import program
from cnngen.foreign.onnx_weights import WeightKeys
from cnngen.frameworks import MissingFrameworkError
from cnngen.ops.base import Shape, shape_of

ONLY_INPUT, ONLY_OUTPUT = "input", "output"


def read_onnx(
    path: Path, *, title: str, origin: str, inputs: Mapping[str, Shape] | None = None
) -> Reading:
    """Reads a model from a file. `inputs` has the shapes that the file leaves open.

    Raises `OSError`, and `OnnxFileError` for a file that cannot be read at all: its message
    completes a sentence about the file.
    """
    return _read_safely(path, title, origin, inputs)[0]


def read_onnx_weights(path: Path, *, inputs: Mapping[str, Shape] | None = None) -> dict[str, Array]:
    """The weights of a file in our layout, by the keys that its graph has for them."""
    return _read_safely(path, "", "", inputs)[1].arrays()


def _read_safely(
    path: Path, title: str, origin: str, inputs: Mapping[str, Shape] | None
) -> tuple[Reading, WeightKeys]:
    try:
        return _read(path, title, origin, inputs or {})
    except (OnnxFileError, MissingFrameworkError, OSError):
        raise
    except Exception as error:  # attributes and inputs may be anything
        raise OnnxFileError(f"it is damaged: {type(error).__name__} where it is read") from error


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
    batch = max(x.batch for x in inputs.values())
    d = Drafts(
        found, batch, {name: x.shape for name, x in inputs.items()}, found.uses(), file.opset
    )
    d.values.update(found.constants)
    for name in inputs:
        d.give(name, d.seen(name))
    obstacles = read_calls(d, {} if given else file.shapes)
    outputs = dict(_outputs(d, file, obstacles))
    drafts = d.drafts if obstacles else _needed(d.drafts, outputs.values())
    names, keys = {name: x.name for name, x in inputs.items()}, WeightKeys()
    nodes = placed(_grouped(drafts, d), names, keys)
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
    if not file.inputs:
        raise OnnxFileError("its graph takes nothing, so that there is no network")
    result: dict[str, _Input] = {}
    for name, sizes in file.inputs.items():
        only = len(file.inputs) == 1
        if only and len(given) == 1:
            (shape,) = given.values()
        else:
            shape = given.get(name) or _shape(name, sizes)
        if len(sizes) != len(shape.dimensions) + 1:
            raise OnnxFileError(
                f"its input `{shown(name)}` has {len(sizes)} axes, and {shape} would have"
                f" {len(shape.dimensions) + 1}, with that of samples"
            )
        result[name] = _Input(ONLY_INPUT if only else name, shape, sizes[0] or 1)
    return result


def _shape(name: str, sizes: Sizes) -> Shape:
    known = [size for size in sizes[1:] if size is not None]
    if len(sizes) not in (2, 4):
        raise OnnxFileError(
            f"its input `{shown(name)}` has {len(sizes)} axes: a network here takes samples x"
            " channels x height x width, or samples x features"
        )
    if len(known) < len(sizes) - 1:
        spelt = " x ".join("?" if size is None else str(size) for size in sizes[1:])
        raise OnnxFileError(f"its input `{shown(name)}` is {spelt}: say which size to read it for")
    return shape_of(known)


def _outputs(d: Drafts, file: OnnxFile, obstacles: list[Obstacle]) -> Iterator[tuple[str, str]]:
    """The node that gives each output."""
    for name in file.outputs:
        value = d.values.get(name)
        if isinstance(value, Flow):
            call = d.program.giver(name) or Call("Identity", name, (), (name,))
            try:
                yield ONLY_OUTPUT if len(file.outputs) == 1 else name, d.settled(call, value)
            except UnreadableError as error:
                obstacles.append(
                    Obstacle(f"the output `{shown(name)}` {error}", Place(), error.help)
                )
        elif value is not None:
            what = f"the output `{shown(name)}` does not depend on the input"
            obstacles.append(Obstacle(what, Place(), "export a model that gives maps or features"))


def _needed(drafts: Mapping[str, Draft], outputs: Iterable[str]) -> dict[str, Draft]:
    """Without nodes that no output depends on."""
    needed = {*outputs}
    kept: list[str] = []
    for name in reversed([*drafts]):
        if name in needed:
            needed.update(drafts[name].inputs)
            kept.append(name)
    return {name: drafts[name] for name in reversed(kept)}


def _grouped(drafts: Mapping[str, Draft], d: Drafts) -> dict[str, Draft]:
    """Parts that are all of one length are groups of channels, where a file divides these, and does
    not say the number of each part.
    """
    slices: dict[str, list[str]] = {}
    for name, draft in drafts.items():
        if draft.op.name == "slice_channels" and name in d.divided:
            slices.setdefault(draft.inputs[0], []).append(name)
    result = dict(drafts)
    for source, names in slices.items():
        values = [drafts[name].op.values for name in names]
        ends = sorted({(v["start"], v["stop"]) for v in values})
        channels, each = d.shape(source).dimensions[0], ends[0][1]
        follow = all(before[1] == after[0] for before, after in pairwise(ends))
        alike = all(stop - start == each for start, stop in ends)
        if len(ends) > 1 and follow and alike and ends[-1][1] == channels and ends[0][0] == 0:
            for name, v in zip(names, values, strict=True):
                op = complete_op("channel_group", index=v["start"] // each, groups=len(ends))
                result[name] = replace(drafts[name], op=op)
    return result
