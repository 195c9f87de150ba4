"""A Keras model that lives -> its graph: that of its configuration, compared with the model."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cnngen.foreign.foreign_file import ForeignFileError
from cnngen.foreign.graph import Graph, Obstacle, Place, Reading
from cnngen.foreign.keras_calls import path_in
from cnngen.foreign.keras_config import read_keras_config
from cnngen.ops.base import Shape, Vector

COUNTER = "count"  # of what `Normalization` has seen, which computes nothing


def read_keras_model(
    model: Any, *, title: str = "", origin: str = "", inputs: Mapping[str, Shape] | None = None
) -> Reading:
    """Raises `ForeignFileError` where the model does not say how its layers are connected."""
    try:
        text = model.to_json()
    except Exception as error:  # of layers of its author
        said = " ".join(str(error).split())[:200]
        raise ForeignFileError(f"`{model.name}` does not say its configuration: {said}") from error
    paths = dict(_variables(model, ""))
    reading = read_keras_config(text, title=title, origin=origin, inputs=inputs, paths=paths)
    if reading.obstacles:
        return reading
    return replace(reading, obstacles=tuple(_differences(reading.graph, model)))


def _variables(model: Any, around: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The paths of the variables of each layer, by their names."""
    for layer in model.layers:
        path = path_in(around, layer.name)
        if hasattr(layer, "layers"):
            yield from _variables(layer, path)
        else:
            yield path, {variable.name: variable.path for variable in layer.weights}


def _differences(graph: Graph, model: Any) -> Iterator[Obstacle]:
    """What the model has and its graph has not, which is a mistake of ours."""
    read = {key for node in graph.nodes.values() for key in node.weights.values()}
    for variable in model.weights:
        if variable.path not in read and variable.name != COUNTER:
            help = "no layer that was read has this weight: please report it"
            yield Obstacle(f"`{variable.path}`", Place(), help)
    shapes = [
        graph.nodes[x].shape if x in graph.nodes else graph.inputs[x]
        for x in graph.outputs.values()
    ]
    for tensor, shape in zip(model.outputs, shapes, strict=False):
        sizes = (
            shape.dimensions
            if isinstance(shape, Vector)
            else (*shape.dimensions[1:], shape.dimensions[0])
        )
        theirs = tuple(tensor.shape)[1:]
        if len(theirs) != len(sizes) or any(
            b not in (None, a) for a, b in zip(sizes, theirs, strict=True)
        ):
            yield Obstacle("the output", Place(), f"it is {shape} here, and {theirs} in the model")
