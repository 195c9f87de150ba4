"""Writing weights to a file of any of the formats, as a whole or not at all."""

import os
import shutil
import zipfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from cnngen.diagnostics.terminal import one_line
from cnngen.files import replaced
from cnngen.frameworks import framework, keras_on_tensorflow, keras_precision
from cnngen.semantics.network import Network
from cnngen.targets.keras.functions import input_shapes, model_function_name
from cnngen.weights.graph import spell
from cnngen.weights.hdf5 import IN_KERAS
from cnngen.weights.keras_layers import settle
from cnngen.weights.layout import Array
from cnngen.weights.stored import FLOATS, WeightsFileError

FORMAT = "format"  # what libraries write into the metadata of safetensors
LONGEST = 200


class CannotWriteError(Exception):
    """A file cannot be written; the message says why."""


def write_safetensors(path: Path, state: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Only one entry of the metadata is kept, as the library writes several in random order."""
    framework("safetensors")
    save_file = framework("safetensors.numpy").save_file
    kept = {FORMAT: metadata[FORMAT]} if FORMAT in metadata else None
    with _replaced(path) as temporary:
        save_file(dict(state), temporary, metadata=kept)


def write_torch(path: Path, state: Mapping[str, Array]) -> None:
    """A `state_dict`, as `torch.save` writes it."""
    torch = framework("torch")
    tensors: dict[str, Any] = {}
    for name, value in state.items():
        if value.dtype.name == "bfloat16":
            tensors[name] = torch.from_numpy(value.view("int16").copy()).view(torch.bfloat16)
        else:
            tensors[name] = torch.from_numpy(value.copy())
    with _replaced(path) as temporary, temporary.open("wb") as file:  # its name is not in the file
        torch.save(tensors, file)


def write_keras(
    path: Path, state: Mapping[str, Array], network: Network, source: str, *, heads: bool
) -> None:
    """What Keras writes of the generated model: the file has the layers in the model's order."""
    keras = keras_on_tensorflow()
    words = {value.dtype.name for value in state.values()} & FLOATS
    if len(words) != 1:
        both = " and ".join(sorted(words))
        raise WeightsFileError(f"the weights are {both}, and a Keras model has one precision")
    with keras_precision(words.pop()):
        model = _model(keras, network, source, heads)
        _assign(model, state)
        with _replaced(path) as temporary:
            whole = temporary.with_suffix(".keras")
            model.save(str(whole))
            if temporary != whole:
                _unpack(whole, temporary)


def _unpack(whole: Path, weights: Path) -> None:
    """Take the `.weights.h5` out of a `.keras`, which Keras makes in memory: HDF5 itself crashes on
    a full disk.
    """
    with (
        zipfile.ZipFile(whole) as archive,
        archive.open(IN_KERAS) as source,
        weights.open("wb") as target,
    ):
        shutil.copyfileobj(source, target, 1 << 20)


def _assign(model: Any, state: Mapping[str, Array]) -> None:
    """Give a model its weights: all of them, in these shapes."""
    variables = {variable.path: variable for variable in model.weights}
    for name, value in state.items():
        there = tuple(variables[name].shape) if name in variables else None
        if there != value.shape:
            has = f"has it as {spell(there)}" if there is not None else "lacks it"
            raise WeightsFileError(
                f"`{name}` is {spell(value.shape)}, and the generated Keras model {has}: write"
                " .safetensors with --to keras, where no model is made"
            )
        variables[name].assign(value)
    settle(model)


@contextmanager
def _replaced(path: Path) -> Generator[Path]:
    """A file that takes the place of another once it is whole.

    Whatever a library raises meanwhile becomes `CannotWriteError`.
    """
    try:
        with replaced(path) as temporary:
            yield temporary
    except Exception as error:
        raise CannotWriteError(_reason(error)) from error


def _reason(error: BaseException) -> str:
    """What the system says, which PyTorch hides behind its own error."""
    while not isinstance(error, OSError) and error.__context__:
        error = error.__context__
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return one_line(" ".join(str(error).split())[:LONGEST]) or type(error).__name__


def _model(keras: Any, network: Network, source: str, heads: bool) -> Any:
    """The model of the generated source; weights that it is not given always start alike."""
    stem = network.resolution.spec.stem
    module = ModuleType(f"{stem}_keras")
    exec(compile(source, f"{stem}_keras.py", "exec"), module.__dict__)
    arguments = {"training_heads": True} if heads and network.training_stages() else {}
    keras.utils.set_random_seed(0)
    make = getattr(module, model_function_name(network.resolution.spec))
    return make(**input_shapes(network), **arguments)
