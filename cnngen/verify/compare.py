"""Compare the two sources of a network: what is computed in each framework, and how far apart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnngen.frameworks import framework
from cnngen.semantics.network import Network
from cnngen.verify.models import (
    Models,
    Values,
    channels_last,
    drop_nothing,
    from_keras,
    from_torch,
    import_sources,
    precision,
    running,
)
from cnngen.verify.tolerance import Precision, Quantity, tolerance
from cnngen.verify.training import norm, train
from cnngen.weights.layout import Array

Progress = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One quantity at one input size: the largest relative difference, and what is allowed."""

    height: int
    width: int
    quantity: Quantity
    precision: Precision
    difference: float
    tolerance: float

    @property
    def equal(self) -> bool:
        return self.difference <= self.tolerance  # false where it is not a number


def compare(
    network: Network,
    texts: Mapping[str, str],
    folder: Path,
    word: Precision = "float32",
    seed: int = 0,
    progress: Progress = lambda: None,
) -> list[Comparison]:
    """Run both sources of a network at its input's size, and compare all that training needs too.

    `texts` are the sources by target. Raises `SourceError` where one does not run.
    """
    sources = import_sources(network, texts, folder)
    found: list[Comparison] = []
    with Models(sources, word, seed) as models:
        expected, got = evaluate(models)
        found.append(_comparison(network, "outputs", word, farthest(got, expected)))
        progress()
        if word == "float32":
            expected, got = evaluate(models, training=True)
            found.append(_comparison(network, "training outputs", word, farthest(got, expected)))
            progress()
        else:
            found += _training(models)
            progress()
    if word == "float32":  # in which gradients and what follows from them mean nothing
        with Models(sources, "float64", seed) as models:
            found += _training(models)[1:]
    progress()
    return found


def _training(models: Models) -> list[Comparison]:
    """Outputs in training mode, gradients, and what three steps change."""
    expected, found = train(models)
    differences: list[tuple[Quantity, float]] = [
        ("training outputs", farthest(found.outputs, expected.outputs)),
        ("gradients", apart(found.gradients, expected.gradients)),
        ("statistics", apart(found.statistics, expected.statistics)),
        ("weights", apart(found.changes, expected.changes)),
    ]
    if not expected.statistics:
        del differences[2]
    return [_comparison(models.network, name, models.word, value) for name, value in differences]


def _comparison(
    network: Network, quantity: Quantity, word: Precision, difference: float
) -> Comparison:
    size = network.input
    allowed = tolerance(network, quantity, word)
    return Comparison(size.height, size.width, quantity, word, difference, allowed)


def evaluate(models: Models, *, training: bool = False) -> tuple[Values, Values]:
    """The outputs of both models, in the layouts of Keras; in training mode without dropout."""
    torch = framework("torch")
    torch_model, keras_model = models.torch_model(), models.keras_model(heads=training)
    if training:
        drop_nothing(torch_model, keras_model)
    with running("the torch source"), torch.no_grad():
        y = torch_model.train(training)(torch.from_numpy(models.x))
    with running("the keras source"), precision(models.word):
        found: Any = keras_model(channels_last(models.x), training=training)
    return from_torch(models.network, y), from_keras(models.network, found)


def farthest(found: Values, expected: Values) -> float:
    """The largest difference in any of the tensors, relative to its largest value."""
    if found.keys() != expected.keys():
        return float("inf")
    return max((distance(found[name], expected[name]) for name in expected), default=0.0)


def distance(found: Array, expected: Array) -> float:
    """The largest difference relative to the largest value; infinite where shapes differ."""
    if found.shape != expected.shape or not np.isfinite(expected).all():
        return float("inf")
    largest = float(np.abs(expected).max(initial=0.0))
    return float(np.abs(found - expected).max(initial=0.0)) / max(largest, 1e-30)


def apart(found: Values, expected: Values) -> float:
    """The norm of all differences together, relative to the norm of all values.

    Not one by one: a bias before a batch norm has no gradient but noise.
    """
    if any(name not in found or found[name].shape != expected[name].shape for name in expected):
        return float("inf")
    if found.keys() != expected.keys():
        return float("inf")
    differences = {name: found[name] - expected[name] for name in expected}
    return norm(differences) / max(norm(expected), 1e-30)
