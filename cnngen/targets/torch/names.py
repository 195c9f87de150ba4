"""Names: what those of the author are called in a PyTorch file.

Where a file needs the word for what it imports, or for an argument of ours, the author's name gets
an underscore behind it, which no spec can write. Our own classes and functions step aside instead,
and so do variables.
"""

from cnngen.semantics.resolve import Resolution
from cnngen.semantics.walk import steps
from cnngen.syntax.tree import Body, Each

IMPORTED = frozenset(
    ["Callable", "F", "NamedTuple", "OrderedDict", "Tensor", "functools", "math", "nn", "torch"]
)
OURS = IMPORTED | {"in_channels", "init_weights", "self"}
IN_FORWARD = IMPORTED | {"self", "x"}


def called(name: str) -> str:
    """The name of a class, a parameter or a variable of a loop.

    >>> called("nn"), called("depth")
    ('nn_', 'depth')
    """
    return f"{name}_" if name in OURS else name


def tensor(name: str) -> str:
    """The name of a tensor that a `forward` gets beside its input."""
    return f"{name}_" if name in IN_FORWARD else name


def author_names(resolution: Resolution) -> frozenset[str]:
    """The names that an author gave to what is a class, an argument or a variable in a file."""
    spec = resolution.spec
    parts = (*resolution.order, *spec.stages)
    parameters = [*spec.parameters, *(p for block in resolution.order for p in block.parameters)]
    classes = {spec.name.text, f"{spec.name.text}Outputs", *(b.name.text for b in resolution.order)}
    variables = {name for part in parts for name in loop_variables(part.body)}
    return frozenset(classes | variables | {p.name.text for p in parameters})


def loop_variables(body: Body) -> set[str]:
    """The variables of all loops in a body."""
    return {name.text for step in steps(body) if isinstance(step, Each) for name, _ in step.lists}
