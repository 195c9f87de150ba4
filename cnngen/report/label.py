"""Labels: an op in two or three words, and several layers in one line, as papers write them."""

from collections.abc import Sequence

from cnngen.ops.base import Op
from cnngen.semantics.network import Layer, Scope
from cnngen.semantics.walk import steps
from cnngen.syntax.tree import Branches, BranchLoop

LONGEST_PATTERN = 8


def label(op: Op) -> str:
    """`7 x 7 conv`, `relu`."""
    match op.values.get("kernel"):
        case None:
            return op.name
        case (height, width):
            return f"{height} x {width} {op.name}"
        case side:
            return f"{side} x {side} {op.name}"


def made_of(path: str, layers: Sequence[Layer]) -> str:
    """The blocks and ops of which the layers below a path are made, in order.

    If a single block holds all of them, what is in it is listed instead, unless it has branches:
    for these its name says more.
    """
    chains = [layer.scope.chain() for layer in layers]
    depth = 1
    while _opens(chains[0], depth, path) and all(
        len(chain) > depth and _same_use(chain[depth], chains[0][depth]) for chain in chains
    ):
        depth += 1
    parts: list[str] = []
    before: Scope | None = None
    for layer, chain in zip(layers, chains, strict=True):
        use = chain[depth] if len(chain) > depth else None
        if use is None:
            parts.append(label(layer.op))
        elif before is None or not _same_use(use, before):
            parts.append(use.name)
        before = use
    return ", ".join(_folded(parts))


def _opens(chain: Sequence[Scope], depth: int, path: str) -> bool:
    """Whether the block at this depth is replaced by what is in it: its steps are a row, or it
    begins above the path.
    """
    block = chain[depth].block if len(chain) > depth else None
    if block is None:
        return False
    in_a_row = not any(isinstance(step, Branches | BranchLoop) for step in steps(block.body))
    return in_a_row or len(chain[depth].path) < len(path)


def _same_use(one: Scope, other: Scope) -> bool:
    """Whether both are one use of a block, perhaps in different iterations of a loop."""
    return one.call is other.call and one.path == other.path


def _folded(parts: Sequence[str]) -> list[str]:
    """Parts that follow themselves are written once: `a x 3`, `(a, b) x 2`."""
    folded: list[str] = []
    start = 0
    while start < len(parts):
        length, times = max(
            ((n, _times(parts, start, n)) for n in range(1, LONGEST_PATTERN + 1)),
            key=lambda found: (found[0] * (found[1] - 1), -found[0]),
        )
        length = length if times > 1 else 1
        pattern = _folded(parts[start : start + length]) if length > 1 else [parts[start]]
        text = ", ".join(pattern)
        if times > 1:
            text = f"({text}) x {times}" if len(pattern) > 1 else f"{text} x {times}"
        folded.append(text)
        start += length * times
    return folded


def _times(parts: Sequence[str], start: int, length: int) -> int:
    """How often a pattern of this length occurs in a row from here on."""
    pattern, times = parts[start : start + length], 1
    while parts[start + times * length : start + (times + 1) * length] == pattern:
        times += 1
    return times
