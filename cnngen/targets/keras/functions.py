"""Functions of a Keras file: what those of the model and of blocks are called."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cnngen.ops import OPS
from cnngen.ops.any_of import keeps_shape
from cnngen.ops.base import Image, Vector
from cnngen.semantics.network import Network
from cnngen.syntax.naming import BUILT_IN, KEYWORDS, snake_case
from cnngen.syntax.tree import Block, Spec
from cnngen.targets.keras.callables import maker_name
from cnngen.targets.keras.names import IMPORTED, LOCAL, called
from cnngen.targets.keras.spell import SUPPORT
from cnngen.targets.spelling import Speller


def model_function_name(spec: Spec) -> str:
    """The function of the model, which is called after the file of the spec."""
    return called(spec.stem, BUILT_IN.union(IMPORTED, support_names()))


def support_names(folders: Sequence[Path] = ()) -> frozenset[str]:
    """The functions that a file may need once; `folders` have templates that come first."""
    return frozenset(SUPPORT) | Speller("keras", folders).support_names()


def needed_names(spec: Spec, folders: Sequence[Path] = ()) -> frozenset[str]:
    """The names that a file needs itself, whatever its author calls things."""
    own = (*LOCAL, *IMPORTED, *BUILT_IN, *KEYWORDS, model_function_name(spec))
    shapes = (shape_argument(each.name.text) for each in spec.inputs)
    only = [only_variable(each.shape) for each in spec.inputs if len(spec.inputs) == 1]
    made = (maker_name(name) for name, op in OPS.items() if keeps_shape(op))
    return support_names(folders).union(own, shapes, only, made)


def only_variable(shape: object) -> str:
    """What the only input of a network is called."""
    return "vector" if isinstance(shape, Vector) else "image"


def shape_argument(name: str) -> str:
    """The argument of the model's function that says the shape of an input."""
    return f"{name}_shape"


def input_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """What the model's function is given, to make the network for its inputs. What a parameter says
    is no part of it.
    """
    said = {each.name.text for each in network.resolution.spec.inputs if each.parameter}
    shapes: dict[str, tuple[int, ...]] = {}
    for name, x in network.inputs.items():
        whole = (x.height, x.width, x.channels) if isinstance(x, Image) else (x.features,)
        shape = whole[:-1] if name in said else whole
        if shape:
            shapes[shape_argument(name)] = shape
    return shapes


def block_function_names(blocks: Iterable[Block], needed: frozenset[str]) -> Mapping[Block, str]:
    """The functions that blocks become; no two have one name."""
    found: dict[Block, str] = {}
    taken = set(needed)
    for block in blocks:
        name = snake_case(block.name.text)
        while name in taken:
            name = f"{name}_"
        taken.add(name)
        found[block] = name
    return found
