"""Stages: how far the layers of two models differ in evaluation, stage by stage."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnngen.frameworks import framework, keras_on_tensorflow
from cnngen.ops.base import Image, Vector
from cnngen.semantics.network import Layer, Network
from cnngen.targets.torch.names import module_name
from cnngen.verify.compare import distance
from cnngen.verify.models import (
    Models,
    Values,
    for_keras,
    for_torch,
    in_keras_layout,
    precision,
    running,
)
from cnngen.weights.layout import keras_name


@dataclass(frozen=True, slots=True)
class StageComparison:
    """The layer of a stage that differs most, of those that are layers in both frameworks."""

    stage: str
    layer: str
    difference: float


def compare_stages(models: Models) -> list[StageComparison]:
    """The stages in the order of execution, each with its largest relative difference."""
    expected = _torch_outputs(models)
    found = _keras_outputs(models, expected)
    worst: dict[str, StageComparison] = {}
    for path, value in found.items():
        stage = path.split(".")[0]
        difference = distance(value, expected[path])
        if stage not in worst or not difference <= worst[stage].difference:
            worst[stage] = StageComparison(stage, path, difference)
    return list(worst.values())


def _torch_outputs(models: Models) -> Values:
    """The output of each layer that is a module, in the layout of Keras."""
    torch, model = framework("torch"), models.torch_model().eval()
    modules: dict[str, Any] = dict(model.named_modules())
    found: Values = {}
    with running("the torch source"), torch.no_grad(), _watched(models.network, modules, found):
        model(*for_torch(models.inputs))
    return found


@contextmanager
def _watched(network: Network, modules: dict[str, Any], found: Values) -> Generator[None]:
    handles = [
        modules[name].register_forward_hook(_keep(layer, found))
        for layer in network.layers.values()
        if (name := module_name(layer.path)) in modules and not layer.training
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _keep(layer: Layer, found: Values) -> Any:
    def keep(module: Any, inputs: Any, output: Any) -> None:
        assert isinstance(layer.output, Image | Vector)
        if layer.path not in found:  # at its first use, where there are more
            found[layer.path] = in_keras_layout(layer.output, output.detach().numpy())

    return keep


def _tensors(model: Any) -> dict[str, Any]:
    """What each layer of a Keras model gives, by its name; at its first use, where there are more.
    Layers of a model in the model are those of its first use.
    """
    found: dict[str, Any] = {}
    keras = keras_on_tensorflow()
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if not hasattr(layer, "layers"):
            found[layer.name] = layer.output
        elif inside := _tensors(layer):
            tap = keras.Model(layer.inputs, inside)
            found |= tap(layer._inbound_nodes[0].input_tensors)
    return found


def _keras_outputs(models: Models, expected: Values) -> Values:
    """The outputs of the layers of the same names, where they have the same shapes.

    A layer may be only a part of an op, with `_pad` before it or a stride behind it.
    """
    model = models.keras_model(heads=False)
    tensors = _tensors(model)
    shared = [x for x in models.network.layers.values() if x.path in expected]
    given = {x.path: tensors[keras_name(x)] for x in shared if keras_name(x) in tensors}
    alike = {
        path: output
        for path, output in given.items()
        if tuple(output.shape[1:]) == expected[path].shape[1:]
    }
    with running("the keras source"), precision(models.word):
        tap = keras_on_tensorflow().Model(model.input, alike)
        outputs: dict[str, Any] = tap(for_keras(models.inputs), training=False)
    return {path: np.asarray(outputs[path]) for path in alike}
