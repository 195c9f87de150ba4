"""Files of Keras, which tell the variables of a layer by number, or by names that may change."""

import re
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from cnngen.frameworks import framework
from cnngen.weights.layout import Array
from cnngen.weights.stored import Names, Stored, WeightsFileError, reading, shown

# As Keras 3 lays its files out; a layer may be a model, with layers of its own.
VARIABLE = re.compile(r"layers/([^/]+(?:/layers/[^/]+)*)/vars(?:/([0-9]{1,4}))?")
INSIDE = "model_weights"  # where Keras 2 has them, in the file of a whole model


def open_hdf5(path: Path, names: Names, stack: ExitStack) -> Stored:
    h5py = framework("h5py")
    source: Any = path
    with reading(path.name):
        if path.suffix == ".keras":
            archive = stack.enter_context(zipfile.ZipFile(path))
            source = stack.enter_context(archive.open("model.weights.h5"))
            if archive.getinfo("model.weights.h5").compress_type == zipfile.ZIP_STORED:
                source = BytesIO(source.read())  # no larger than the file, and fast to seek in
        file = stack.enter_context(h5py.File(source, "r"))
        nodes = _nodes(path, file, h5py.Dataset)
        old = nodes.get(INSIDE, file)
        if layers := _texts(old, "layer_names"):
            prefix = f"{INSIDE}/" if INSIDE in nodes else ""
            variables = _by_order(path, [prefix + layer for layer in layers], nodes, names)
        else:
            variables = _by_number(path, nodes, names)
        shapes = {name: tuple(node.shape or ()) for name, node in variables.items()}

    def read(name: str) -> Array:
        node = variables[name]
        if node.attrs.get("dtype") == "bfloat16":
            return np.asarray(node).view(framework("ml_dtypes").bfloat16)
        return np.asarray(node)

    return Stored("keras", shapes, read)


def _nodes(path: Path, file: Any, dataset: type) -> dict[str, Any]:
    """All groups and datasets by name; links out of the file are not followed."""
    found: dict[str, Any] = {}

    def visit(name: str, node: Any) -> None:
        if isinstance(node, dataset) and (node.is_virtual or node.external):  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
            raise WeightsFileError(f"`{path.name}` refers to other files")
        found[name] = node

    file.visititems(visit)
    return found


def _by_number(path: Path, nodes: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """The variables by their paths; one that the model lacks keeps its number."""
    layers: dict[str, str] = {}
    found: dict[str, Any] = {}
    for name, node in nodes.items():
        if not (at := VARIABLE.fullmatch(name)):
            continue
        group, number = at[1], at[2]
        if number is None:
            layers[group] = str(node.attrs.get("name", ""))
            continue
        layer = group if names.groups else layers.get(group, "")
        if not layer:
            raise WeightsFileError(
                f"`{path.name}` does not name its layers: load it with Keras, and save it again"
                " with a newer one"
            )
        paths = (names.groups or names.layers).get(layer, ())
        key = paths[int(number)] if int(number) < len(paths) else f"{layer}/{number}"
        if key in found:
            raise WeightsFileError(f"`{path.name}` has two layers `{shown(layer)}`")
        found[key] = node
    return found


def _by_order(
    path: Path, layers: list[str], nodes: Mapping[str, Any], names: Names
) -> dict[str, Any]:
    """What Keras 2 has written, in the order of the model's layers."""
    ours = [paths for paths in names.groups.values() if paths]
    if not ours:
        raise WeightsFileError(f"`{path.name}` is of Keras 2: load and save it with Keras 3")
    theirs = [weights for layer in layers if (weights := _weights(layer, nodes))]
    if len(ours) != len(theirs):
        raise WeightsFileError(
            f"`{path.name}` has {len(theirs)} layers with weights, not {len(ours)}"
        )
    found: dict[str, Any] = {}
    for paths, weights in zip(ours, theirs, strict=True):
        for number, weight in enumerate(weights):
            found[paths[number] if number < len(paths) else weight] = nodes[weight]
    return found


def _weights(layer: str, nodes: Mapping[str, Any]) -> list[str]:
    return [f"{layer}/{name}" for name in _texts(nodes[layer], "weight_names")]


def _texts(node: Any, name: str) -> list[str]:
    """An attribute that lists names, in several ones where it is long."""
    parts = [node.attrs[name]] if name in node.attrs else []
    while (key := f"{name}{len(parts)}") in node.attrs and name not in node.attrs:
        parts.append(node.attrs[key])
    return [x.decode() if isinstance(x, bytes) else str(x) for part in parts for x in part]
