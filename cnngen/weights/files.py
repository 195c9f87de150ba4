"""Files of weights in any of the formats, opened for reading."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import assert_never

from cnngen.frameworks import framework
from cnngen.weights.hdf5 import open_hdf5, open_keras
from cnngen.weights.pickled import read_pickle
from cnngen.weights.places import Framework
from cnngen.weights.recognise import recognise
from cnngen.weights.stored import Contents, Entry, WeightNames, reading

SUFFIXES: dict[str, Framework | None] = {  # of files that are written; None: its keys tell
    ".safetensors": None,
    ".pt": "torch",
    ".pth": "torch",
    ".weights.h5": "keras",
    ".keras": "keras",
}


def suffix(path: Path) -> str | None:
    """The known ending of a name, if it has one."""
    return next((each for each in SUFFIXES if path.name.endswith(each)), None)


@contextmanager
def opened(path: Path, names: WeightNames) -> Generator[Contents]:
    """What a file holds, as long as it is open."""
    with ExitStack() as stack:
        match format := recognise(path):
            case "safetensors":
                yield _safetensors(path, stack)
            case "torch":
                yield read_pickle(path, zipped=True)
            case "torch-before-1.6":
                yield read_pickle(path, zipped=False)
            case "hdf5":
                yield open_hdf5(path, names, stack)
            case "keras":
                yield open_keras(path, names, stack)
            case _:
                assert_never(format)


def _safetensors(path: Path, stack: ExitStack) -> Contents:
    library = framework("safetensors")
    framework("ml_dtypes")  # tells numpy what bfloat16 is
    with reading(path.name):
        file = stack.enter_context(library.safe_open(path, "np"))
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        metadata: dict[str, str] = file.metadata() or {}
    return Contents([Entry("", shapes, file.get_tensor, ("torch", "keras"), metadata)])
