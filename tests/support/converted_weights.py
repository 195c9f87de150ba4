"""Specs whose weights are converted, files of random weights for them, and the command."""

from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner, Result

from cnngen.cli import cli
from cnngen.semantics.network import Network
from cnngen.targets.torch.names import weight_key
from cnngen.weights.places import places
from cnngen.weights.read_torch import COUNTER
from support.built_models import build

EVERY_LAYER = """
cnngen: 1
name: Every
about: Every op that has weights.
params:
  classes: 5
input: {channels: 4, height: 6, width: 8}
model:
  stem:
    - conv: {out: 8, kernel: [3, 1], groups: 2, padding: half}
    - batch_norm
    - prelu
    - depthwise_conv: {kernel: 3, multiplier: 2, padding: half}
    - layer_norm
    - separable_conv: {out: 6, kernel: 3, multiplier: 2, padding: half}
    - group_norm: {groups: 3}
    - prelu: {shared: true}
    - transposed_conv: {out: 4, kernel: 3, stride: 2}
    - affine
    - instance_norm: {affine: true}
    - affine: {shift: false}
  head:
    - flatten
    - batch_norm
    - affine
    - prelu
    - layer_norm
    - linear: {out: 7}
    - relu
    - linear: {out: classes}
"""
# With a head that only training has.
WITH_HEADS = """
cnngen: 1
name: Heads
about: A head that only training has.
input: {channels: 3, height: 8, width: 8}
model:
  stem: {conv: {out: 4, kernel: 3}}
  head: [global_avg_pool, flatten, {linear: {out: 3}}]
  aux: {when: training, from: stem, do: [global_avg_pool, flatten, {linear: {out: 2}}]}
outputs: {logits: head, aux: aux}
"""

SMALL = """
cnngen: 1
name: Small
about: A convolution and a head.
params:
  classes: 5
input: {channels: 3, height: 8, width: 6}
model:
  stem: [{conv: {out: 4, kernel: 3, bias: false}}, batch_norm, relu]
  head: [global_avg_pool, flatten, {linear: {out: classes}}]
"""


def convert(folder: Path, source: str, target: str, *options: str, spec: str = "network") -> Result:
    """Call `cnngen weights convert` for files in a folder that has the spec, too."""
    names = [str(folder / source), str(folder / target), "--spec", str(folder / f"{spec}.yaml")]
    return CliRunner().invoke(cli, ["weights", "convert", *names, *options])


def random_state(network: Network, dtype: Any = np.float32) -> dict[str, Any]:
    """What a PyTorch model of the network may hold, as `state_dict` has it."""
    draw = np.random.default_rng(0)
    state: dict[str, Any] = {}
    for place in places(network):
        key = place.names["torch"]
        state[key] = draw.uniform(0.1, 1.0, place.shapes["torch"]).astype(dtype)
        if key.endswith("running_var"):
            state[weight_key(place.layer, COUNTER)] = np.zeros((), np.int64)
    return state


def save(
    folder: Path, dtype: Any = np.float32, text: str = EVERY_LAYER, **more: Any
) -> dict[str, Any]:
    """Write a file of random weights for a PyTorch model of the spec; gives what is in it."""
    from safetensors.numpy import save_file

    state = random_state(build(text).network, dtype) | more
    save_file(state, folder / "torch.safetensors")
    return state
