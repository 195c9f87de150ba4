"""Each mistake that a generator could make is one that `cnngen verify --quick` finds.

One source of a network is changed in one place; the first test says that without it they are equal.
"""

from pathlib import Path
from textwrap import dedent

import pytest

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.semantics.network import Network
from cnngen.targets.generate import generate
from cnngen.verify.compare import compare
from cnngen.verify.models import SourceError

pytest.importorskip("torch")
pytest.importorskip("keras")
pytestmark = [pytest.mark.torch, pytest.mark.keras]

SPEC = dedent("""
    cnngen: 1
    name: Mutated
    about: Gated residuals, and pools, norms and activations of many kinds.
    params: {depth: 2}
    input: {channels: 3, height: 16, width: 16}
    defaults:
      conv: {padding: half, bias: false}
      depthwise_conv: {padding: half, bias: false}
    blocks:
      Gate:
        about: Squeeze and excitation.
        body:
          branches:
            maps: identity
            gate:
              - global_avg_pool
              - conv: {out: 4, kernel: 1, bias: true}
              - silu
              - conv: {out: input.channels, kernel: 1, bias: true}
              - sigmoid
          join: multiply
      MBConv:
        about: A residual with a gate.
        body:
          branches:
            shortcut: identity
            residual:
              - conv: {out: 2 * input.channels, kernel: 1}
              - batch_norm
              - relu6
              - depthwise_conv: {kernel: 3}
              - batch_norm
              - silu
              - Gate
              - conv: {out: input.channels, kernel: 1}
              - batch_norm
          join: add
    model:
      stem: {conv: {out: 8, kernel: 3, stride: 2}}
      features: {repeat: depth, do: MBConv}
      pools:
        - max_pool: {kernel: 3, stride: 2, padding: 1}
        - conv: {out: 12, kernel: 3, groups: 4}
        - avg_pool: {kernel: 3, stride: 1, padding: 1}
        - group_norm: {groups: 3}
        - hard_swish
        - layer_norm
        - local_response_norm: {size: 4}
        - relu6
      head: [global_avg_pool, flatten, dropout: {rate: 0.5}, linear: {out: 10}]
""").lstrip()

# Whose kernels hold constants of float32, so that less is seen.
BENT = dedent("""
    cnngen: 1
    name: Bent
    about: A bend behind each convolution.
    input: {channels: 3, height: 8, width: 8}
    defaults: {conv: {padding: half, bias: false}}
    model:
      stem: [{conv: {out: 8, kernel: 3}}, gelu, {conv: {out: 8, kernel: 3}}, {leaky_relu: {slope: 0.1}}]
      head: [{conv: {out: 8, kernel: 3}}, hard_sigmoid]
""").lstrip()

