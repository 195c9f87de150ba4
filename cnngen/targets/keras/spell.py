"""What an op is in Keras: a user's template, else a function of ours, else a template of ours."""

from collections.abc import Callable, Mapping, Sequence

from cnngen.ops.base import Op
from cnngen.python.nodes import Assign, Display, Function, Name, Node
from cnngen.targets.code import OMIT, Code, node_of
from cnngen.targets.keras import convolution, layers, pooling, resizing
from cnngen.targets.keras.use import Asked, Given, Use
from cnngen.targets.limits import LISTED
from cnngen.targets.spelling import Speller
from cnngen.targets.values import Sides

BUILDERS: Mapping[str, Callable[[Use], Node]] = {
    "conv": convolution.spell,
    "standardized_conv": convolution.spell,
    "depthwise_conv": convolution.spell,
    "separable_conv": convolution.spell,
    "transposed_conv": layers.transposed_conv,
    "avg_pool": pooling.avg_pool,
    "max_pool": pooling.max_pool,
    "adaptive_avg_pool": pooling.adaptive_pool,
    "adaptive_max_pool": pooling.adaptive_pool,
    "upsample": resizing.upsample,
    "resize": resizing.resize,
    "batch_norm": layers.batch_norm,
    "l2_norm": layers.l2_norm,
    "affine": layers.affine,
    "local_response_norm": layers.local_response_norm,
    "prelu": layers.prelu,
    "gelu": layers.gelu,
    "drop_path": layers.drop_path,
}
"""The ops of which a template would have to decide something."""

CALLED: Mapping[str, Callable[[Asked], str | None]] = {
    "conv": convolution.called,
    "standardized_conv": convolution.called,
    "depthwise_conv": convolution.called,
    "separable_conv": convolution.called,
    "transposed_conv": layers.transposed_called,
    "avg_pool": pooling.avg_called,
    "max_pool": pooling.max_called,
    "batch_norm": layers.norm_called,
}
"""Which support function a use of an op calls, if that is not one of the op's name."""

SUPPORT: Mapping[str, Callable[[Given], Function | Assign]] = {
    **convolution.SUPPORT,
    **pooling.SUPPORT,
    **resizing.SUPPORT,
    **layers.SUPPORT,
}
"""The pieces of support whose parameters follow from their uses."""


def spell(made: Use) -> Node:
    """The value of an op."""
    speller, name = made.scope.speller, made.op.name
    if name in BUILDERS and not _has_template(speller, name):
        return BUILDERS[name](made)
    return node_of(speller.spell(name, _context(made)))


def support_called(asked: Asked) -> str | None:
    """The support function that a use of an op calls; None if it is a layer of Keras itself."""
    name = asked.op.name
    return CALLED[name](asked) if name in CALLED else name


def spell_join(op: type[Op] | None, inputs: Sequence[str], name: Node, speller: Speller) -> Node:
    """A join of variables, or without an op the list of them."""
    names = [Name(variable) for variable in inputs]
    if op is None:
        return Display("[", tuple(names))
    listed = Code(Display("[", tuple(names)))
    context = {"inputs": [*map(Code, names)], "listed": listed, "name": Code(name)}
    return node_of(speller.spell(op.name, context))


def spell_list(op: type[Op] | None, branches: Node, name: Node, speller: Speller) -> Node:
    """A join of all that is in a list, or without an op that list."""
    if op is None:
        return branches
    if not speller.is_ours(f"ops/{op.name}"):
        LISTED.refuse()
    return node_of(speller.spell(op.name, {"listed": Code(branches), "name": Code(name)}))


def _has_template(speller: Speller, op: str) -> bool:
    """Whether a user has a template for an op that has none of ours."""
    return speller.knows(op)


def _context(made: Use) -> dict[str, str]:
    """What a template is given: attributes as code, or words; a padding also as `pairs`, the way
    Keras takes it.
    """
    context: dict[str, str] = {name: _code(made, name) for name in made.values}
    for name, init in made.initializers.items():
        context[name] = OMIT if init is None else Code(init)
    if (padding := made.values.get("padding")) is not None:
        context["pairs"] = Code(made.scope.pairs(padding))
    if isinstance(padding, Sides):
        context |= {"padding": "sides", "sides": Code(made.scope.value(padding))}
    context |= {name: Code(tensor) for name, tensor in made.tensors.items()}
    return context | {"x": Code(made.x), "name": Code(made.name), "rank": made.rank}


def _code(made: Use, name: str) -> str:
    value = made.values[name]
    return value if isinstance(value, str) else Code(made.scope.value(value))
