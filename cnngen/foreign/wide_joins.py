"""Sums of several tensors: PyTorch adds two at a time, and what one module adds is one join."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from cnngen.foreign.both_modes import Both
from cnngen.foreign.lowering import Made


def with_wide_joins(both: Both) -> Both:
    """Joins of what other joins gave, in the same run of a module and for them alone, in one."""
    used = Counter(x for node in both.nodes for x in node.inputs)
    used.update(both.outputs.values())
    became: dict[Made, Made] = {}
    inner = set[Made]()
    for node in both.nodes:
        inputs = tuple(became[x] for x in node.inputs)
        first = inputs[0] if inputs else None
        if first and _one_join(node, first) and used[node.inputs[0]] == 1:
            inner.add(first)
            inputs = (*first.inputs, *inputs[1:])
        became[node] = node if inputs == node.inputs else replace(node, inputs=inputs)
    nodes = [became[node] for node in both.nodes if became[node] not in inner]
    outputs = {name: became[node] for name, node in both.outputs.items()}
    return Both(nodes, outputs, both.heads)


def _one_join(node: Made, first: Made) -> bool:
    """Whether a join goes on with what another one gave."""
    if node.word != first.word or node.op is None or not node.op.accumulates:
        return False
    return node.call is not None and first.call is not None and _run(node) == _run(first)


def _run(node: Made) -> Sequence[tuple[str, int]]:
    return [(each.path, each.time) for each in node.call.inside] if node.call else []
