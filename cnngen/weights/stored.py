"""Weights in a file of any of the formats, read one by one; nothing in a file is trusted."""

import re
import warnings
import zipfile
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from cnngen.diagnostics.terminal import one_line
from cnngen.frameworks import MissingFrameworkError, framework
from cnngen.weights.graph import Sizes
from cnngen.weights.layout import Array
from cnngen.weights.places import Framework, Place

FLOATS = {"float16", "bfloat16", "float32", "float64"}
SUFFIXES: dict[str, Framework | None] = {  # None: its keys tell
    ".safetensors": None,
    ".pt": "torch",
    ".pth": "torch",
    ".weights.h5": "keras",
    ".keras": "keras",
}
VARIABLE = re.compile(r"layers/([^/]+)/vars(?:/([0-9]{1,4}))?")  # as Keras 3 lays its files out
LONGEST = 120


class WeightsFileError(Exception):
    """A file of weights that cannot be read, or does not hold what it should."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The weights of a file, by the names of its framework; `read` gets one of them."""

    framework: Framework
    shapes: Mapping[str, Sizes]
    read: Callable[[str], Array]
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])

    def weight(self, name: str) -> Array:
        """One of the weights, which must consist of floating-point numbers."""
        with reading(name):
            value = self.read(name)
        if value.dtype.name not in FLOATS:
            raise WeightsFileError(f"`{shown(name)}` has numbers of type {value.dtype.name}")
        return value


def suffix(path: Path) -> str | None:
    """The known ending of a name, if it has one."""
    return next((each for each in SUFFIXES if path.name.endswith(each)), None)


def shown(text: str) -> str:
    """A name out of a file, on one line, and not longer than anybody reads."""
    return one_line(text if len(text) <= LONGEST else f"{text[:LONGEST]}...")


@contextmanager
def reading(what: str) -> Generator[None]:
    """Whatever a library raises inside is the fault of the file."""
    try:
        yield
    except (WeightsFileError, MissingFrameworkError):
        raise
    except Exception as error:
        text = (str(error).strip().splitlines() or [""])[0]
        reason = f"{type(error).__name__}: {shown(text)}"
        raise WeightsFileError(f"`{shown(what)}` cannot be read: {reason}") from None


@contextmanager
def opened(path: Path, places: Iterable[Place]) -> Generator[Stored]:
    """The weights of a file, as long as it is open."""
    opener = {".safetensors": _safetensors, ".pt": _torch, ".pth": _torch}.get(
        suffix(path) or "", _keras
    )
    with ExitStack() as stack:
        yield opener(path, list(places), stack)


def _safetensors(path: Path, places: list[Place], stack: ExitStack) -> Stored:
    library = framework("safetensors")
    framework("ml_dtypes")  # tells numpy what bfloat16 is
    with reading(path.name):
        file = stack.enter_context(library.safe_open(path, "np"))
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        metadata: dict[str, str] = file.metadata() or {}
    counts: dict[Framework, int] = {"torch": 0, "keras": 0}
    for place in places:
        for each, name in place.names.items():
            counts[each] += name in shapes
    if not any(counts.values()):
        first = ", ".join(shown(name) for name in sorted(shapes)[:3]) or "no keys at all"
        raise WeightsFileError(f"`{path.name}` has no layer of the spec: it has {first}")
    found = max(counts, key=lambda each: counts[each])
    return Stored(found, shapes, file.get_tensor, metadata)


def _torch(path: Path, _: list[Place], __: ExitStack) -> Stored:
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


def _keras(path: Path, places: list[Place], stack: ExitStack) -> Stored:
    """A file of Keras, which keeps the variables of a layer by number, and the layer's name."""
    h5py = framework("h5py")
    source: Any = path
    groups: dict[str, str] = {}
    datasets: dict[str, dict[int, Any]] = {}

    def visit(name: str, node: Any) -> None:
        if not (at := VARIABLE.fullmatch(name)):
            return
        if at[2] is None:
            groups[at[1]] = str(node.attrs.get("name", ""))
        elif isinstance(node, h5py.Dataset):
            if node.is_virtual or node.external:
                raise WeightsFileError(f"`{path.name}` refers to other files")
            datasets.setdefault(at[1], {})[int(at[2])] = node

    with reading(path.name):
        if path.suffix == ".keras":
            archive = stack.enter_context(zipfile.ZipFile(path))
            source = stack.enter_context(archive.open("model.weights.h5"))
            if archive.getinfo("model.weights.h5").compress_type == zipfile.ZIP_STORED:
                source = BytesIO(source.read())  # no larger than the file, and fast to seek in
        file = stack.enter_context(h5py.File(source, "r"))
        file.visititems(visit)  # which follows no links out of the file
    variables = _named(path, groups, datasets, places)
    with reading(path.name):
        shapes = {name: tuple(node.shape or ()) for name, node in variables.items()}

    def read(name: str) -> Array:
        node = variables[name]
        if node.attrs.get("dtype") == "bfloat16":
            return np.asarray(node).view(framework("ml_dtypes").bfloat16)
        return np.asarray(node)

    return Stored("keras", shapes, read)


def _named(
    path: Path,
    groups: Mapping[str, str],
    datasets: Mapping[str, Mapping[int, Any]],
    places: list[Place],
) -> dict[str, Any]:
    """The variables by their paths; one that no layer of ours has keeps its number."""
    ours: dict[str, list[str]] = {}
    for place in places:
        name = place.names["keras"]
        ours.setdefault(name.partition("/")[0], []).append(name)
    found: dict[str, Any] = {}
    for group, numbered in datasets.items():
        layer = groups.get(group, "")
        if not layer:
            raise WeightsFileError(
                f"`{path.name}` does not name its layers: load it with Keras, and save it again"
                " with a newer one"
            )
        paths = ours.get(layer, [])
        for number, node in numbered.items():
            name = paths[number] if number < len(paths) else f"{layer}/{number}"
            if name in found:
                raise WeightsFileError(f"`{path.name}` has two layers `{shown(layer)}`")
            found[name] = node
    return found
