"""A node of an ONNX file: what it computes, of which tensors, and where in the model it was."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from cnngen.foreign.graph import Module

SCOPES = "pkg.torch.onnx.name_scopes"
CLASSES = "pkg.torch.onnx.class_hierarchy"
TRACE = "pkg.torch.onnx.stack_trace"
FRAME = re.compile(r'File "([^"]{1,500})", line (\d{1,9})')
QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
AGAIN = re.compile(r"@\d+$")  # what torch.export adds to the path of a module that is called again
LONGEST = 10_000
OWN = ("torch.nn.modules.", "torch.ao.nn.")  # layers
CONTAINERS = "torch.nn.modules.container."


@dataclass(frozen=True, slots=True)
class Scope:
    """The modules around a node, as far as the file tells, and the line of the model's source.

    `layer` is the path of a module that is nothing but this node, as far as its class tells. It is
    not `known` where an optimizer made the node and left nothing of that.
    """

    modules: tuple[Module, ...] = ()
    layer: str = ""
    layer_kind: str = ""
    line: str = ""
    known: bool = True

    @property
    def path(self) -> str:
        return self.layer or (self.modules[-1].path if self.modules else "")


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A node; an input that is left out has no name. The values of `attributes` are numbers, words,
    tuples of these, or arrays.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    scope: Scope = Scope(known=False)

    def input(self, index: int) -> str:
        return self.inputs[index] if index < len(self.inputs) else ""

    def integer(self, name: str, default: int) -> int:
        value = self.attributes.get(name, default)
        return value if isinstance(value, int) else default

    def number(self, name: str, default: float) -> float:
        value = self.attributes.get(name, default)
        return float(value) if isinstance(value, int | float) else default

    def word(self, name: str, default: str) -> str:
        value = self.attributes.get(name, default)
        return value if isinstance(value, str) else default

    def integers(self, name: str) -> tuple[int, ...] | None:
        value: Any = self.attributes.get(name)
        if not isinstance(value, tuple):
            return None
        return tuple(x for x in cast(tuple[Any, ...], value) if isinstance(x, int))


def scope_of(name: str, metadata: Mapping[str, str]) -> Scope:
    """From what PyTorch's exporters write: metadata, or, in older ones, paths as names."""
    paths, kinds = _texts(metadata.get(SCOPES, "")), _texts(metadata.get(CLASSES, ""))
    if not paths or len(paths) != len(kinds):
        return _scope_of_name(name)
    pairs = list(zip(paths[1:-1], kinds[1:-1], strict=True))  # without the model and the function
    modules = tuple(Module(AGAIN.sub("", path), kind.rpartition(".")[2]) for path, kind in pairs)
    line = _line(metadata.get(TRACE, ""))
    if pairs and pairs[-1][1].startswith(OWN) and not pairs[-1][1].startswith(CONTAINERS):
        return Scope(modules[:-1], modules[-1].path, modules[-1].kind, line)
    return Scope(modules, "", "", line)


def _scope_of_name(name: str) -> Scope:
    """`/layer1/layer1.0/conv1/Conv` is `layer1.0.conv1`: what is in a list has the name of that."""
    if not name.startswith("/"):
        return Scope(known=False)
    words = name[1:LONGEST].split("/")[:-1]
    paths: list[str] = []
    for i, word in enumerate(words):
        inside = i and word.startswith(f"{words[i - 1]}.")
        own = word[len(words[i - 1]) + 1 :] if inside else word
        paths.append(f"{paths[-1]}.{own}" if paths else own)
    return Scope(tuple(Module(path, "") for path in paths))


def _texts(text: str) -> list[str]:
    """The texts of a list, as Python prints it."""
    return [single or double for single, double in QUOTED.findall(text[:LONGEST])]


def _line(trace: str) -> str:
    """The innermost line that is not PyTorch's own."""
    frames = FRAME.findall(trace[-LONGEST:])
    own = [f for f in frames if "/torch/nn/" not in f[0].replace("\\", "/")]
    if not own:
        return ""
    path, line = own[-1]
    file = path.replace("\\", "/").rpartition("/")[2]
    return f"{file}:{line}"
