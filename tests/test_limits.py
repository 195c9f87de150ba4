"""What a target refuses is what it declares, in the same words."""

import re
from pathlib import Path

import pytest
from support.built_models import build

import cnngen
from cnngen.diagnostics.model import Report
from cnngen.report.support import LIMITS, init_support, op_support
from cnngen.shipped import TEMPLATES
from cnngen.targets.generate import generate

SPEC = """\
cnngen: 1
name: Limited
about: One block that a target may refuse.
input: {{channels: 4, height: 8, width: 8}}
blocks:
  Unit:
    about: The op.
    params: {{size: size}}
    body: [{op}]
model: {{one: {{Unit: {{size: 3}}}}}}
"""
REFUSED = {  # by the op, and the initial distribution if that is what is refused
    ("transposed_conv", ""): (
        "{out: 4, kernel: size, groups: 2}",
        "{out: 4, kernel: size, dilation: size}",
    ),
    ("depthwise_conv", "orthogonal"): ("{kernel: size, init: orthogonal}",),
    ("separable_conv", "orthogonal"): ("{out: 4, kernel: size, init: orthogonal}",),
    ("zero_pad", ""): ("{padding: size}",),
    ("crop", ""): ("{padding: size}",),
}


@pytest.mark.parametrize("target", LIMITS)
@pytest.mark.parametrize(("op", "word"), REFUSED)
def test_a_use_is_refused_for_the_declared_reason(target: str, op: str, word: str):
    reasons: list[str] = []
    for arguments in REFUSED[op, word]:
        report = Report()
        text = generate(build(SPEC.format(op=f"{{{op}: {arguments}}}")).network, target, report)
        assert (text is None) == bool(list(report))
        reasons += [found.primary.text for found in report]
    declared = [
        limit.reason
        for limit in LIMITS[target]
        if op in limit.ops and (word in limit.words or not limit.words and not word)
    ]
    assert reasons == declared


@pytest.mark.parametrize("target", LIMITS)
def test_every_limit_of_an_op_is_one_of_these(target: str):
    for limit in LIMITS[target]:
        for op in limit.ops:
            assert {(op, word) for word in limit.words or {""}} <= {*REFUSED}
            named = [init_support(word) for word in limit.words] or [op_support(op)]
            assert all(limit.reason in support[target].limits for support in named)


def test_nothing_else_is_refused():
    """No code of ours raises a reason of its own, and no template."""
    raised = re.compile(r"raise Unsupported\b")
    sources = Path(cnngen.__file__).parent.rglob("*.py")
    assert {p.name for p in sources if raised.search(p.read_text())} == {"limits.py", "spelling.py"}
    assert not [p for p in TEMPLATES.rglob("*.jinja") if "unsupported(" in p.read_text()]


def test_a_template_of_the_user_decides_for_itself(tmp_path: Path):
    (step,) = REFUSED["depthwise_conv", "orthogonal"]
    network = build(SPEC.format(op=f"{{depthwise_conv: {step}}}")).network
    mine = tmp_path / "keras/init/orthogonal.jinja"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine({{ op }})\n")
    report = Report()
    text = generate(network, "keras", report, folders=[tmp_path])
    assert text and "mine(depthwise_conv)" in text and not list(report)


@pytest.mark.parametrize("target", ["torch", "keras"])
def test_a_template_of_the_user_takes_each_branch_by_itself(target: str, tmp_path: Path):
    """Where some may be absent, how many there are is known when the code runs."""
    arms = "a: relu, b: {when: false, do: tanh, else: nothing}, c: identity"
    network = build(SPEC.format(op=f"{{branches: {{{arms}}}, join: mean}}")).network
    assert generate(network, target, Report())
    mine = tmp_path / target / "ops/mean.jinja"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine({{ inputs | join(', ') }})\n")
    report = Report()
    generate(network, target, report, folders=[tmp_path])
    assert [each.code for each in report] == ["unsupported-op"]
