"""Compare a network with a model that somebody else wrote: theirs get random weights, which are
copied over by structure, and all three compute the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from cnngen.diagnostics.suggest import suggest
from cnngen.frameworks import framework, keras_on_tensorflow
from cnngen.ops.base import Image
from cnngen.semantics.network import Network
from cnngen.verify.compare import Comparison, distance
from cnngen.verify.models import (
    Sources,
    channels_last,
    from_keras,
    from_torch,
    images,
    import_sources,
    precision,
    randomize,
    running,
)
from cnngen.verify.tolerance import Precision, Quantity, tolerance
from cnngen.weights.layout import Array
from cnngen.weights.match import match
from cnngen.weights.read_keras import read_keras
from cnngen.weights.read_network import read_network
from cnngen.weights.read_torch import read_torch
from cnngen.weights.transfer import (
    TransferError,
    keras_state,
    load_keras,
    load_torch,
    torch_state,
    translate,
)

PACKAGES = ("torchvision", "timm", "keras")
BATCH = 2
DECLARED: list[Any] = []  # what is declared lives as long as its library


class UnlikeError(Exception):
    """There is no such model, or its weights are not those of the network; the message says why."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A model of another package, by name."""

    package: str
    name: str

    @classmethod
    def of(cls, text: str) -> "Reference":
        """From `torchvision:densenet121`; raises `UnlikeError`."""
        package, colon, name = text.partition(":")
        if not colon or package not in PACKAGES or not name:
            known = ", ".join(f"`{package}:NAME`" for package in PACKAGES)
            raise UnlikeError(f"`{text}` is none of {known}")
        return cls(package, name)

    def __str__(self) -> str:
        return f"{self.package}:{self.name}"

    def model(self, input: Image, word: Precision) -> Any:
        """The model without trained weights, for images of a size."""
        match self.package:
            case "torchvision":
                models = _package("torchvision").models
                self._check(models.list_models())
                model = models.get_model(self.name, weights=None)
            case "timm":
                timm = _package("timm")
                self._check(timm.list_models())
                model = timm.create_model(self.name, pretrained=False)
            case _:
                applications = keras_on_tensorflow().applications
                self._check([name for name in dir(applications) if name[0].isupper()])
                size = (input.height, input.width, input.channels)
                with precision(word):
                    return getattr(applications, self.name)(
                        weights=None, input_shape=size, classifier_activation=None
                    )
        return model.to(getattr(framework("torch"), word))

    def _check(self, names: list[str]) -> None:
        if self.name not in names:
            guess = suggest(self.name, names)
            remedy = f": did you mean `{guess}`?" if guess else ""
            raise UnlikeError(f"{self.package} has no model `{self.name}`{remedy}")


def compare_with(
    reference: Reference,
    network: Network,
    texts: Mapping[str, str],
    folder: Path,
    word: Precision = "float32",
    seed: int = 0,
) -> list[Comparison]:
    """The outputs of both sources in evaluation, with the weights of the reference.

    Raises `UnlikeError` where their weights cannot be ours.
    """
    sources = import_sources(network, texts, folder)
    x = images(network.input, BATCH, word, seed)
    model = reference.model(network.input, word)
    with running(str(reference)):
        expected = _run(reference, model, x, seed, word)
    state = _translated(reference, model, network)
    found: dict[Quantity, Array] = {
        "torch outputs": _torch_output(sources, state, x, word),
        "keras outputs": _keras_output(sources, state, x, word),
    }
    size, allowed = network.input, tolerance(network, "outputs", word)
    return [
        Comparison(size.height, size.width, name, word, distance(value, expected), allowed)
        for name, value in found.items()
    ]


def _run(reference: Reference, model: Any, x: Array, seed: int, word: Precision) -> Array:
    """Draw the reference's weights, and what it gives in evaluation, laid out as Keras does."""
    if reference.package == "keras":
        with precision(word):
            randomize_keras(model, seed, channels_last(x))
            return np.asarray(model(channels_last(x), training=False))
    torch = framework("torch")
    randomize(model, seed, torch.from_numpy(x))
    with torch.no_grad():
        y = model.eval()(torch.from_numpy(x)).numpy()
    return channels_last(y) if y.ndim == 4 else y


def _translated(reference: Reference, model: Any, network: Network) -> dict[str, Array]:
    """The reference's weights, under the names of the network's."""
    ours = read_network(network)
    if reference.package == "keras":
        theirs, state = read_keras(model), keras_state(model)
    else:
        theirs, state = read_torch(model, network.input), torch_state(model)
    matched = match(ours, theirs)
    if not matched.complete:
        raise UnlikeError(f"{reference} is another network\n{matched.explain()}")
    try:
        return translate(matched, network, state, fold_biases=True)
    except TransferError as error:
        raise UnlikeError(f"{reference} is another network\n{error}") from None


def _torch_output(sources: Sources, state: Mapping[str, Array], x: Array, word: Precision) -> Array:
    torch = framework("torch")
    with running("the torch source"), torch.no_grad():
        model = sources.torch().to(getattr(torch, word)).eval()
        load_torch(model, state)
        return _only(from_torch(sources.network, model(torch.from_numpy(x))))


def _keras_output(sources: Sources, state: Mapping[str, Array], x: Array, word: Precision) -> Array:
    shape = sources.network.input
    with precision(word), running("the keras source"):
        model = sources.keras(input_shape=(shape.height, shape.width, shape.channels))
        load_keras(sources.network, model, state)
        return _only(from_keras(sources.network, model(channels_last(x), training=False)))


def _only(outputs: Mapping[str, Array]) -> Array:
    """The output that a reference has: the first one."""
    return next(iter(outputs.values()))


def randomize_keras(model: Any, seed: int, x: Array) -> None:
    """Draw all weights of a Keras model so that values keep their scale, with the moving statistics
    near those that `x` gives.
    """
    draw = np.random.default_rng(seed)
    for weight in model.trainable_variables:
        shape = tuple(weight.shape)
        if len(shape) > 1:
            inputs = prod(shape[:2] if weight.name == "depthwise_kernel" else shape[:-1])
            weight.assign(draw.normal(0, (2 / inputs) ** 0.5, shape))
        elif weight.name == "gamma":
            weight.assign(draw.uniform(0.5, 1.5, shape))
        else:
            weight.assign(draw.normal(0, 0.2, shape))
    kind = keras_on_tensorflow().layers.BatchNormalization
    norms = [layer for layer in model.layers if isinstance(layer, kind)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    if norms:
        model(x, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        variance = np.asarray(norm.moving_variance)
        norm.moving_mean.assign_add(np.sqrt(variance) * draw.uniform(0, 1, variance.shape))
        norm.moving_variance.assign(variance * draw.uniform(0.5, 1.5, variance.shape))


def _package(name: str) -> Any:
    """torchvision or timm."""
    framework("torch")
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise UnlikeError(f"{name} is not installed: pip install {name}") from None
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise UnlikeError(f"{name} cannot be imported: {error}") from None
        _declare_nms()
        return import_module(name)


def _declare_nms() -> None:
    """A torchvision for CUDA can be imported over a PyTorch for CPUs where these ops are known, of
    which its classifiers have no use.
    """
    library = framework("torch").library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    DECLARED.append(library)
