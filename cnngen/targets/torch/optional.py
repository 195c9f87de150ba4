"""Joins of branches that may be absent, each behind a flag that the constructor keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from cnngen.plan.program import Arm, Join
from cnngen.python import nodes
from cnngen.python.construct import call
from cnngen.python.nodes import Assign, Augment, Conditional, Do, If, Name, Statement, with_origin
from cnngen.targets.torch.forward import Forward
from cnngen.targets.torch.scope import Scope
from cnngen.targets.torch.spell import spell_join, spell_list


@dataclass(frozen=True, slots=True)
class Input:
    """What a branch gives, and the flag that says whether it is there, if it may be absent."""

    arm: Arm
    value: nodes.Node
    flag: nodes.Node | None


def optional(node: Join, inputs: Sequence[Input], scope: Scope, forward: Forward) -> nodes.Node:
    """What joins the branches that are there."""
    always = [each for each in inputs if each.flag is None]
    if len(always) == 1 and len(inputs) == 2:
        return _one_or_both(node, inputs, always[0], scope, forward)
    if always and node.op is not None and node.op.accumulates:
        return _accumulated(node, inputs, scope, forward)
    return _listed(node, inputs, scope, forward)


def _one_or_both(
    node: Join, inputs: Sequence[Input], always: Input, scope: Scope, forward: Forward
) -> nodes.Node:
    """`a + b if self.has_a else b`, or `b += a` under the condition."""
    (other,) = (each for each in inputs if each is not always)
    assert other.flag is not None
    kept = always.value
    if not isinstance(kept, Name):
        kept = forward.let(forward.new(always.arm.name), kept)
    if node in scope.file.overwriting.joins:
        added = Augment(kept, "+", other.value, node.step)
        forward.lines.append(If(((other.flag, (added,)),)))
        return kept
    both = joined(node, [kept if each is always else each.value for each in inputs], scope)
    return Conditional(other.flag, both, kept)


def _accumulated(node: Join, inputs: Sequence[Input], scope: Scope, forward: Forward) -> nodes.Node:
    """What the branches give that are always there, and under a condition each of the others."""
    first = [each.value for each in inputs if each.flag is None]
    made = joined(node, first, scope) if len(first) > 1 else first[0]
    total = forward.let(forward.new("joined"), made)
    for each in inputs:
        if each.flag is not None:
            more: Statement = Assign((total,), joined(node, [total, each.value], scope))
            if node in scope.file.overwriting.joins:
                more = Augment(total, "+", each.value, node.step)
            forward.lines.append(If(((each.flag, (more,)),)))
    return total


def _listed(node: Join, inputs: Sequence[Input], scope: Scope, forward: Forward) -> nodes.Node:
    """What joins a list, to which each branch is appended that is there."""
    first = [each.value for each in takewhile(lambda each: each.flag is None, inputs)]
    branches = forward.let(forward.new("branches"), nodes.Display("[", tuple(first)))
    for each in inputs[len(first) :]:
        more = Do(call(nodes.Attribute(branches, "append"), each.value))
        forward.lines.append(more if each.flag is None else If(((each.flag, (more,)),)))
    made = spell_list(node.op, branches, scope.file.speller)
    return with_origin(made, node.step)


def joined(node: Join, inputs: Sequence[nodes.Node], scope: Scope) -> nodes.Node:
    """The expression that joins tensors."""
    return with_origin(spell_join(node.op, inputs, scope.file.speller), node.step)
