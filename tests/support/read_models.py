"""A graph that was read, and the network that it should be, in one form: what a layer computes, of what."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cnngen.foreign.graph import Graph
from cnngen.ops.base import Image, Op, Shape, Vector
from cnngen.semantics.network import Network, known_shape
from cnngen.targets.torch.names import weight_key
from support.built_models import Built

Key = tuple[Any, ...]
COMMUTE = ("add", "multiply", "max")


def model_of(built: Built) -> Any:
    """The model of a source, without values for its weights but where some of these are constants."""
    import torch

    constants = {"blur_pool", "gather_channels", "prelu", "rbf"}
    some = any(layer.op.name in constants for layer in built.network.layers.values())
    with torch.device("cpu" if some else "meta"):
        return built.torch()


@dataclass(frozen=True)
class Said:
    """A layer of either."""

    op: Op
    inputs: tuple[str, ...]
    shapes: tuple[Shape, ...]
    training: bool
    keys: tuple[str, ...]


def of_network(network: Network) -> tuple[list[Key], dict[str, Key]]:
    layers = {
        path: Said(
            layer.op,
            tuple(x.path for x in layer.inputs),
            tuple(known_shape(x.shape) for x in layer.inputs),
            layer.training,
            tuple(
                weight_key(network.layers[layer.shares or path], w)
                for w in layer.op.weights(*(known_shape(x.shape) for x in layer.inputs))
            ),
        )
        for path, layer in network.layers.items()
    }
    outputs = {name: network.stages[stage].path for name, stage in network.outputs.items()}
    return _normal(layers, network.inputs, outputs)


def of_graph(graph: Graph) -> tuple[list[Key], dict[str, Key]]:
    shapes = {**graph.inputs, **{name: node.shape for name, node in graph.nodes.items()}}
    layers = {
        name: Said(
            node.op,
            node.inputs,
            tuple(shapes[x] for x in node.inputs),
            node.training,
            tuple(node.weights.values()),
        )
        for name, node in graph.nodes.items()
    }
    return _normal(layers, graph.inputs, graph.outputs)


def _normal(
    layers: Mapping[str, Said], inputs: Mapping[str, Shape], outputs: Mapping[str, str]
) -> tuple[list[Key], dict[str, Key]]:
    """What each layer computes: its op, its weights, and the same of what it reads."""
    values: dict[str, int] = {}
    found: list[Key] = []
    keys: dict[int, Key] = {}
    for i, name in enumerate(inputs):
        values[name] = hash(("input", i))
    used = Counter(x for said in layers.values() for x in said.inputs)
    used.update(outputs.values())
    terms: dict[str, list[int]] = {}
    for name, said in layers.items():
        read = [values[x] for x in said.inputs]
        if said.op.name in COMMUTE:
            same = {x: layers[x].op.name == said.op.name for x in said.inputs if x in layers}
            spliced = {x for x in said.inputs if used[x] == 1 and same.get(x)}
            read = [n for x in said.inputs for n in (terms[x] if x in spliced else [values[x]])]
            terms[name] = read
            found = [key for key in found if hash(key[:-1]) not in {values[x] for x in spliced}]
        if said.op.is_identity or _nothing(said.op, said.shapes[0]):
            values[name] = read[0]
            continue
        for key in _keys(said, read):
            found.append((*key, said.training))
            values[name] = hash(key)
            keys[hash(key)] = key
    return found, {name: keys[values[path]] for name, path in outputs.items()}


def _nothing(op: Op, x: Shape) -> bool:
    if op.name == "flatten":
        return isinstance(x, Vector)
    if op.values.get("groups") == 1 and op.name in ("channel_group", "group_sum"):
        return True
    return op.name in ("pad_channels", "crop", "zero_pad") and not any(_flat(op.values.values()))


def _flat(values: Any) -> list[Any]:
    return [x for v in values for x in (v if isinstance(v, tuple) else (v,))]


def _keys(said: Said, read: list[int]) -> Iterator[Key]:
    """The keys of a layer: several of one that is several calls in the source."""
    op = said.op
    if op.name in COMMUTE:
        yield (op.name, (), (), *sorted(read))
        return
    if op.name == "separable_conv":
        v, channels = op.values, said.shapes[0].channels
        between = {k: v[k] for k in ("kernel", "stride", "padding", "dilation", "multiplier")}
        key = ("depthwise_conv", _values({**between, "bias": False}), said.keys[:1], *read)
        yield key
        pointwise = {
            "kernel": (1, 1),
            "stride": (1, 1),
            "padding": (0, 0, 0, 0),
            "dilation": (1, 1),
        }
        pointwise |= {"out": v["out"], "bias": v["bias"]}
        one = channels * v["multiplier"] == 1
        yield (
            ("conv", _values({**pointwise, "groups": 1}), said.keys[1:], hash(key))
            if not one
            else ()
        )
        return
    yield (*_op(op, said.shapes[0]), said.keys, *read)


def _values(values: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    rounded = {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in values.items()}
    return tuple(sorted((k, v) for k, v in rounded.items() if k not in ("init", "like")))


def _op(op: Op, x: Shape) -> tuple[str, tuple[tuple[str, Any], ...]]:
    """A word and attributes, in one of the ways to say the same."""
    word, values = op.name, dict(op.values)
    if word == "conv" and isinstance(x, Image) and values["groups"] == x.channels > 1:
        word = "depthwise_conv"
        values["multiplier"] = values.pop("out") // values.pop("groups")
    if word.startswith("adaptive") and values["size"] == (1, 1):
        word, values = word.replace("adaptive", "global"), {}
    if word == "group_softmax" and values["groups"] == x.channels:
        word, values = "softmax", {}
    pools = word in ("max_pool", "avg_pool")
    if pools and values["padding"] == "same" and values["stride"] == (1, 1):
        rows, columns = (k - 1 for k in values["kernel"])
        values["padding"] = rows // 2, rows - rows // 2, columns // 2, columns - columns // 2
        values |= {"count_include_pad": False} if word == "avg_pool" else {}
    if pools:
        values["stride"] = values["stride"] or values["kernel"]
    if word == "avg_pool" and (values["padding"] == "same" or not any(values["padding"])):
        values["count_include_pad"] = True
    if word == "transposed_conv" and values["padding"] == "same":
        rests = [
            d * (k - 1) + 1 - s
            for k, s, d in zip(values["kernel"], values["stride"], values["dilation"], strict=True)
        ]
        if not any(r > 0 and r % 2 for r in rests):
            rows, columns = (max(r, 0) // 2 for r in rests)
            values["padding"] = rows, rows, columns, columns
            values["output_padding"] = tuple(max(-r, 0) for r in rests)
    if values.get("padding") == "same" and values["kernel"] == (1, 1):
        values["padding"] = (0, 0, 0, 0)
    if word == "rbf":
        values["codes"] = tuple(
            "".join(f"{n:0{values['bits']}b}" for n in row) for row in values["codes"]
        )
        del values["bits"]
    return word, _values(values)
