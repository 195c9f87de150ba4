"""Separable convolutions: a module that is a convolution of each channel by itself, then one of
1 x 1, and nothing else.
"""

from collections import defaultdict
from dataclasses import replace

from cnngen.foreign.both_modes import Both
from cnngen.foreign.complete_op import complete_op
from cnngen.foreign.lowering import Made
from cnngen.foreign.trace_torch import Call

KEPT = ("kernel", "stride", "padding", "dilation", "multiplier")


def with_separable(both: Both) -> Both:
    """The two layers as one, in the place of the module."""
    runs: dict[tuple[str, int], list[Made]] = defaultdict(list)
    for node in both.nodes:
        for each in node.call.inside if node.call else ():
            runs[each.path, each.time].append(node)
    became: dict[Made, Made] = {}
    inner = {nodes[0] for (path, _), nodes in runs.items() if path and _is_separable(nodes)}
    for node in both.nodes:
        inputs = tuple(became.get(x, x) for x in node.inputs)
        first = node.inputs[0] if node.inputs else None
        if first in inner and node.word == "conv":
            before = became.get(first, first)
            became[node] = _one(before, node)
        else:
            became[node] = node if inputs == node.inputs else replace(node, inputs=inputs)
    nodes = [became[node] for node in both.nodes if node not in inner]
    outputs = {name: became[node] for name, node in both.outputs.items()}
    return Both(nodes, outputs, both.heads)


def _is_separable(nodes: list[Made]) -> bool:
    match nodes:
        case [Made("depthwise_conv", first), Made("conv", second)] if first and second:
            plain = complete_op("conv", kernel=1, out=second.values["out"]).values
            same = {**second.values, "bias": True} == {**plain, "bias": True}
            return same and not first.values["bias"] and nodes[1].inputs == (nodes[0],)
        case _:
            return False


def _one(depthwise: Made, pointwise: Made) -> Made:
    assert depthwise.op and pointwise.op and pointwise.call
    kept = {name: depthwise.op.values[name] for name in KEPT}
    said = {name: pointwise.op.values[name] for name in ("out", "bias")}
    weights = {
        **{f"depthwise.{name}": key for name, key in depthwise.weights.items()},
        **{f"pointwise.{name}": key for name, key in pointwise.weights.items()},
    }
    return replace(
        pointwise,
        word="separable_conv",
        op=complete_op("separable_conv", **kept, **said),
        inputs=depthwise.inputs,
        weights=weights,
        call=_outside(depthwise.call, pointwise.call),
    )


def _outside(first: Call | None, call: Call) -> Call:
    """A call of the module that holds both layers."""
    runs = {(each.path, each.time) for each in first.inside} if first else set[tuple[str, int]]()
    return replace(call, inside=tuple(e for e in call.inside if (e.path, e.time) in runs))
