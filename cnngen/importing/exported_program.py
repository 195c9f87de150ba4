"""A program that `torch.export` saved, as a reference: it computes what was exported, for as many
samples at a time as it was exported for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnngen.foreign.exported import read_exported
from cnngen.foreign.graph import Reading
from cnngen.frameworks import framework
from cnngen.importing.title import title_of
from cnngen.ops.base import Shape
from cnngen.weights.reference import NoModelError, words_of


@dataclass(frozen=True, slots=True)
class ExportedProgram:
    """The program of a `.pt2`."""

    path: Path
    program: Any

    @classmethod
    def of(cls, path: Path, inputs: Mapping[str, Shape]) -> "ExportedProgram":
        if inputs:
            raise NoModelError(f"{path}: a program is exported for one size: leave --input out")
        torch = framework("torch")
        try:
            return cls(path, torch.export.load(str(path)))
        except Exception as error:
            raise NoModelError(f"{path} is no program of torch.export: {words_of(error)}") from None

    def __str__(self) -> str:
        return self.path.name

    @property
    def title(self) -> str:
        return title_of(self.path.stem)

    def read(self, title: str) -> Reading:
        return read_exported(self.program, title=title, origin=str(self))
