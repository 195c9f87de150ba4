"""Files of Keras, which identify a layer's variables by number, or by names that may change."""

import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import numpy as np

from cnngen.frameworks import framework
from cnngen.weights.layout import Array
from cnngen.weights.stored import Contents, Entry, WeightNames, WeightsFileError, reading, shown

# As Keras 3 lays its files out: a model in a model is a layer that has layers.
VARIABLE = re.compile(r"((?:layers/[^/]+/){0,8}?)layers/([^/]+)/vars(?:/([0-9]{1,4}))?")
INSIDE = "model_weights"  # where Keras 2 has them, in the file of a whole model
IN_KERAS = "model.weights.h5"
MOST_PACKED = 100  # weights hardly compress; a file that does was made to fill disks

Nodes = dict[str, Any]


def open_keras(path: Path, names: WeightNames, stack: ExitStack) -> Contents:
    """A `.keras`, whose weights are a file in a zip archive.

    They are unpacked first: h5py reads from a file of Python, too, but where that is damaged, it
    asks Python for it once more at the end of the process, when Python is gone.
    """
    with reading(path.name):
        unpacked = Path(stack.enter_context(tempfile.TemporaryDirectory())) / IN_KERAS
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo(IN_KERAS)
            if member.file_size > MOST_PACKED * max(member.compress_size, 1):
                raise WeightsFileError(f"`{path.name}` would be {member.file_size} bytes, unpacked")
            with archive.open(member) as source, unpacked.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
    return _open(path, unpacked, names, stack)


def open_hdf5(path: Path, names: WeightNames, stack: ExitStack) -> Contents:
    """A `.weights.h5`, or an `.h5` as Keras 2 has written it."""
    return _open(path, path, names, stack)


def _open(path: Path, place: Path, names: WeightNames, stack: ExitStack) -> Contents:
    h5py = framework("h5py")
    with reading(path.name):
        file = stack.enter_context(h5py.File(place, "r"))
        nodes = _nodes(path, file, h5py.Dataset)
        old = nodes.get(INSIDE, file)
        if layers := _texts(old, "layer_names"):
            prefix = f"{INSIDE}/" if INSIDE in nodes else ""
            models = {"": _by_order(path, [prefix + layer for layer in layers], nodes, names)}
        else:
            models = _by_number(path, nodes, names)
            if not names.groups:
                models = _together(models)
        return Contents([_entry(at, models) for at in models])


def _entry(at: str, models: Mapping[str, Nodes]) -> Entry:
    variables = models[at]
    inside = {node.name for node in variables.values()}
    others = [
        name for model in models.values() for name, node in model.items() if node.name not in inside
    ]

    def read(name: str) -> Array:
        node = variables[name]
        if node.attrs.get("dtype") == "bfloat16":
            return np.asarray(node).view(framework("ml_dtypes").bfloat16)
        return np.asarray(node)

    shapes = {name: tuple(node.shape or ()) for name, node in variables.items()}
    return Entry(at, shapes, read, ("keras",), others=tuple(others))


def _nodes(path: Path, file: Any, dataset: type) -> Nodes:
    """All groups and datasets by name; links out of the file are not followed."""
    found: Nodes = {}

    def visit(name: str, node: Any) -> None:
        if isinstance(node, dataset) and (node.is_virtual or node.external):  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
            raise WeightsFileError(f"`{path.name}` refers to other files")
        found[name] = node

    file.visititems(visit)
    return found


def _by_number(path: Path, nodes: Nodes, names: WeightNames) -> dict[str, Nodes]:
    """The variables of each model in the file, by their paths; one that the model lacks keeps its
    number.
    """
    layers: dict[tuple[str, str], str] = {}
    found: dict[str, Nodes] = {}
    for name, node in nodes.items():
        if not (at := VARIABLE.fullmatch(name)):
            continue
        model, group, number = at[1], at[2], at[3]
        if number is None:
            layers[model, group] = str(node.attrs.get("name", ""))
            continue
        layer = group if names.groups else layers.get((model, group), "")
        if not layer:
            raise WeightsFileError(
                f"`{path.name}` does not name its layers: load it with Keras, and save it again"
                " with a newer one"
            )
        paths = (names.groups or names.layers).get(layer, ())
        key = paths[int(number)] if int(number) < len(paths) else f"{layer}/{number}"
        variables = found.setdefault(model.replace("layers/", "").removesuffix("/"), {})
        if key in variables:
            raise WeightsFileError(f"`{path.name}` has two layers `{shown(layer)}`")
        variables[key] = node
    return found


def _together(models: dict[str, Nodes]) -> dict[str, Nodes]:
    """All variables as one model, besides each model inside of it, if no name occurs twice."""
    whole = dict(chain.from_iterable(model.items() for model in models.values()))
    if len(models) < 2 or len(whole) < sum(map(len, models.values())):
        return models
    inner = {at: variables for at, variables in models.items() if at}
    return {"": whole, **inner}


def _by_order(path: Path, layers: list[str], nodes: Nodes, names: WeightNames) -> Nodes:
    """The variables in a file of Keras 2: by its names or, where the model's layers are known, in
    their order. The file may lack the last ones.
    """
    written = [weight for layer in layers for weight in _weights(layer, nodes)]
    ours = [paths for paths in names.groups.values() if paths]
    if not ours:
        return {_path(weight, layers): nodes[weight] for weight in written}
    theirs = [weights for layer in layers if (weights := _weights(layer, nodes))]
    if len(ours) != len(theirs):  # perhaps a model is a layer, whose weights are listed together
        theirs = [[*each] for _, each in groupby(sorted(written, key=_first(written)), _layer)]
    if len(ours) < len(theirs):
        raise WeightsFileError(
            f"`{path.name}` has {len(theirs)} layers with weights, not {len(ours)}"
        )
    found: Nodes = {}
    for paths, weights in zip(ours, theirs, strict=False):
        for number, weight in enumerate(weights):
            found[paths[number] if number < len(paths) else weight] = nodes[weight]
    return found


def _layer(weight: str) -> str:
    return weight.rpartition("/")[0]


def _first(weights: list[str]) -> Callable[[str], int]:
    """Sorts weights by the place of the first weight of their layer."""
    places: dict[str, int] = {}
    for place, weight in enumerate(weights):
        places.setdefault(_layer(weight), place)
    return lambda weight: places[_layer(weight)]


def _path(weight: str, layers: list[str]) -> str:
    """The path of a variable: what is behind the name of the layer, without TensorFlow's number."""
    layer = max((x for x in layers if weight.startswith(f"{x}/")), key=len)
    return weight.removeprefix(f"{layer}/").removesuffix(":0")


def _weights(layer: str, nodes: Mapping[str, Any]) -> list[str]:
    return [f"{layer}/{name}" for name in _texts(nodes[layer], "weight_names")]


def _texts(node: Any, name: str) -> list[str]:
    """An attribute that lists names; a long list is spread over several attributes."""
    parts = [node.attrs[name]] if name in node.attrs else []
    while (key := f"{name}{len(parts)}") in node.attrs and name not in node.attrs:
        parts.append(node.attrs[key])
    return [x.decode() if isinstance(x, bytes) else str(x) for part in parts for x in part]
