"""Support for tests: one network as a PyTorch model and as a Keras model of equal weights, and what both compute."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from built import Array, Built, channels_last, in_keras_order, outputs
from carried import carry, randomize

from cnngen.ops.base import Image
from cnngen.semantics.network import Network
from cnngen.weights.layout import in_keras, keras_name
from cnngen.weights.read_torch import COUNTER

Precision = Literal["float32", "float64"]
Values = dict[str, Array]


@contextmanager
def precision(word: Precision) -> Iterator[None]:
    """Layers are made, and numbers converted, in this precision."""
    import keras

    keras.config.set_dtype_policy(word)
    keras.config.set_floatx(word)
    try:
        yield
    finally:
        keras.config.set_dtype_policy("float32")
        keras.config.set_floatx("float32")


def images(shape: Image, batch: int, word: Precision, seed: int = 0) -> Array:
    drawn = np.random.default_rng(seed).standard_normal(
        (batch, shape.channels, shape.height, shape.width)
    )
    return drawn.astype(word)


@dataclass(frozen=True, slots=True)
class Step:
    """What a step of training gave, by the names and in the layouts of Keras."""

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
        self.x = images(self.network.input, batch, word, seed)
        self.torch_model = built.torch().to(getattr(torch, word))
        randomize(self.torch_model, seed, torch.from_numpy(self.x))
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
            y = self.torch_model.eval()(torch.from_numpy(self.x))
        with precision(self.word):
            found = self.keras_model(heads=False)(channels_last(self.x), training=False)
        return self._from_torch(y), self._from_keras(found)

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
        y = outputs(self.network, model(torch.from_numpy(self.x)))
        draw = torch.Generator().manual_seed(1)
        projections = {n: torch.randn(v.shape, generator=draw, dtype=v.dtype) for n, v in y.items()}
        sum((v * projections[n]).sum() for n, v in y.items()).backward()
        gradients = {n: p.grad.numpy() for n, p in model.named_parameters()}
        kept = {n: v.numpy() for n, v in model.named_buffers() if n in self.start}  # no constants
        statistics = {n: v for n, v in kept.items() if not n.endswith(COUNTER)}
        return Step(
            self._from_torch(y),
            in_keras(self.network, gradients),
            in_keras(self.network, statistics),
            self._from_torch(projections),
        )

    def _keras_step(self, model: Any, projections: Values) -> Step:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            y = outputs(self.network, model(channels_last(self.x), training=True))
            loss = sum(tf.reduce_sum(v * projections[n]) for n, v in y.items())
        weights = model.trainable_variables
        gradients = tape.gradient(loss, [w.value for w in weights])
        return Step(
            self._from_keras(y),
            {w.path: g.numpy() for w, g in zip(weights, gradients, strict=True)},
            {w.path: w.numpy() for w in model.weights if not w.trainable},
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

    def _from_torch(self, y: Any) -> Values:
        named = outputs(self.network, y)
        return {n: in_keras_order(self.network, n, v.detach().numpy()) for n, v in named.items()}

    def _from_keras(self, y: Any) -> Values:
        return {n: np.asarray(v) for n, v in outputs(self.network, y).items()}


def keras_model(built: Built, torch_model: Any, heads: bool = False) -> Any:
    """The Keras model of a network, with the weights of a PyTorch model."""
    shape = built.network.input
    size = (shape.height, shape.width, shape.channels)
    model = built.keras(input_shape=size, **(built.heads if heads else {}))
    carry(built.network, torch_model, model)
    return model


def drop_nothing(torch_model: Any, keras_model: Any) -> None:
    """Set all dropout rates to zero, since the frameworks draw other masks."""
    import keras
    from torch import nn

    for module in torch_model.modules():
        if isinstance(module, nn.Dropout | nn.Dropout2d):
            module.p = 0.0
    for layer in keras_model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0


def farthest(found: Values, expected: Values) -> float:
    """The largest difference of an output, relative to its largest value."""
    assert found.keys() == expected.keys()
    return max(distance(found[name], expected[name]) for name in expected)


def distance(found: Array, expected: Array) -> float:
    assert found.shape == expected.shape and np.isfinite(expected).all()
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-30))


def apart(found: Values, expected: Values) -> float:
    """The norm of all differences together, relative to the norm of all values."""
    assert found.keys() == expected.keys()
    assert all(found[name].shape == expected[name].shape for name in expected)
    if not expected:
        return 0.0
    differences = sum(float(np.square(found[name] - expected[name]).sum()) for name in expected)
    return (differences / sum(float(np.square(value).sum()) for value in expected.values())) ** 0.5


def biased(pair: Pair, statistics: Values) -> Values:
    """PyTorch's running statistics after a step, as Keras would have them: with the biased variance of the batch.

    PyTorch takes the unbiased one, which is N / (N - 1) times as large, N being the values of a channel in the batch.
    """
    expected = dict(statistics)
    for layer in pair.network.layers.values():
        if layer.op.name != "batch_norm":
            continue
        x = layer.inputs[0].shape
        values = len(pair.x) * (x.height * x.width if isinstance(x, Image) else 1)
        name = f"{keras_name(layer)}/moving_variance"
        old = (1 - layer.op.values["momentum"]) * pair.weights[name]
        expected[name] = old + (statistics[name] - old) * (values - 1) / values
    return expected


# Kernels that hold float32 constants, or compute in float32, whatever the precision; and how near the targets come.
FLOAT32_INSIDE = {
    "gelu": 1e-7,
    "leaky_relu": 1e-7,
    "hard_sigmoid": 1e-7,
    "upsample": 1e-6,  # bilinear
}


def exactness(network: Network) -> float:
    """How far from each other float64 outputs and gradients may be."""
    ops = {layer.op.name for layer in network.layers.values()}
    return max((FLOAT32_INSIDE[name] for name in ops & FLOAT32_INSIDE.keys()), default=1e-9)
