"""Where a model comes from: what the text of a user means, how it is read, and how it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cnngen.diagnostics.terminal import one_line
from cnngen.foreign.graph import Reading
from cnngen.importing.title import title_of
from cnngen.ops.base import Shape
from cnngen.weights.published import FORMS, PACKAGES, PublishedModel, package_of
from cnngen.weights.reference import NoModelError, Reference

ENDINGS = (".keras", ".json", ".h5", ".hdf5", ".onnx", ".pt2")
ONLY = "input"
Inputs = Mapping[str, Shape]


class Source(Protocol):
    """A model that somebody has."""

    @property
    def title(self) -> str:
        """What the spec is called where the user does not say."""
        ...

    def read(self, title: str) -> Reading:
        """Its graph; `NoModelError` where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class LiveModel:
    """A model that Python makes, of PyTorch or Keras."""

    reference: Reference
    title: str
    inputs: Inputs

    def read(self, title: str) -> Reading:
        origin = str(self.reference)
        if self.reference.framework == "keras":
            from cnngen.foreign.foreign_file import ForeignFileError
            from cnngen.foreign.keras_model import read_keras_model

            model = self.reference.model(*self.inputs.values())
            try:
                return read_keras_model(model, title=title, origin=origin, inputs=self.inputs)
            except ForeignFileError as error:
                raise NoModelError(str(error)) from error
        from cnngen.foreign.read_torch import read_torch_model

        model = self.reference.model(*self.inputs.values())
        return read_torch_model(model, self.inputs, title=title, origin=origin)


def find_source(text: str, inputs: Inputs, arguments: Mapping[str, Any]) -> Source:
    """Raises `NoModelError` where a text means no model."""
    ending = Path(text).suffix.lower()
    if package_of(text):
        return _published(text, inputs, arguments)
    if ending in ENDINGS:
        return _file(Path(text), ending, inputs, arguments)
    if ":" in text:
        return _own(text, inputs, arguments)
    if ending == ".py":
        raise NoModelError(f"name the class or function in it: {one_line(text)}:NAME")
    files = ", ".join(f"`model{each}`" for each in ENDINGS)
    raise NoModelError(f"`{one_line(text)}` is none of {FORMS}, {files}")


def _published(text: str, inputs: Inputs, arguments: Mapping[str, Any]) -> Source:
    reference = PublishedModel.of(text, arguments=arguments)
    if [*inputs] not in ([], [ONLY]):
        raise NoModelError(f"models of {', '.join(PACKAGES)} have one input: `--input CxHxW`")
    return LiveModel(reference, title_of(reference.name), inputs or {ONLY: reference.usual()[0]})


def _own(text: str, inputs: Inputs, arguments: Mapping[str, Any]) -> Source:
    from cnngen.weights.find_reference import find_reference

    reference = find_reference(text, "", arguments, "--set")
    if reference.framework == "torch" and not inputs:
        raise NoModelError(
            f"`{one_line(text)}` does not say what it takes: add --input CxHxW, such as"
            " 3x224x224, or NAME=CxHxW for each of its inputs"
        )
    return LiveModel(reference, title_of(text.rpartition(":")[2]), inputs)


def _file(path: Path, ending: str, inputs: Inputs, arguments: Mapping[str, Any]) -> Source:
    if not path.is_file():
        raise NoModelError(f"there is no file `{one_line(str(path))}`")
    if arguments:
        raise NoModelError("--set is for a class or a function, and a file is what it is")
    if ending == ".onnx":
        from cnngen.importing.onnx_model import OnnxModel

        return OnnxModel(path, inputs)
    if ending == ".pt2":
        from cnngen.importing.exported_program import ExportedProgram

        return ExportedProgram.of(path, inputs)
    from cnngen.importing.keras_file import KerasFile

    return KerasFile.of(path, inputs)
