"""Arms: the branches of a join whose shapes differ, and a further step that resizes the maps of
one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cnngen.diagnostics.model import Remedy
from cnngen.ops import OPS
from cnngen.ops.base import Image, Op
from cnngen.semantics.network import Layer
from cnngen.syntax.edits import with_branch, with_steps
from cnngen.syntax.tree import Block, Body, Branch, Call, Step, When


@dataclass(frozen=True, slots=True)
class Arm:
    """A branch of a join: the `layers` that lead from its beginning to its output, and the layers
    `upstream` that lead to its beginning from the last tensor that all branches have in common.
    """

    branch: Branch
    layers: list[Layer]
    upstream: list[Layer]
    channel_source: Layer | None
    shape: Image

    @property
    def body(self) -> Body:
        return self.branch.body


@dataclass(frozen=True, slots=True)
class Target:
    """The branch whose shape the others are to have, as far as the join asks for it, and names of
    maps that may have its size and can be read there.
    """

    arm: Arm
    join: type[Op]
    names: tuple[str, ...] = ()

    def other_channels(self, arm: Arm) -> bool:
        channels = {arm.shape.channels, self.arm.shape.channels}
        gated = self.join.concatenates or (self.join.gates and 1 in channels)
        return len(channels) > 1 and not gated

    def other_size(self, arm: Arm) -> bool:
        sizes = {size_of(arm), size_of(self.arm)}
        return len(sizes) > 1 and not (self.join.gates and (1, 1) in sizes)


def size_of(arm: Arm) -> tuple[int, int]:
    return arm.shape.height, arm.shape.width


def resized(arm: Arm, target: Target) -> Iterator[Remedy]:
    """One more step at the end of a branch that makes its maps as large as the others'."""
    own, wanted = size_of(arm), size_of(target.arm)
    if own == (1, 1):
        yield from _enlarged(arm, target)
        return
    grows = wanted != own and all(n % m == 0 for n, m in zip(wanted, own, strict=True))
    if grows and not arm.layers:
        scale = [n // m for n, m in zip(wanted, own, strict=True)]
        yield from _followed(arm, f"upsample: {{scale: {pair(scale)}}}")
    elif is_near(arm, target.arm):
        rests = [n - m for n, m in zip(own, wanted, strict=True)]
        if min(rests) >= 0:
            yield from _followed(arm, f"crop: {{padding: {_sides(rests)}}}")


def _enlarged(arm: Arm, target: Target) -> Iterator[Remedy]:
    """What was pooled to 1 x 1, in the size of other maps, which only a branch of one step and the
    body of a block can read.
    """
    block = arm.layers[-1].scope.block if arm.layers else None
    if not arm.body:
        for name in target.names:
            yield (with_branch(arm.branch.name, [f"resize: {{like: {name}}}"]),)
    elif block and len(arm.body) == 1 and _calls(arm.body[0], block):
        last = block.body[-1].span
        yield (with_steps(last, [last.text, "resize: {like: input}"]),)


def _calls(step: Step, block: Block) -> bool:
    return isinstance(step, Call) and step.callee.text == block.name.text


def _followed(arm: Arm, step: str) -> Iterator[Remedy]:
    """A branch with a further step behind its last one."""
    if not arm.body:
        yield (with_branch(arm.branch.name, [step]),)
    elif not isinstance(last := arm.body[-1], When):
        text = last.span.text
        if isinstance(last, Call) and text in OPS and OPS[text].is_identity:
            yield (with_steps(last.span, [step]),)
        else:
            yield (with_steps(last.span, [text, step]),)


def is_near(one: Arm, two: Arm) -> bool:
    """Whether two sizes differ by rounding or by borders, not by a factor."""
    pairs = zip(size_of(one), size_of(two), strict=True)
    return all(2 * max(pair) < 3 * min(pair) for pair in pairs)


def pair(numbers: Sequence[int]) -> str:
    return str(numbers[0]) if numbers[0] == numbers[1] else f"[{numbers[0]}, {numbers[1]}]"


def _sides(rests: Sequence[int]) -> str:
    """The padding of a `crop` that takes away so many rows and columns in all."""
    height, width = rests
    if height % 2 == width % 2 == 0:
        return pair([height // 2, width // 2])
    top, left = height // 2, width // 2
    return f"[{top}, {height - top}, {left}, {width - left}]"
