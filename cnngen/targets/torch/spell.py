"""What an op is in PyTorch: a user's template, else a function of ours, else a template of ours."""

from collections.abc import Callable, Mapping, Sequence

from cnngen.ops.base import Op
from cnngen.python.nodes import Display, Node
from cnngen.targets.code import Code
from cnngen.targets.limits import LISTED
from cnngen.targets.spelling import Speller
from cnngen.targets.torch import (
    activations,
    affine,
    convolution,
    joins,
    normalization,
    padding,
    pooling,
    resizing,
    separable,
)
from cnngen.targets.torch.template import from_template, has_template
from cnngen.targets.torch.use import Reading, Use

BUILDERS: Mapping[str, Callable[[Use], Node]] = {
    "conv": convolution.conv,
    "standardized_conv": convolution.standardized_conv,
    "depthwise_conv": convolution.depthwise_conv,
    "separable_conv": separable.separable_conv,
    "transposed_conv": convolution.transposed_conv,
    "avg_pool": pooling.avg_pool,
    "max_pool": pooling.max_pool,
    "zero_pad": padding.zero_pad,
    "crop": padding.crop,
    "upsample": resizing.upsample,
    "reshape": resizing.reshape,
    "batch_norm": normalization.batch_norm,
    "layer_norm": normalization.layer_norm,
    "affine": affine.affine,
    "prelu": activations.prelu,
    "gelu": activations.gelu,
}
"""The ops of which a template would have to decide something."""

FUNCTIONS: Mapping[str, Callable[[Reading], Node]] = {"resize": resizing.resize}
"""The ops that read several tensors, each an expression in a `forward`."""

JOINS: Mapping[str, Callable[[Sequence[Node], Speller], Node]] = {"max": joins.maximum}
"""The same of joins."""


def spell(made: Use) -> Node:
    """The module of an op."""
    for value in (made.channels, *made.values.values()):
        made.as_node(value)  # so that what values call stands above what the op needs
    build = BUILDERS.get(made.op.name)
    return from_template(made) if build is None or has_template(made) else build(made)


def spell_function(made: Reading) -> Node:
    """The expression of an op that reads several tensors."""
    if not made.speller.knows(made.op.name):
        return FUNCTIONS[made.op.name](made)
    context = {name: Code(node) for name, node in {**made.given, **made.tensors}.items()}
    return made.speller.spell(made.op.name, context | {"x": Code(made.x)}).node


def spell_join(op: type[Op] | None, inputs: Sequence[Node], speller: Speller) -> Node:
    """The expression that joins tensors, or without an op the list of them."""
    if op is None:
        return Display("[", tuple(inputs))
    build = JOINS.get(op.name)
    if build is None or speller.knows(op.name):
        return speller.spell(op.name, {"inputs": [Code(tensor) for tensor in inputs]}).node
    return build(inputs, speller)


def spell_list(op: type[Op] | None, tensors: Node, speller: Speller) -> Node:
    """The expression that joins the tensors of a list, or without an op that list."""
    if op is None:
        return tensors
    if speller.knows(op.name) and not speller.is_ours(f"ops/{op.name}"):
        LISTED.refuse()
    return joins.LISTED[op.name](tensors, speller)
