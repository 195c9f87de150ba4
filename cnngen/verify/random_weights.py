"""Random weights for any model, such that the values in it keep a natural scale.

With weights drawn by the number of inputs alone, values grow or vanish: thirty residuals without a
norm drive the sigmoid of a gate to its ends, where mistakes do not show. So the model runs once on
the images, and each layer gets its weights when its turn comes, scaled by what it then sees, as in
"All you need is a good init" (https://arxiv.org/abs/1511.06422): the output of a convolution or a
linear layer, less its bias, has a root mean square of 1, and running statistics are near those of
the input.

Biases are positive in most channels. Where half of the values that a ReLU reads are negative, the
batch norm behind it subtracts the mean that this causes and scales up the rest, with its rounding:
by a fifth in each layer (https://arxiv.org/abs/1902.08129), so that nothing else is left after a
hundred.

No two channels are alike, and some are several times as large as others: in some, values exceed the
6 of a ReLU6, and in most they lie where a GELU bends.
"""

from collections.abc import Callable
from math import log, prod
from typing import Any, cast

import numpy as np

from cnngen.frameworks import framework, keras_on_tensorflow
from cnngen.weights.keras_layers import keras_layers
from cnngen.weights.layout import Array

LOG_SIZES = log(0.25), log(6.0)  # how large channels are beside each other
SCALE = 1.0
BIASES = (-1.0, 3.0)
# A channel that varies less is taken for noise, which its norm would scale up: less than this part
# of what channels vary on average, and of its own mean square (in small maps, the few values of a
# channel may happen to be near each other).
LEAST_VARIANCE = 1e-2
LEAST_SHARE = 0.5


def randomize(model: Any, seed: int, *inputs: Any) -> None:
    """Draw all weights of a PyTorch model, and set its running statistics, for these inputs."""
    torch = framework("torch")
    rng = np.random.default_rng(seed)
    linear = (torch.nn.Linear, torch.nn.modules.conv._ConvNd)

    def assign(tensor: Any, value: Array) -> None:
        tensor.copy_(torch.from_numpy(value))

    def settle(module: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        handles.pop(module).remove()  # at its first use, where there are more
        if not isinstance(module, linear):
            near = _near(rng, (*args, *named.values())[0].movedim(1, -1).numpy())
            for statistic, value in zip(_statistics(module), near, strict=True):
                assign(statistic, value)
            return
        biases = [] if module.bias is None else [(module.bias, module.bias.clone())]
        for bias, _ in biases:
            bias.zero_()
        module.weight.mul_(_factor(module.forward(*args, **named).numpy()))
        for bias, value in biases:
            bias.copy_(value)

    with torch.no_grad():
        for name, weight in model.named_parameters():
            assign(weight, _drawn(rng, name, tuple(weight.shape), prod(weight.shape[1:]), 0))
        handles = {
            module: module.register_forward_pre_hook(settle, with_kwargs=True)
            for module in model.modules()
            if isinstance(module, linear) or _statistics(module)
        }
        model.eval()
        model.training = True  # with all heads, but without dropout
        model(*inputs)
        model.eval()
        for handle in handles.values():  # of what nothing reached
            handle.remove()


def randomize_keras(model: Any, seed: int, x: Array) -> None:
    """The same for a Keras model."""
    rng = np.random.default_rng(seed)
    for weight in model.trainable_variables:
        shape, axis = tuple(weight.shape), -1
        inputs = prod(shape[:-1])
        if weight.name == "depthwise_kernel":
            inputs, axis = prod(shape[:2]), -2
        weight.assign(_drawn(rng, weight.name, shape, inputs, axis))
    layers = keras_on_tensorflow().layers
    norms = (layers.BatchNormalization, layers.Normalization)
    calls: list[tuple[Any, Callable[..., Any]]] = []

    def settled(layer: Any, call: Callable[..., Any]) -> Callable[..., Any]:
        def settle(inputs: Any, *args: Any, **named: Any) -> Any:
            layer.call = call  # at its first use, where there are more
            if isinstance(layer, norms):
                mean, variance = _near(rng, np.asarray(inputs))
                if isinstance(layer, layers.Normalization):
                    layer.adapt_mean.assign(mean)
                    layer.adapt_variance.assign(variance)
                    layer.finalize_state()  # it computes with copies
                else:
                    layer.moving_mean.assign(mean)
                    layer.moving_variance.assign(variance)
                return call(inputs, *args, **named)
            biases = [
                (v, np.asarray(v).copy()) for v in layer.trainable_variables if v.name == "bias"
            ]
            for bias, value in biases:
                bias.assign(np.zeros_like(value))
            kernel = next(v for v in layer.trainable_variables if v.name.endswith("kernel"))
            kernel.assign(kernel * _factor(np.asarray(call(inputs, *args, **named))))
            for bias, value in biases:
                bias.assign(value)
            return call(inputs, *args, **named)

        return settle

    for layer in keras_layers(model):
        names = {variable.name for variable in layer.trainable_variables}
        fixed = getattr(layer, "input_mean", None) is not None  # of a `Normalization`
        if (isinstance(layer, norms) and not fixed) or names & {"kernel", "depthwise_kernel"}:
            calls.append((layer, layer.call))
            layer.call = settled(layer, layer.call)
    model(x, training=False)
    for layer, call in calls:  # of what nothing reached, too
        layer.call = call


def _statistics(module: Any) -> tuple[Any, ...]:
    """The mean and the variance by which a module of PyTorch normalizes, if it stores them."""
    for names in (("running_mean", "running_var"), ("mean", "variance")):
        found = tuple(module._buffers.get(name) for name in names)
        if None not in found:
            return found
    return ()


def _drawn(
    rng: np.random.Generator, name: str, shape: tuple[int, ...], inputs: int, axis: int
) -> Array:
    """A weight; each of the channels along the axis has a size of its own."""
    if len(shape) > 1:
        sizes = [1] * len(shape)
        sizes[axis] = shape[axis]
        filters = rng.normal(0, inputs**-0.5, shape)
        return filters * np.exp(_spread(rng, LOG_SIZES, tuple(sizes)))
    if name.endswith(("bias", "beta")):
        return _spread(rng, BIASES, shape)
    return np.exp(_spread(rng, LOG_SIZES, shape))


def _spread(rng: np.random.Generator, ends: tuple[float, float], shape: tuple[int, ...]) -> Array:
    """Numbers at equal distances in random order, so that even a few channels have large ones."""
    count = prod(shape)
    middles = (np.arange(count) + 0.5) / count
    return rng.permutation(ends[0] + (ends[1] - ends[0]) * middles).reshape(shape)


def _near(rng: np.random.Generator, x: Array) -> tuple[Array, Array]:
    """A mean and a variance for each of the last axis: near the present ones, but others."""
    values = x.reshape(-1, x.shape[-1]).astype("float64")
    variance, center = cast("Array", values.var(0)), cast("Array", values.mean(0))
    variance = np.maximum(variance, LEAST_SHARE * np.square(values).mean(0))
    variance = np.maximum(variance, LEAST_VARIANCE * variance.mean())
    variance[variance == 0] = 1.0
    mean = center - np.sqrt(variance) * rng.uniform(0, 1, variance.shape)  # adds as biases do
    return mean, variance * rng.uniform(0.5, 1.5, variance.shape)


def _factor(y: Array) -> float:
    """The factor that gives these values a root mean square of 1."""
    size = float(np.sqrt(np.square(y, dtype="float64").mean()))
    return SCALE / size if np.isfinite(size) and size > 0 else 1.0
