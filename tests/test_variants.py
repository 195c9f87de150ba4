"""A parameter that is changed in the generated code does what it does in the spec, or is named as fixed."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from support.agreement import Drawn, check_keras_arguments, check_torch_arguments
from support.built_models import Built, build, forget
from support.random_specs import RandomSpec
from support.random_variants import other_values, random_variants

HEAD = "cnngen: 1\nname: Net\nabout: A network.\ninput: {channels: 4, height: 8, width: 8}\n"
FLATTENED = "head: [flatten, linear: {out: 2}]}"
UNIT = "blocks: {Unit: {about: A unit., body: [batch_norm, relu]}}\n"
HEADS = "else: [global_avg_pool, flatten, linear: {out: 2}]}}"

# The parameters, the rest of the spec, and which of the parameters are fixed.
CASES = {
    "a pool as wide as its steps": (
        "{p: 2}",
        f"model: {{stem: {{max_pool: {{kernel: p, padding: same}}}}, {FLATTENED}",
        {"p": "size"},
    ),
    "a pool whose steps are said": (
        "{p: 2}",
        f"model: {{stem: {{max_pool: {{kernel: p, stride: 2, padding: same}}}}, {FLATTENED}",
        {},
    ),
    "a pool that is not repeated": (
        "{p: 0}",
        f"model: {{stem: {{repeat: p, do: global_avg_pool}}, {FLATTENED}",
        {"p": "size"},
    ),
    "what is between": (
        "{p: 2}",
        "model: {stem: {each: {v: [1, 2]}, do: {max_pool: {kernel: p}},"
        f" between: {{adaptive_avg_pool: {{size: 8}}}}}}, {FLATTENED}",
        {"p": "size"},
    ),
    "what comes before a pool of one size": (
        "{p: 2}",
        "model: {stem: {each: {v: [1, 2]}, do: {adaptive_avg_pool: {size: 8}},"
        f" between: {{max_pool: {{kernel: p}}}}}}, {FLATTENED}",
        {},
    ),
    "channels that choose a size": (
        "{p: 4}",
        "model: {stem: {conv: {out: p, kernel: 1}},"
        f" body: {{when: input.channels > 4, do: {{max_pool: {{kernel: 2}}}}}}, {FLATTENED}",
        {"p": "size"},
    ),
    "branches of one size": (
        "{p: true}",
        "model: {stem: {when: p, do: {max_pool: {kernel: 2}},"
        f" else: {{conv: {{out: 4, kernel: 2, stride: 2}}}}}}, {FLATTENED}",
        {},
    ),
    "a condition on the way": (
        "{s: 2, p: true}",
        "model: {stem: {conv: {out: 4, kernel: 3, stride: s}}, body: {when: p, do: relu},"
        f" {FLATTENED}",
        {"s": "size"},
    ),
    "features that no layer counts": (
        "{s: 2}",
        "model: {stem: {conv: {out: 4, kernel: 3, stride: s}}, head: [flatten, relu]}",
        {},
    ),
    "features that only a condition counts": (
        "{s: 2}",
        "model: {stem: {conv: {out: 4, kernel: 3, stride: s}}, body: flatten,"
        " head: {when: input.channels > 30, do: relu}}",
        {"s": "size"},
    ),
    "vectors where nothing is": (
        "{n: 0}",
        f"{UNIT}model: {{stem: [global_avg_pool, flatten], head: [{{repeat: n, do: Unit}}]}}",
        {},
    ),
    "maps or a vector": (
        "{p: false}",
        f"{UNIT}model: {{stem: global_avg_pool, body: {{when: p, do: flatten}}, head: Unit}}",
        {"p": "rank"},
    ),
    "maps of one pixel or a vector": (
        "{p: false}",
        "model: {stem: [global_avg_pool, {when: p, do: flatten}], head: [flatten, linear: {out: 2}]}",
        {},
    ),
    "a head that is not there": (
        "{p: false}",
        f"model: {{head: {{when: p, do: [flatten, linear: {{out: 2}}], {HEADS}",
        {},
    ),
    "what matters only in a branch that cannot be chosen": (
        "{p: false, s: 1}",
        "model: {stem: {when: p, do: {conv: {out: 4, kernel: 3, stride: s, padding: 1}},"
        f" else: {{max_pool: {{kernel: 2}}}}}}, {FLATTENED}",
        {"p": "size"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_fixed_parameters(name: str):
    params, rest, fixed = CASES[name]
    assert build(f"{HEAD}params: {params}\n{rest}\n").network.fixed == fixed


def variants(spec: RandomSpec, random: Random) -> list[Drawn]:
    """What is valid of the spec with one parameter changed, and with all."""
    try:
        defaults = build(spec.text).network.resolution.spec.parameters
    except AssertionError:
        return []
    names = [parameter.name.text for parameter in defaults]
    others = {name: other_values(spec.text, name) for name in names}
    changes: list[dict[str, Any]] = [spec.values]
    changes += [{name: random.choice(others[name])} for name in names]
    found: list[Drawn] = []
    for values in changes:
        try:
            found.append(Drawn.of(replace(spec, values=values)))
        except AssertionError:
            continue  # not a spec with these values
    return found


def check_outputs(drawn: Drawn) -> None:
    """With the same weights, the class called with other values gives what the other class gives."""
    import torch

    expected = Built(drawn.other, {}).torch().eval()
    found = drawn.built.torch(**drawn.values).eval()
    found.load_state_dict(expected.state_dict())
    image = drawn.other.input
    x = torch.rand(2, image.channels, image.height, image.width)
    with torch.no_grad():
        assert torch.equal(found(x), expected(x))


@pytest.mark.torch
@pytest.mark.parametrize("first", range(0, 120, 40))
def test_pytorch(first: int):
    pytest.importorskip("torch")
    count = 0
    for seed in range(first, first + 40):
        for drawn in variants(random_variants(seed), Random(seed)):
            check_torch_arguments(drawn)
            check_outputs(drawn)
            count += 1
        forget()
    assert count > 20


@pytest.mark.keras
@pytest.mark.parametrize("first", range(0, 40, 20))
def test_keras(first: int):
    pytest.importorskip("keras")
    count = 0
    for seed in range(first, first + 20):
        for drawn in variants(random_variants(seed), Random(seed))[:3]:
            check_keras_arguments(drawn)
            count += 1
        forget()
    assert count > 5
