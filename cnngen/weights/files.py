"""Files of weights in any of the formats, opened for reading."""

import warnings
import zipfile
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cnngen.frameworks import framework
from cnngen.weights.hdf5 import open_hdf5
from cnngen.weights.layout import Array
from cnngen.weights.places import Framework
from cnngen.weights.stored import Names, Stored, WeightsFileError, reading, shown

SUFFIXES: dict[str, Framework | None] = {  # None: its keys tell
    ".safetensors": None,
    ".pt": "torch",
    ".pth": "torch",
    ".weights.h5": "keras",
    ".keras": "keras",
}
OLD = ".h5"  # as Keras 2 has written it, and keras.applications publishes it


def suffix(path: Path) -> str | None:
    """The known ending of a name, if it has one."""
    return next((each for each in SUFFIXES if path.name.endswith(each)), None)


@contextmanager
def opened(path: Path, names: Names) -> Generator[Stored]:
    """The weights of a file, as long as it is open."""
    opener = {".safetensors": _safetensors, ".pt": _torch, ".pth": _torch}.get(
        suffix(path) or "", open_hdf5
    )
    with ExitStack() as stack:
        yield opener(path, names, stack)


def _safetensors(path: Path, names: Names, stack: ExitStack) -> Stored:
    library = framework("safetensors")
    framework("ml_dtypes")  # tells numpy what bfloat16 is
    with reading(path.name):
        file = stack.enter_context(library.safe_open(path, "np"))
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        metadata: dict[str, str] = file.metadata() or {}
    counts: dict[Framework, int] = {
        each: sum(key in shapes for key in keys) for each, keys in names.keys.items()
    }
    if not any(counts.values()):
        first = ", ".join(shown(name) for name in sorted(shapes)[:3]) or "no keys at all"
        raise WeightsFileError(f"`{path.name}` has no layer of the network: it has {first}")
    found = max(counts, key=lambda each: counts[each])
    return Stored(found, shapes, file.get_tensor, metadata)


def _torch(path: Path, _: Names, __: ExitStack) -> Stored:
    torch = framework("torch")
    with reading(path.name), warnings.catch_warnings(action="ignore"):
        mapped = zipfile.is_zipfile(path)  # what is not is of an older format
        state: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    if not isinstance(state, Mapping):
        raise WeightsFileError(f"`{path.name}` holds no `state_dict`, but a {type(state).__name__}")
    tensors: dict[str, Any] = {}
    for name, value in state.items():  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise WeightsFileError(
                f"`{path.name}` is no `state_dict`: its `{shown(str(name))}` is no tensor"  # pyright: ignore[reportUnknownArgumentType]
            )
        tensors[name] = value
    with reading(path.name):
        shapes = {name: tuple(value.shape) for name, value in tensors.items()}

    def read(name: str) -> Array:
        value = tensors[name].detach()
        if value.dtype is torch.bfloat16:
            return value.view(torch.int16).numpy().view(framework("ml_dtypes").bfloat16)
        return value.numpy()

    return Stored("torch", shapes, read)
