"""Steps of training in both frameworks, from the same weights on the same images."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnngen.frameworks import framework
from cnngen.verify.models import (
    Models,
    Values,
    drop_nothing,
    for_keras,
    for_torch,
    from_keras,
    from_torch,
    named_outputs,
    running,
)
from cnngen.verify.norm_order import Orders, norm_orders
from cnngen.weights.layout import Array, in_keras
from cnngen.weights.transfer import keras_state, torch_state

STEPS = 3
# The first step would change outputs by this part of their size, if the network were linear. If it
# changed weights by a fixed part, a thousand layers would lead so far away that rounding decides
# what comes next.
CHANGE = 1e-2


@dataclass(frozen=True, slots=True)
class Training:
    """The results of training, by the names and in the layouts of Keras.

    Outputs and gradients are those of the first step, in training mode without dropout; running
    statistics and changes of weights are those after all steps of SGD.
    """

    outputs: Values
    gradients: Values
    statistics: Values
    changes: Values


@dataclass(frozen=True, slots=True)
class Setup:
    """What both frameworks are given: the factors whose products with the outputs add up to the
    loss (in the layouts of PyTorch and of Keras), and the learning rate of SGD.
    """

    torch: Mapping[str, Any]
    keras: Values
    rate: float


def train(models: Models, steps: int, say: Callable[[str], None]) -> tuple[Training, Training]:
    """The same steps of SGD with PyTorch and with Keras."""
    orders = norm_orders(models)
    torch_model, keras_model = models.torch_model(), models.keras_model(heads=True)
    drop_nothing(torch_model, keras_model)
    with running("the torch source"), as_in_keras(torch_model, orders):
        expected, setup = _train_torch(models, torch_model, steps, say)
    with running("the keras source"):
        found = _train_keras(models, keras_model, setup, steps, say)
    return expected, found


def _train_torch(
    models: Models, model: Any, steps: int, say: Callable[[str], None]
) -> tuple[Training, Setup]:
    torch = framework("torch")
    network, inputs = models.network, for_torch(models.inputs)
    batch = len(inputs[0])
    model.train()
    y = named_outputs(network, model(*inputs))
    draw = torch.Generator().manual_seed(1)
    factors = {
        name: torch.randn(value.shape, generator=draw, dtype=value.dtype) / batch
        for name, value in y.items()
    }
    first, gradients, rate = y, {}, 0.0
    parameters: dict[str, Any] = dict(model.named_parameters())
    for step in range(steps):
        say(f"step {step + 1} of {steps} with PyTorch, in {models.word}")
        model.zero_grad()
        y = first if step == 0 else named_outputs(network, model(*inputs))
        torch.stack([(value * factors[name]).sum() for name, value in y.items()]).sum().backward()
        if step == 0:
            gradients = {name: _gradient(p).numpy().copy() for name, p in parameters.items()}
            size = norm(from_torch(network, first)) * norm(from_torch(network, factors))
            rate = CHANGE * size / max(norm(gradients), 1e-30) ** 2
        with torch.no_grad():
            for parameter in parameters.values():
                parameter -= rate * _gradient(parameter)
    after = torch_state(model)
    changes = {name: after[name] - models.state[name] for name in parameters}
    statistics = {name: value for name, value in after.items() if name not in parameters}
    training = Training(
        from_torch(network, first),
        in_keras(network, gradients),
        in_keras(network, statistics),
        in_keras(network, changes),
    )
    return training, Setup(factors, from_torch(network, factors), rate)


def _train_keras(
    models: Models, model: Any, setup: Setup, steps: int, say: Callable[[str], None]
) -> Training:
    tensorflow = framework("tensorflow")
    inputs, start = for_keras(models.inputs), in_keras(models.network, models.state)
    first: Values = {}
    gradients: Values = {}
    weights = model.trainable_variables
    for step in range(steps):
        say(f"step {step + 1} of {steps} with Keras, in {models.word}")
        with tensorflow.GradientTape() as tape:
            y = named_outputs(models.network, model(inputs, training=True))
            loss = sum(
                tensorflow.reduce_sum(value * setup.keras[name]) for name, value in y.items()
            )
        found = tape.gradient(
            loss,
            [weight.value for weight in weights],
            unconnected_gradients=tensorflow.UnconnectedGradients.ZERO,
        )
        if step == 0:
            first = from_keras(models.network, y)
            gradients = {w.path: np.asarray(g) for w, g in zip(weights, found, strict=True)}
        for weight, gradient in zip(weights, found, strict=True):
            weight.assign(weight.value - setup.rate * gradient)
    after, paths = keras_state(model), [weight.path for weight in weights]
    return Training(
        first,
        gradients,
        {path: value for path, value in after.items() if path not in paths},
        {path: after[path] - start[path] for path in paths},
    )


def _gradient(parameter: Any) -> Any:
    """The gradient; zero where no output depends on the parameter."""
    if parameter.grad is None:
        return framework("torch").zeros_like(parameter)
    return parameter.grad


@contextmanager
def as_in_keras(model: Any, orders: Orders) -> Generator[None]:
    """Let the batch norms of a PyTorch model keep running statistics as Keras does: with the biased
    variance of each batch, and in its order where a norm is used several times.

    The unbiased variance is N / (N - 1) times as large for N values of a channel. What comes from
    before shrinks by (1 - momentum) in each use.
    """
    norms = {n: m for n, m in model.named_modules() if getattr(m, "running_var", None) is not None}
    with ExitStack() as hooks:
        for name, norm in norms.items():
            kept = _Statistics(norm, orders.get(name, (0,)))
            hooks.callback(norm.register_forward_pre_hook(kept.enter).remove)
            hooks.callback(norm.register_forward_hook(kept.leave).remove)
        yield


class _Statistics:
    """The running statistics of one norm. `gains` are what the uses of one step have added so far,
    to mean and variance.
    """

    def __init__(self, norm: Any, order: Sequence[int]) -> None:
        self.norm, self.order = norm, order
        self.start: list[Any] = []
        self.before: list[Any] = []
        self.gains: list[list[Any]] = []

    @property
    def kept(self) -> list[Any]:
        return [self.norm.running_mean, self.norm.running_var]

    def enter(self, *_: Any) -> None:
        self.before = [value.clone() for value in self.kept]
        if not self.gains:
            self.start = self.before

    def leave(self, _: Any, inputs: Any, output: Any) -> None:
        share, count = 1 - self.norm.momentum, inputs[0].numel() // inputs[0].shape[1]
        mean, variance = (v - share * b for v, b in zip(self.kept, self.before, strict=True))
        self.gains.append([mean, variance * (count - 1) / count])
        values = self.start
        for use in self.order:
            if use < len(self.gains):
                values = [share * v + g for v, g in zip(values, self.gains[use], strict=True)]
        for kept, value in zip(self.kept, values, strict=True):
            kept.data.copy_(value)  # `data`, as the backward pass looks for changes
        if len(self.gains) == len(self.order):
            self.gains = []


def norm(values: Mapping[str, Array]) -> float:
    """The norm of all values together."""
    return sum(float(np.square(value).sum()) for value in values.values()) ** 0.5
