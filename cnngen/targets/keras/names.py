"""Names of a Keras file: what it needs itself keeps its name, and an author's name that is the same
gets an underscore, which no author can write there.
"""

LOCAL = ("x", "name", "training_heads", "in_channels")
IMPORTED = ("Any", "functools", "keras", "layers", "math", "ops", "partial", "sys")


def called(name: str, needed: frozenset[str]) -> str:
    """What a parameter or a variable of an author is called in the file."""
    return f"{name}_" if name in needed else name
