"""Graphs that were read of models, next to networks of specs: what both say of what is computed.

Some values leave no trace in a model: they are made alike, and nothing else is.
"""

from collections.abc import Hashable, Mapping
from hashlib import sha1
from math import prod
from typing import Any

from cnngen.foreign.graph import Graph, Node
from cnngen.ops.attribute import Distribution
from cnngen.ops.base import Image, Op, Shape
from cnngen.ops.initializer import INITIALIZERS
from cnngen.semantics.network import Network, known_shape

WINDOWS = ("conv", "depthwise_conv", "separable_conv", "standardized_conv")
PADDED = (*WINDOWS, "avg_pool")
Signs = dict[str, Hashable]  # of each tensor: all that is computed on the way to it
Fact = tuple[str, Op, tuple[str, ...], tuple[Shape, ...], Shape]


def signs_of_network(network: Network) -> tuple[set[Hashable], set[Hashable]]:
    """All that a network computes, and its outputs."""
    facts: list[Fact] = [
        (
            layer.path,
            layer.op,
            tuple(x.path for x in layer.inputs),
            tuple(known_shape(x.shape) for x in layer.inputs),
            known_shape(layer.output),
        )
        for layer in network.layers.values()
        if not layer.training
    ]
    heads = network.training_stages()
    ends = [network.stages[s].path for s in network.outputs.values() if s not in heads]
    return _signs(network.inputs, facts, ends)


def signs_of_graph(graph: Graph) -> tuple[set[Hashable], set[Hashable]]:
    facts: list[Fact] = [
        (node.name, node.op, node.inputs, shapes_read(graph, node), node.shape)
        for node in graph.nodes.values()
    ]
    return _signs(graph.inputs, facts, [*graph.outputs.values()])


def shapes_read(graph: Graph, node: Node) -> tuple[Shape, ...]:
    return tuple(graph.nodes[x].shape if x in graph.nodes else graph.inputs[x] for x in node.inputs)


def parameters(graph: Graph) -> int:
    """How many numbers the weights of a graph have that are weights in the model, too."""
    return sum(
        prod(shape)
        for node in graph.nodes.values()
        if not node.shares
        for name, shape in node.op.weights(*shapes_read(graph, node)).items()
        if name not in node.constants
    )


def _signs(
    inputs: Mapping[str, Shape], facts: list[Fact], ends: list[str]
) -> tuple[set[Hashable], set[Hashable]]:
    signs: Signs = {name: ("input", x.dimensions) for name, x in inputs.items()}
    ops = {path: op for path, op, *_ in facts}
    reads = {path: read for path, _, read, _, _ in facts}
    given = {path: shapes for path, _, _, shapes, _ in facts}
    found: set[Hashable] = set()
    for path, op, read, shapes, output in facts:
        if op.is_identity or (op.name == "flatten" and shapes[0] == output) or _is_one(op, read):
            signs[path] = signs[read[0]]
            continue
        before = [signs[x] for x in read]
        above = ops.get(read[0])
        if op.name in PADDED and _bare(op) and above is not None and above.name == "zero_pad":
            # it cannot be told from one with a padding
            counted = {"count_include_pad": True} if op.name == "avg_pool" else {}
            op = type(op)({**op.values, **counted, "padding": above.values["padding"]})
            before, shapes = [signs[reads[read[0]][0]]], given[read[0]]
        name, values = alike(op, shapes, output)
        if op.tensors:
            like = shapes[1]
            assert isinstance(like, Image)
            before[1:] = [(like.height, like.width)]
        sign = (name, tuple(sorted(values.items(), key=str)), output.dimensions, *before)
        signs[path] = _short(sign)
        found.add(signs[path])
    read_by = {x for _, _, read, _, _ in facts for x in read}
    for path, op, *_ in facts:  # what only convolutions read is their padding
        if op.name == "zero_pad" and path in read_by and path not in ends:
            readers = [(p, o) for p, o, read, _, _ in facts if path in read]
            if all(o.name in PADDED and _bare(o) for _, o in readers):
                found.discard(signs[path])
    return found, {signs[x] for x in ends}


def _is_one(op: Op, read: tuple[str, ...]) -> bool:
    """Whether it joins one branch, or puts nothing around maps."""
    return (op.joins and len(read) == 1) or (
        op.name == "zero_pad" and not any(op.values["padding"])
    )


def _bare(op: Op) -> bool:
    return op.values["padding"] == (0, 0, 0, 0)


def _short(sign: Any) -> str:
    """A text instead of a tree of all that comes before."""
    return f"{sign[0]} {dict(sign[1])} -> {sign[2]} {sha1(repr(sign).encode()).hexdigest()[:8]}"


