"""Templates: ours decide nothing; those of users come first, also where we have none, and are told all of a use."""

import re
from pathlib import Path

import pytest
from support.built_models import build

from cnngen.diagnostics.model import Report
from cnngen.shipped import TEMPLATES
from cnngen.targets.generate import generate

HEAD = "cnngen: 1\nname: Net\nabout: One use.\nparams: {{width: 8, on: true}}\n"
SPEC = HEAD + "input: {{channels: 4, height: 16, width: 16}}\nmodel: {{stage: {body}}}\n"
CONV = "{{ channels }}, {{ out }}, {{ kernel }}, {{ stride }}, {{ padding }}, {{ dilation }}, {{ groups }}, {{ bias }}"
SIDES = "mine({{ padding }}, {{ sides }}, {{ rank }}, {{ in_place }})"
POOL = "mine({{ kernel }}, {{ stride }}, {{ padding }}, {{ ceil }}, {{ count_include_pad }})"
INIT = "mine({{ op }}, {{ mode }}, {{ slope }}, {{ multiplier }})"
CASES = [  # target, template, what it prints, the body of a stage, and what is generated
    (
        "torch/ops/conv",
        f"mine({CONV})",
        "{conv: {out: 2 * width, kernel: 3, padding: same, stride: [1, 2]}}",
        "mine(4, 2 * width, 3, (1, 2), same, 1, 1, True)",
    ),
    (
        "torch/ops/conv",
        SIDES,
        "{conv: {out: 1, kernel: 3, padding: [0, 1, width, 1]}}",
        "mine(sides, (0, 1, width, 1), image, False)",
    ),
    (
        "torch/ops/conv",
        f"mine({CONV})",
        "{depthwise_conv: {kernel: 3, multiplier: width, bias: on}}",
        "mine(4, 4 * width, 3, 1, 0, 1, 4, on)",
    ),
    (
        "torch/ops/conv",
        f"mine({CONV})",
        "{separable_conv: {out: 6, kernel: 3, padding: same, stride: 2}}",
        "mine(4, 4, 3, 2, same, 1, 4, False)",
    ),
    (
        "torch/ops/depthwise_conv",
        "mine({{ channels }}, {{ multiplier }}, {{ padding }})",
        "{depthwise_conv: {kernel: 3, multiplier: 2, padding: half}}",
        "mine(4, 2, 1)",
    ),
    (
        "torch/ops/separable_conv",
        "mine({{ channels }}, {{ out }}, {{ kernel }}, {{ multiplier }})",
        "{separable_conv: {out: width, kernel: [3, 5]}}",
        "mine(4, width, (3, 5), 1)",
    ),
    (
        "torch/ops/avg_pool",
        POOL,
        "{avg_pool: {kernel: 3, padding: [1, 0]}}",
        "mine(3, None, (1, 0), False, True)",
    ),
    ("torch/ops/crop", SIDES, "{crop: {padding: [1, 0, 0, 0]}}", "mine(sides, (1, 0, 0, 0), "),
    ("torch/ops/zero_pad", "mine({{ padding }})", "{zero_pad: {padding: [1, 1]}}", "mine(1)"),
    (
        "torch/ops/batch_norm",
        "mine({{ channels }}, {{ eps }}, {{ momentum }}, {{ affine }}, {{ rank }})",
        "[flatten, batch_norm: {eps: 1e-05}]",
        "mine(4 * 16 * 16, 1e-5, 0.1, True, vector)",
    ),
    ("torch/ops/gelu", "mine({{ approximate }})", "{gelu: {approximate: on}}", "mine(on)"),
    ("torch/ops/max", "mine({{ inputs | join(' & ') }})", "", "mine(a & b)"),
    (
        "keras/ops/conv",
        "mine({{ x }}, {{ out }})",
        "{conv: {out: width, kernel: 3}}",
        "mine(image, width)",
    ),
    (
        "keras/init/he_normal",
        INIT,
        "{conv: {out: 4, kernel: 3, init: {he_normal: {slope: 1 / width}}}}",
        "mine(conv, fan_in, 1 / width, 1)",
    ),
    (
        "keras/init/xavier_uniform",
        "mine({{ op }}, {{ multiplier }})",
        "{depthwise_conv: {kernel: 3, multiplier: width, init: xavier_uniform}}",
        "mine(depthwise_conv, width)",
    ),
]

DECIDES = re.compile(r"{%-? *(?:if|for|macro|include|import|from)\b|{{[^}]* if ")
LEAVES = [
    path for part in ("ops", "init", "support") for path in TEMPLATES.glob(f"*/{part}/*.jinja")
]


def test_ours_decide_nothing() -> None:
    assert len(LEAVES) > 100
    assert not [path.name for path in LEAVES if DECIDES.search(path.read_text(encoding="utf-8"))]


def generated(name: str, template: str, spec: str, folder: Path) -> str:
    path = folder / f"{name}.jinja"
    path.parent.mkdir(parents=True)
    path.write_text(template, encoding="utf-8")
    report = Report()
    text = generate(build(spec).network, name.split("/")[0], report, folders=[folder])
    assert text is not None and not list(report)
    return text


@pytest.mark.parametrize(("name", "template", "body", "expected"), CASES)
def test_a_template_is_given_what_is_known(
    name: str, template: str, body: str, expected: str, tmp_path: Path
) -> None:
    spec = SPEC.format(body=body) if body else JOINED
    assert expected in generated(name, template, spec, tmp_path)


JOINED = """\
cnngen: 1
name: Net
about: One join.
input: {channels: 4, height: 8, width: 8}
model:
  a: relu
  b: {from: input, sigmoid}
  both: {branches: {left: [{from: a}, identity], right: [{from: b}, identity]}, join: max}
"""


def test_a_class_of_the_user_has_all_parameters(tmp_path: Path) -> None:
    spec = SPEC.format(body="{separable_conv: {out: 6, kernel: 3, padding: 1, bias: false}}")
    name, template = "torch/support/SeparableConv2d", "class {{ name }}(nn.Mine):\n    pass"
    source = generated(name, template, spec, tmp_path)
    assert "class SeparableConv2d(nn.Mine):" in source
    assert "SeparableConv2d(4, 6, kernel_size=3, padding=1, bias=False)" in source
