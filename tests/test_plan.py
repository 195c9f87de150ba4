"""Programs obey their rules, whatever the spec; a program that breaks one is found out."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from support.built_models import build
from support.random_specs import random_spec
from support.random_variants import random_variants

from cnngen.expressions.expression import Constant, Name
from cnngen.plan.lower import lower
from cnngen.plan.program import Call, Program, Region
from cnngen.plan.show import text
from cnngen.plan.verify import BrokenProgram, verify
from cnngen.semantics.network import Network


@pytest.mark.parametrize("seed", range(120))
def test_programs_of_random_specs_obey_the_rules(seed: int) -> None:
    program = lower(build(random_spec(seed).text).network)
    verify(program)
    assert text(program)


@pytest.mark.parametrize("seed", range(40))
def test_programs_whose_sizes_hang_on_parameters_obey_the_rules(seed: int) -> None:
    try:
        network = build(random_variants(seed).text).network
    except AssertionError:  # which `check` refuses
        pytest.skip("no valid spec")
    verify(lower(network))


def changed(change: Callable[[Call], Call | None]) -> Program:
    """The program of a chain, with its second call changed, or left out."""
    network: Network = build("""
        cnngen: 1
        name: Net
        about: A chain.
        input: {channels: 3, height: 8, width: 8}
        model:
          body: [conv: {out: 4, kernel: 1}, conv: {out: 5, kernel: 1}, relu]
    """).network
    program = lower(network)
    (stage,) = program.stages
    calls = [node for node in stage.body.nodes if isinstance(node, Call)]
    made = change(calls[1])
    nodes = tuple(node for node in (calls[0], made, *calls[2:]) if node is not None)
    body: Region = replace(stage.body, nodes=nodes)
    return replace(program, stages=(replace(stage, body=body),))


def with_channels(call: Call, channels: Constant | Name) -> Call:
    return replace(call, gives=replace(call.gives, channels=channels))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda call: None, "read before it is given"),
        (lambda call: replace(call, reads=call.gives), "read before it is given"),
        (lambda call: with_channels(call, Constant(6)), "not 6 channels"),
        (
            lambda call: replace(call, reads=replace(call.reads, channels=Name("channels 7"))),
            "bound",
        ),
    ],
)
def test_a_broken_program_is_found(change: Callable[[Call], Call | None], said: str) -> None:
    verify(changed(lambda call: call))
    with pytest.raises(BrokenProgram, match=said):
        verify(changed(change))
