"""How fast the stock forms of a grouped convolution are in Keras, in milliseconds.

    python benchmarks/groups.py
    python benchmarks/groups.py --cases depthwise

`grouped` is `Conv2D(groups=...)`, which generated code has. `split` is a `Conv2D` for each group,
and a `Concatenate`: other layers, with other weights. `depthwise` is `DepthwiseConv2D`, which
generated code has where each channel is a group. `summed` is a depthwise convolution whose products
are added by group, as in the ResNeXt of older versions of Keras. XLA is `jit_compile=True`; without
it, Keras still computes `grouped` by XLA on a CPU.
"""

import argparse
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers, ops

BATCH, TIMES, SECONDS = 4, 7, 10.0
CASES = {  # channels, filters, kernel, groups, pixels in a row
    "alexnet": (96, 256, 5, 2, 27),
    "resnext50 28": (256, 256, 3, 32, 28),
    "resnext50 14": (512, 512, 3, 32, 14),
    "shufflenet": (240, 240, 1, 3, 28),
    "depthwise 64": (64, 64, 3, 64, 64),
    "depthwise 256": (256, 256, 3, 256, 14),
    "depthwise twice": (64, 128, 3, 64, 28),
}
Form = Callable[[Any, int, int, int], Any]


def grouped(x: Any, filters: int, kernel: int, groups: int) -> Any:
    return layers.Conv2D(filters, kernel, padding="same", groups=groups)(x)


def split(x: Any, filters: int, kernel: int, groups: int) -> Any:
    parts = ops.split(x, groups, axis=-1)
    convolve = [layers.Conv2D(filters // groups, kernel, padding="same") for _ in parts]
    return layers.Concatenate()([each(part) for each, part in zip(convolve, parts, strict=True)])


def depthwise(x: Any, filters: int, kernel: int, groups: int) -> Any:
    return layers.DepthwiseConv2D(kernel, padding="same", depth_multiplier=filters // groups)(x)


def summed(x: Any, filters: int, kernel: int, groups: int) -> Any:
    height, width, channels = x.shape[1:]
    shape = (height, width, groups, channels // groups, filters // groups)
    x = layers.DepthwiseConv2D(kernel, padding="same", depth_multiplier=filters // groups)(x)
    return layers.Reshape((height, width, filters))(ops.sum(layers.Reshape(shape)(x), axis=-2))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", default="", help="those whose names have this in them")
    parser.add_argument("--slow", action="store_true", help="`summed`, too: minutes under XLA")
    arguments = parser.parse_args()
    print(f"{'case':<18}{'form':<12}{'forward':>10}{'step':>10}{'XLA: forward':>14}{'step':>10}")
    for name, (channels, filters, kernel, groups, pixels) in CASES.items():
        if arguments.cases not in name:
            continue
        forms: list[Form] = [grouped, depthwise] if groups == channels else [grouped, split]
        if arguments.slow and groups != channels:
            forms.append(summed)
        shape = (pixels, pixels, channels)
        for form in forms:
            given = keras.Input(shape)
            model = keras.Model(given, form(given, filters, kernel, groups))
            times = [*timed(model, xla=False), *timed(model, xla=True)]
            cells = f"{times[0]:>10.1f}{times[1]:>10.1f}{times[2]:>14.1f}{times[3]:>10.1f}"
            print(f"{name:<18}{form.__name__:<12}{cells}", flush=True)


def timed(model: Any, *, xla: bool) -> tuple[float, float]:
    """A forward pass and a training step."""
    draw = np.random.default_rng(0)
    x = draw.random((BATCH, *model.input.shape[1:]), "float32")
    y = draw.random((BATCH, *model.output.shape[1:]), "float32")
    model.compile("sgd", "mse", jit_compile=xla)
    return _median(lambda: model.predict_on_batch(x)), _median(lambda: model.train_on_batch(x, y))


def _median(call: Callable[[], Any]) -> float:
    """The median of a few calls in milliseconds, after two that compile."""
    found: list[float] = []
    call(), call()
    end = time.perf_counter() + SECONDS
    while len(found) < TIMES and (not found or time.perf_counter() < end):
        start = time.perf_counter()
        call()
        found.append(1000 * (time.perf_counter() - start))
    return median(found)


if __name__ == "__main__":
    main()
