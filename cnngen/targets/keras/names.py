"""Names of a Keras file: what it needs itself keeps its name, and an author's name that is the same
gets an underscore, which no author can write there.
"""

from collections.abc import Iterable, Mapping
from keyword import kwlist

from cnngen.plan.program import Unit
from cnngen.syntax.naming import snake_case

LOCAL = ("x", "name", "image", "input_shape", "training_heads", "in_channels")
IMPORTED = ("functools", "keras", "layers", "math", "ops", "partial", "sys")
BUILT_IN = (
    *("bool", "dict", "enumerate", "float", "int", "isinstance", "len", "list", "max", "min"),
    *("range", "round", "str", "sum", "tuple", "zip"),
)


def needed_names(stem: str, support: Iterable[str]) -> frozenset[str]:
    """The names that a file needs itself, whatever its author calls things."""
    return frozenset((*LOCAL, *IMPORTED, *BUILT_IN, *kwlist, *support, stem))


def function_names(units: Iterable[Unit], needed: frozenset[str]) -> Mapping[Unit, str]:
    """The functions that units become; no two have one name."""
    found: dict[Unit, str] = {}
    taken = set(needed)
    for unit in units:
        name = snake_case(unit.name)
        while name in taken:
            name = f"{name}_"
        taken.add(name)
        found[unit] = name
    return found


def called(name: str, needed: frozenset[str]) -> str:
    """What a parameter or a variable of an author is called in the file."""
    return f"{name}_" if name in needed else name
