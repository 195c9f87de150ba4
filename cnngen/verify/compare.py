"""Compare: run the two sources of a network, and measure how far apart their results are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnngen.frameworks import framework
from cnngen.ops.base import Dimensions
from cnngen.semantics.network import Network
from cnngen.verify.models import (
    Models,
    Values,
    draw,
    drop_nothing,
    for_keras,
    for_torch,
    from_keras,
    from_torch,
    import_sources,
    precision,
    running,
)
from cnngen.verify.tolerance import Precision, Quantity, tolerance
from cnngen.verify.training import STEPS, norm, train
from cnngen.weights.layout import Array

Say = Callable[[str], None]
Both = tuple[Values, Values]  # what PyTorch and Keras give, in the layouts of Keras


def silent(phase: str) -> None:
    """For callers who show no progress."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One quantity at one input size: the largest relative difference, and the allowed one.

    `inputs` are the sizes of the inputs by name. `rounding` is the difference between float32 and
    float64 of the PyTorch source alone.
    """

    inputs: Mapping[str, Dimensions]
    quantity: Quantity
    precision: Precision
    difference: float
    tolerance: float
    rounding: float | None = None

    @property
    def equal(self) -> bool:
        return self.difference <= self.tolerance  # false where it is not a number


def compare(
    network: Network,
    texts: Mapping[str, str],
    folder: Path,
    word: Precision = "float32",
    seed: int = 0,
    say: Say = silent,
    steps: int = STEPS,
) -> list[Comparison]:
    """Run both sources of a network at its input size, and compare outputs and all that training
    needs.

    `texts` are the sources by target. Outputs are compared in float64, and also in float32 if that
    is the `word`. `say` is told of each phase. Raises `SourceError` where a source does not run.
    """
    say("weights are drawn")
    sources = import_sources(network, texts, folder)
    drawn = draw(sources, seed)
    single: tuple[Both, Both] | None = None
    if word == "float32":
        with Models(sources, drawn, "float32") as models:
            say("outputs in float32")
            single = evaluate(models), evaluate(models, training=True)
    with Models(sources, drawn, "float64") as models:
        say("outputs in float64")
        outputs = evaluate(models)
        expected, found = train(models, steps, say)
    sizes = network.input_dimensions
    rows: list[Comparison] = []

    def add(
        quantity: Quantity, word: Precision, difference: float, rounding: float | None = None
    ) -> None:
        allowed = tolerance(network, quantity, word, rounding or 0.0)
        rows.append(Comparison(sizes, quantity, word, difference, allowed, rounding))

    if single:
        rounding = farthest(single[0][0], outputs[0])
        add("outputs", "float32", farthest(*reversed(single[0])), rounding)
        rounding = farthest(single[1][0], expected.outputs)
        add("training outputs", "float32", farthest(*reversed(single[1])), rounding)
    add("outputs", "float64", farthest(*reversed(outputs)))
    add("training outputs", "float64", farthest(found.outputs, expected.outputs))
    add("gradients", "float64", apart(found.gradients, expected.gradients))
    if expected.statistics:
        add("statistics", "float64", apart(found.statistics, expected.statistics))
    if steps > 1:  # after one, changes of weights are the gradients
        add("weights", "float64", apart(found.changes, expected.changes))
    return rows


def evaluate(models: Models, *, training: bool = False) -> Both:
    """The outputs of both models, in the layouts of Keras; in training mode without dropout."""
    torch = framework("torch")
    torch_model, keras_model = models.torch_model(), models.keras_model(heads=training)
    if training:
        drop_nothing(torch_model, keras_model)
    with running("the torch source"), torch.no_grad():
        y = torch_model.train(training)(*for_torch(models.inputs))
    with running("the keras source"), precision(models.word):
        found: Any = keras_model(for_keras(models.inputs), training=training)
    return from_torch(models.network, y), from_keras(models.network, found)


def farthest(found: Values, expected: Values) -> float:
    """The largest difference in any of the tensors, relative to its largest value."""
    if found.keys() != expected.keys():
        return float("inf")
    return max((distance(found[name], expected[name]) for name in expected), default=0.0)


def distance(found: Array, expected: Array) -> float:
    """The largest difference, relative to the largest value; infinite where shapes differ."""
    if found.shape != expected.shape or not np.isfinite(expected).all():
        return float("inf")
    largest = float(np.abs(expected).max(initial=0.0))
    return float(np.abs(found - expected).max(initial=0.0)) / max(largest, 1e-30)


def apart(found: Values, expected: Values) -> float:
    """The norm of all differences together, relative to the norm of all values.

    Not tensor by tensor: the gradient of a bias before a batch norm is nothing but noise.
    """
    if any(name not in found or found[name].shape != expected[name].shape for name in expected):
        return float("inf")
    if found.keys() != expected.keys():
        return float("inf")
    differences = {name: found[name] - expected[name] for name in expected}
    return norm(differences) / max(norm(expected), 1e-30)
