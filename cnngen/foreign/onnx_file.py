"""A file of ONNX as data: calls in the order in which they run, constants, inputs and outputs.

Nothing in it is trusted: its size is bounded, it is decoded by the library `onnx` and not run, and
weights beside it are read only if they lie in its folder, and only where numbers are asked for.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cnngen.diagnostics.terminal import one_line
from cnngen.files import TO_READ, leads_out, read_file
from cnngen.foreign.onnx_call import Call, scope_of
from cnngen.foreign.onnx_constants import TYPES, Array, Constant, OnnxFileError, single
from cnngen.frameworks import framework

MOST = 2**31 - 1  # bytes, as Protocol Buffers allow
MOST_NODES = 50_000
LARGEST = 2**31 - 1
BFLOAT16 = 16
DOMAINS = ("", "ai.onnx")
FLOATS = (1, 10, 11, 16)

Sizes = tuple[int | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class OnnxFile:
    """What a file says of its model. A size that it leaves open is None; `shapes` has those of
    tensors inside as far as the file tells.
    """

    calls: list[Call]
    constants: dict[str, Constant]
    inputs: dict[str, Sizes]
    outputs: list[str]
    shapes: Mapping[str, Sizes]
    opset: int


def read_file_of_onnx(path: Path) -> OnnxFile:
    """Raises `OnnxFileError` for whatever is no model, or a damaged one; and `OSError`."""
    content = read_file(path, MOST)
    if len(content) > MOST:
        raise OnnxFileError("it is larger than 2 GiB, which no ONNX file is")
    model = framework("onnx").ModelProto()
    try:
        model.ParseFromString(content)
    except Exception:
        raise OnnxFileError("it is no ONNX file, or a damaged one") from None
    try:
        return _read(model, path)
    except (UnicodeDecodeError, OverflowError):
        raise OnnxFileError("it is damaged: it holds what is no text or no number") from None


def _read(model: Any, path: Path) -> OnnxFile:
    graph = model.graph
    if not graph.output:
        raise OnnxFileError("it is no ONNX file, or a damaged one: its graph gives nothing")
    if len(graph.node) > MOST_NODES:
        raise OnnxFileError(f"it has {len(graph.node)} nodes; {MOST_NODES} are read at most")
    constants = {t.name: constant(t, path, t.name) for t in graph.initializer}
    inputs = {x.name: _sizes(x) for x in graph.input if x.name not in constants}
    for x in graph.input:
        if x.name in inputs and x.type.tensor_type.elem_type not in FLOATS:
            raise OnnxFileError(f"its input `{shown(x.name)}` is not of floating-point numbers")
    calls = [*_calls(graph.node, path)]
    _check_order(calls, {*constants, *inputs})
    described = [*graph.value_info, *graph.output]
    return OnnxFile(
        calls,
        constants,
        inputs,
        [x.name for x in graph.output],
        {x.name: _sizes(x) for x in described if x.type.tensor_type.HasField("shape")},
        max((x.version for x in model.opset_import if x.domain in DOMAINS), default=1),
    )


def _sizes(value: Any) -> Sizes:
    dims = value.type.tensor_type.shape.dim
    return tuple(d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in dims)


def _calls(nodes: Iterable[Any], path: Path) -> Iterator[Call]:
    for i, node in enumerate(nodes):
        op = node.op_type if node.domain in DOMAINS else f"{node.domain}.{node.op_type}"
        metadata = {x.key: x.value for x in node.metadata_props}
        name = node.name or f"{op}_{i}"
        attributes = {x.name: _attribute(x, path) for x in node.attribute}
        scope = scope_of(node.name, metadata)
        yield Call(op, name, tuple(node.input), tuple(node.output), attributes, scope)


def _attribute(given: Any, path: Path) -> Any:
    """A value in Python, or None for what no op of convolutional networks has."""
    match given.type:
        case 1:
            return single(np.float32(given.f))
        case 2:
            return int(given.i)
        case 3:
            return given.s.decode("utf-8", "replace")
        case 4:
            return constant(given.t, path, given.name).array
        case 6:
            return tuple(single(np.float32(x)) for x in given.floats)
        case 7:
            return tuple(map(int, given.ints))
        case 8:
            return tuple(x.decode("utf-8", "replace") for x in given.strings)
        case _:
            return None


def _check_order(calls: Iterable[Call], known: set[str]) -> None:
    """Each tensor is given once, and before it is read: there is no circle then."""
    for call in calls:
        for name in call.inputs:
            if name and name not in known:
                raise OnnxFileError(
                    f"it is damaged: its node `{shown(call.name)}` reads `{shown(name)}`, which"
                    " nothing before it gives"
                )
        for name in filter(None, call.outputs):
            if name in known:
                raise OnnxFileError(f"it is damaged: two of its nodes give `{shown(name)}`")
            known.add(name)
        if not any(call.outputs):
            raise OnnxFileError(f"it is damaged: its node `{shown(call.name)}` gives nothing")


def constant(tensor: Any, path: Path, name: str) -> Constant:
    """A tensor of the file, whose numbers may be in another one."""
    shape = tuple(map(int, tensor.dims))
    if any(not 0 <= n <= LARGEST for n in shape) or prod(shape) > LARGEST:
        raise OnnxFileError(f"it is damaged: `{shown(name)}` has impossible sizes")
    return Constant(name, shape, lambda: _numbers(tensor, shape, path, name))


def _numbers(tensor: Any, shape: tuple[int, ...], path: Path, name: str) -> Array:
    kind = TYPES.get(tensor.data_type)
    if kind is None:
        raise OnnxFileError(f"its `{shown(name)}` has numbers of a type that is not read")
    size = 2 if tensor.data_type == BFLOAT16 else np.dtype(kind).itemsize
    count = prod(shape)
    if tensor.data_location == 1:
        raw = _beside({x.key: x.value for x in tensor.external_data}, path, name, count * size)
    elif tensor.HasField("raw_data"):
        raw = tensor.raw_data
    else:
        return _listed(tensor, kind, shape, name)
    if len(raw) != count * size:
        raise OnnxFileError(f"it is damaged: `{shown(name)}` has not as many numbers as it says")
    if tensor.data_type == BFLOAT16:  # the upper half of a float32
        return (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4").reshape(shape)
    return np.frombuffer(raw, np.dtype(kind).newbyteorder("<")).reshape(shape)


def _listed(tensor: Any, kind: str, shape: tuple[int, ...], name: str) -> Array:
    """Numbers that are written one by one."""
    lists = (tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.double_data)
    values = next((x for x in lists if len(x)), ())
    if len(values) != prod(shape) or tensor.data_type in (10, BFLOAT16):
        raise OnnxFileError(f"it is damaged: `{shown(name)}` has not as many numbers as it says")
    return np.array(values).astype(kind).reshape(shape)


def _beside(said: Mapping[str, str], path: Path, name: str, most: int) -> bytes:
    """Numbers in a file beside this one, which must lie in its folder."""
    location = PurePosixPath(said.get("location", "").replace("\\", "/"))
    place = path.parent / location
    if location.is_absolute() or ".." in location.parts or ":" in str(location):
        raise OnnxFileError(f"the numbers of `{shown(name)}` would lie outside its folder")
    try:
        offset, size = int(said.get("offset", "0")), int(said.get("length", most))
    except ValueError:
        raise OnnxFileError(f"it is damaged: `{shown(name)}` lies nowhere") from None
    if size != most or not 0 <= offset < 2**63:
        raise OnnxFileError(f"it is damaged: `{shown(name)}` has not as many numbers as it says")
    try:
        outside = not os.path.realpath(place).startswith(os.path.realpath(path.parent) + os.sep)
        if outside or leads_out(place) or not place.is_file():
            raise OnnxFileError(
                f"`{shown(str(location))}`, which has its numbers, is not in its folder"
            )
        with os.fdopen(os.open(place, TO_READ), "rb") as file:
            if os.fstat(file.fileno()).st_size < offset + most:
                raise OnnxFileError(f"`{shown(str(location))}` is shorter than it should be")
            file.seek(offset)
            return file.read(most)
    except (OSError, ValueError):
        raise OnnxFileError(
            f"`{shown(str(location))}`, which has its numbers, cannot be read"
        ) from None


def shown(text: str) -> str:
    return one_line(text[:120])
