"""What a graph computes, without the names in it: so two graphs are compared, node by node."""

from collections import Counter
from collections.abc import Hashable

from cnngen.foreign.graph import Graph


def fingerprints(graph: Graph) -> dict[str, Hashable]:
    """For each node a number that says its op, its values, what it reads, and whose weights it has.

    Numbers of one `known` are the same for what computes the same.
    """
    found: dict[str, Hashable] = {name: _known(("input", i)) for i, name in enumerate(graph.inputs)}
    parts: dict[str, tuple[Hashable, ...]] = {}  # what concats join in the end
    for name, node in graph.nodes.items():
        reads = tuple(found[read] for read in node.inputs)
        if node.op.concatenates:
            reads = tuple(x for read in node.inputs for x in parts.get(read, (found[read],)))
            parts[name] = reads
        if node.op.joins and len(reads) == 1:
            found[name] = reads[0]
            continue
        values = tuple(
            (key, str(value))
            for key, value in sorted(node.op.values.items())
            if key not in node.op.tensors
        )
        owner = found[node.shares] if node.shares else ""
        mode = node.training
        found[name] = _known((node.op.name, values, reads, owner, mode, str(node.shape)))
    return found


_KNOWN: dict[Hashable, int] = {}


def _known(what: Hashable) -> int:
    return _KNOWN.setdefault(what, len(_KNOWN))


def differences(old: Graph, new: Graph) -> list[str]:
    """The nodes of either that the other has not, in words; and outputs that are something else."""
    before, after = fingerprints(old), fingerprints(new)
    said = [f"- {name} {old.nodes[name].op.name}" for name in _only(old, before, after)]
    said += [f"+ {name} {new.nodes[name].op.name}" for name in _only(new, after, before)]
    outputs = [[*map(found.get, g.outputs.values())] for found, g in ((before, old), (after, new))]
    if outputs[0] != outputs[1]:
        said.append(f"outputs {old.outputs} {new.outputs}")
    return said


def _only(graph: Graph, mine: dict[str, Hashable], theirs: dict[str, Hashable]) -> list[str]:
    left = Counter(theirs.values())
    found: list[str] = []
    for name in graph.nodes:
        left[mine[name]] -= 1
        if left[mine[name]] < 0 and not graph.nodes[name].op.joins:
            found.append(name)
    return found