BN = "layers.BatchNormalization, momentum=0.9, epsilon=1e-5"
# In which source, what is there, and what is there instead.
MUTANTS = {
    # norms
    "another epsilon": ("torch", "nn.BatchNorm2d(in_channels)", "nn.BatchNorm2d(in_channels, eps=1.001e-5)"),
    "Keras' own epsilon": ("keras", BN, "layers.BatchNormalization, momentum=0.9"),
    "Keras' own momentum": ("keras", BN, "layers.BatchNormalization, epsilon=1e-5"),
    "the epsilon of a group norm": ("torch", "nn.GroupNorm(3, 12)", "nn.GroupNorm(3, 12, eps=1e-6)"),
    "the epsilon of a layer norm": ("keras", "LayerNormalization(epsilon=1e-5", "LayerNormalization(epsilon=1.001e-5"),
    "other groups of a norm": ("keras", "GroupNormalization(3", "GroupNormalization(4"),
    "a norm without a scale": ("torch", "nn.BatchNorm2d(in_channels)", "nn.BatchNorm2d(in_channels, affine=False)"),
    "a norm that is missing": ("torch", "LayerNorm2d(12)", "nn.Identity()"),
    "a norm of windows beside": ("keras", "size // 2, (size - 1) // 2", "(size - 1) // 2, size // 2"),
    "a sum for a mean": ("torch", "nn.LocalResponseNorm(4)", "nn.LocalResponseNorm(4, alpha=4e-4)"),
    # activations
    "a relu for a relu6": ("torch", "            nn.ReLU6(inplace=True),\n            nn.Conv2d(\n", "            nn.ReLU(inplace=True),\n            nn.Conv2d(\n"),
    "a relu for the last relu6": ("keras", "layers.ReLU(max_value=6, name=\"pools_7\")", "layers.ReLU(name=\"pools_7\")"),
    "a relu for a silu": ("torch", "nn.SiLU()", "nn.ReLU()"),
    "a hard sigmoid": ("torch", "nn.Sigmoid()", "nn.Hardsigmoid()"),
    "no sigmoid": ("torch", "nn.Sigmoid()", "nn.Identity()"),
    "a swish for a hard one": ("keras", "\"hard_swish\"", "\"silu\""),
    # windows
    "other sides": ("keras", "ZeroPadding2D(1, name=\"stem_pad\")", "ZeroPadding2D(((0, 1), (0, 1)), name=\"stem_pad\")"),
    "another stride": ("torch", "kernel_size=3, stride=2, padding=1, bias=False", "kernel_size=3, padding=1, bias=False"),
    "dilated": ("torch", "kernel_size=3, padding=1, groups=4", "kernel_size=3, padding=2, dilation=2, groups=4"),
    "other groups": ("torch", "groups=4, bias", "groups=2, bias"),
    "a border that wins": ("keras", "float(\"-inf\")", "0"),
    "a border that does not count": ("torch", "AvgPool2d(kernel_size=3, stride=1, padding=1)", "AvgPool2d(kernel_size=3, stride=1, padding=1, count_include_pad=False)"),
    "a max pool for an average": ("torch", "nn.AvgPool2d", "nn.MaxPool2d"),
    # weights
    "a bias too many": ("torch", "groups=4, bias=False", "groups=4"),
    "a bias that is missing": ("keras", "layers.Dense(10,", "layers.Dense(10, use_bias=False,"),
    # structure
    "no shortcut": ("torch", "        residual += x\n", ""),
    "a shortcut by halves": ("torch", "= self.residual(x)", "= 0.5 * self.residual(x)"),
    "no gate": ("torch", "return x * self.gate(x)", "return x * self.gate(x) * 0 + x"),
    "a gate that adds": ("torch", "return x * self.gate(x)", "return x + self.gate(x)"),
    "channels the other way round": ("torch", "= self.residual(x)", "= self.residual(x.flip(1))"),
    "rows for columns": ("torch", "= self.residual(x)", "= self.residual(x.mT)"),
    "one residual less": ("torch", "range(depth)", "range(depth - 1)"),
    "one weight twice": ("torch", "self.features.append(MBConv(8))", "self.features.append(MBConv(8) if not self.features else self.features[0])"),
    "no gradient": ("torch", "= self.residual(x)", "= self.residual(x.detach())"),
    "a gate without gradient": ("torch", "return x * self.gate(x)", "return x * self.gate(x).detach()"),
    "numbers of 16 bits": ("torch", "x = self.stem(x)", "x = self.stem(x).half().to(x.dtype)"),
    "numbers of 32 bits": ("torch", "x = self.stem(x)", "x = self.stem(x).float().to(x.dtype)"),
}  # fmt: skip


BENDS = {
    "a gelu by tanh": ("torch", "nn.GELU()", 'nn.GELU(approximate="tanh")'),
    "another slope": ("torch", "nn.LeakyReLU(0.1)", "nn.LeakyReLU(0.10001)"),
    "a sigmoid for a hard one": ("torch", "nn.Hardsigmoid()", "nn.Sigmoid()"),
}
ALL = [(SPEC, name, *mutant) for name, mutant in MUTANTS.items()]
ALL += [(BENT, name, *mutant) for name, mutant in BENDS.items()]


@pytest.mark.parametrize("spec", [SPEC, BENT], ids=["mutated", "bent"])
def test_without_a_mistake_they_are_equal(spec: str, tmp_path: Path) -> None:
    network, texts = sources(spec, tmp_path)
    assert all(each.equal for each in compare(network, texts, tmp_path))


@pytest.mark.parametrize(
    ("spec", "target", "old", "new"),
    [pytest.param(spec, *mutant, id=name) for spec, name, *mutant in ALL],
)
def test_a_mistake_is_found(spec: str, target: str, old: str, new: str, tmp_path: Path) -> None:
    network, texts = sources(spec, tmp_path)
    assert old in texts[target]
    texts[target] = texts[target].replace(old, new, 1)
    try:
        found = compare(network, texts, tmp_path, "float64", steps=1)
    except SourceError:
        return  # as for weights that have no counterpart
    assert any(each.difference > 10 * each.tolerance for each in found)


def sources(spec: str, folder: Path) -> tuple[Network, dict[str, str]]:
    path = folder / "mutated.yaml"
    path.write_text(spec, encoding="utf-8")
    network = analyse_file(path, Report())
    assert network
    return network, {t: generate(network, t, Report()) or "" for t in ("torch", "keras")}
