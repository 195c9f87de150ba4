"""One network as a PyTorch model and a Keras model of equal weights, and what both compute."""

from dataclasses import dataclass
from typing import Any

from cnngen.ops.base import Image
from cnngen.semantics.network import Network
from cnngen.targets.keras.functions import input_shapes
from cnngen.verify.models import (
    Values,
    draw_inputs,
    drop_nothing,
    for_keras,
    for_torch,
    from_keras,
    from_torch,
    named_outputs,
    precision,
)
from cnngen.verify.random_weights import randomize
from cnngen.verify.tolerance import Precision
from cnngen.weights.layout import in_keras, keras_name
from cnngen.weights.read_torch import COUNTER
from cnngen.weights.transfer import keras_state
from support.built_models import Built
from support.carried_weights import carry


@dataclass(frozen=True, slots=True)
class Step:
    """The results of a step of training, by the names and in the layouts of Keras."""

    outputs: Values
    gradients: Values
    statistics: Values
    projections: Values


class Pair:
    """Both models with equal random weights, for inputs of the network's size, in one precision.

    What is computed does not depend on what was computed before: weights are set back each time.
    """

    def __init__(
        self, built: Built, batch: int = 2, word: Precision = "float32", seed: int = 0
    ) -> None:
        import torch

        self.built, self.network, self.word = built, built.network, word
        self.inputs = draw_inputs(self.network.inputs, batch, word, seed)
        self.torch_model = built.torch().to(getattr(torch, word))
        randomize(self.torch_model, seed, *for_torch(self.inputs))
        self.start = {name: value.clone() for name, value in self.torch_model.state_dict().items()}
        self.made: dict[bool, Any] = {}

    @property
    def weights(self) -> Values:
        """All weights, as Keras has them."""
        given = {name: value.numpy() for name, value in self.start.items()}
        return in_keras(self.network, {n: v for n, v in given.items() if not n.endswith(COUNTER)})

    def evaluate(self) -> tuple[Values, Values]:
        """The outputs in evaluation, PyTorch's in the layout of Keras."""
        import torch

        self.torch_model.load_state_dict(self.start)
        with torch.no_grad():
            y = self.torch_model.eval()(*for_torch(self.inputs))
        with precision(self.word):
            found = self.keras_model(heads=False)(for_keras(self.inputs), training=False)
        return from_torch(self.network, y), from_keras(self.network, found)

    def train(self) -> tuple[Step, Step]:
        """One step of training without dropout; gradients are those of a random projection of all outputs."""
        self.torch_model.load_state_dict(self.start)
        with precision(self.word):
            model = self.keras_model(heads=True)
            drop_nothing(self.torch_model, model)
            expected = self._torch_step()
            return expected, self._keras_step(model, expected.projections)

    def _torch_step(self) -> Step:
        import torch

        model = self.torch_model.train()
        model.zero_grad()
        y = named_outputs(self.network, model(*for_torch(self.inputs)))
        draw = torch.Generator().manual_seed(1)
        projections = {n: torch.randn(v.shape, generator=draw, dtype=v.dtype) for n, v in y.items()}
        sum((v * projections[n]).sum() for n, v in y.items()).backward()
        gradients = {n: p.grad.numpy() for n, p in model.named_parameters()}
        kept = {n: v.numpy() for n, v in model.named_buffers() if n in self.start}  # no constants
        statistics = {n: v for n, v in kept.items() if not n.endswith(COUNTER)}
        return Step(
            from_torch(self.network, y),
            in_keras(self.network, gradients),
            in_keras(self.network, statistics),
            from_torch(self.network, projections),
        )

    def _keras_step(self, model: Any, projections: Values) -> Step:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            y = named_outputs(self.network, model(for_keras(self.inputs), training=True))
            loss = sum(tf.reduce_sum(v * projections[n]) for n, v in y.items())
        weights = model.trainable_variables
        gradients_of = {w.path for w in weights}
        gradients = tape.gradient(loss, [w.value for w in weights])
        return Step(
            from_keras(self.network, y),
            {w.path: g.numpy() for w, g in zip(weights, gradients, strict=True)},
            {path: v for path, v in keras_state(model).items() if path not in gradients_of},
            projections,
        )

    def keras_model(self, heads: bool) -> Any:
        """The Keras model with PyTorch's weights; `heads` are those that exist in training only."""
        heads = heads and bool(self.built.heads)
        if heads not in self.made:
            self.made[heads] = keras_model(self.built, self.torch_model, heads)
        else:
            carry(self.network, self.torch_model, self.made[heads])
        return self.made[heads]

    def biased(self, statistics: Values) -> Values:
        """PyTorch's running statistics after a step, as Keras would have them."""
        return biased(self.network, self.weights, statistics, len(next(iter(self.inputs.values()))))


def biased(network: Network, start: Values, statistics: Values, batch: int) -> Values:
    """PyTorch's running statistics after a step as Keras computes them: with the biased variance of a batch.

    PyTorch takes the unbiased one, which is N / (N - 1) times as large for N values of a channel. The part that comes
    from before has shrunk by (1 - momentum) in each use of the norm; all of these have equally many values here.
    """
    found = dict(statistics)
    for layer in network.layers.values():
        if "momentum" in layer.op.attributes and not layer.shares:
            x = layer.inputs[0].shape
            values = batch * (x.height * x.width if isinstance(x, Image) else 1)
            uses = 1 + sum(other.shares == layer.path for other in network.layers.values())
            name = f"{keras_name(layer)}/moving_variance"
            old = (1 - layer.op.values["momentum"]) ** uses * start[name]
            found[name] = old + (statistics[name] - old) * (values - 1) / values
    return found


def keras_model(built: Built, torch_model: Any, heads: bool = False) -> Any:
    """The Keras model of a network, with the weights of a PyTorch model."""
    shapes = input_shapes(built.network)
    model = built.keras(**shapes, **(built.heads if heads else {}))
    carry(built.network, torch_model, model)
    return model


def exactness(network: Network) -> float:
    """How far float64 outputs and gradients may be apart."""
    layers = network.layers.values()
    return (
        max((layer.op.rounding(*(x.shape for x in layer.inputs)) for layer in layers), default=0.0)
        or 1e-9
    )
