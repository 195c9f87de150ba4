"""A file of Keras: a configuration, with weights perhaps. It is read as data; to compare, Keras
makes the model, of nothing but its own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from cnngen.foreign.foreign_file import ForeignFileError, parse_json
from cnngen.foreign.graph import Reading
from cnngen.foreign.keras_config import read_keras_config
from cnngen.foreign.keras_file import keras_config_text
from cnngen.frameworks import MissingFrameworkError, keras_on_tensorflow
from cnngen.importing.title import title_of
from cnngen.ops.base import Shape
from cnngen.semantics.network import Network
from cnngen.weights.graph import WeightGraph
from cnngen.weights.places import Framework
from cnngen.weights.reference import NoModelError, speaking, weight_graph

WITHOUT_WEIGHTS = ".json"
MODULES = {"Functional": "keras.src.models.functional", "Sequential": "keras"}
UNTRUSTED = {"Lambda", "TFOpLambda", "SlicingOpLambda", "function"}


@dataclass(frozen=True, slots=True)
class KerasFile:
    """A `.keras`, `.h5` or `.json` of a model, as a reference, too."""

    path: Path
    text: str
    inputs: Mapping[str, Shape]

    @classmethod
    def of(cls, path: Path, inputs: Mapping[str, Shape]) -> "KerasFile":
        try:
            return cls(path, keras_config_text(path), inputs)
        except (ForeignFileError, OSError, MissingFrameworkError) as error:
            raise NoModelError(f"{path}: {_said(error)}") from None

    def __str__(self) -> str:
        return self.path.name

    @property
    def title(self) -> str:
        return title_of(self.path.stem)

    @property
    def framework(self) -> Framework:
        return "keras"

    def read(self, title: str) -> Reading:
        try:
            return read_keras_config(self.text, title=title, origin=str(self), inputs=self.inputs)
        except ForeignFileError as error:
            raise NoModelError(f"{self.path}: {error}") from None

    def takes(self, network: Network) -> tuple[Shape, ...]:
        return (*network.inputs.values(),)

    def model(self, *inputs: Shape) -> Any:
        """The model with the weights of the file, in the precision that Keras is set to."""
        config = _plain(parse_json(self.text))
        if config.get("class_name") in MODULES:  # which HDF5 leaves out
            config.setdefault("module", MODULES[config["class_name"]])
        with speaking(self, *inputs):
            model = keras_on_tensorflow().models.model_from_json(json.dumps(config))
            if self.path.suffix != WITHOUT_WEIGHTS:
                model.load_weights(str(self.path))
            return model

    def outline(self, *inputs: Shape) -> Any:
        return self.model(*inputs)

    def graph(self, model: Any, *inputs: Shape) -> WeightGraph:
        return weight_graph(self, model, *inputs)


def _plain(value: Any) -> Any:
    """A configuration without precisions; `NoModelError` where it names what is not of Keras."""
    match value:
        case dict():
            held = cast("dict[str, Any]", value)
            module = held.get("module")
            foreign = module not in (None, "builtins") and not str(module).startswith("keras")
            if foreign or held.get("class_name") in UNTRUSTED:
                what = held.get("class_name") or held.get("config")
                raise NoModelError(f"it is not made, as it holds code or names it: `{what}`")
            drop = "dtype" if "keras_history" not in held else ""  # a tensor must have one
            return {key: _plain(x) for key, x in held.items() if key != drop}
        case list():
            return [_plain(x) for x in cast("list[Any]", value)]
        case _:
            return value


def _said(error: Exception) -> str:
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