def alike(op: Op, shapes: tuple[Shape, ...], output: Shape) -> tuple[str, dict[str, Any]]:
    """The word and the values of an op, those without a trace in a model made alike."""
    name, values = op.name, dict(op.values)
    image = shapes[0] if isinstance(shapes[0], Image) else None
    if "init" in values:
        values["init"] = _drawn(name, values["init"])
    if name in ("conv",) and image and values["groups"] == image.channels > 1:
        name, values["multiplier"] = "depthwise_conv", values["out"] // values["groups"]
        del values["out"], values["groups"]
    if name in WINDOWS and image and values["padding"] == "same" and _is_fixed(values):
        values["padding"] = _sides(values, image)
    if name.startswith("adaptive") and image:
        (height, width), (rows, columns) = (image.height, image.width), values["size"]
        if height % rows == 0 and width % columns == 0:
            kernel = height // rows, width // columns
            name = name.removeprefix("adaptive_")
            values = {"kernel": kernel, "stride": kernel, "padding": (0, 0, 0, 0)}
    if name in ("max_pool", "avg_pool") and image and isinstance(output, Image):
        values = {"kernel": values["kernel"], "windows": _windows(values, image, output)}
    several = image is not None and image.height * image.width > 1
    if name == "group_norm" and image and several and values["groups"] == image.channels:
        name = "instance_norm"
        del values["groups"]
    if name == "blur_pool" and values["kernel"] == 2 and values["border"] == "zeros" and image:
        stride = values["stride"]
        name, values = "avg_pool", {"kernel": (2, 2), "stride": (stride, stride)}
        values |= {"padding": (0, 1, 0, 1), "count_include_pad": True, "ceil": False}
        if isinstance(output, Image):
            values = {"kernel": (2, 2), "windows": _windows(values, image, output)}
    if name == "depthwise_conv" and values["kernel"] == (1, 1) and values["multiplier"] == 1:
        drawn = values["init"]
        if drawn and not INITIALIZERS[drawn.word].fans and values["stride"] == (1, 1):
            name, values = "affine", {"shift": values["bias"], "init": drawn}
            values["init"] = _drawn(name, drawn)
    if name == "resize" and image and isinstance(output, Image):
        rows, columns = output.height / image.height, output.width / image.width
        if rows == int(rows) and columns == int(columns):
            name, values = "upsample", {**values, "scale": (int(rows), int(columns))}
    if name == "rbf":
        digits = [f"{n:0{values['bits']}b}" for row in values["codes"] for n in row]
        values = {"points": "".join(digits), "rows": len(values["codes"])}
    values.pop("like", None)
    return name, {n: round(v, 12) if isinstance(v, float) else v for n, v in values.items()}


def _drawn(name: str, init: Distribution | None) -> Distribution | None:
    word = init.word if init else ""
    if word == "xavier_uniform" and name in ("conv", "linear", "transposed_conv"):
        return None
    if word == "ones" and name in ("affine", "batch_norm"):
        return None
    return init


def _is_fixed(values: Mapping[str, Any]) -> bool:
    """Whether Keras is told the sides instead of `same`, or `same` has always the same sides."""
    if values["kernel"] == (1, 1) or values["stride"][0] != values["stride"][1]:
        return True
    return values["stride"] == (1, 1) or values["dilation"] != (1, 1)


def _sides(values: Mapping[str, Any], image: Image) -> tuple[int, ...]:
    sides: list[int] = []
    dilation = values.get("dilation", (1, 1))
    strides = values["stride"] or values["kernel"]
    for n, k, s, d in zip(
        (image.height, image.width), values["kernel"], strides, dilation, strict=True
    ):
        zeros = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        sides += [zeros // 2, zeros - zeros // 2]
    return tuple(sides)


def _windows(
    values: Mapping[str, Any], image: Image, output: Image
) -> tuple[tuple[int, int, int], ...]:
    """Where each window of a pooling begins and ends within its input, along the height and then
    the width, and how many elements it counts.
    """
    sides = _sides(values, image) if values["padding"] == "same" else values["padding"]
    counts = values["padding"] != "same" and values.get("count_include_pad", False)
    stride = values["stride"] or values["kernel"]
    found: list[tuple[int, int, int]] = []
    for axis, length in enumerate((image.height, image.width)):
        before, after = sides[2 * axis : 2 * axis + 2]
        for i in range((output.height, output.width)[axis]):
            start = i * stride[axis] - before
            end = start + values["kernel"][axis]
            counted = min(end, length + after) - start if counts else 0
            found.append(
                (max(start, 0), min(end, length), counted or min(end, length) - max(start, 0))
            )
    return tuple(found)
