"""Loops, conditions and branches deep inside of each other: the work does not double with each level."""

import sys
from types import FrameType

import pytest
from support.agreement import state_shapes
from support.built_models import build
from support.carried_weights import expected_in_keras, keras_shapes, predicted

from cnngen.targets.registry import find_target

# What is around the level before (`{}`), and the number of this level (`[]`), of which all add channels.
LEVELS = {
    "repeat": "{repeat: 1, do: {}}",
    "repeat, in a row": "{repeat: 1, do: [{}, relu]}",
    "each": "{each: {v[]: [1]}, do: [Grow, {}]}",
    "around between": "{each: {v[]: [1]}, do: {}, between: Grow}",
    "in between": "{each: {v[]: [1]}, do: Grow, between: {}}",
    "when": "{when: flag, do: {}, else: Grow}",
    "when, in a row": "{when: flag, do: [{}, relu]}",
    "branches": "{branches: {a[]: {}, b[]: [Grow, relu]}, join: concat}",
    "loops and branches": "{branches: {a[]: {repeat: 1, do: {}}, b[]: Grow}, join: concat}",
    "conditions and loops": "{when: flag, do: [{each: {v[]: [1]}, do: [{}, Grow], between: relu}]}",
}


def nested(level: str, depth: int) -> str:
    body = "Grow"
    for number in range(depth):
        body = level.replace("[]", str(number)).replace("{}", body)
    return f"""
cnngen: 1
name: Nested
about: One level in another.
params: {{flag: true}}
input: {{channels: 3, height: 8, width: 8}}
blocks:
  Grow:
    about: Adds a channel.
    body: {{conv: {{out: input.channels + 1, kernel: 1}}}}
model:
  stem: {body}
  head: [global_avg_pool, flatten, linear: {{out: 2}}]
"""


def calls(target: str, spec: str) -> int:
    """How many functions are called while a spec is printed, which does not depend on the machine."""
    network, count = build(spec).network, 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        find_target(target).render(network)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("target", ["torch", "keras"])
@pytest.mark.parametrize("level", LEVELS.values(), ids=[*LEVELS])
def test_the_work_grows_with_depth(level: str, target: str) -> None:
    deepest = 40 if level.count("{") < 4 else 20
    calls(target, nested(level, 1))  # which reads the templates
    half, whole = (calls(target, nested(level, depth)) for depth in (deepest // 2, deepest))
    assert whole <= 5 * half  # of twice the depth


LOOPS = [name for name, level in LEVELS.items() if "repeat" in level or "each" in level]


@pytest.mark.parametrize("target", ["torch", "keras"])
@pytest.mark.parametrize("name", LOOPS)
def test_python_reads_what_is_nested_as_deep_as_may_be(name: str, target: str) -> None:
    """It allows 20 loops in each other in one function, and 100 levels of indentation."""
    deepest = {"in between": 42, "loops and branches": 49, "conditions and loops": 42}.get(name, 64)
    compile(find_target(target).render(build(nested(LEVELS[name], deepest)).network), "", "exec")


def test_more_levels_than_python_allows_are_refused() -> None:
    with pytest.raises(AssertionError, match="more than 85 loops and conditions stand in each"):
        build(nested(LEVELS["repeat"], 86))


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize("name", LOOPS)
def test_loops_beyond_the_20th_are_made_as_the_others_are(name: str) -> None:
    """They stand in functions inside of functions, which assign the variables around them."""
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    built = build(nested(LEVELS[name], 23))
    assert state_shapes(built) == predicted(built.network)
    assert keras_shapes(built.keras()) == expected_in_keras(built.network)


@pytest.mark.torch
@pytest.mark.parametrize("level", LEVELS.values(), ids=[*LEVELS])
def test_channels_are_followed_through_all_levels(level: str) -> None:
    pytest.importorskip("torch")
    built = build(nested(level, 5))
    assert state_shapes(built) == predicted(built.network)
