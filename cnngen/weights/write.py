"""Weights to a file of any of the formats, as a whole or not at all."""

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from cnngen.files import replaced
from cnngen.frameworks import framework, keras_on_tensorflow, keras_precision
from cnngen.ops.base import Image
from cnngen.semantics.network import Network
from cnngen.weights.layout import Array
from cnngen.weights.stored import FLOATS, WeightsFileError

FORMAT = "format"  # what libraries write into the metadata of safetensors


def write_safetensors(path: Path, state: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """One entry of metadata is kept: the library writes several in any order."""
    framework("safetensors")
    save_file = framework("safetensors.numpy").save_file
    kept = {FORMAT: metadata[FORMAT]} if FORMAT in metadata else None
    with replaced(path) as temporary:
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
    with replaced(path) as temporary, temporary.open("wb") as file:  # its name is not in the file
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
        variables = {variable.path: variable for variable in model.weights}
        for name, value in state.items():
            variables[name].assign(value)
        with replaced(path) as temporary:
            save = model.save if path.suffix == ".keras" else model.save_weights
            save(str(temporary))


def _model(keras: Any, network: Network, source: str, heads: bool) -> Any:
    """The model of the generated source; what it is not given keeps the same initial values."""
    stem = network.resolution.spec.stem
    module = ModuleType(f"{stem}_keras")
    exec(compile(source, f"{stem}_keras.py", "exec"), module.__dict__)
    shape: Image = network.input
    arguments = {"training_heads": True} if heads and network.training_stages() else {}
    keras.utils.set_random_seed(0)
    size = (shape.height, shape.width, shape.channels)
    return getattr(module, stem)(input_shape=size, **arguments)
