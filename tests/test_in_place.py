"""What is said to work in place computes the same, forward and backward; what is not said to may
not.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from support.built_models import Built, build
from support.random_specs import random_spec

from cnngen.ops.base import Image
from cnngen.plan.in_place import find_in_place
from cnngen.plan.lower import lower
from cnngen.plan.program import Call, Region, Unit, regions
from cnngen.shipped import SPECS
from cnngen.verify.models import draw_inputs, for_torch

BLOCK = """
cnngen: 1
name: Net
about: A network.
input: {{channels: 4, height: 8, width: 8}}
blocks:
  Block:
    about: A block.
    body: {body}
model:
  stem: {{conv: {{out: 4, kernel: 1}}}}
  body: Block
  head: [relu, conv: {{out: 2, kernel: 1}}]
"""


def layers(region: Region) -> Iterator[Call]:
    """The calls of ops that can work in place."""
    for node in region.nodes:
        if isinstance(node, Call):
            made = node.layer.made
            if not isinstance(made, Unit) and made.in_place:
                yield node
        for inner in regions(node):
            yield from layers(inner)


def split(built: Built) -> tuple[set[str], set[str]]:
    """The paths of layers that may work in place, and of those that may not."""
    program = lower(built.network)
    found = find_in_place(program).calls
    calls = [call for part in (*program.units, *program.stages) for call in layers(part.body)]
    holders = {path: layer.shares or path for path, layer in built.network.layers.items()}
    may = {holders[path] for call in calls if call in found for path in call.paths}
    return may, {holders[path] for call in calls if call not in found for path in call.paths}


PLAIN = re.compile(r"\b(silu|selu|softplus|hard_swish|hard_sigmoid|softmax|batch_norm(?!:))\b")
CONV = "{conv: {out: 4, kernel: 1}}"
WALK = (
    "[{{conv: {{out: 4, kernel: 1}}, name: c}}, relu, {{conv: {{out: 4, kernel: 1}}, name: d}},"
    " {{each: {{m: '[{first}, d]'}}, do: {{conv: {{out: 4, kernel: 1}}, from: m}}, name: walk}},"
    " {{branches: walk, join: max}}]"
)  # through maps, of which the first is read by the ReLU, too


@pytest.mark.parametrize(
    ("body", "may"),
    [
        (f"[{CONV}, relu]", True),
        (f"[relu, {CONV}]", False),  # the input belongs to the user of the block
        ("[sigmoid, relu]", False),  # whose backward reads what it gave
        ("[global_max_pool, relu]", False),  # this one too, beside what it was given
        ("[channel_max, relu]", False),
        (f"[{{branches: {{a: {CONV}, b: {CONV}, c: {CONV}}}, join: max}}, relu]", False),
        ("[sigmoid, crop: {padding: [0, 1]}, relu, zero_pad: {padding: [0, 1]}]", False),  # a view
        ("[sigmoid, dropout: {rate: 0.5}, relu]", False),  # which passes in inference
        (f"[{CONV}, relu, relu]", True),  # the first of them only
        ("[identity, relu]", False),
        ("[global_max_pool, relu]", False),  # whose backward looks for the output in the input
        (f"[{CONV}, {{repeat: 2, do: relu}}]", False),
        (f"[{CONV}, {{repeat: 2, do: [relu, {CONV}]}}]", True),
        (f"[{{repeat: 2, do: [relu, {CONV}]}}]", False),  # in the first iteration
        # Between two iterations is not before the first one.
        (f"[{{each: {{i: [1, 2]}}, do: [relu, {CONV}], between: {CONV}}}]", False),
        (f"[{CONV}, {{each: {{i: [1, 2]}}, do: [relu, {CONV}], between: {CONV}}}]", True),
        (f"[{CONV}, {{each: {{i: [1, 2]}}, do: [{CONV}, sigmoid], between: relu}}]", False),
        (f"[{CONV}, {{each: {{i: [1, 2]}}, do: {CONV}, between: relu}}]", True),
        (f"[{{branches: {{a: {CONV}, b: identity}}, join: add}}, relu]", True),
        (
            "[{conv: {out: 4, kernel: 1}, name: c},"
            " {branches: {a: relu, b: {from: c}}, join: add}]",
            False,
        ),
        (
            "[{conv: {out: 4, kernel: 1}, name: c}, relu,"
            " {branches: {a: sigmoid, b: {from: c}}, join: add}]",
            False,
        ),
        # What is used again gives what it gave the first time: the backward of a sigmoid reads it.
        (f"[{{sigmoid: {{}}, name: s}}, {CONV}, {{use: s}}, relu]", False),
        ("[{tanh: {}, name: s}, {conv: {out: 4, kernel: 1}, name: c}, {use: c}, relu]", True),
        # What is used again may be given there what others read.
        (f"[{CONV}, {{relu: {{}}, name: r}}, {CONV}, {{use: r}}]", False),
        # Of one branch, the sum is what that gives.
        ("[{branches: {repeat: 1, do: sigmoid}, join: add}, relu]", False),
        (f"[{{branches: {{repeat: 1, do: {CONV}}}, join: add}}, relu]", True),
        # A loop that is read keeps what each iteration gave.
        (
            f"[{CONV}, {{repeat: 2, do: [relu, {CONV}], name: kept}}, {{branches: kept, join: max}}]",
            False,
        ),
        (WALK.format(first="c"), False),
        (WALK.format(first="input"), True),
    ],
)
def test_who_reads_what(body: str, may: bool) -> None:
    found, _ = split(build(BLOCK.format(body=body)))
    assert any(path.startswith("body") for path in found) == may


MAYBE = "{when: input.channels == 4, do: BODY, else: nothing}"


@pytest.mark.parametrize(
    ("branches", "join", "taker"),
    [
        (f"{{a: identity, b: {CONV}}}", "add", 1),
        (f"{{a: {CONV}, b: identity}}", "subtract", 0),
        (f"{{a: identity, b: {CONV}}}", "subtract", None),  # only what the other is taken from
        (f"{{a: {CONV}, b: {MAYBE.replace('BODY', 'identity')}}}", "add", 0),
        (
            f"{{a: identity, b: {MAYBE.replace('BODY', CONV)}}}",
            "add",
            None,
        ),  # which may not be there
        (
            f"{{a: identity, b: identity, c: {MAYBE.replace('BODY', CONV)}}}",
            "add",
            0,
        ),  # their sum is
    ],
)
def test_which_branch_a_sum_may_overwrite(branches: str, join: str, taker: int | None) -> None:
    built = build(BLOCK.format(body=f"{{branches: {branches}, join: {join}}}"))
    found = find_in_place(lower(built.network)).joins
    assert [*found.values()] == ([] if taker is None else [taker])


@pytest.mark.parametrize(("maps", "may"), [("[c, d]", False), ("[input, d]", True)])
def test_who_reads_a_list_that_a_block_is_given(maps: str, may: bool) -> None:
    text = f"""
        cnngen: 1
        name: Net
        about: A network.
        input: {{channels: 4, height: 8, width: 8}}
        blocks:
          Sum:
            about: All of some maps.
            params: {{maps: tensors}}
            body: {{branches: maps, join: add}}
          Block:
            about: A block.
            body:
              - {{conv: {{out: 4, kernel: 1}}, name: c}}
              - relu
              - {{conv: {{out: 4, kernel: 1}}, name: d}}
              - Sum: {{maps: "{maps}"}}
        model:
          stem: {CONV}
          body: Block
        """
    found, _ = split(build(text))
    assert ("body.relu" in found) == may


def outputs(model: Any, inputs: list[Any], seed: int) -> list[Any]:
    """What a model gives, and its gradients."""
    import torch

    torch.manual_seed(seed)
    given = [x.clone().requires_grad_() for x in inputs]
    result = model(*given)
    tensors = [result] if isinstance(result, torch.Tensor) else [t for t in result if t is not None]
    sum((tensor * torch.randn_like(tensor)).sum() for tensor in tensors).backward()
    gradients = [*(x.grad for x in given), *(p.grad for p in model.parameters())]
    model.zero_grad()
    return [*(tensor.detach() for tensor in tensors), *(g for g in gradients if g is not None)]


def same_in_place(built: Built, paths: set[str]) -> bool:
    """Whether a model computes the same when the layers of these paths work in place."""
    import torch

    torch.manual_seed(1)
    model = built.torch().double()
    x = for_torch(draw_inputs(built.network.inputs, 3, "float64"))
    for training in (True, False):
        model.train(training)
        for module in model.modules():
            if hasattr(module, "momentum"):
                module.momentum = 0.0
        before = outputs(model, x, 2)
        for path in paths:
            model.get_submodule(path).inplace = True
        try:
            after = outputs(model, x, 2)
        except RuntimeError:  # which autograd says of a tensor that it needed
            return False
        for path in paths:
            model.get_submodule(path).inplace = False
        if not all(map(torch.equal, before, after)):
            return False
    return True


@pytest.mark.torch
def test_random_networks_compute_the_same_in_place() -> None:
    pytest.importorskip("torch")
    kept = refused = 0
    for seed in range(30):
        built = build(PLAIN.sub("relu", random_spec(seed).text))
        may, may_not = split(built)
        assert same_in_place(built, may), seed
        kept += len(may)
        refused += any(not same_in_place(built, {path}) for path in may_not)
    assert kept > 12
    assert refused > 2  # without the analysis, these would compute something else


@pytest.mark.torch
@pytest.mark.parametrize(
    "name", ["resnet20_cifar10", "densenet40_cifar10", "se_resnet50", "xception"]
)
def test_networks_of_the_zoo_compute_the_same_in_place(name: str) -> None:
    pytest.importorskip("torch")
    built = build(SPECS / f"{name}.yaml", input=Image(3, 64, 64))
    may, _ = split(built)
    assert len(may) >= 8
    assert same_in_place(built, may)


def both_ways(built: Built) -> tuple[Any, Any]:
    """The model as it is printed, and as `--no-inplace` prints it, of equal weights."""
    import torch

    from cnngen.targets.torch import render

    names: dict[str, Any] = {"__name__": "out_of_place"}
    exec(render(built.network, in_place=False), names)  # noqa: S102
    torch.manual_seed(1)
    model = built.torch().double()
    other = names[built.network.resolution.spec.name.text]().double()
    other.load_state_dict(model.state_dict())
    return model, other


@pytest.mark.torch
@pytest.mark.parametrize(
    "name", ["resnet20_cifar10", "inception_resnet_v2", "xception", "densenet40_cifar10"]
)
def test_what_is_printed_computes_what_it_does_out_of_place(name: str) -> None:
    torch = pytest.importorskip("torch")
    built = build(SPECS / f"{name}.yaml", input=Image(3, 92, 92))
    x = [torch.randn(2, built.network.input.channels, 92, 92, dtype=torch.float64)]
    pairs = [outputs(model.eval(), x, 2) for model in both_ways(built)]
    assert len(pairs[0]) > 10
    assert all(map(torch.equal, *pairs))


@pytest.mark.torch
def test_random_networks_compute_what_they_do_out_of_place() -> None:
    torch = pytest.importorskip("torch")
    sums = 0
    for seed in range(100, 130):
        built = build(PLAIN.sub("relu", random_spec(seed).text))
        sums += len(find_in_place(lower(built.network)).joins)
        x = for_torch(draw_inputs(built.network.inputs, 2, "float64"))
        for training in (True, False):
            pairs = [outputs(model.train(training), x, 2) for model in both_ways(built)]
            assert all(map(torch.equal, *pairs)), seed
    assert sums > 0
