"""cnngen: declarative specs of convolutional networks -> PyTorch and Keras source.

>>> import cnngen
>>> densenet = cnngen.load("densenet121")
>>> densenet.summary().parameters
7978856
>>> source = densenet.build("torch")
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "Diagnostic",
    "LoadedSpec",
    "SpecError",
    "Summary",
    "UnknownSpecError",
    "__version__",
    "format_text",
    "load",
]

if TYPE_CHECKING:
    from cnngen.api import (
        Diagnostic,
        LoadedSpec,
        SpecError,
        Summary,
        UnknownSpecError,
        format_text,
        load,
    )


def __getattr__(name: str) -> Any:
    """Import the compiler on first use, so that `cnngen --version` answers at once."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cnngen import api

    return getattr(api, name)
