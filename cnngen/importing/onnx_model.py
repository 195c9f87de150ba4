"""An ONNX file: read as data, and run by onnxruntime only to compare."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cnngen.foreign.graph import Reading
from cnngen.foreign.onnx_constants import OnnxFileError
from cnngen.foreign.read_onnx import read_onnx
from cnngen.importing.title import title_of
from cnngen.ops.base import Shape
from cnngen.weights.reference import NoModelError


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """The network of an `.onnx`; `inputs` has the sizes that the file leaves open."""

    path: Path
    inputs: Mapping[str, Shape]

    def __str__(self) -> str:
        return self.path.name

    @property
    def title(self) -> str:
        return title_of(self.path.stem)

    def read(self, title: str) -> Reading:
        try:
            return read_onnx(self.path, title=title, origin=str(self), inputs=self.inputs)
        except OnnxFileError as error:
            raise NoModelError(f"{self.path}: {error}") from None
        except OSError as error:
            raise NoModelError(f"{self.path}: {(error.strerror or str(error)).lower()}") from None
