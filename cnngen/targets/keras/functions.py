"""Functions of a Keras file: what those of the model and of blocks are called."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cnngen.syntax.naming import BUILT_IN, KEYWORDS, snake_case
from cnngen.syntax.tree import Block, Spec
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
    return support_names(folders).union(own)


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
